import { expect, test } from "vitest";
import { contour, type Grid, type Point } from "../../src/report/contours.ts";

function grid(n: number, f: (x: number, y: number) => number | null): Grid {
  const axis = Array.from({ length: n }, (_, k) => (2 * k) / (n - 1) - 1);
  return { x: axis, y: axis, values: axis.map((y) => axis.map((x) => f(x, y))) };
}

const isClosed = (line: readonly Point[]) =>
  line[0]![0] === line.at(-1)![0] && line[0]![1] === line.at(-1)![1];

test("the contour of a cone is one closed circle", () => {
  const n = 41;
  const lines = contour(
    grid(n, (x, y) => Math.hypot(x, y)),
    0.6,
  );
  expect(lines).toHaveLength(1);
  expect(isClosed(lines[0]!)).toBe(true);
  // Linear interpolation along a cell's edge: off by at most h²/8 times the curvature 1/r.
  const bound = (2 / (n - 1)) ** 2 / 8 / 0.6;
  for (const [x, y] of lines[0]!) expect(Math.abs(Math.hypot(x, y) - 0.6)).toBeLessThanOrEqual(bound * 1.01);
});

test("contours that leave the grid are open, from border to border", () => {
  const lines = contour(
    grid(11, (x, y) => x + y),
    0.05,
  );
  expect(lines).toHaveLength(1);
  expect(isClosed(lines[0]!)).toBe(false);
  for (const end of [lines[0]![0]!, lines[0]!.at(-1)!]) {
    expect(Math.max(Math.abs(end[0]), Math.abs(end[1]))).toBeCloseTo(1, 12);
  }
  for (const [x, y] of lines[0]!) expect(x + y).toBeCloseTo(0.05, 12);
});

test("the contour of a saddle at its own level meets the origin", () => {
  const lines = contour(
    grid(21, (x, y) => x * x - y * y),
    0,
  );
  const nearest = Math.min(...lines.flat().map(([x, y]) => Math.hypot(x, y)));
  expect(nearest).toBeLessThan(1e-12);
  const reach = new Set(lines.flat().map(([x, y]) => `${Math.sign(x)}${Math.sign(y)}`));
  for (const quadrant of ["11", "1-1", "-11", "-1-1"]) expect(reach).toContain(quadrant);
});

test("a square whose diagonals disagree is cut by its mean", () => {
  const values = (centre: number): Grid => ({
    x: [0, 1],
    y: [0, 1],
    values: [
      [1, 0],
      [0, 1 + centre],
    ],
  });
  // Mean above the level: the two high corners are connected, so that each line cuts off a low one.
  const high = contour(values(0), 0.4).map((line) => line.map(([x, y]) => x + y > 1.2 || x + y < 0.8));
  expect(high).toHaveLength(2);
  const low = contour(values(0), 0.6);
  expect(low.some((line) => line.every(([x, y]) => x + y <= 0.4 + 1e-12))).toBe(true);
  const cut = contour(values(0), 0.4);
  expect(cut.some((line) => line.every(([x, y]) => x >= 0.6 - 1e-12 && y <= 0.4 + 1e-12))).toBe(true);
});

test("no line runs through squares with a missing corner", () => {
  const lines = contour(
    grid(11, (x, y) => (x > 0.5 ? null : y)),
    0.05,
  );
  expect(Math.max(...lines.flat().map(([x]) => x))).toBeLessThanOrEqual(0.5);
  expect(
    contour(
      grid(5, () => null),
      0,
    ),
  ).toEqual([]);
  expect(
    contour(
      grid(5, () => 1),
      1,
    ),
  ).toEqual([]);
});
