import { countText, durationText, plural } from "../../analysis/number-text.ts";
import type { NetworkGroup } from "../../analysis/reproduction/paper.ts";
import type { NetworkCase, ReproductionReport } from "../../analysis/reproduction/report.ts";
import type { Drawn } from "../draw.ts";
import { accuracyFigure } from "../figures/accuracy.ts";
import type { Figure, Panel, Spec } from "../figures/figure.ts";
import { planesFigure } from "../figures/planes.ts";
import { type Html, html } from "../html.ts";
import { roundGrids } from "../round.ts";
import { findingsSection } from "../sections/findings.ts";
import { type FigureSection, figureSection, shell } from "../shell.ts";
import { table } from "../tables/table.ts";
import { healthTable, networkTable, paperTable } from "./tables.ts";
import { convergenceFigure, curvaturesFigure, saddlesFigure } from "./toys.ts";
import { tracesFigure } from "./traces.ts";

/** All figures in the order of the paper. */
export function reproductionSections(report: ReproductionReport): FigureSection[] {
  const { toys, traces } = report;
  const compared = tracesFigure(traces);
  return [
    {
      id: "toys",
      title: "Toy losses",
      figures: [curvaturesFigure(toys), saddlesFigure(toys), convergenceFigure(toys)],
      otherwise: "",
    },
    {
      id: "traces",
      title: "Trace estimators",
      figures: compared ? [compared] : [],
      otherwise: "No estimators were compared.",
    },
    networkSection(report, "function approximators", "approximators", "Function approximators"),
    networkSection(report, "image classifiers", "classifiers", "Image classifiers"),
  ];
}

function networkSection(
  { networks }: ReproductionReport,
  group: NetworkGroup,
  id: string,
  title: string,
): FigureSection {
  return {
    id,
    title,
    figures: networks.flatMap((network, k) => (network.group === group ? figuresOf(network, k) : [])),
    otherwise: `No ${group} were looked at; the table of the paper’s networks says why.`,
  };
}

function figuresOf({ name, analysis }: NetworkCase, index: number): Figure[] {
  const figures = [planesFigure(analysis), accuracyFigure(analysis)].filter((f): f is Figure => f !== null);
  return figures.map((figure) => ofNetwork(figure, name, index));
}

/** A figure of one network among several: its name in the title, and in every id. */
function ofNetwork(figure: Figure, name: string, index: number): Figure {
  const prefix = `network-${index}-`;
  return {
    ...figure,
    id: `${prefix}${figure.id}`,
    title: `${name}: ${figure.title.charAt(0).toLowerCase()}${figure.title.slice(1)}`,
    panels: figure.panels.map((panel) => renamed(panel, prefix, index)),
  };
}

function renamed(panel: Panel, prefix: string, network: number): Panel {
  const own = `"${panel.id}/`;
  const spec = JSON.parse(JSON.stringify(panel.spec).replaceAll(own, `"${prefix}${panel.id}/`)) as Spec;
  const datasets = Object.fromEntries(
    Object.entries(panel.datasets).map(([key, rows]) => [`${prefix}${key}`, rows]),
  );
  const pick = panel.pick?.by === "cell" ? { ...panel.pick, network } : panel.pick;
  return { ...panel, id: `${prefix}${panel.id}`, spec, datasets, pick };
}

export interface ReproductionParts {
  readonly sections: readonly FigureSection[];
  readonly drawn: ReadonlyMap<string, Drawn>;
  readonly runtime: string;
}

export function reproductionPage(
  report: ReproductionReport,
  { sections, drawn, runtime }: ReproductionParts,
): Html {
  const { networks, toys, provenance } = report;
  return shell({
    title: "The paper’s experiments: loss landscapes with Hessian directions",
    eyebrow: "Reproduction report",
    name: "Loss landscapes with Hessian directions",
    facts: [`${toys.length} toy losses`, plural(networks.length, "network"), provenance.created.slice(0, 10)],
    contents: [
      ["findings", "Findings"],
      ["table", "Networks"],
      ...sections.map((s) => [s.id, s.title] as const),
      ...(networks.length > 0 ? [["health", "Health"] as const] : []),
      ["provenance", "Provenance"],
    ],
    main: [
      findingsSection(report),
      networkTable(report),
      paperTable(report),
      ...sections.map((section) => figureSection(section, drawn)),
      healthTable(report),
      provenanceSection(report),
    ],
    report: rounded(report),
    drawn: [...drawn.values()],
    runtime,
  });
}

/** Grid values and planes to six digits: what the page carries. */
function rounded(report: ReproductionReport): ReproductionReport {
  const round = (value: number) => Number(value.toPrecision(6));
  return {
    ...report,
    toys: report.toys.map((toy) => ({
      ...toy,
      planes: toy.planes.map(([a, b, c]) => [round(a), round(b), round(c)] as const),
    })),
    networks: report.networks.map((n) => ({ ...n, analysis: roundGrids(n.analysis) })),
  };
}

function provenanceSection({ provenance: p, networks, cost }: ReproductionReport): Html {
  const hashes = networks.map(({ name, analysis }) => [
    name,
    html`<code class="hash">${analysis.model.sha256}</code>`,
    html`<code class="hash">${analysis.data.train.sha256}</code>`,
    countText(analysis.data.train.samples),
  ]);
  return html`<section id="provenance"><h2>Provenance</h2>
<p>Made ${p.created.replace("T", " ").replace(/\.\d+Z$/, " UTC")} by this command, which makes the same numbers again:</p>
<div class="copy"><pre><code id="command">${p.command}</code></pre><button type="button" data-copy="command" hidden>Copy</button></div>
<p class="tools" hidden><button type="button" data-save-report>Save the report’s JSON</button>
<span class="muted">grid values to six digits; reproduce.json in the run folder has all</span></p>
<p class="note">${Object.entries(p.versions)
    .map(([name, v]) => `${name} ${v}`)
    .join(", ")}; device ${p.device}; seed ${p.seed};
${durationText(cost.seconds)}${cost.resumed && ", resumed from an earlier run, whose time is not counted"}.</p>
<details><summary>Files and options</summary>${table(
    "Files",
    [
      { head: "network" },
      { head: "sha256 of the model" },
      { head: "of the training data" },
      { head: "samples", numeric: true },
    ],
    hashes,
  )}${table(
    "Options",
    [{ head: "option" }, { head: "value" }],
    Object.entries(p.options).map(([name, value]) => [html`<code>${name}</code>`, JSON.stringify(value)]),
  )}</details>
</section>`;
}
