import { type Drawn, packFigures } from "./draw.ts";
import type { Figure } from "./figures/figure.ts";
import { type Html, html, jsonScript, raw } from "./html.ts";
import { style } from "./style.ts";

/** Nothing may be loaded, from anywhere: the page is whole, and stays so. */
const policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:";

/** A page's own parts; the rest is the same for every page. */
export interface Shell {
  readonly title: string;
  readonly eyebrow: string;
  readonly name: string;
  /** One line below the name. */
  readonly facts: readonly string[];
  /** Id and title of each section. */
  readonly contents: readonly (readonly [id: string, title: string])[];
  readonly main: readonly (Html | null)[];
  /** What the page carries along, to be read and saved. */
  readonly report: unknown;
  readonly drawn: readonly Drawn[];
  readonly runtime: string;
}

export function shell(parts: Shell): Html {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${raw(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="onnx-landscape">
<title>${parts.title}</title>
<style>${raw(style)}</style></head>
<body>
<header><div><p class="eyebrow">${parts.eyebrow}</p><h1>${parts.name}</h1>
<p class="muted wide">${parts.facts.join(" · ")}</p></div>
<button type="button" id="theme" hidden>Theme: auto</button></header>
<nav aria-label="Sections"><ul>${parts.contents.map(
    ([id, title]) => html`<li><a href="#${id}">${title}</a></li>`,
  )}</ul></nav>
<main>
${parts.main.map(
  (section) => html`${section}
`,
)}</main>
<footer>Made by onnx-landscape. Method: L. Böttcher, G. Wheeler, <cite>Visualizing high-dimensional loss landscapes with
Hessian directions</cite>, J. Stat. Mech. 2024, 023401.</footer>
${jsonScript("report-data", parts.report)}
${packFigures(parts.drawn)}
<script>${raw(parts.runtime.replaceAll("</script", "<\\/script"))}</script>
</body></html>
`;
}

/** A section of figures; without any it says why. */
export interface FigureSection {
  readonly id: string;
  readonly title: string;
  readonly figures: readonly Figure[];
  /** What stands there when there is no figure. */
  readonly otherwise: string;
}

export function figureSection(section: FigureSection, drawn: ReadonlyMap<string, Drawn>): Html {
  const figures = section.figures.map((figure) => drawn.get(figure.id)?.html);
  return html`<section id="${section.id}"><h2>${section.title}</h2>${
    figures.length > 0 ? figures : html`<p class="muted">${section.otherwise}</p>`
  }</section>`;
}
