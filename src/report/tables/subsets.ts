import type { SubsetInfo } from "../../analysis/analysis-report.ts";
import { numberText, withError } from "../../analysis/number-text.ts";
import { subsetEnd } from "../../analysis/subset-spread.ts";
import type { Html } from "../html.ts";
import { table } from "./table.ts";

export function subsetTable({ subsets, between }: SubsetInfo): Html {
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
