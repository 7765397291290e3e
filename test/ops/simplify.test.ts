import { describe, expect, test } from "vitest";
import type { Value } from "../../src/onnx/graph.ts";
import { float32Tensor } from "../../src/onnx/tensor.ts";
import { GraphBuilder } from "../../src/ops/builder.ts";
import { lookup } from "../../src/ops/registry.ts";

const b = new GraphBuilder(lookup);
const x = b.input("x", { type: "float32", dims: [2, 3] });
const wide = b.input("wide", { type: "float32", dims: [4, 2, 3] });
const column = b.input("column", { type: "float32", dims: [2, 1, 3] });
const ones = b.constant(float32Tensor([3], [1, 1, 1]));

describe("calls that change nothing give their input back", () => {
  const same: readonly (readonly [string, () => Value])[] = [
    ["x + 0", () => b.add(x, 0)],
    ["0 + x", () => b.add(b.filled(x.static, 0), x)],
    ["x − 0", () => b.sub(x, 0)],
    ["x · 1", () => b.mul(x, ones)],
    ["x / 1", () => b.div(x, 1)],
    ["x¹", () => b.pow(x, 1)],
    ["−(−x)", () => b.neg(b.neg(x))],
    ["Identity", () => b.unary("Identity", x)],
    ["Cast to its own type", () => b.cast(x, "float32")],
    ["Reshape to its own shape", () => b.reshape(x, [2, 3])],
    ["Reshape there and back", () => b.reshape(b.reshape(x, [6]), [2, 3])],
    ["Expand to its own shape", () => b.expand(x, [1, 3])],
    ["Transpose by no permutation", () => b.transpose(x, [0, 1])],
    ["Transpose twice", () => b.transpose(b.transpose(x, [1, 0]), [1, 0])],
    ["Pad by nothing", () => b.pad(x, [0, 0, 0, 0])],
    ["Slice of everything", () => b.slice(x, [0], [1000], [1])],
    ["Concat of one", () => b.call("Concat", [x], { axis: 0 })],
    ["Tile by ones", () => b.call("Tile", [x, b.ints([1, 1])])],
    ["Sum of one", () => b.call("Sum", [x])],
    ["Where on a constant", () => b.where(b.filled({ type: "bool", dims: [1] }, 1), x, 0)],
    ["Clip without bounds", () => b.call("Clip", [x])],
    ["sum over no axis", () => b.call("ReduceSum", [x], { noop_with_empty_axes: 1 })],
  ];
  test.each(same)("%s", (_name, make) => {
    expect(make()).toBe(x);
  });

  test("but not when broadcasting makes the result larger", () => {
    const large = b.constant(float32Tensor([4, 1, 1], [1, 1, 1, 1]));
    expect(b.mul(x, large).dims).toEqual([4, 2, 3]);
    expect(b.add(x, b.filled(wide.static, 0)).dims).toEqual([4, 2, 3]);
  });

  test("nor when a slice reverses", () => {
    expect(b.slice(x, [-1], [-4], [1], [-1])).not.toBe(x);
  });
});

describe("calls are brought to a simpler form", () => {
  const op = (value: Value) => value.producer?.op;

  test("all that only reshape are one Reshape", () => {
    const flat = b.call("Flatten", [column]);
    expect(op(flat)).toBe("Reshape");
    expect(b.call("Squeeze", [column])).toBe(b.reshape(column, [2, 3]));
    expect(b.transpose(column, [1, 0, 2])).toBe(b.reshape(column, [1, 2, 3]));
    expect(b.reduceSum(column, [1], false)).toBe(b.reshape(column, [2, 3]));
  });

  test("a product with −1 is a negation", () => {
    expect(b.mul(x, -1)).toBe(b.neg(x));
    expect(b.sub(0, x)).toBe(b.neg(x));
  });

  test("permutations compose", () => {
    const twice = b.transpose(b.transpose(wide, [1, 2, 0]), [1, 2, 0]);
    expect(twice).toBe(b.transpose(wide, [2, 0, 1]));
  });

  test("zeros around zeros are one Pad, unless a crop lies between", () => {
    expect(b.pad(b.pad(x, [1, 0, 0, 0]), [0, 0, 0, 2])).toBe(b.pad(x, [1, 0, 0, 2]));
    const cropped = b.pad(x, [0, -1, 0, 0]);
    expect(b.pad(cropped, [0, 1, 0, 0])).not.toBe(x);
  });

  test("a bool that was a number in between stays itself", () => {
    const mask = b.greater(x, 0);
    expect(b.cast(b.cast(mask, "float32"), "bool")).toBe(mask);
  });

  test("equal calls are one value", () => {
    expect(b.mul(x, 2)).toBe(b.mul(x, 2));
  });
});

describe("shape arithmetic is constant", () => {
  test("a flattened batch computed from shapes, as exporters write it", () => {
    const shape = b.call("Shape", [wide]);
    const batch = b.call("Gather", [
      shape,
      b.constant({ type: "int64", dims: [], data: BigInt64Array.of(0n) }),
    ]);
    const row = b.call("Unsqueeze", [batch, b.ints([0])]);
    const target = b.call("Concat", [row, b.ints([-1])], { axis: 0 });
    expect(b.call("Reshape", [wide, target]).dims).toEqual([4, 6]);
  });

  test("a shape with one length overwritten, as TorchScript writes it, and looked up", () => {
    const shape = b.call("Shape", [wide]);
    const changed = b.call("ScatterElements", [shape, b.ints([-1]), b.ints([7])], { axis: 0 });
    expect(changed.tensor?.data).toEqual(BigInt64Array.of(4n, 2n, 7n));
    const read = b.call("GatherElements", [changed, b.ints([2, -3])], { axis: 0 });
    expect(read.tensor?.data).toEqual(BigInt64Array.of(7n, 4n));
    const table = b.constant(float32Tensor([2, 3], [1, 2, 3, 4, 5, 6]));
    const places = b.reshape(b.ints([1, 0, 1]), [1, 3]);
    const written = b.call("ScatterElements", [
      table,
      places,
      b.filled({ type: "float32", dims: [1, 3] }, 9),
    ]);
    expect(written.tensor?.data).toEqual(Float32Array.of(1, 9, 3, 9, 5, 9));
    const seen = b.call("GatherElements", [table, places]);
    expect(seen.tensor?.data).toEqual(Float32Array.of(4, 2, 6));
  });

  test.each([
    ["add", [8, 2, 13]],
    ["mul", [7, 2, 72]],
    ["min", [1, 2, 3]],
    ["max", [7, 2, 6]],
  ])("elements written with %s, as a fixed graph's degrees", (reduction, expected) => {
    const [table, updates] = [float32Tensor([3], [1, 2, 3]), float32Tensor([3], [7, 4, 6])];
    const [x, u, places] = [b.constant(table), b.constant(updates), b.ints([0, -1, 2])];
    const elements = b.call("ScatterElements", [x, places, u], { axis: 0, reduction });
    const slices = b.call("ScatterND", [x, b.reshape(places, [3, 1]), u], { reduction });
    expect(elements.tensor?.data).toEqual(Float32Array.from(expected));
    expect(slices.tensor?.data).toEqual(Float32Array.from(expected));
  });

  test("integer division truncates", () => {
    const seven = b.ints([-7, 7]);
    const half = b.call("Div", [seven, b.ints([2])]);
    expect(half.tensor?.data).toEqual(BigInt64Array.of(-3n, 3n));
  });

  test("integers too large for a double are left to the runtime", () => {
    const large = b.constant({ type: "int64", dims: [1], data: BigInt64Array.of(2n ** 62n) });
    expect(b.call("Add", [large, b.ints([1])]).tensor).toBeUndefined();
    expect(b.call("Concat", [large, b.ints([1])], { axis: 0 }).tensor?.data).toEqual(
      BigInt64Array.of(2n ** 62n, 1n),
    );
  });

  test("float32 results are rounded once", () => {
    const third = b.call("Div", [b.scalar(1), b.scalar(3)]);
    expect(third.tensor?.data[0]).toBe(Math.fround(1 / 3));
  });
});
