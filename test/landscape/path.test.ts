import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { type PathWeights, principalAxes, projectPath } from "../../src/landscape/index.ts";
import { gaussian } from "../../src/numerics/random.ts";
import { dot, norm } from "../../src/numerics/vector.ts";

const n = 400;
/** θ is rounded to float32, at a size of a few units. */
const rounding = 2 ** -24 * 8 * Math.sqrt(n);

function draw(name: string): Float64Array {
  const v = new Float64Array(n);
  gaussian({ seed: 3, purpose: "test", name, index: 0 }, v);
  return v;
}

/** θₖ = θ_last + Σ cₖᵢ·dᵢ, and how often each was read. */
function pathOf(coefficients: readonly (readonly number[])[]): PathWeights & { reads: number[] } {
  const origin = draw("origin");
  const directions = coefficients[0]!.map((_, i) => draw(`direction ${i}`));
  const reads = coefficients.map(() => 0);
  return {
    reads,
    count: coefficients.length,
    n,
    read: async (k) => {
      reads[k]!++;
      return Float32Array.from(origin, (x, j) =>
        coefficients[k]!.reduce((sum, c, i) => sum + c * directions[i]![j]!, x),
      );
    },
  };
}

const other = () => draw("other");
const curve = [0, 1, 2, 3, 4, 5].map((k) => {
  const t = 1 - k / 5;
  return k === 5 ? [0, 0, 0] : [3 * t, Math.sin(3 * t), 0.2 * Math.cos(7 * t)];
});

describe("principal axes of a path", () => {
  it("are orthonormal, and their shares those of the covariance about the last checkpoint", async () => {
    const path = pathOf(curve);
    const { axes, shares } = await principalAxes(path, other);
    expect(Math.abs(dot(...axes))).toBeLessThan(1e-14);
    for (const axis of axes) expect(norm(axis)).toBeCloseTo(1, 14);
    const origin = await path.read(5);
    const rows = [];
    for (let k = 0; k < 5; k++) rows.push(Array.from(await path.read(k), (x, i) => x - origin[i]!));
    const d = new Matrix(rows);
    const exact = new EigenvalueDecomposition(d.mmul(d.transpose())).realEigenvalues.toSorted(
      (a, b) => b - a,
    );
    const total = exact.reduce((sum, v) => sum + v, 0);
    expect(shares).toHaveLength(5);
    shares.forEach((share, i) => {
      expect(share).toBeCloseTo(exact[i]! / total, 13);
    });
    expect(shares.reduce((sum, s) => sum + s, 0)).toBeCloseTo(1, 13);
  });

  it("leave the path less far from the plane than any other plane: Σ off-plane² is what the shares leave out", async () => {
    const path = pathOf(curve);
    const { axes, shares } = await principalAxes(path, other);
    const positions = await projectPath(path, axes);
    const [off, all] = [
      (p: (typeof positions)[0]) => p.offPlane,
      (p: (typeof positions)[0]) => p.distance,
    ].map((of) => positions.reduce((sum, p) => sum + of(p) ** 2, 0)) as [number, number];
    expect(off / all).toBeCloseTo(1 - shares[0]! - shares[1]!, 12);
    for (const p of positions) expect(Math.hypot(p.x, p.y, p.offPlane)).toBeCloseTo(p.distance, 12);
    // The first checkpoint shows where the axes point.
    expect(positions[0]!.x).toBeGreaterThan(0);
    expect(positions[0]!.y).toBeGreaterThanOrEqual(0);
    expect(positions.at(-1)).toEqual({ x: 0, y: 0, distance: 0, offPlane: 0 });
  });

  it("are the same with memory for two displacements, at the price of more reading", async () => {
    const [roomy, narrow] = [pathOf(curve), pathOf(curve)];
    const a = await principalAxes(roomy, other);
    const b = await principalAxes(narrow, other, 2 * 8 * n);
    expect(b.shares).toEqual(a.shares);
    expect(b.axes).toEqual(a.axes);
    const sum = (reads: readonly number[]) => reads.reduce((s, r) => s + r, 0);
    expect(sum(narrow.reads)).toBeGreaterThan(sum(roomy.reads));
    // Once for the Gram matrix and once for the axes; the last is the origin.
    expect(roomy.reads).toEqual([2, 2, 2, 2, 2, 1]);
  });

  it("of a path in a plane have it, to the rounding of float32", async () => {
    const path = pathOf(curve.map(([a, b]) => [a!, b!]));
    const { axes, shares } = await principalAxes(path, other);
    expect(shares[0]! + shares[1]!).toBeCloseTo(1, 10);
    for (const p of await projectPath(path, axes)) expect(p.offPlane).toBeLessThan(rounding);
  });

  it("of a straight line: the second is the other direction, orthogonal to the line", async () => {
    const path = pathOf([[2], [0]]);
    const { axes, shares } = await principalAxes(path, other);
    expect(shares).toEqual([1]);
    expect(Math.abs(dot(...axes))).toBeLessThan(1e-15);
    expect(norm(axes[1])).toBeCloseTo(1, 14);
    expect(dot(axes[1], other())).toBeGreaterThan(0);
    const [first] = await projectPath(path, axes);
    expect(first!.x).toBeCloseTo(first!.distance, 12);
    expect(first!.offPlane).toBeLessThan(1e-12);
  });
});
