import { numberText, percentText } from "../../analysis/number-text.ts";
import type { Shown } from "./shown.ts";

/** A point of a plane, in ‖Δθ‖ along its directions. */
export interface Displacement {
  readonly x: number;
  readonly y: number;
}

type Grid = Pick<Shown, "x" | "y">;

/** The centre of the cell at a displacement; null beyond the grid. */
export function cellAt(grid: Grid, point: Displacement): Displacement | null {
  const [i, j] = [nearest(grid.y, point.y), nearest(grid.x, point.x)];
  return i === null || j === null ? null : { x: grid.x[j]!, y: grid.y[i]! };
}

/** The next cell, staying in the grid. */
export function moveCell(
  grid: Grid,
  from: Displacement,
  [right, up]: readonly [number, number],
): Displacement {
  const next = (values: readonly number[], at: number, steps: number) => {
    const k = (nearest(values, at) ?? Math.floor(values.length / 2)) + steps;
    return values[Math.min(values.length - 1, Math.max(0, k))]!;
  };
  return { x: next(grid.x, from.x, right), y: next(grid.y, from.y, up) };
}

/** What every plane of the figure has at this displacement, training before test. */
export function cellText(at: Displacement, planes: readonly Shown[]): string {
  const parts = new Set(planes.map((plane) => `${plane.name}: ${valuesAt(plane, at)}`));
  const size = sizeText(at, planes[0]?.thetaNorm ?? 0);
  return `α = ${numberText(at.x, 3)}, β = ${numberText(at.y, 3)} (‖Δθ‖ = ${size}) — ${[...parts].join(" · ")}`;
}

function sizeText({ x, y }: Displacement, thetaNorm: number): string {
  const size = Math.hypot(x, y);
  return thetaNorm > 0
    ? `${numberText(size, 3)}, ${percentText(size / thetaNorm)} of ‖θ‖`
    : numberText(size, 3);
}

function valuesAt(plane: Shown, { x, y }: Displacement): string {
  const [i, j] = [nearest(plane.y, y), nearest(plane.x, x)];
  if (i === null || j === null) return "outside";
  const value = (split: "train" | "test") => {
    const v = plane[split]?.[plane.what]?.[i]?.[j];
    if (v === undefined) return "";
    if (v === null) return `${split} not finite`;
    return `${split} ${plane.what === "loss" ? numberText(v, 4) : percentText(v, 3)}`;
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
