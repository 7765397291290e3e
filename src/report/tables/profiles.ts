import type { AnalysisReport, Profile } from "../../analysis/analysis-report.ts";
import { numberText } from "../../analysis/number-text.ts";
import { directionOf, labelOf } from "../facts.ts";
import { type Content, type Html, html } from "../html.ts";
import { measuredText, shareText, valueText } from "../text.ts";
import { table } from "./table.ts";

/** What is known of each direction, then the measured lines along v₊ and v₋. */
export function profileTable(report: AnalysisReport): Html {
  const directions = table(
    "Directions",
    [
      { head: "direction" },
      ...["∇L·d", "dᵀHd", "lowest training loss", "at t"].map((head) => ({ head, numeric: true })),
    ],
    report.profiles.map((p) => {
      const d = directionOf(report, p.direction);
      return [
        labelOf(report, p.direction),
        valueText(d?.slope, 3),
        measuredText(d?.curvature, d?.curvatureError),
        valueText(p.minimum.loss, 4),
        numberText(p.minimum.t, 3),
      ];
    }),
  );
  const shown = report.profiles.filter((p) =>
    ["top", "bottom"].includes(directionOf(report, p.direction)?.role ?? ""),
  );
  return html`${directions}<div class="side">${shown.map((p) => lineTable(report, p))}</div>
<p class="note">The other lines are in the report’s JSON (“profiles”).</p>`;
}

function lineTable(report: AnalysisReport, profile: Profile): Html {
  const heads = ["t", "train loss", "test loss", "train accuracy", "test accuracy"];
  const columns: (readonly Content[])[] = [
    profile.t.map((t) => numberText(t, 3)),
    profile.t.map((_, k) => valueText(profile.train.loss[k], 5)),
    profile.t.map((_, k) => valueText(profile.test?.loss[k], 5)),
    profile.t.map((_, k) => shareText(profile.train.accuracy?.[k], 4)),
    profile.t.map((_, k) => shareText(profile.test?.accuracy?.[k], 4)),
  ];
  const has = [
    true,
    true,
    profile.test !== null,
    profile.train.accuracy !== null,
    Boolean(profile.test?.accuracy),
  ];
  const kept = columns.filter((_, k) => has[k]);
  return table(
    `Loss along ${labelOf(report, profile.direction)}`,
    heads
      .filter((_, k) => has[k])
      .map((head, k) => ({
        head: k === 0 ? `t along ${labelOf(report, profile.direction)}` : head,
        numeric: true,
      })),
    profile.t.map((_, i) => kept.map((column) => column[i])),
  );
}
