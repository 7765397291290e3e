import type { Grid } from "./contours.ts";

/** The edges of a grid's cells: half a step beyond its first and last value. */
export function edges(values: readonly number[]): [number, number] {
  const [first, last] = [values[0] ?? 0, values.at(-1) ?? 0];
  const half = stepOf(values) / 2;
  return [first - half, last + half];
}

/** Distance between neighbours; grids are equidistant. */
export function stepOf(values: readonly number[]): number {
  if (values.length < 2) return Math.abs(values[0] ?? 0) || 1;
  return (values.at(-1)! - values[0]!) / (values.length - 1);
}

/** Equal units where the ranges allow it; else the plot is square, and the planes’ caption says so. */
export function aspectOf(plane: Pick<Grid, "x" | "y">): number {
  const ratio = rangeRatio(plane);
  return ratio > 2 / 3 && ratio < 3 / 2 ? ratio : 1;
}

/** Width of the range in y over that in x. */
export function rangeRatio(plane: Pick<Grid, "x" | "y">): number {
  const [[left, right], [bottom, top]] = [edges(plane.x), edges(plane.y)];
  return (top - bottom) / (right - left);
}

/** The same grid with another value in each cell. */
export function mapGrid(grid: Grid, f: (value: number) => number): Grid {
  return { ...grid, values: grid.values.map((row) => row.map((v) => (v === null ? null : f(v)))) };
}

/** Its finite values, in one list. */
export function finite(grid: Pick<Grid, "values">): number[] {
  return grid.values.flat().filter((v): v is number => v !== null && Number.isFinite(v));
}

/** The value in the cell of θ₀, if the grid has it. */
export function atOrigin(grid: Grid): number | null {
  return grid.values[zeroIndex(grid.y)]?.[zeroIndex(grid.x)] ?? null;
}

/** Where 0 is among the grid's values; −1 if it is not. */
export function zeroIndex(values: readonly number[]): number {
  return values.findIndex((v) => Math.abs(v) < 1e-9 * stepOf(values));
}

/**
 * Diagonal lines over the cells without a value, each run of such cells along a diagonal as one line
 * [x, y, x2, y2]: grey alone would be lost in some maps.
 */
export function hatch(grid: Grid): [number, number, number, number][] {
  const [halfX, halfY] = [stepOf(grid.x) / 2, stepOf(grid.y) / 2];
  const missing = (i: number, j: number) =>
    i >= 0 && j >= 0 && i < grid.y.length && j < grid.x.length && grid.values[i]![j] === null;
  const lines: [number, number, number, number][] = [];
  for (let i = 0; i < grid.y.length; i++) {
    for (let j = 0; j < grid.x.length; j++) {
      if (!missing(i, j) || missing(i - 1, j - 1)) continue;
      let run = 1;
      while (missing(i + run, j + run)) run++;
      const end = { x: grid.x[j + run - 1]! + halfX, y: grid.y[i + run - 1]! + halfY };
      lines.push([grid.x[j]! - halfX, grid.y[i]! - halfY, end.x, end.y]);
    }
  }
  return lines;
}
