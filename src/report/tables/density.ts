import type { AnalysisReport, DensityInfo } from "../../analysis/analysis-report.ts";
import { countText, numberText, withError } from "../../analysis/number-text.ts";
import { type Html, html } from "../html.ts";
import { measuredText } from "../text.ts";
import { table } from "./table.ts";

export function densityTable({ trace, model }: AnalysisReport, density: DensityInfo): Html {
  const n = model.parameters;
  const { mass, first, second, resolution, negative, positive, quadratures } = density;
  const moments = [
    ["mass", numberText(mass, 9), "1"],
    [
      "mean of λ",
      withError(first.value, first.standardError),
      trace ? `${measuredText(trace.meanCurvature, trace.standardError / n)} (tr H/N)` : "–",
    ],
    [
      "mean of λ²",
      withError(second.value, second.standardError),
      trace
        ? `${measuredText(trace.frobeniusNorm ** 2 / n, (2 * trace.frobeniusNorm * trace.frobeniusStandardError) / n)} (‖H‖²/N)`
        : "–",
    ],
    [`share below ${numberText(-resolution, 2)}`, withError(negative.value, negative.standardError), "–"],
    [`share above ${numberText(resolution, 2)}`, withError(positive.value, positive.standardError), "–"],
  ];
  const nodes = quadratures.flatMap(({ nodes, weights }, probe) =>
    nodes.map((value, i) => [
      countText(probe + 1),
      numberText(value, 4),
      numberText(weights[i]!, 3),
      numberText((weights[i]! * n) / quadratures.length, 3),
    ]),
  );
  return html`${table(
    "Moments of the density",
    [
      { head: "of the density" },
      { head: "value", numeric: true },
      { head: "measured otherwise", numeric: true },
    ],
    moments,
  )}<details><summary>Nodes and weights (${countText(nodes.length)})</summary>${table(
    "Nodes of the quadrature",
    ["probe", "node λ", "weight", "eigenvalues in the mean"].map((head) => ({ head, numeric: true })),
    nodes,
  )}</details>`;
}
