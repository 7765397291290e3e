import type { Grid, Point } from "../contours.ts";
import type { PlaneMark } from "../figures/plane-mark.ts";
import { edges, stepOf } from "../grid.ts";
import { CASING, INK } from "../ink.ts";
import { interpolated } from "./heights.ts";
import { type Corner, covers, type Patch } from "./patches.ts";
import { type BoxPoint, boxOf, type Projection } from "./projection.ts";
import type { Shape } from "./shape.ts";

/** Of a mark that the surface hides: it shines through. */
const HIDDEN = 0.4;

/** Polylines around the place of a mark, of the sizes that they have on the map. */
interface Sign {
  readonly strokes: readonly (readonly Point[])[];
  readonly width: number;
}

const signs: Readonly<Record<PlaneMark["kind"] | "cursor", Sign>> = {
  origin: { strokes: [line(-7.4, 0), line(0, -7.4)], width: 2 },
  "train minimum": { strokes: [line(-4.9, -4.9), line(-4.9, 4.9)], width: 2.4 },
  "test minimum": { strokes: [polygon(24, 5.9)], width: 1.6 },
  cursor: { strokes: [polygon(4, 6.7)], width: 1.2 },
};

/** A mark where the surface is, in front of it; faint where a nearer part of it would hide it. */
export function markShapes(
  mark: PlaneMark,
  heights: Grid,
  surface: readonly Patch[],
  project: Projection,
): Shape[] {
  const point = onSurface(heights, mark);
  if (!point) return [];
  const at = project.at(point);
  const toBox = boxOf(heights);
  // What touches the point itself does not hide it.
  const nearer = project.depth(point) - 2 / Math.max(heights.x.length, heights.y.length);
  const isNearer = ({ x, y, height }: Corner) => project.depth([...toBox([x, y]), height]) < nearer;
  const hidden = surface.some((patch) => covers(patch.seen, at) && isNearer(patch.around[0]!));
  const shapes = outlined(signs[mark.kind], at);
  return hidden ? shapes.map((shape) => ({ ...shape, opacity: HIDDEN })) : shapes;
}

/** What is pointed at. */
export function cursorShapes(
  at: Pick<PlaneMark, "x" | "y">,
  heights: Grid,
  project: Projection,
): readonly Shape[] {
  const point = onSurface(heights, at);
  return point ? outlined(signs.cursor, project.at(point)) : [];
}

/** The surface's point above a place of the plane; null outside and in a hole. */
function onSurface(heights: Grid, { x, y }: Pick<PlaneMark, "x" | "y">): BoxPoint | null {
  const inside = (values: readonly number[], at: number) => {
    const [low, high] = edges(values);
    return at >= low && at <= high;
  };
  if (!inside(heights.x, x) || !inside(heights.y, y)) return null;
  // The outer half of a border cell has no surface: its mark stands where the surface ends.
  const index = (values: readonly number[], at: number) =>
    Math.min(values.length - 1, Math.max(0, (at - values[0]!) / stepOf(values)));
  const w = interpolated(heights, index(heights.y, y), index(heights.x, x));
  return w === null ? null : [...boxOf(heights)([x, y]), w];
}

/** Dark on a wider light casing, to be told from every colour. */
function outlined({ strokes, width }: Sign, [x, y]: Point): Shape[] {
  const placed = strokes.map((points) => points.map(([dx, dy]): Point => [x + dx, y + dy]));
  return [
    ...placed.map((points): Shape => ({ kind: "line", points, stroke: CASING, width: width + 2.4 })),
    ...placed.map((points): Shape => ({ kind: "line", points, stroke: INK, width })),
  ];
}

/** Through the middle, from one point to that opposite. */
function line(x: number, y: number): Point[] {
  return [
    [x, y],
    [-x, -y],
  ];
}

function polygon(corners: number, radius: number): Point[] {
  return Array.from({ length: corners + 1 }, (_, k): Point => {
    const angle = (2 * Math.PI * (k + 0.5)) / corners;
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  });
}
