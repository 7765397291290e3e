import type { GridValues } from "../../analysis/analysis-report.ts";
import { numberText } from "../../analysis/number-text.ts";
import { farthestFromPlane } from "../../analysis/trajectory/findings.ts";
import type { PathPoint, TrajectoryReport } from "../../analysis/trajectory/report.ts";
import { cutMiddle, type Split } from "../facts.ts";
import { again } from "../figures/axes.ts";
import { CURSOR } from "../figures/cursor.ts";
import type { Panel, Spec } from "../figures/figure.ts";
import { planePanel } from "../figures/plane.ts";
import { lossGrid } from "../figures/planes.ts";
import { aspectOf, edges } from "../grid.ts";
import { CASING, INK } from "../ink.ts";
import { viridis } from "../maps.ts";
import type { Scale } from "../scales.ts";

type Extents = Pick<TrajectoryReport["plane"], "x" | "y">;

/** Areas of the dots of a checkpoint in the plane, and of the one farthest beside it, in px². */
const [LEAST, MOST] = [20, 220];

/** The loss under the path as a map, the path over it. */
export function pathPanel(report: TrajectoryReport, split: Split, scale: Scale): Panel {
  const { plane, checkpoints } = report;
  const values = plane[split] as GridValues;
  const last = checkpoints.at(-1) as PathPoint;
  const title = `Loss under the path · ${split}`;
  const subtitle = `minimum ${numberText(values.minimum.loss, 3)}; at θ_last ${numberText(last.checkpoint[split]?.loss ?? Number.NaN, 3)}`;
  const base = planePanel({
    id: `path-${split}`,
    title,
    subtitle,
    description: `${title}: ${subtitle}. Map of the loss, with the path of ${checkpoints.length} checkpoints.`,
    grid: lossGrid(plane, values),
    scale,
    map: viridis,
    contours: 8,
    level: null,
    marks: [
      { kind: "origin", x: 0, y: 0 },
      { kind: split === "train" ? "train minimum" : "test minimum", ...values.minimum },
    ],
    xTitle: `α along ${plane.xLabel}, ‖Δθ‖`,
    yTitle: `β along ${plane.yLabel}, ‖Δθ‖`,
    thetaNorm: last.checkpoint.thetaNorm,
    aspect: aspectOf(plane),
    pick: { by: "cell", plane: 0, what: "loss" },
  });
  return withPath(base, plane, checkpoints);
}

function withPath(panel: Panel, grid: Extents, checkpoints: readonly PathPoint[]): Panel {
  const { id } = panel;
  const farthest = farthestFromPlane(checkpoints);
  const size = (p: PathPoint) =>
    farthest ? LEAST + (MOST - LEAST) * (p.offPlane / farthest.offPlane) : LEAST;
  const layers = panel.spec["layer"] as readonly Spec[];
  const cursor = layers.findIndex((layer) => layer["name"] === CURSOR);
  const path = { name: `${id}/path` };
  return {
    ...panel,
    datasets: {
      ...panel.datasets,
      [`${id}/path`]: checkpoints.map((p) => [p.x, p.y, size(p), p.name]),
      [`${id}/ends`]: endLabels(grid, checkpoints),
    },
    spec: {
      ...panel.spec,
      layer: [
        ...layers.slice(0, cursor),
        lineLayer(path, CASING, 4),
        lineLayer(path, INK, 1.6),
        dotLayer(path),
        labelLayer({ name: `${id}/ends` }),
        ...layers.slice(cursor),
      ],
    },
  };
}

function lineLayer(data: Spec, color: string, strokeWidth: number): Spec {
  return {
    data,
    mark: { type: "line", color, strokeWidth, strokeJoin: "round", aria: false },
    encoding: { x: again("0"), y: again("1"), order: { value: null } },
  };
}

/** The larger, the farther beside the plane. */
function dotLayer(data: Spec): Spec {
  return {
    data,
    mark: {
      type: "point",
      shape: "circle",
      filled: true,
      fill: INK,
      stroke: CASING,
      strokeWidth: 1.2,
      opacity: 0.9,
      aria: false,
    },
    encoding: {
      x: again("0"),
      y: again("1"),
      size: { field: "2", type: "quantitative", scale: null, legend: null },
    },
  };
}

/** Names of the first and the last checkpoint; the page draws the stroke of letters beneath them. */
function labelLayer(data: Spec): Spec {
  const halo = { stroke: CASING, strokeWidth: 3.5, strokeJoin: "round" };
  const place = { align: { expr: "datum['3']" }, dy: { expr: "datum['4']" } };
  return {
    data,
    mark: { type: "text", fontSize: 12, fill: INK, ...place, ...halo, aria: false },
    encoding: { x: again("0"), y: again("1"), text: { field: "2", type: "nominal" } },
  };
}

/** Longest name, in letters: half of the plot. */
const LETTERS = 20;
/** Text above and below its point, in px. */
const [ABOVE, BELOW] = [-14, 20];

/** [x, y, name, align, dy]: inside the plot, and the last left out where it would cover the first. */
function endLabels({ x, y }: Extents, checkpoints: readonly PathPoint[]): (string | number)[][] {
  const [first, last] = [checkpoints[0]!, checkpoints.at(-1)!];
  const share = (values: readonly number[], at: number) => {
    const [low, high] = edges(values);
    return (at - low) / (high - low);
  };
  const label = (p: PathPoint, dy: number) => {
    const align = share(x, p.x) > 0.5 ? "right" : "left";
    return [p.x, p.y, cutMiddle(p.name, LETTERS), align, dy];
  };
  const above = share(y, first.y) < 0.85;
  const apart = Math.abs(share(y, first.y) - share(y, last.y)) > 0.25;
  const across = share(x, first.x) > 0.5 !== share(x, last.x) > 0.5;
  const begin = label(first, above ? ABOVE : BELOW);
  return apart || across ? [begin, label(last, share(y, last.y) > 0.15 ? BELOW : ABOVE)] : [begin];
}
