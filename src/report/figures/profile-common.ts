import type { AnalysisReport, DirectionInfo, Profile } from "../../analysis/analysis-report.ts";
import { directionOf } from "../facts.ts";
import { extent, padded, type Scale } from "../scales.ts";
import { again, axisOf, ownAxes, quantitative, wideAxis } from "./axes.ts";
import { type Panel, plotWidth, type Rows } from "./figure.ts";
import { changes, colours, HEIGHT, padding as narrow, secondAxisLayer, zeroLayer } from "./profile.ts";

/** Room for the lines' names at their ends. */
const padding = { ...narrow, right: 58 };
const LINE = 14;

const names: Readonly<Record<DirectionInfo["role"], string>> = {
  top: "v₊",
  bottom: "v₋",
  random: "random",
  filter: "filter",
};

type Line = readonly (readonly [t: number, change: number])[];

/** All directions on one scale: the steepest decides, and the others show how flat they are beside it. */
export function commonPanel(report: AnalysisReport, groups: readonly (readonly Profile[])[]): Panel {
  const id = "profile-common";
  const shown = groups.map((group) => group[0]!);
  const roles = shown.map((p) => directionOf(report, p.direction)!.role);
  const reach = 1.5 * Math.min(...shown.map((p) => Math.max(...p.t.map(Math.abs))));
  const lines = shown.map((p) => cutAt(changes(report, p, "train"), reach));
  const x: Scale = { kind: "linear", domain: [-reach, reach] };
  const y: Scale = {
    kind: "linear",
    domain: padded(extent([0, ...lines.flat().map((r) => r[1])], [0, 1]), 0.06),
  };
  return {
    id,
    description: `ΔL along ${roles.map((role) => names[role]).join(", ")} on one scale`,
    padding,
    pick: null,
    datasets: {
      [`${id}/train`]: lines.flatMap((rows, k) => rows.map((row) => [...row, k, colours[roles[k]!]])),
      [`${id}/labels`]: endLabels(
        lines,
        roles.map((role) => names[role]),
        x,
        y,
      ),
      [`${id}/axis`]: [[0]],
    },
    spec: {
      title: { text: "all on one scale", subtitle: "training loss, same units of t and ΔL for all" },
      width: plotWidth(padding),
      height: HEIGHT,
      layer: [
        zeroLayer(),
        {
          data: { name: `${id}/train` },
          mark: { type: "line", strokeWidth: 1.5, aria: false },
          encoding: {
            x: quantitative("0", x, wideAxis(x, plotWidth(padding), "t = ‖Δθ‖")),
            y: quantitative("1", y, axisOf(y, 5, "ΔL")),
            detail: { field: "2", type: "nominal" },
            color: { field: "3", type: "nominal", scale: null, legend: null },
          },
        },
        {
          data: { name: `${id}/labels` },
          mark: { type: "text", align: "left", baseline: "middle", dx: 5, aria: false },
          encoding: { x: again("0"), y: again("1"), text: { field: "2", type: "nominal" } },
        },
        secondAxisLayer(`${id}/axis`, x, report.checkpoint.thetaNorm),
      ],
      resolve: ownAxes,
    },
  };
}

/** The part with |t| ≤ reach, its ends interpolated: far directions have one measured point there. */
function cutAt(line: Line, reach: number): Line {
  const at = (t: number): [number, number][] => {
    const k = line.findIndex(([s]) => s >= t);
    if (k <= 0) return [];
    const [[t0, c0], [t1, c1]] = [line[k - 1]!, line[k]!];
    return [[t, c0 + ((t - t0) / (t1 - t0)) * (c1 - c0)]];
  };
  return [...at(-reach), ...line.filter(([t]) => Math.abs(t) <= reach), ...at(reach)];
}

/** Names at the right ends, moved apart where they would overlap. */
function endLabels(lines: readonly Line[], labels: readonly string[], x: Scale, y: Scale): Rows {
  const gap = (LINE / HEIGHT) * (y.domain[1] - y.domain[0]);
  const ends = lines
    .flatMap((line, k) => (line.length > 0 ? [{ at: line.at(-1)!, label: labels[k]! }] : []))
    .toSorted((a, b) => a.at[1] - b.at[1]);
  let last = Number.NEGATIVE_INFINITY;
  return ends.map(({ at, label }) => {
    const inside = at[0] < 0.99 * x.domain[1];
    const height = inside ? at[1] : Math.max(at[1], last + gap);
    if (!inside) last = height;
    return [at[0], height, label];
  });
}
