import { expect, test } from "vitest";
import { viridis } from "../../../src/report/maps.ts";
import { coloursOf } from "../../../src/report/surface/colours.ts";
import { objFile } from "../../../src/report/surface/obj.ts";
import type { PlaneValues } from "../../../src/report/surface/solid.ts";
import { vtkFile } from "../../../src/report/surface/vtk.ts";
import { parseObj, parseVtk } from "../../support/meshes.ts";

const x = [-2, -1, 0, 1, 2, 3];
const y = [-0.3, -0.2, -0.1, 0, 0.1];
const loss = y.map((b) => x.map((a) => 0.01 * Math.exp(a + 3 * b)));
const holed = loss.map((row, i) => row.map((v, j) => ((i === 1 && j === 2) || i + j === 0 ? null : 2 - v)));
const accuracy = loss.map((row) => row.map((v) => 1 - v / 2));
const plane: PlaneValues = { x, y, train: { loss, accuracy }, test: { loss: holed, accuracy: null } };
const colours = coloursOf(viridis);

test("VTK has every point and every value, α fastest, and NaN where there is none", () => {
  const grid = parseVtk(vtkFile("net\u0394, plane\nof two", plane));
  expect(grid.title).toBe("net?, plane?of two");
  expect(grid.dimensions).toEqual([6, 5, 1]);
  expect(grid.points).toEqual(y.flatMap((b) => x.flatMap((a) => [a, b, 0])));
  expect(Object.keys(grid.scalars)).toEqual(["train_loss", "train_accuracy", "test_loss"]);
  expect(grid.scalars["train_loss"]).toEqual(loss.flat());
  expect(grid.scalars["train_accuracy"]).toEqual(accuracy.flat());
  expect(grid.scalars["test_loss"]).toEqual(holed.flat().map((v) => v ?? Number.NaN));
});

test("VTK's vectors lead to a surface of width 1 whose heights follow the rule of the maps", () => {
  const { points, vectors } = parseVtk(vtkFile("t", plane));
  expect(Object.keys(vectors)).toEqual(["train_surface", "test_surface"]);
  const place = (name: string, k: number) =>
    [0, 1, 2].map((c) => points[3 * k + c]! + vectors[name]![3 * k + c]!);
  const all = loss.flat();
  const [low, high] = [Math.min(...all), Math.max(...all)];
  for (const [k, v] of all.entries()) {
    const [a, b, height] = place("train_surface", k) as [number, number, number];
    // Losses above 0 that span a factor of e^6.2: logarithmic. The axes' units differ tenfold: a square.
    expect(a).toBeCloseTo((x[k % 6]! - 0.5) / 5, 12);
    expect(b).toBeCloseTo((y[Math.floor(k / 6)]! + 0.1) / 0.4, 12);
    expect(height).toBeCloseTo((0.6 * Math.log(v / low)) / Math.log(high / low), 12);
  }
  expect(place("test_surface", 0)).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  expect(place("test_surface", 1).every(Number.isFinite)).toBe(true);
});

test("OBJ has one mesh for each data set, holes where there is no value, and says how its places came about", () => {
  const { comments, objects } = parseObj(objFile("net\u0394", plane, colours));
  expect(comments[0]).toBe("net?");
  expect(objects.map((o) => o.name)).toEqual(["train_loss", "test_loss"]);
  const [train, test] = objects as [(typeof objects)[number], (typeof objects)[number]];
  expect([train.vertices.length, train.faces.length]).toEqual([30, 20]);
  // A corner takes one face with it, a point inside four.
  expect([test.vertices.length, test.faces.length]).toEqual([28, 15]);
  const grid = parseVtk(vtkFile("t", plane));
  train.vertices.forEach((vertex, k) => {
    for (const c of [0, 1, 2]) {
      const due = grid.points[3 * k + c]! + grid.vectors["train_surface"]![3 * k + c]!;
      // Six decimals are written.
      expect(Math.abs(vertex[c]! - due)).toBeLessThan(6e-7);
    }
    const due = viridis(vertex[2]! / 0.6);
    // The nearest of 128 colours: at most 3 of 255 beside it.
    for (const c of [0, 1, 2] as const) expect(Math.abs(255 * vertex[3 + c]! - due[c])).toBeLessThan(3.1);
  });
  // The test's mesh stands beside the training's, and its heights are inside the same box.
  for (const vertex of test.vertices) {
    expect(vertex[0]).toBeGreaterThanOrEqual(0.75);
    expect(vertex[2]).toBeGreaterThanOrEqual(0);
    expect(vertex[2]).toBeLessThanOrEqual(0.6);
  }
  expect(comments.join("\n")).toMatch(/x = \(alpha - \(0\.5\)\) \/ 5\n.*y = \(beta - \(-0\.\d+\)\) \/ 0\.4/);
  expect(comments.join("\n")).toContain("z = 0.6 * log(loss / ");
  expect(comments.join("\n")).toContain("z = 0.6 * (loss - (");
  expect(comments.join("\n")).toContain("and x moved by 1.25");
});

test("faces of OBJ run counter-clockwise seen from above", () => {
  const { objects } = parseObj(objFile("t", plane, colours));
  for (const { vertices, faces } of objects) {
    for (const face of faces) {
      const [a, b, c] = face.map((k) => vertices[k]!) as [number[], number[], number[]];
      expect((b[0]! - a[0]!) * (c[1]! - a[1]!) - (b[1]! - a[1]!) * (c[0]! - a[0]!)).toBeGreaterThan(0);
    }
  }
});

test("a plane without test data, and without any finite loss, is written too", () => {
  const nothing = loss.map((row) => row.map(() => null));
  const empty: PlaneValues = { x, y, train: { loss: nothing, accuracy: null }, test: null };
  expect(parseVtk(vtkFile("t", empty)).scalars["train_loss"]!.every(Number.isNaN)).toBe(true);
  expect(parseObj(objFile("t", empty, colours)).objects).toEqual([
    { name: "train_loss", first: 0, vertices: [], faces: [] },
  ]);
});
