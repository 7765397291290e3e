import type { AnalysisReport } from "../../analysis/analysis-report.ts";
import { numberText, withError } from "../../analysis/number-text.ts";
import { labelOf } from "../facts.ts";
import { type Html, html } from "../html.ts";
import { measuredText } from "../text.ts";
import { table } from "./table.ts";

export function scaleTable(report: AnalysisReport): Html {
  return html`<div class="side">${report.curvatureByScale.map((curve) =>
    table(
      `Curvature by scale along ${labelOf(report, curve.direction)}`,
      [
        { head: "ε/‖θ‖", numeric: true },
        { head: `curvature along ${labelOf(report, curve.direction)}`, numeric: true },
      ],
      [
        ...curve.relativeStep.map((s, k) => [
          numberText(s, 3),
          measuredText(curve.curvature[k], curve.error[k]),
        ]),
        ["→ 0 (Hessian)", withError(curve.hessian, curve.hessianError)],
      ],
    ),
  )}</div>`;
}
