import { describe, expect, it } from "vitest";
import { cosine, distance, dot, isFiniteVector, norm, normalize, orient } from "../../src/numerics/vector.ts";

describe("dot", () => {
  it("does not lose small terms among many: 10⁶ times 0.1² after a large one", () => {
    const n = 1_000_000;
    const x = new Float64Array(n).fill(0.1);
    x[0] = 1e6;
    // Only the block with the large term rounds: 512 additions to each of its four sums.
    const expected = 1e12 + (n - 1) * (0.1 * 0.1);
    expect(Math.abs(dot(x, x) - expected) / expected).toBeLessThan(512 * 2 ** -53);
  });

  it("sums numbers that cancel across blocks", () => {
    const x = new Float64Array(3 * 2048).fill(1);
    const y = new Float64Array(3 * 2048);
    y[0] = 1e20;
    y[2048] = 1;
    y[4096] = -1e20;
    expect(dot(x, y)).toBe(1);
  });

  it("takes any length, float32 too, and refuses unequal ones", () => {
    for (const n of [0, 1, 2, 3, 5, 2047, 2049]) {
      expect(dot(new Float32Array(n).fill(0.5), new Float64Array(n).fill(2))).toBe(n);
    }
    expect(() => dot(new Float64Array(2), new Float64Array(3))).toThrow(/expected 2, got 3/);
  });

  it("says infinite and NaN", () => {
    expect(norm(Float64Array.of(1, Number.POSITIVE_INFINITY))).toBe(Number.POSITIVE_INFINITY);
    expect(norm(Float64Array.of(1, Number.NaN))).toBeNaN();
    expect(isFiniteVector(Float64Array.of(1, Number.NaN))).toBe(false);
    expect(isFiniteVector(Float64Array.of(1, -0))).toBe(true);
  });
});

describe("normalize", () => {
  // PyHessian divides by ‖v‖ + 1e-6: its vectors are no unit vectors, the small ones least.
  it.each([1e-12, 1e-3, 1, 1e12])("gives unit vectors at any size (%s)", (size) => {
    const x = Float64Array.of(3 * size, -4 * size);
    expect(normalize(x)).toBeCloseTo(5 * size, 20 - Math.ceil(Math.log10(size) + 12));
    expect(Math.abs(norm(x) - 1)).toBeLessThan(2 ** -52);
  });

  it("leaves zero and infinite vectors as they are", () => {
    const zero = new Float64Array(3);
    expect(normalize(zero)).toBe(0);
    expect([...zero]).toEqual([0, 0, 0]);
    const infinite = Float64Array.of(1, Number.POSITIVE_INFINITY);
    normalize(infinite);
    expect(infinite[0]).toBe(1);
  });
});

it("orient makes the largest component positive, the first of equals", () => {
  const x = Float64Array.of(1, -3, 3);
  orient(x);
  expect([...x]).toEqual([-1, 3, -3]);
  const zero = new Float64Array(2);
  orient(zero);
  expect([...zero]).toEqual([0, 0]);
});

it("distance and cosine", () => {
  expect(distance(Float64Array.of(1, 2), Float64Array.of(4, 6))).toBe(5);
  expect(cosine(Float64Array.of(1, 0), Float64Array.of(1, 1))).toBeCloseTo(Math.SQRT1_2, 15);
});
