import type { AnalysisReport, Plane } from "../../analysis/analysis-report.ts";
import { numberText, percentText } from "../../analysis/number-text.ts";
import { planeNames } from "../facts.ts";
import type { PanelData } from "../figure-data.ts";
import { report } from "./page.ts";

/** A point of a plane, in ‖Δθ‖ along its directions. */
export interface Displacement {
  readonly x: number;
  readonly y: number;
}

/** The centre of the cell at a displacement; null beyond the grid. */
export function cellAt(plane: number, point: Displacement): Displacement | null {
  const grid = report().planes[plane];
  if (!grid) return null;
  const [i, j] = [nearest(grid.y, point.y), nearest(grid.x, point.x)];
  return i === null || j === null ? null : { x: grid.x[j]!, y: grid.y[i]! };
}

/** The next cell, staying in the grid. */
export function moveCell(
  plane: number,
  from: Displacement,
  [right, up]: readonly [number, number],
): Displacement {
  const grid = report().planes[plane]!;
  const next = (values: readonly number[], at: number, steps: number) => {
    const k = (nearest(values, at) ?? Math.floor(values.length / 2)) + steps;
    return values[Math.min(values.length - 1, Math.max(0, k))]!;
  };
  return { x: next(grid.x, from.x, right), y: next(grid.y, from.y, up) };
}

/** What every plane of the figure has at this displacement, training before test. */
export function cellText(at: Displacement, panels: readonly PanelData[]): string {
  const parts = new Set<string>();
  for (const { pick } of panels) {
    const plane = pick?.by === "cell" ? report().planes[pick.plane] : undefined;
    if (plane && pick?.by === "cell")
      parts.add(`${planeNames[plane.kind]}: ${valuesAt(plane, at, pick.what)}`);
  }
  return `α = ${numberText(at.x, 3)}, β = ${numberText(at.y, 3)} (‖Δθ‖ = ${sizeText(at)}) — ${[...parts].join(" · ")}`;
}

function sizeText({ x, y }: Displacement): string {
  const size = Math.hypot(x, y);
  const { thetaNorm } = (report() as AnalysisReport).checkpoint;
  return thetaNorm > 0
    ? `${numberText(size, 3)}, ${percentText(size / thetaNorm)} of ‖θ‖`
    : numberText(size, 3);
}

function valuesAt(plane: Plane, { x, y }: Displacement, what: "loss" | "accuracy"): string {
  const [i, j] = [nearest(plane.y, y), nearest(plane.x, x)];
  if (i === null || j === null) return "outside";
  const value = (split: "train" | "test") => {
    const v = plane[split]?.[what]?.[i]?.[j];
    if (v === undefined) return "";
    if (v === null) return `${split} not finite`;
    return `${split} ${what === "loss" ? numberText(v, 4) : percentText(v, 3)}`;
  };
  return [value("train"), value("test")].filter((text) => text !== "").join(", ");
}

/** Index of the nearest value; null further than half a step outside. */
function nearest(values: readonly number[], at: number): number | null {
  const [first = 0, last = 0] = [values[0], values.at(-1)];
  const step = values.length > 1 ? (last - first) / (values.length - 1) : 1;
  const k = Math.round((at - first) / step);
  return k >= 0 && k < values.length ? k : null;
}
