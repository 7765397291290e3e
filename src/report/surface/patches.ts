import { type Grid, type Point, squareSegments } from "../contours.ts";
import { CASING, INK, inkOn } from "../ink.ts";
import { levels, positionOf } from "../scales.ts";
import { colourAt, hex, rgb } from "./colours.ts";
import { boxOf, type Projection } from "./projection.ts";
import type { Line, Shape } from "./shape.ts";
import type { SurfaceView } from "./view.ts";

/** A point of the surface: in units of the axes, and in the picture. */
export interface Corner {
  readonly x: number;
  readonly y: number;
  readonly height: number;
  readonly seen: Point;
}

/** One piece of the surface, with the lines that run over it. */
export interface Patch {
  /** Its row of the grid: rows are painted one after the other. */
  readonly row: number;
  /** Its four corners in order, and their places in the picture. */
  readonly around: readonly Corner[];
  readonly seen: readonly Point[];
  readonly fill: string;
  readonly lines: readonly Line[];
}

/** How many grid lines are drawn along either axis, about. */
const MESH_LINES = 14;
/** Of a patch that is seen from below: this much grey in its colour. */
const BELOW = 0.45;
const GREY = 0x80;

/**
 * The surface's patches in painter's order. In a parallel projection of heights over a grid the order is that of rows and
 * columns, far ones first: nothing needs sorting. A patch with a missing corner is left out. `heights` is
 * refined `divided` times: lines of the given grid are every `divided`-th.
 */
export function patches(view: SurfaceView, heights: Grid, divided: number, project: Projection): Patch[] {
  const { x, y } = heights;
  const toBox = boxOf(given(heights, divided));
  const corners = cornersOf(heights, (p, w) => project.at([...toBox(p), w]));
  const levelLines = linesOf(view);
  const every = divided * Math.max(1, Math.round((x.length - 1) / divided / MESH_LINES));
  const found: Patch[] = [];
  for (const i of farFirst(y.length - 1, project.near[1])) {
    for (const j of farFirst(x.length - 1, project.near[0])) {
      const around = [corners[i]![j], corners[i]![j + 1], corners[i + 1]![j + 1], corners[i + 1]![j]];
      if (!isWhole(around)) continue;
      const seen = around.map((c) => c.seen);
      const side = (k: number) => meshLine([seen[k]!, seen[(k + 1) % 4]!]);
      const lines: Line[] = [];
      if (i % every === 0) lines.push(side(0));
      if (j % every === 0) lines.push(side(3));
      if (i === y.length - 2) lines.push(side(2));
      if (j === x.length - 2) lines.push(side(1));
      const [a, b, c, d] = around as [Corner, Corner, Corner, Corner];
      const low = Math.min(a.height, b.height, c.height, d.height);
      const high = Math.max(a.height, b.height, c.height, d.height);
      for (const { at, strokes } of levelLines) {
        if (at < low || at > high) continue;
        for (const segment of squareSegments(heights, at, i, j)) {
          const points = segment.map((p) => project.at([...toBox(p), at]));
          for (const stroke of strokes) lines.push({ kind: "line", points, ...stroke });
        }
      }
      const colour = colourAt(view.colours, (a.height + b.height + c.height + d.height) / 4);
      found.push({ row: i, around, seen, fill: isAbove(seen) ? colour : greyed(colour), lines });
    }
  }
  return found;
}

/** All points of the grid, each projected once; null where there is no value. */
function cornersOf(
  { x, y, values }: Grid,
  see: (place: Point, height: number) => Point,
): (Corner | null)[][] {
  return y.map((b, i) =>
    x.map((a, j) => {
      const height = values[i]![j] ?? null;
      return height === null ? null : { x: a, y: b, height, seen: see([a, b], height) };
    }),
  );
}

/**
 * What is painted, in order. The lines of a row come after the areas of the next, which would cover half of those
 * that run along its border; that they so show behind a ridge by one row is not seen.
 */
export function paintedPatches(surface: readonly Patch[]): Shape[] {
  const shapes: Shape[] = [];
  let behind: Line[] = [];
  let own: Line[] = [];
  for (const [k, patch] of surface.entries()) {
    if (k > 0 && patch.row !== surface[k - 1]!.row) {
      shapes.push(...behind);
      [behind, own] = [own, []];
    }
    shapes.push({ kind: "area", points: patch.seen, fill: patch.fill });
    own.push(...patch.lines);
  }
  return [...shapes, ...behind, ...own];
}

/** Whether a convex outline has a point inside or on its border. */
export function covers(corners: readonly Point[], [x, y]: Point): boolean {
  let sense = 0;
  for (const [k, [ax, ay]] of corners.entries()) {
    const [bx, by] = corners[(k + 1) % corners.length]!;
    const side = (bx - ax) * (y - ay) - (by - ay) * (x - ax);
    if (side * sense < 0) return false;
    if (side !== 0) sense = side;
  }
  return true;
}

/** The axes before they were refined: the box reaches to the edges of their cells. */
function given({ x, y }: Grid, divided: number): Pick<Grid, "x" | "y"> {
  const own = (values: readonly number[]) => values.filter((_, k) => k % divided === 0);
  return { x: own(x), y: own(y) };
}

/** Indices from the far end to the near one. */
function farFirst(count: number, near: 1 | -1): number[] {
  const indices = Array.from({ length: count }, (_, k) => k);
  return near === 1 ? indices : indices.toReversed();
}

function isWhole(corners: readonly (Corner | null | undefined)[]): corners is Corner[] {
  return corners.every((corner) => corner !== null && corner !== undefined);
}

/** Whether the upper side is seen: it keeps the sense of rotation that the corners have on the floor. */
function isAbove(corners: readonly Point[]): boolean {
  let area = 0;
  corners.forEach(([x, y], k) => {
    const [x2, y2] = corners[(k + 1) % corners.length]!;
    area += x * y2 - x2 * y;
  });
  return area <= 0;
}

function meshLine(points: readonly Point[]): Line {
  return { kind: "line", points, stroke: "#000000", width: 0.5, opacity: 0.22 };
}

type Stroke = Pick<Line, "stroke" | "width"> & { readonly opacity?: number };

/** As on the map: thin ones between, a heavy one at the level of θ₀. */
function linesOf(view: SurfaceView): { readonly at: number; readonly strokes: readonly Stroke[] }[] {
  const thin = levels(view.scale, view.contours).map((level) => {
    const at = positionOf(view.scale, level);
    return { at, strokes: [{ stroke: inkOn(rgb(colourAt(view.colours, at))), width: 0.8, opacity: 0.7 }] };
  });
  if (view.level === null) return thin;
  const heavy = [
    { stroke: CASING, width: 3.6 },
    { stroke: INK, width: 1.8 },
  ];
  return [...thin, { at: positionOf(view.scale, view.level), strokes: heavy }];
}

function greyed(colour: string): string {
  const [r, g, b] = rgb(colour);
  const mixed = (v: number) => Math.round(v + BELOW * (GREY - v));
  return `#${hex([mixed(r), mixed(g), mixed(b)])}`;
}
