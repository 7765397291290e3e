import type { Point } from "../contours.ts";
import { edges } from "../grid.ts";
import { positionOf, type Scale } from "../scales.ts";
import { fittingTicks, tickText } from "../ticks.ts";
import type { BoxPoint, Projection } from "./projection.ts";
import type { Label, Line, Shape } from "./shape.ts";
import type { SurfaceView } from "./view.ts";

/** An axis along one edge of the box. */
interface Edge {
  readonly scale: Scale;
  readonly title: string;
  /** The point of the box at a share of the edge. */
  readonly along: (share: number) => BoxPoint;
  /** A point of the box further out, for the side where labels stand. */
  readonly outside: (share: number) => BoxPoint;
}

/** Below this length in px an edge is seen end-on, and has no labels. */
const END_ON = 36;
const TICK = 5;
const FONT = 12;
/** Width of a digit. */
const DIGIT = 7;

interface Extents {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** Floor and the two walls behind, with lines at the ticks: drawn before the surface. */
export function walls(view: SurfaceView, extents: Extents, project: Projection): Shape[] {
  const [nearU, nearV] = [project.near[0] / 2, project.near[1] / 2];
  const [farU, farV] = [-nearU, -nearV];
  const shapes: Shape[] = [];
  const line = (from: BoxPoint, to: BoxPoint, opacity = 1) =>
    shapes.push({ ...ruleLine([project.at(from), project.at(to)]), opacity });
  const [x, y, value] = edgesOf(view, extents, project);
  for (const u of shares(x, project)) {
    line([u - 0.5, -0.5, 0], [u - 0.5, 0.5, 0], 0.6);
    line([u - 0.5, farV, 0], [u - 0.5, farV, 1], 0.6);
  }
  for (const v of shares(y, project)) {
    line([-0.5, v - 0.5, 0], [0.5, v - 0.5, 0], 0.6);
    line([farU, v - 0.5, 0], [farU, v - 0.5, 1], 0.6);
  }
  for (const w of shares(value, project)) {
    line([-0.5, farV, w], [0.5, farV, w], 0.6);
    line([farU, -0.5, w], [farU, 0.5, w], 0.6);
  }
  for (const w of [0, 1]) {
    line([-0.5, farV, w], [0.5, farV, w]);
    line([farU, -0.5, w], [farU, 0.5, w]);
  }
  for (const [u, v] of [
    [farU, farV],
    [farU, nearV],
    [nearU, farV],
  ] as const) {
    line([u, v, 0], [u, v, 1]);
  }
  line([-0.5, nearV, 0], [0.5, nearV, 0]);
  line([nearU, -0.5, 0], [nearU, 0.5, 0]);
  return shapes;
}

/** Ticks, their numbers and the titles, at the edges in front and at the left: drawn over everything. */
export function axes(view: SurfaceView, extents: Extents, project: Projection): Shape[] {
  return edgesOf(view, extents, project).flatMap((edge, k) => axis(edge, k === 2, project));
}

function edgesOf(view: SurfaceView, { x, y }: Extents, project: Projection): readonly [Edge, Edge, Edge] {
  const [nearU, nearV] = [project.near[0] / 2, project.near[1] / 2];
  const linear = (values: readonly number[]): Scale => ({ kind: "linear", domain: edges(values) });
  const [sideU, sideV] = leftmost(project);
  return [
    {
      scale: linear(x),
      title: view.titles.x,
      along: (t) => [t - 0.5, nearV, 0],
      outside: (t) => [t - 0.5, 2 * nearV, 0],
    },
    {
      scale: linear(y),
      title: view.titles.y,
      along: (t) => [nearU, t - 0.5, 0],
      outside: (t) => [2 * nearU, t - 0.5, 0],
    },
    {
      scale: view.scale,
      title: view.titles.value,
      along: (t) => [sideU, sideV, t],
      outside: (t) => [sideU, sideV, t],
    },
  ];
}

/** The vertical edge of the box that stands furthest left in the picture. */
function leftmost(project: Projection): readonly [u: number, v: number] {
  const corners = [-0.5, 0.5].flatMap((u) => [-0.5, 0.5].map((v) => [u, v] as const));
  const x = ([u, v]: readonly [number, number]) => project.at([u, v, 0])[0];
  return corners.reduce((left, corner) => (x(corner) < x(left) ? corner : left));
}

/** Where the ticks are along an edge; none when it is seen end-on. */
function shares(edge: Edge, project: Projection): number[] {
  return ticks(edge, project).values.map((v) => positionOf(edge.scale, v));
}

function ticks({ scale, along }: Edge, project: Projection): ReturnType<typeof fittingTicks> {
  const [from, to] = [project.at(along(0)), project.at(along(1))];
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  if (Math.hypot(dx, dy) < END_ON) return { values: [], format: "~r" };
  // Labels one above the other need less room than side by side.
  return fittingTicks(scale, 5, Math.max(Math.abs(dx), 2 * Math.abs(dy)));
}

function axis(edge: Edge, vertical: boolean, project: Projection): Shape[] {
  const { values, format } = ticks(edge, project);
  if (values.length === 0) return [];
  const out = vertical ? ([-1, 0] as const) : outward(edge, project);
  const anchor = out[0] > 0.35 ? "start" : out[0] < -0.35 ? "end" : "middle";
  const shapes: Shape[] = [];
  for (const value of values) {
    const at = project.at(edge.along(positionOf(edge.scale, value)));
    shapes.push(mutedLine([at, moved(at, out, TICK)]));
    const [x, y] = moved(at, out, TICK + 4);
    shapes.push(label(tickText(value, format), [x, y + FONT * (0.35 + 0.4 * Math.max(0, out[1]))], anchor));
  }
  if (vertical) return [...shapes, topTitle(edge, project)];
  const widest = DIGIT * Math.max(...values.map((v) => tickText(v, format).length));
  const beyond = TICK + 4 + widest * Math.abs(out[0]) + FONT * Math.abs(out[1]) + 8;
  return [...shapes, sideTitle(edge, out, beyond, project)];
}

/** Away from the box, and always a little downwards: level floors have no outside in the picture. */
function outward(edge: Edge, project: Projection): Point {
  const [at, to] = [project.at(edge.along(0.5)), project.at(edge.outside(0.5))];
  const [dx, dy] = [to[0] - at[0], to[1] - at[1] + 12];
  const length = Math.hypot(dx, dy);
  return [dx / length, dy / length];
}

/** Along the edge, beyond its numbers, never upside down. */
function sideTitle(edge: Edge, out: Point, beyond: number, project: Projection): Label {
  const [from, to] = [project.at(edge.along(0)), project.at(edge.along(1))];
  const slope = (180 / Math.PI) * Math.atan2(to[1] - from[1], to[0] - from[0]);
  const angle = slope > 90 ? slope - 180 : slope <= -90 ? slope + 180 : slope;
  const middle = moved(project.at(edge.along(0.5)), out, beyond);
  return { ...label(edge.title, [middle[0], middle[1] + 4], "middle"), angle, fill: "var(--text)" };
}

/** Above the edge, beginning where its numbers do. */
function topTitle(edge: Edge, project: Projection): Label {
  const [x, y] = project.at(edge.along(1));
  return { ...label(edge.title, [Math.max(2, x - 50), y - 20], "start"), fill: "var(--text)", halo: true };
}

function moved([x, y]: Point, [dx, dy]: Point, by: number): Point {
  return [x + by * dx, y + by * dy];
}

function label(text: string, at: Point, anchor: Label["anchor"]): Label {
  return { kind: "label", at, text, size: FONT, fill: "var(--muted)", anchor };
}

function ruleLine(points: readonly Point[]): Line {
  return { kind: "line", points, stroke: "var(--rule)", width: 1 };
}

function mutedLine(points: readonly Point[]): Line {
  return { kind: "line", points, stroke: "var(--muted)", width: 1 };
}
