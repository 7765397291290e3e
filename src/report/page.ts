import type { AnalysisReport } from "../analysis/analysis-report.ts";
import { countText, plural } from "../analysis/number-text.ts";
import { type Drawn, packFigures } from "./draw.ts";
import { type Html, html, jsonScript, raw } from "./html.ts";
import { roundGrids } from "./round.ts";
import type { FigureSection } from "./sections/figures.ts";
import { healthSection } from "./sections/health.ts";
import { notComputedSection } from "./sections/not-computed.ts";
import { provenanceSection } from "./sections/provenance.ts";
import { verdictSection } from "./sections/verdict.ts";
import { style } from "./style.ts";

/** Nothing may be loaded, from anywhere: the page is whole, and stays so. */
const policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:";

export interface PageParts {
  readonly sections: readonly FigureSection[];
  /** By figure id. */
  readonly drawn: ReadonlyMap<string, Drawn>;
  readonly runtime: string;
}

export function page(report: AnalysisReport, { sections, drawn, runtime }: PageParts): Html {
  const missing = notComputedSection(report);
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${raw(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="onnx-landscape">
<title>${report.model.name}: loss landscape</title>
<style>${raw(style)}</style></head>
<body>
${header(report)}
${contents(sections, missing !== null)}
<main>
${verdictSection(report)}
${sections.map((section) => figureSection(section, drawn))}
${missing}
${healthSection(report)}
${provenanceSection(report)}
</main>
<footer>Made by onnx-landscape. Method: L. Böttcher, G. Wheeler, <cite>Visualizing high-dimensional loss landscapes with
Hessian directions</cite>, J. Stat. Mech. 2024, 023401.</footer>
${jsonScript("report-data", roundGrids(report))}
${packFigures([...drawn.values()])}
<script>${raw(runtime.replaceAll("</script", "<\\/script"))}</script>
</body></html>
`;
}

function header({ model, data, provenance }: AnalysisReport): Html {
  const test = data.test ? `, ${plural(data.test.samples, "test sample")}` : "";
  const facts = [
    `${countText(model.parameters)} parameters`,
    data.loss === "output" ? "loss from the model" : data.loss,
    `${plural(data.train.samples, "training sample")}${test}`,
    provenance.created.slice(0, 10),
  ];
  return html`<header><div><p class="eyebrow">Loss landscape report</p><h1>${model.name}</h1>
<p class="muted wide">${facts.join(" · ")}</p></div>
<button type="button" id="theme" hidden>Theme: auto</button></header>`;
}

function contents(sections: readonly FigureSection[], missing: boolean): Html {
  const entries = [
    ["verdict", "Verdict"],
    ...sections.map((s) => [s.id, s.title.split(" and ")[0]!]),
    ...(missing ? [["not-computed", "Random slices"]] : []),
    ["health", "Health"],
    ["provenance", "Provenance"],
  ];
  return html`<nav aria-label="Sections"><ul>${entries.map(
    ([id, title]) => html`<li><a href="#${id}">${title}</a></li>`,
  )}</ul></nav>`;
}

function figureSection(section: FigureSection, drawn: ReadonlyMap<string, Drawn>): Html {
  const figures = section.figures.map((figure) => drawn.get(figure.id)?.html);
  return html`<section id="${section.id}"><h2>${section.title}</h2>${
    figures.length > 0 ? figures : html`<p class="muted">${section.otherwise}</p>`
  }</section>`;
}
