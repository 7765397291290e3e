import type { AnalysisReport, LossSliceInfo } from "../../analysis/analysis-report.ts";
import { numberText, percentText, plural, withError } from "../../analysis/number-text.ts";
import { type Html, html } from "../html.ts";
import type { FigureSection } from "../shell.ts";
import { notComputedSection } from "./not-computed.ts";

/** What each section would show that needs a gradient. */
const MISSING: Readonly<Record<string, string>> = {
  spectrum: "No eigenvalues",
  where: "Curvature is not located in the tensors",
};

/** Sections that a model without a gradient leaves empty say why they are, and what losses tell instead. */
export function explained(
  { model: { obstacle }, lossSlices }: AnalysisReport,
  sections: readonly FigureSection[],
): FigureSection[] {
  if (obstacle === undefined) return [...sections];
  const slices = lossSlices ? slicesText(lossSlices) : "";
  const why = `: ${obstacle}.`;
  const known = sections.map((section) => {
    const missing = MISSING[section.id];
    if (section.id === "slices") return { ...section, otherwise: slices };
    return missing === undefined ? section : { ...section, otherwise: `${missing}${why}` };
  });
  if (known.some((s) => s.id === "slices")) return known;
  return [...known, { id: "slices", title: "Random slices", figures: [], otherwise: slices }];
}

/** Everything that is not there, and why. */
export function missingSection(report: AnalysisReport): Html | null {
  const { obstacle } = report.model;
  if (obstacle === undefined) return notComputedSection(report);
  const missing = [
    "The Hessian plane, and profiles along v₊ and v₋",
    "Curvature by scale",
    "Eigenvalues, their spread over subsets of the data, density of the spectrum",
    "Shares of the tensors",
  ];
  return html`<section id="not-computed"><h2>Not computed</h2>
<p>They need the gradient, and ${obstacle}.</p>
<ul class="plain muted">${missing.map((text) => html`<li>${text}</li>`)}</ul></section>`;
}

function slicesText({
  planes,
  kappaPlus,
  kappaMinus,
  saddleShare,
  interval,
  displacement,
}: LossSliceInfo): string {
  return [
    `${percentText(saddleShare)} of ${plural(planes, "random plane")} show a saddle (${percentText(interval.low)} … ${percentText(interval.high)})`,
    `on average κ₊ = ${withError(kappaPlus.value, kappaPlus.standardError)} and κ₋ = ${withError(kappaMinus.value, kappaMinus.standardError)} (1 standard error)`,
    `from fits to losses up to ‖Δθ‖ = ${numberText(displacement, 3)}, on a net with kinks the curvature at that scale.`,
  ].join("; ");
}
