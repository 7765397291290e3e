import { numberText, percentText, plural } from "../../analysis/number-text.ts";
import type { Animation, Frame, PathPoint, TrajectoryReport } from "../../analysis/trajectory/report.ts";
import type { Grid } from "../contours.ts";
import { cutMiddle, type Split, splitNames } from "../facts.ts";
import { animated } from "../figures/animate.ts";
import { colourBar } from "../figures/colour-bar.ts";
import type { Figure, Panel } from "../figures/figure.ts";
import { planePanel } from "../figures/plane.ts";
import { lossGrid } from "../figures/planes.ts";
import { atOrigin, finite, mapGrid } from "../grid.ts";
import { html } from "../html.ts";
import { type ColourMap, diverging, viridis } from "../maps.ts";
import { changeScale, lossScale, type Scale } from "../scales.ts";
import { frameTable } from "./frame-table.ts";

/** How the frames of one split are coloured: the loss where the window stands still, its change where it follows. */
interface Colours {
  readonly scale: Scale;
  readonly map: ColourMap;
  readonly title: string;
  readonly value: (loss: number, from: number) => number;
}

/** The loss around the checkpoints, one after the other, under a slider. Null without. */
export function animationFigure(report: TrajectoryReport): Figure | null {
  const { animation } = report;
  if (!animation) return null;
  const { frames } = animation;
  const splits: Split[] = frames.every((f) => f.test) ? ["train", "test"] : ["train"];
  const colours = new Map(splits.map((split) => [split, coloursOf(animation, split)]));
  const names = frames.map((f) => checkpointOf(report, f).name);
  const panels = splits.map((split) => frames.map((f) => framePanel(report, f, split, colours.get(split)!)));
  return {
    id: "animation",
    title: animationTitle(animation),
    caption: html`How to read: each frame is the loss on θₖ + α·v₊ + β·v₋ around one checkpoint (+), in its own graph,
      ${animation.directions === "fixed" ? fixedNote : followNote} The heavy contour is at the checkpoint’s own loss: it crosses itself at a
      saddle, shrinks to a dot at a minimum, and is one smooth curve on a slope. Range: ${animation.range}. On paper the last
      frame is drawn; the maps of all are in the table.`,
    panels: [
      ...splits.map((split) =>
        animated(frames.map((f) => framePanel(report, f, split, colours.get(split)!))),
      ),
      ...splits.map((split) => {
        const { title, scale, map } = colours.get(split)!;
        return colourBar(`animation-colours-${split}`, `${splitNames[split]} ${title}`, scale, map);
      }),
    ],
    columns: 2,
    frames: { labels: names, initial: frames.length - 1 },
    key: [
      { mark: "plus", colour: "var(--text)", label: "θₖ, the checkpoint" },
      { mark: "heavy", colour: "", label: "L = L(θₖ)" },
      { mark: "cross", colour: "var(--text)", label: "minimum of the training loss in the frame" },
    ],
    numbers: frameTable(report, animation, panels[0]!.map(mapOf)),
  };
}

const fixedNote =
  "along v₊ and v₋ of the last checkpoint in all of them; window and colours stay the same, so that frames compare.";
const followNote =
  "along v₊ and v₋ of that checkpoint; window and axes follow too, and colours show the change against the checkpoint, (L − L(θₖ))/L(θₖ), blue below it.";

/** The picture of a panel's cells. */
function mapOf(panel: Panel): string {
  return String(panel.datasets[`${panel.id}/map`]![0]![0]);
}

function checkpointOf({ checkpoints }: TrajectoryReport, frame: Frame): PathPoint {
  return checkpoints[frame.checkpoint] as PathPoint;
}

function coloursOf({ directions, frames }: Animation, split: Split): Colours {
  if (directions === "fixed") {
    const { scale } = lossScale(frames.flatMap((f) => finite({ values: f[split]!.loss })));
    const title = `loss, ${scale.kind} scale, the same in all frames`;
    return { scale, map: viridis, title, value: (loss) => loss };
  }
  const value = (loss: number, from: number) => (loss - from) / (Math.abs(from) || 1);
  const all = frames.flatMap((f) => {
    const grid = lossGrid(f, f[split]!);
    return finite(mapGrid(grid, (v) => value(v, atOrigin(grid) ?? 0)));
  });
  const depth = -Math.min(0, ...all);
  return {
    scale: changeScale(all, depth),
    map: diverging,
    title: "loss: (L − L(θₖ))/L(θₖ), symlog scale",
    value,
  };
}

function framePanel(report: TrajectoryReport, frame: Frame, split: Split, colours: Colours): Panel {
  const point = checkpointOf(report, frame);
  const losses = lossGrid(frame, frame[split]!);
  const here = atOrigin(losses) ?? Number.NaN;
  const grid: Grid = mapGrid(losses, (v) => colours.value(v, here));
  const end = (i: number) => numberText(point.eigenpairs[i]?.value ?? Number.NaN, 3);
  const title = `${cutMiddle(point.name, 30)} · ${split}`;
  const { x, y, loss } = frame.train.minimum;
  return planePanel({
    id: `frame-${split}`,
    title,
    subtitle: `loss ${numberText(here, 3)}, λ₊ ${end(0)}, λ₋ ${end(1)}`,
    description: `${splitNames[split]} loss around each of ${plural(report.animation!.frames.length, "checkpoint")} along v₊ and v₋`,
    grid,
    scale: colours.scale,
    map: colours.map,
    contours: 8,
    level: Number.isFinite(here) ? colours.value(here, here) : null,
    marks: [
      { kind: "origin", x: 0, y: 0 },
      ...(loss < (atOrigin(lossGrid(frame, frame.train)) ?? Number.NEGATIVE_INFINITY)
        ? [{ kind: "train minimum", x, y } as const]
        : []),
    ],
    xTitle: "α along v₊, ‖Δθ‖",
    yTitle: "β along v₋, ‖Δθ‖",
    thetaNorm: point.checkpoint.thetaNorm,
    aspect: 1,
    pick: { by: "frame" },
  });
}

function animationTitle({ frames, directions }: Animation): string {
  const falls = frames.map((f) => {
    const here = atOrigin(lossGrid(f, f.train)) ?? f.train.minimum.loss;
    return here > 0 ? Math.max(0, (here - f.train.minimum.loss) / here) : 0;
  });
  const lower = falls.filter((fall) => fall >= 0.01).length;
  const along =
    directions === "fixed" ? "the last checkpoint’s v₊ and v₋" : "each checkpoint’s own v₊ and v₋";
  return `Along ${along} the training loss lies at least 1 % lower nearby at ${lower} of ${plural(frames.length, "checkpoint")}, by up to ${percentText(Math.max(...falls), 3)}`;
}
