import type { EigenInfo } from "../../analysis/analysis-report.ts";
import { foldText, numberText } from "../../analysis/number-text.ts";
import { type Html, html } from "../html.ts";
import { table } from "./table.ts";

export function spectrumTable({ pairs, moving }: EigenInfo): Html {
  const numeric = ["eigenvalue λ", "residual", "∇L·v"].map((head) => ({ head, numeric: true }));
  const counted = pairs.map((p) => [
    p.end,
    `${numberText(p.value, 6)}${foldText(p.multiplicity)}`,
    numberText(p.residual, 2),
    numberText(p.slope, 3),
    p.converged ? "yes" : "no",
  ]);
  const eigen = table("Eigenvalues", [{ head: "end" }, ...numeric, { head: "converged" }], counted);
  return html`${eigen}${moving && movingTable(moving)}`;
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
