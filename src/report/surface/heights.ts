import type { Grid } from "../contours.ts";
import { atOrigin, mapGrid } from "../grid.ts";
import { positionOf } from "../scales.ts";
import type { SurfaceView } from "./view.ts";

/** Patches that a surface is drawn of, at least, while its cells are few enough to be divided. */
const PATCHES = 2400;

/** What the map shows in its cells, from the values of the report. */
export function shownValues(view: Pick<SurfaceView, "relative" | "times">, grid: Grid): Grid {
  const from = view.relative ? (atOrigin(grid) ?? 0) : 0;
  return mapGrid(grid, (v) => view.times * (v - from));
}

/** The same as heights: positions on the colour scale, flat where the scale ends. */
export function heightsOf(view: Pick<SurfaceView, "relative" | "times" | "scale">, grid: Grid): Grid {
  return mapGrid(shownValues(view, grid), (v) => Math.min(1, Math.max(0, positionOf(view.scale, v))));
}

/** How often each side of a cell is divided, so that few cells look no coarser than many. */
export function divisions({ x, y }: Pick<Grid, "x" | "y">): number {
  return Math.max(1, Math.min(4, Math.floor(Math.sqrt(PATCHES / Math.max(1, x.length * y.length)))));
}

/** A grid with `times` as many steps, bilinear between the given points; nothing beside a missing corner. */
export function refined(grid: Grid, times: number): Grid {
  const [x, y] = [between(grid.x, times), between(grid.y, times)];
  const values = y.map((_, i) => x.map((_, j) => interpolated(grid, i / times, j / times)));
  return { x, y, values };
}

/** Bilinear at fractional indices; null beside a missing corner or outside. */
export function interpolated({ values }: Pick<Grid, "values">, i: number, j: number): number | null {
  const [row, column] = [Math.floor(i), Math.floor(j)];
  const [up, right] = [i - row, j - column];
  let sum = 0;
  for (const [di, share] of [
    [0, 1 - up],
    [1, up],
  ] as const) {
    for (const [dj, part] of [
      [0, 1 - right],
      [1, right],
    ] as const) {
      if (share * part === 0) continue;
      const value = values[row + di]?.[column + dj] ?? null;
      if (value === null) return null;
      sum += share * part * value;
    }
  }
  return sum;
}

function between(values: readonly number[], times: number): number[] {
  const count = (values.length - 1) * times + 1;
  return Array.from({ length: count }, (_, k) => {
    const [at, rest] = [Math.floor(k / times), (k % times) / times];
    const [a, b] = [values[at]!, values[at + 1] ?? values[at]!];
    return a + rest * (b - a);
  });
}
