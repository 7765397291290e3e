import { describe, expect, it } from "vitest";
import { filterDirection, randomDirection, sliceDirection } from "../../src/landscape/index.ts";
import { cosine, norm } from "../../src/numerics/vector.ts";
import type { Parameter } from "../../src/objective/types.ts";

function parametersOf(shapes: Readonly<Record<string, readonly number[]>>): Parameter[] {
  let offset = 0;
  return Object.entries(shapes).map(([name, shape]) => {
    const size = shape.reduce((a, b) => a * b, 1);
    offset += size;
    return { name, shape, offset: offset - size, size };
  });
}

const parameters = parametersOf({
  "conv.weight": [4, 3, 3, 3],
  "conv.bias": [4],
  "fc.weight": [5, 36],
  scale: [],
});
const n = parameters.reduce((sum, p) => sum + p.size, 0);
const theta = Float32Array.from({ length: n }, (_, i) => Math.sin(i * i) * (1 + (i % 7)));

const part = (vector: Float64Array | Float32Array, name: string) => {
  const p = parameters.find((q) => q.name === name) as Parameter;
  return vector.subarray(p.offset, p.offset + p.size);
};

describe("random directions", () => {
  it("are unit vectors, the same for the same draw, nearly orthogonal for others", () => {
    const big = parametersOf({ a: [100, 100], b: [100] });
    const first = randomDirection(big, { seed: 0, index: 0 });
    expect(norm(first.vector)).toBeCloseTo(1, 14);
    expect(randomDirection(big, { seed: 0, index: 0 })).toEqual(first);
    for (const draw of [
      { seed: 0, index: 1 },
      { seed: 1, index: 0 },
    ]) {
      const other = randomDirection(big, draw);
      expect(other.id).not.toBe(first.id);
      // The cosine of two random directions has standard deviation 1/√n.
      expect(Math.abs(cosine(first.vector, other.vector))).toBeLessThan(5 / Math.sqrt(10_100));
    }
  });

  // loss-landscapes draws from [0, 1): its directions all point into one corner.
  it("point to all sides", () => {
    const n = 10_000;
    const [a, b] = [0, 1].map(
      (index) => randomDirection(parametersOf({ a: [n] }), { seed: 0, index }).vector,
    ) as [Float64Array, Float64Array];
    // Σ of a unit vector's components has standard deviation 1, and so has √n times the cosine of two.
    expect(Math.abs(a.reduce((sum, x) => sum + x, 0))).toBeLessThan(5);
    expect(Math.abs(cosine(a, b))).toBeLessThan(5 / Math.sqrt(n));
    // Of numbers in [0, 1) it is (1/2)²/(1/3).
    const [u, v] = [2, 3].map((k) => Float64Array.from({ length: n }, (_, i) => (Math.sqrt(k) * i) % 1)) as [
      Float64Array,
      Float64Array,
    ];
    expect(cosine(u, v)).toBeCloseTo(0.75, 2);
  });

  it("depend on a tensor's name only: another order of tensors is the same direction", () => {
    const turned = parametersOf({
      scale: [],
      "fc.weight": [5, 36],
      "conv.bias": [4],
      "conv.weight": [4, 3, 3, 3],
    });
    const a = randomDirection(parameters, { seed: 0, index: 0 }).vector;
    const b = randomDirection(turned, { seed: 0, index: 0 }).vector;
    const fc = turned.find((p) => p.name === "fc.weight") as Parameter;
    part(a, "fc.weight").forEach((x, i) => {
      expect(b[fc.offset + i]).toBeCloseTo(x, 14);
    });
  });
});

describe("filter-normalised directions", () => {
  const { vector } = filterDirection(parameters, theta, { seed: 0, index: 0 });

  it("have every filter's norm of θ₀, up to one factor, and ignore biases", () => {
    expect(norm(vector)).toBeCloseTo(1, 14);
    expect(part(vector, "conv.bias").every((x) => x === 0)).toBe(true);
    expect(part(vector, "scale").every((x) => x === 0)).toBe(true);
    const ratios: number[] = [];
    for (const [name, filters, size] of [
      ["conv.weight", 4, 27],
      ["fc.weight", 5, 36],
    ] as const) {
      for (let f = 0; f < filters; f++) {
        const range = [f * size, (f + 1) * size] as const;
        ratios.push(norm(part(vector, name).subarray(...range)) / norm(part(theta, name).subarray(...range)));
      }
    }
    expect(ratios).toHaveLength(9);
    for (const ratio of ratios) expect(ratio / ratios[0]!).toBeCloseTo(1, 12);
  });

  it("leave a filter of zeros alone", () => {
    const weights = theta.slice();
    weights.fill(0, 0, 27);
    const direction = filterDirection(parameters, weights, { seed: 0, index: 0 });
    expect(direction.vector.subarray(0, 27).every((x) => x === 0)).toBe(true);
    expect(direction.vector.every(Number.isFinite)).toBe(true);
  });
});

describe("directions of random slices", () => {
  const draw = { seed: 0, index: 3 };

  it("are normal numbers as they are, or of length 1", () => {
    const plain = sliceDirection("none", parameters, theta, draw).vector;
    const unit = sliceDirection("unit", parameters, theta, draw).vector;
    // ‖η‖² is χ² of n degrees of freedom: standard deviation √(2n).
    expect(Math.abs(norm(plain) ** 2 - n)).toBeLessThan(4 * Math.sqrt(2 * n));
    expect(norm(unit)).toBeCloseTo(1, 14);
    expect(cosine(plain, unit)).toBeCloseTo(1, 14);
  });

  it("have the norms of θ₀'s filters, or of its tensors; biases stay", () => {
    const filter = sliceDirection("filter", parameters, theta, draw).vector;
    const layer = sliceDirection("layer", parameters, theta, draw).vector;
    for (const name of ["conv.weight", "fc.weight"]) {
      expect(norm(part(layer, name))).toBeCloseTo(norm(part(theta, name)), 10);
      expect(norm(part(filter, name))).toBeCloseTo(norm(part(theta, name)), 10);
    }
    expect(norm(part(filter, "fc.weight").subarray(0, 36))).toBeCloseTo(
      norm(part(theta, "fc.weight").subarray(0, 36)),
      10,
    );
    for (const vector of [filter, layer]) expect(norm(part(vector, "conv.bias"))).toBe(0);
  });

  it("have an id for what they are", () => {
    const ids = (["none", "unit", "filter", "layer"] as const).map(
      (kind) => sliceDirection(kind, parameters, theta, draw).id,
    );
    expect(new Set(ids).size).toBe(4);
  });
});
