import type { EigenInfo, SubsetInfo } from "../../analysis/analysis-report.ts";
import { foldText, numberText, withError } from "../../analysis/number-text.ts";
import { subsetEnd } from "../../analysis/subset-spread.ts";
import { type Html, html } from "../html.ts";
import { table } from "./table.ts";

export function spectrumTable({ pairs, moving }: EigenInfo, subsets: SubsetInfo | null): Html {
  const numeric = ["eigenvalue λ", "residual", "∇L·v"].map((head) => ({ head, numeric: true }));
  const counted = pairs.map((p) => [
    p.end,
    `${numberText(p.value, 6)}${foldText(p.multiplicity)}`,
    numberText(p.residual, 2),
    numberText(p.slope, 3),
    p.converged ? "yes" : "no",
  ]);
  const eigen = table("Eigenvalues", [{ head: "end" }, ...numeric, { head: "converged" }], counted);
  return html`${eigen}${moving && movingTable(moving)}${subsets && subsetTable(subsets)}`;
}

function movingTable(moving: NonNullable<EigenInfo["moving"]>): Html {
  return table(
    "The same ends with branches moving",
    [
      { head: `branches moving, step ${numberText(moving.relativeStep, 2)}·‖θ‖` },
      { head: "Ritz value", numeric: true },
      { head: "|cos| to the eigenvector", numeric: true },
    ],
    [
      ["top", numberText(moving.top, 4), numberText(Math.abs(moving.cosTop), 3)],
      ["bottom", numberText(moving.bottom, 4), numberText(Math.abs(moving.cosBottom), 3)],
    ],
  );
}

function subsetTable({ subsets, between }: SubsetInfo): Html {
  const numeric = ["samples", "eigenvalue", "|cos| to that of all data", "curvature along that of all data"];
  const rows = (["top", "bottom"] as const).flatMap((end) => [
    ...subsets.flatMap((subset) => {
      const found = subsetEnd(subset, end);
      if (found === undefined) return [];
      const { value, residual, cosine, along, alongError, converged } = found;
      const numbers = [withError(value, residual), numberText(cosine, 3), withError(along, alongError)];
      return [[end, String(subset.samples), ...numbers, converged ? "yes" : "no"]];
    }),
    ...(between[end] === null ? [] : [[`${end}, between two`, "", "", numberText(between[end], 3), "", ""]]),
  ]);
  const heads = [{ head: "end" }, ...numeric.map((head) => ({ head, numeric: true })), { head: "converged" }];
  return table("On disjoint subsets of the training data", heads, rows);
}
