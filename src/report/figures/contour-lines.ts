import { contour, type Grid, type Point } from "../contours.ts";
import { edges, stepOf } from "../grid.ts";
import { INK, inkOn } from "../ink.ts";
import type { ColourMap } from "../maps.ts";
import { levels, positionOf, type Scale } from "../scales.ts";
import type { Rows } from "./figure.ts";

/** A contour's points may lie this far beside its line, as a share of a cell. */
const TOLERANCE = 0.02;

/** Thin contours, equally spaced on the colour scale. Each runs over one colour, so that it is either light or dark. */
export function contourRows(grid: Grid, scale: Scale, map: ColourMap, count: number): Rows {
  const rows: (string | number)[][] = [];
  let line = 0;
  for (const level of levels(scale, count)) {
    const ink = inkOn(map(positionOf(scale, level)));
    for (const points of contour(grid, level)) rows.push(...lineRows([points], grid, ink, line++));
  }
  return rows;
}

/** The contour at one level, to be drawn dark on a light casing. */
export function levelRows(grid: Grid, level: number | null): Rows {
  return level === null ? [] : lineRows(contour(grid, level), grid, INK);
}

/** Polylines as rows [line, x, y, colour], to a tenth of a pixel. */
function lineRows(
  lines: readonly (readonly Point[])[],
  grid: Grid,
  colour: string,
  first = 0,
): (string | number)[][] {
  const [x, y] = [rounder(grid.x), rounder(grid.y)];
  return lines.flatMap((line, k) => simplify(line, grid).map((p) => [first + k, x(p[0]), y(p[1]), colour]));
}

/** Drops points that lie within the tolerance of the line through their neighbours. */
function simplify(line: readonly Point[], grid: Grid): Point[] {
  const [dx, dy] = [stepOf(grid.x), stepOf(grid.y)];
  const kept: Point[] = [];
  for (const [k, p] of line.entries()) {
    const [before, after] = [kept.at(-1), line[k + 1]];
    if (!before || !after || distance(p, before, after, dx, dy) > TOLERANCE) kept.push(p);
  }
  return kept;
}

/** From `p` to the line through `a` and `b`, in cells. */
function distance(p: Point, a: Point, b: Point, dx: number, dy: number): number {
  const [bx, by] = [(b[0] - a[0]) / dx, (b[1] - a[1]) / dy];
  const [px, py] = [(p[0] - a[0]) / dx, (p[1] - a[1]) / dy];
  const length = Math.hypot(bx, by);
  return length > 0 ? Math.abs(bx * py - by * px) / length : Math.hypot(px, py);
}

function rounder(values: readonly number[]): (v: number) => number {
  const [low, high] = edges(values);
  const decimals = Math.max(0, 4 - Math.floor(Math.log10(high - low)));
  return decimals > 20 ? (v) => v : (v) => Number(v.toFixed(decimals));
}
