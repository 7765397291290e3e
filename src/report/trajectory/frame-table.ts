import { numberText } from "../../analysis/number-text.ts";
import type { Animation, TrajectoryReport } from "../../analysis/trajectory/report.ts";
import { lossGrid } from "../figures/planes.ts";
import { atOrigin } from "../grid.ts";
import { type Html, html } from "../html.ts";
import { table } from "../tables/table.ts";
import { valueText } from "../text.ts";

/** What each frame has at its checkpoint and at its lowest point; `maps` are pictures of their training losses. */
export function frameTable(
  { checkpoints }: TrajectoryReport,
  { frames }: Animation,
  maps: readonly string[],
): Html {
  const numeric = ["α", "β", "L(θₖ)", "minimum", "at (α, β)", "test loss there", "not finite"];
  const reach = (values: readonly number[]) =>
    `${numberText(values[0]!, 3)} … ${numberText(values.at(-1)!, 3)}`;
  return html`${table(
    "Losses around the checkpoints",
    [{ head: "checkpoint" }, { head: "train" }, ...numeric.map((head) => ({ head, numeric: true }))],
    frames.map((frame, k) => {
      const { x, y, loss } = frame.train.minimum;
      const test = frame.test?.loss[frame.y.indexOf(y)]?.[frame.x.indexOf(x)];
      return [
        html`<code>${checkpoints[frame.checkpoint]?.name}</code>`,
        html`<img class="thumb" src="${maps[k]}" width="56" height="56" alt="">`,
        reach(frame.x),
        reach(frame.y),
        valueText(atOrigin(lossGrid(frame, frame.train)), 5),
        numberText(loss, 5),
        `(${numberText(x, 3)}, ${numberText(y, 3)})`,
        valueText(test, 5),
        String(frame.train.nonFinite + (frame.test?.nonFinite ?? 0)),
      ];
    }),
  )}<p class="note">All cells are in trajectory.json (“animation”).</p>`;
}
