import type { EigenInfo, SubsetInfo } from "../analysis/analysis-report.ts";
import { convergenceRemedy } from "../analysis/convergence.ts";
import { numberText, plural, withError } from "../analysis/number-text.ts";
import { subsetEnd } from "../analysis/subset-spread.ts";
import { tableLines } from "./table.ts";

/** Both ends of the spectrum on every subset, as tables. */
export function subsetLines(info: SubsetInfo, hvp: EigenInfo["hvp"]): string[] {
  return [...endLines(info, "top", hvp), ...endLines(info, "bottom", hvp)];
}

function endLines({ subsets, between }: SubsetInfo, end: "top" | "bottom", hvp: EigenInfo["hvp"]): string[] {
  const cosine = between[end];
  if (cosine === null) return [];
  const rows = subsets.flatMap((subset) => {
    const found = subsetEnd(subset, end);
    if (found === undefined) return [];
    const remark = found.converged
      ? ""
      : `not converged: ${convergenceRemedy({ stopped: subset.stopped, hvp })}`;
    const along = withError(found.along, found.alongError);
    const value = withError(found.value, found.residual);
    return [[String(subset.samples), value, numberText(found.cosine, 2), along, remark]];
  });
  return [
    `${end}, on ${plural(rows.length, "subset")}; |cos| between their vectors ${numberText(cosine, 2)}`,
    ...tableLines(
      [["samples", "eigenvalue", "|cos| to all data's", "curvature along that"], ...rows],
      ">>>>",
    ),
  ];
}
