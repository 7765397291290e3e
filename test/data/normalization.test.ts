import { describe, expect, it } from "vitest";
import { converter } from "../../src/data/convert.ts";
import { parseNormalization } from "../../src/data/normalization.ts";
import type { NdArray } from "../../src/data/npy.ts";

const standardize = (divisor: number | null, mean: number[], std: number[]) => ({
  kind: "standardize",
  divisor,
  mean,
  std,
});

describe("--normalize", () => {
  it.each([
    ["0.286,0.353", standardize(null, [0.286], [0.353])],
    ["0.286, 0.353, 255", standardize(255, [0.286], [0.353])],
    ["1,2,3,4,5,6", standardize(null, [1, 2, 3], [4, 5, 6])],
    ["1,2,3,4,5,6,255", standardize(255, [1, 2, 3], [4, 5, 6])],
    ["[1,2,3],[4,5,6],255", standardize(255, [1, 2, 3], [4, 5, 6])],
    ["0.5,[4,5,6]", standardize(null, [0.5], [4, 5, 6])],
    ["1:2:3,4:5:6", standardize(null, [1, 2, 3], [4, 5, 6])],
    ["-1e-1,.5", standardize(null, [-0.1], [0.5])],
  ])("%s", (text, expected) => {
    expect(parseNormalization({ normalize: text })).toEqual(expected);
  });

  it.each([
    ["0.5", /expected MEAN,STD/],
    ["", /expected MEAN,STD/],
    ["a,b", /is no list of numbers; expected MEAN,STD/],
    ["1,2,", /is no list of numbers/],
    ["1,NaN", /is no list of numbers/],
    ["[1,2],[3,4],5,6", /expected MEAN,STD/],
    ["[1,2,3],[4,5]", /are 3 and 2 numbers/],
    ["0.5,0", /deviation that is not positive/],
    ["0.5,-1", /deviation that is not positive/],
    ["0.5,1,0", /divisor that is not positive/],
  ])("refuses %j", (text, message) => {
    expect(() => parseNormalization({ normalize: text })).toThrow(message);
  });
});

describe("--scale and --offset", () => {
  it("default to 1 and 0, and take lists", () => {
    expect(parseNormalization({})).toBeUndefined();
    expect(parseNormalization({ scale: "2" })).toEqual({ kind: "affine", scale: [2], offset: [0] });
    expect(parseNormalization({ scale: 2, offset: "1,2,3" })).toEqual({
      kind: "affine",
      scale: [2],
      offset: [1, 2, 3],
    });
  });

  it("refuse other numbers, other lengths, and --normalize beside them", () => {
    expect(() => parseNormalization({ scale: "two" })).toThrow(/invalid --scale: "two"/);
    expect(() => parseNormalization({ scale: "1,2", offset: "1,2,3" })).toThrow(/are 2 and 3 numbers/);
    expect(() => parseNormalization({ scale: 1, normalize: "0,1" })).toThrow(/cannot be combined/);
  });
});

describe("conversion of samples", () => {
  const bytes: NdArray = {
    dtype: "uint8",
    shape: [1, 256],
    data: Uint8Array.from({ length: 256 }, (_, i) => i),
  };

  it("is computed in double precision and rounded once", () => {
    const convert = converter(bytes, "float32", parseNormalization({ normalize: "0.2860,0.3530" }));
    expect(convert(bytes.data)).toEqual(
      Float32Array.from({ length: 256 }, (_, i) => (i / 255 - 0.286) / 0.353),
    );
  });

  it("divides bytes by 255, floats only when told to", () => {
    const floats: NdArray = { dtype: "float32", shape: [1, 1], data: Float32Array.of(51) };
    const run = (normalize: string) =>
      converter(floats, "float32", parseNormalization({ normalize }))(floats.data);
    expect(run("1,2")).toEqual(Float32Array.of(25));
    expect(run("0.1,2,255")).toEqual(Float32Array.of(0.05));
  });

  it("takes channels from axis 1", () => {
    const two: NdArray = { dtype: "uint8", shape: [2, 2, 2], data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) };
    const run = (array: NdArray) =>
      converter(array, "float32", parseNormalization({ scale: "1,10", offset: "0,100" }))(array.data);
    expect([...run(two)]).toEqual([1, 2, 130, 140, 5, 6, 170, 180]);
    expect([...run({ ...two, dtype: "float64", data: Float64Array.from(two.data as Uint8Array) })]).toEqual([
      1, 2, 130, 140, 5, 6, 170, 180,
    ]);
  });

  it("is a view where nothing changes", () => {
    const floats: NdArray = { dtype: "float32", shape: [3], data: Float32Array.of(1, 2, 3) };
    expect(converter(floats, "float32", undefined)(floats.data)).toBe(floats.data);
  });

  it("brings integers and floats to the type asked for", () => {
    const ids: NdArray = { dtype: "int32", shape: [2], data: Int32Array.of(-1, 7) };
    expect(converter(ids, "int64", undefined)(ids.data)).toEqual(BigInt64Array.of(-1n, 7n));
    const doubles: NdArray = { dtype: "float64", shape: [1], data: Float64Array.of(0.1) };
    expect(converter(doubles, "float32", undefined)(doubles.data)).toEqual(Float32Array.of(0.1));
    expect(converter(doubles, "float16", undefined)(doubles.data)).toEqual(Uint16Array.of(0x2e66));
  });
});
