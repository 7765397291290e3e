import type { AnalysisReport } from "../../analysis/analysis-report.ts";
import { countText } from "../../analysis/number-text.ts";
import { type Html, html } from "../html.ts";
import { measuredText, shareText, valueText } from "../text.ts";
import { table } from "./table.ts";

/** Rows beyond this are left to the JSON: a page of thousands of tensors would be of no use. */
const MOST = 300;

export function whereTable(report: AnalysisReport): Html {
  const all = report.where.reduce((sum, t) => sum + t.size, 0) || 1;
  const total = report.trace?.value;
  const numeric = ["size", "parameters", "trace", "of tr H", "per parameter", "of v₊", "of v₋"];
  const rows = report.where
    .slice(0, MOST)
    .map((t) => [
      html`<code>${t.name}</code>`,
      countText(t.size),
      shareText(t.size / all),
      measuredText(t.trace, t.traceStandardError),
      shareText(t.trace !== null && total ? t.trace / total : null),
      valueText(t.trace === null ? null : t.trace / t.size, 2),
      shareText(t.energyTop),
      shareText(t.energyBottom),
    ]);
  const rest = report.where.length - rows.length;
  return html`${table(
    "Curvature by tensor",
    [{ head: "tensor" }, ...numeric.map((head) => ({ head, numeric: true }))],
    rows,
  )}${rest > 0 && html`<p class="note">${countText(rest)} more tensors are in the report’s JSON (“where”).</p>`}`;
}
