import { describe, expect, test } from "vitest";
import { contour, type Grid, type Point } from "../../../src/report/contours.ts";
import type { Panel } from "../../../src/report/figures/figure.ts";
import { viridis } from "../../../src/report/maps.ts";
import { figureSections } from "../../../src/report/sections/figures.ts";
import { coloursOf, rgb } from "../../../src/report/surface/colours.ts";
import { divisions, heightsOf, refined } from "../../../src/report/surface/heights.ts";
import { covers, paintedPatches, patches } from "../../../src/report/surface/patches.ts";
import { boxOf, projection } from "../../../src/report/surface/projection.ts";
import { cellSeenAt, surfaceScene } from "../../../src/report/surface/scene.ts";
import { type Line, type Scene, sceneSvg } from "../../../src/report/surface/shape.ts";
import {
  type Camera,
  FIRST_VIEW,
  type SurfaceView,
  TILTS,
  turned,
} from "../../../src/report/surface/view.ts";
import { variants } from "../variants.ts";

const colours = coloursOf(viridis);

const view: SurfaceView = {
  title: "A surface",
  subtitle: "of <nothing> & more",
  split: "train",
  relative: false,
  times: 1,
  scale: { kind: "linear", domain: [0, 1] },
  colours,
  contours: 4,
  level: 0.5,
  marks: [],
  titles: { x: "α", y: "β", value: "loss" },
  aspect: 0.8,
};

const axis = (count: number): number[] => Array.from({ length: count }, (_, k) => k / (count - 1) - 0.5);

function gridOf(f: (x: number, y: number) => number | null, count = 13): Grid {
  const [x, y] = [axis(count), axis(count + 2)];
  return { x, y, values: y.map((b) => x.map((a) => f(a, b))) };
}

/** Steep and uneven, so that much of it hides other parts. */
const rugged = (x: number, y: number): number =>
  0.5 + 0.25 * Math.sin(17 * x + 3 * y) + 0.24 * Math.cos(13 * y - 5 * x);

const cameras: Camera[] = [-170, -100, -35, 0, 35, 90, 144].flatMap((turn) =>
  [5, 30, 70].map((tilt) => ({ turn, tilt })),
);

test.each(cameras)("turned by $turn°, tilted by $tilt°: what is nearer is painted later", (camera) => {
  const grid = gridOf(rugged);
  const project = projection(camera, { centre: [0, 0], radius: 100, aspect: view.aspect });
  const toBox = boxOf(grid);
  const all = patches(view, heightsOf(view, grid), 1, project);
  const depths = all.map((patch) =>
    patch.around.map(({ x, y, height }) => project.depth([...toBox([x, y]), height])),
  );
  let pairs = 0;
  for (let k = 0; k < 400; k++) {
    // A low-discrepancy set of points of the picture.
    const at: Point = [200 * ((k * 0.7548776662) % 1) - 100, 200 * ((k * 0.5698402909) % 1) - 100];
    const seen = all.flatMap((patch, p) => depthAt(patch.seen, depths[p]!, at) ?? []);
    for (let i = 1; i < seen.length; i++) {
      // A patch is two triangles here and a curved piece there: they part by less than this.
      expect(seen[i]!).toBeLessThan(seen[i - 1]! + 1e-9);
      pairs++;
    }
  }
  // From almost straight above little lies behind anything.
  if (camera.tilt < 60) expect(pairs).toBeGreaterThan(20);
});

/** Depth of a patch at a point of the picture, from the triangle that covers it; null beside the patch. */
function depthAt(corners: readonly Point[], depths: readonly number[], at: Point): number | null {
  for (const [a, b, c] of [
    [0, 1, 2],
    [0, 2, 3],
  ] as const) {
    const [p, q, r] = [corners[a]!, corners[b]!, corners[c]!];
    const area = cross(p, q, r);
    const shares = [cross(at, q, r) / area, cross(p, at, r) / area, cross(p, q, at) / area];
    if (shares.every((s) => s > 1e-6))
      return shares[0]! * depths[a]! + shares[1]! * depths[b]! + shares[2]! * depths[c]!;
  }
  return null;
}

function cross(a: Point, b: Point, c: Point): number {
  return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

test("colour and height are both the position on the scale; a cell without a value is a hole", () => {
  const grid = gridOf((x, y) => (x === 0 && y === 0 ? null : x + 0.5));
  const project = projection(FIRST_VIEW, { centre: [0, 0], radius: 100, aspect: 1 });
  const all = patches(view, heightsOf(view, grid), 1, project);
  // The four patches around the missing point are left out.
  expect(all).toHaveLength(12 * 14 - 4);
  for (const patch of all) {
    const mean = patch.around.reduce((sum, p) => sum + p.x + 0.5, 0) / 4;
    const [shown, due] = [rgb(patch.fill), viridis(mean)];
    // Half of a 127th of the map: at most 3 of 255 in any channel of viridis.
    for (const k of [0, 1, 2] as const) expect(Math.abs(shown[k] - due[k])).toBeLessThanOrEqual(3);
  }
  const toBox = boxOf(grid);
  const first = all[0]!;
  first.around.forEach(({ x, y }, k) => {
    expect(first.seen[k]).toEqual(project.at([...toBox([x, y]), x + 0.5]));
  });
});

test("values beyond the scale lie flat at its end; a change is taken from θ₀, a share as a percentage", () => {
  const grid = gridOf((x, y) => 3 * x + y + 0.25);
  const at = (v: Partial<SurfaceView>) => heightsOf({ ...view, ...v }, grid).values[7]!;
  const plain = at({});
  expect([plain[0], plain[12]]).toEqual([0, 1]);
  expect(plain[6]).toBeCloseTo(0.25, 12);
  expect(at({ relative: true, scale: { kind: "linear", domain: [-2, 2] } })[6]).toBe(0.5);
  expect(at({ times: 100, scale: { kind: "linear", domain: [0, 100] } })[6]).toBeCloseTo(0.25, 12);
});

test("refining keeps the given points and lies between them", () => {
  const grid = gridOf((x, y) => 2 * x - 3 * y + 4 * x * y);
  const fine = refined(grid, 3);
  expect([fine.x.length, fine.y.length]).toEqual([37, 43]);
  fine.y.forEach((y, i) => {
    fine.x.forEach((x, j) => {
      // A bilinear function is met exactly.
      expect(fine.values[i]![j]).toBeCloseTo(2 * x - 3 * y + 4 * x * y, 12);
      if (i % 3 === 0 && j % 3 === 0) expect(fine.values[i]![j]).toBe(grid.values[i / 3]![j / 3]);
    });
  });
  expect(divisions({ x: axis(15), y: axis(15) })).toBe(3);
  expect(divisions({ x: axis(51), y: axis(51) })).toBe(1);
});

test("from straight above the heavy contour is the map's", () => {
  const f = (x: number, y: number) => x * x + y * y + 0.3;
  const grid = gridOf(f, 21);
  const above = { turn: 0, tilt: 90 };
  const scene = surfaceScene(view, grid, above);
  const heavy = scene.shapes.filter((s): s is Line => s.kind === "line" && s.width === 1.8);
  expect(heavy.length).toBeGreaterThan(20);
  // Where the checkpoint is drawn, and how long a unit is.
  const marked = (x: number, y: number) => {
    const marks = [{ kind: "origin", x, y } as const];
    const [line] = surfaceScene({ ...view, marks }, grid, above).shapes.slice(-2) as Line[];
    return middle(line!.points);
  };
  const [origin, right, up] = [marked(0, 0), marked(0.5, 0), marked(0, 0.5)];
  const [unitX, unitY] = [2 * (right[0] - origin[0]), 2 * (up[1] - origin[1])];
  for (const [px, py] of heavy.flatMap((line) => line.points)) {
    const [x, y] = [(px - origin[0]) / unitX, (py - origin[1]) / unitY];
    // Interpolation between points h apart misses f by at most h²/4 in each direction (f″ = 2), with h = 1/20.
    expect(Math.abs(f(x, y) - 0.5)).toBeLessThan(2 * (1 / 20) ** 2);
  }
  expect(contour(grid, 0.5)).toHaveLength(1);
});

function middle(points: readonly Point[]): Point {
  const [a, b] = [points[0]!, points.at(-1)!];
  return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
}

test("a mark behind a ridge is faint, one in front of it is not", () => {
  const grid = gridOf((_, y) => (Math.abs(y) < 0.1 ? 1 : 0), 21);
  const opacities = (y: number, camera: Camera) => {
    const marks = [{ kind: "origin", x: 0, y } as const];
    return surfaceScene({ ...view, marks }, grid, camera)
      .shapes.slice(-4)
      .map((s) => (s as Line).opacity);
  };
  expect(new Set(opacities(0.3, { turn: 0, tilt: 20 }))).toEqual(new Set([0.4]));
  expect(new Set(opacities(-0.3, { turn: 0, tilt: 20 }))).toEqual(new Set([undefined]));
  // From the other side it is the other way round, and from above neither is hidden.
  expect(new Set(opacities(0.3, { turn: 180, tilt: 20 }))).toEqual(new Set([undefined]));
  expect(new Set(opacities(-0.3, { turn: 180, tilt: 20 }))).toEqual(new Set([0.4]));
  expect(new Set(opacities(0.3, { turn: 0, tilt: 90 }))).toEqual(new Set([undefined]));
});

test("what is pointed at is the nearest cell of those one behind the other", () => {
  const grid = gridOf((_, y) => (Math.abs(y) < 0.1 ? 1 : 0), 21);
  const camera = { turn: 0, tilt: 20 };
  const place = (x: number, y: number): Point => {
    const shapes = surfaceScene({ ...view, marks: [{ kind: "origin", x, y }] }, grid, camera).shapes;
    return middle((shapes.at(-1) as Line).points);
  };
  const front = { x: grid.x[5]!, y: grid.y[4]! };
  expect(cellSeenAt(view, grid, camera, place(front.x, front.y - 1e-3))).toMatchObject(front);
  const behind = cellSeenAt(view, grid, camera, place(0, 0.3))!;
  expect(behind.y).toBeLessThan(0.1);
  expect(cellSeenAt(view, grid, camera, [-5, -5])).toBeNull();
});

test("lines come after the patches that they run over, areas in the order of the patches", () => {
  const grid = gridOf(rugged);
  const project = projection(FIRST_VIEW, { centre: [0, 0], radius: 100, aspect: 1 });
  const all = patches(view, heightsOf(view, grid), 1, project);
  const painted = paintedPatches(all);
  const areas = painted.filter((s) => s.kind === "area").map((s) => s.points);
  expect(areas).toEqual(all.map((p) => p.seen));
  const at = new Map(painted.map((shape, k) => [shape, k]));
  const where = new Map(painted.flatMap((s, k) => (s.kind === "area" ? [[s.points, k] as const] : [])));
  for (const patch of all) {
    for (const line of patch.lines) expect(at.get(line)!).toBeGreaterThan(where.get(patch.seen)!);
  }
  expect(painted).toHaveLength(all.length + all.reduce((sum, p) => sum + p.lines.length, 0));
});

test("turning goes round, tilting ends", () => {
  expect(turned({ turn: 170, tilt: 40 }, { turn: 20 })).toEqual({ turn: -170, tilt: 40 });
  expect(turned({ turn: -170, tilt: 40 }, { turn: -20, tilt: 100 })).toEqual({ turn: 170, tilt: TILTS[1] });
  expect(turned({ turn: 0, tilt: 10 }, { tilt: -100 })).toEqual({ turn: 0, tilt: TILTS[0] });
});

test("an area covers what lies inside it", () => {
  const square = [
    [0, 0],
    [2, 0],
    [2, 2],
    [0, 2],
  ] as const;
  expect(covers(square, [1, 1])).toBe(true);
  expect(covers(square, [3, 1])).toBe(false);
});

const sides: Camera[] = [
  FIRST_VIEW,
  { turn: -135, tilt: 5 },
  { turn: 90, tilt: 90 },
  { turn: 160, tilt: 70 },
];

describe.each(Object.entries(variants))("%s", (_, make) => {
  test("every map has its surface, from every side within its picture", () => {
    const report = make();
    const panels = figureSections(report).flatMap((s) => s.figures.flatMap((f) => f.panels));
    const maps = panels.filter((p) => /^(plane|change|accuracy)-(\d|train|test)/.test(p.id));
    for (const panel of maps) {
      const grid = gridShownIn(panel);
      const camera = sides[panels.indexOf(panel) % sides.length]!;
      const scene = surfaceScene(panel.surface!, grid, camera);
      expect(sceneSvg(scene)).not.toMatch(/NaN|undefined|Infinity/);
      expect(outside(scene)).toEqual([]);
    }
    function gridShownIn({ pick, surface }: Panel): Grid {
      if (pick?.by !== "cell") throw new Error("a map is expected");
      const plane = report.planes[pick.plane]!;
      return { x: plane.x, y: plane.y, values: plane[surface!.split]![pick.what]! };
    }
  });
});

/** Points of areas, lines and labels beyond the picture's edges. */
function outside({ width, height, shapes }: Scene): Point[] {
  const points = shapes.flatMap((s) => (s.kind === "label" ? [s.at] : s.points));
  return points.filter(([x, y]) => !(x >= 0 && y >= 0 && x <= width && y <= height));
}

test("names are text in the saved picture", () => {
  const svg = sceneSvg(surfaceScene(view, gridOf(rugged), FIRST_VIEW));
  expect(svg).toContain("of &lt;nothing&gt; &amp; more");
  expect(svg.match(/<path/g)!.length).toBeGreaterThan(500);
});
