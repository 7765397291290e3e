import type { Grid, Point } from "../contours.ts";
import { PANEL_WIDTH } from "../figures/figure.ts";
import type { PlaneMark } from "../figures/plane-mark.ts";
import { hatch, stepOf } from "../grid.ts";
import { INK } from "../ink.ts";
import { axes, walls } from "./frame.ts";
import { divisions, heightsOf, refined } from "./heights.ts";
import { cursorShapes, markShapes } from "./marks.ts";
import { covers, paintedPatches, patches } from "./patches.ts";
import { boxOf, halfHeight, type Projection, projection } from "./projection.ts";
import type { Label, Scene, Shape } from "./shape.ts";
import type { Camera, SurfaceView } from "./view.ts";

/** Of the circle around the floor, in px. */
const RADIUS = 136;
/** Room for the titles above, and for the numbers below. */
const [HEAD, FOOT] = [36, 32];
/** Left of the middle are the numbers of the vertical axis. */
const CENTRE = PANEL_WIDTH / 2 + 6;
const MISSING = "#8a8a8a";

/** A place on the plane, in units of its axes. */
type Place = Pick<PlaneMark, "x" | "y">;

/** A plane of the report as a surface, seen by a camera: height and colour are both the position on the colour scale. */
export function surfaceScene(view: SurfaceView, grid: Grid, camera: Camera): Scene {
  const project = projectionOf(view, camera);
  const heights = heightsOf(view, grid);
  const divided = divisions(grid);
  const surface = patches(view, refined(heights, divided), divided, project);
  return {
    width: PANEL_WIDTH,
    height: Math.ceil(HEAD + 2 * halfHeight(RADIUS, view.aspect) + FOOT),
    shapes: [
      ...heading(view),
      ...walls(view, grid, project),
      ...holes(heights, project),
      ...paintedPatches(surface),
      ...axes(view, grid, project),
      ...view.marks.flatMap((mark) => markShapes(mark, heights, surface, project)),
    ],
  };
}

/** What is pointed at, on the surface. */
export function surfaceCursor(view: SurfaceView, grid: Grid, camera: Camera, at: Place): readonly Shape[] {
  return cursorShapes(at, heightsOf(view, grid), projectionOf(view, camera));
}

/** The cell that is seen at a point of the picture, the nearest of those one behind the other; null beside the surface. */
export function cellSeenAt(view: SurfaceView, grid: Grid, camera: Camera, [x, y]: Point): Place | null {
  const surface = patches(view, heightsOf(view, grid), 1, projectionOf(view, camera));
  const hit = surface.findLast((patch) => covers(patch.seen, [x, y]));
  if (!hit) return null;
  const distances = hit.seen.map((corner) => Math.hypot(corner[0] - x, corner[1] - y));
  return hit.around[distances.indexOf(Math.min(...distances))]!;
}

function projectionOf({ aspect }: SurfaceView, camera: Camera): Projection {
  const centre = [CENTRE, HEAD + halfHeight(RADIUS, aspect)] as const;
  return projection(camera, { centre, radius: RADIUS, aspect });
}

function heading({ title, subtitle }: SurfaceView): Label[] {
  const label = (text: string, y: number, size: number, weight: number, fill: string): Label => {
    return { kind: "label", at: [0, y], text, size, weight, fill, anchor: "start" };
  };
  return [label(title, 13, 13, 600, "var(--text)"), label(subtitle, 29, 12, 400, "var(--muted)")];
}

/** On the floor under cells without a value, grey and hatched as on the map. */
function holes(heights: Grid, project: Projection): Shape[] {
  const toBox = boxOf(heights);
  const onFloor = (p: Point) => project.at([...toBox(p), 0]);
  const [dx, dy] = [stepOf(heights.x) / 2, stepOf(heights.y) / 2];
  const square = (x: number, y: number): Shape => {
    const corners: Point[] = [
      [x - dx, y - dy],
      [x + dx, y - dy],
      [x + dx, y + dy],
      [x - dx, y + dy],
    ];
    return { kind: "area", points: corners.map(onFloor), fill: MISSING };
  };
  const squares = heights.values.flatMap((row, i) =>
    row.flatMap((value, j) => (value === null ? [square(heights.x[j]!, heights.y[i]!)] : [])),
  );
  const lines = hatch(heights).map(([x, y, x2, y2]): Shape => {
    const points = [onFloor([x, y]), onFloor([x2, y2])];
    return { kind: "line", points, stroke: INK, width: 1, opacity: 0.8 };
  });
  return [...squares, ...lines];
}
