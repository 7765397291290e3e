import type { AnalysisReport } from "../../analysis/analysis-report.ts";
import { countText, durationText, plural } from "../../analysis/number-text.ts";
import { type Content, type Html, html } from "../html.ts";
import { table } from "../tables/table.ts";

type Described = Pick<AnalysisReport, "model" | "data" | "cost" | "provenance">;

/** What was computed from what, with what, and how to do it again. `file` has all grid values. */
export function provenanceSection(report: Described, file: string = "report.json"): Html {
  const { provenance: p } = report;
  return html`<section id="provenance"><h2>Provenance</h2>
<p>Made ${p.created.replace("T", " ").replace(/\.\d+Z$/, " UTC")} by this command, which makes the same numbers again:</p>
<div class="copy"><pre><code id="command">${p.command}</code></pre><button type="button" data-copy="command" hidden>Copy</button></div>
<p class="tools" hidden><button type="button" data-save-report>Save the report’s JSON</button>
<span class="muted">grid values to six digits; ${file} in the run folder has all</span></p>
${entries(files(report))}
<div class="side">${costTable(report)}${optionTable(report)}</div>
</section>`;
}

function files({ model, data, provenance: p }: Described): [Content, Content][] {
  const hash = (path: string, sha256: string) => html`${path}<br><code class="hash">${sha256}</code>`;
  return [
    ["Model", hash(p.modelPath, model.sha256)],
    [
      "",
      `${countText(model.parameters)} parameters in ${plural(model.tensors.length, "tensor")}; opset ${model.opset}; ${model.producer}`,
    ],
    ["Training data", hash(p.trainPath, data.train.sha256)],
    ["", plural(data.train.samples, "sample")],
    ["Test data", data.test ? hash(p.testPath ?? "", data.test.sha256) : "none"],
    ["", data.test && plural(data.test.samples, "sample")],
    [
      "Loss",
      data.classes === null
        ? data.loss
        : `${data.loss}, ${plural(data.classes, "class").replace(/classs$/, "classes")}`,
    ],
    [
      "Device",
      `${p.device}, ${plural(p.threads, "thread")}, ${plural(p.workers, "worker")}, batch ${countText(p.batch)}`,
    ],
    ["Seed", String(p.seed)],
    [
      "Versions",
      Object.entries(p.versions).map(
        ([name, version]) => html`<span class="version">${name} ${version}</span> `,
      ),
    ],
  ];
}

function entries(rows: readonly (readonly [Content, Content])[]): Html {
  return html`<dl class="entries">${rows
    .filter(([, value]) => value)
    .map(([term, value]) => html`<dt>${term}</dt><dd>${value}</dd>`)}</dl>`;
}

function costTable({ cost }: Described): Html {
  const rows = cost.phases.map((phase) => [
    phase.name,
    durationText(phase.seconds),
    phase.units > 0 ? countText(phase.units) : "",
  ]);
  const memory = `${countText(cost.peakMemoryBytes / 2 ** 20)} MiB at most`;
  return html`<div>${table(
    "Time by phase",
    [{ head: "phase" }, { head: "time", numeric: true }, { head: "pieces", numeric: true }],
    [...rows, [html`<strong>total</strong>`, durationText(cost.seconds), ""]],
  )}<p class="note">${memory}${cost.resumed && "; resumed from an earlier run, whose time and pieces are not counted"}.</p></div>`;
}

function optionTable({ provenance }: Described): Html {
  const rows = Object.entries(provenance.options).map(([name, value]) => [
    html`<code>${name}</code>`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return html`<details><summary>Options (${countText(rows.length)})</summary>${table(
    "Options",
    [{ head: "option" }, { head: "value" }],
    rows,
  )}</details>`;
}
