import type { AnalysisReport } from "../../analysis/analysis-report.ts";
import { type Html, html } from "../html.ts";

/** What a whole analysis has and this one has not: an absent figure must not look like a result. */
export function notComputedSection(report: AnalysisReport): Html | null {
  const missing = [
    report.density === null && "Density of the spectrum.",
    report.subsets === null && "Spread of the eigenvalues over subsets of the data.",
  ].filter((text) => text !== false);
  if (missing.length === 0) return null;
  return html`<section id="not-computed"><h2>Not computed</h2>
<ul class="plain muted">${missing.map((text) => html`<li>${text}</li>`)}</ul></section>`;
}
