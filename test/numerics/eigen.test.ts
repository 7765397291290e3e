import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { symmetricEigen } from "../../src/numerics/dense-symmetric.ts";
import { gaussian } from "../../src/numerics/random.ts";
import { identity, tridiagonalEigen } from "../../src/numerics/tridiagonal.ts";
import { dot, norm } from "../../src/numerics/vector.ts";

const EPS = 2 ** -52;

function randomRows(n: number, index: number): Float64Array[] {
  const rows = Array.from({ length: n }, (_, i) => {
    const row = new Float64Array(n);
    gaussian({ seed: 0, purpose: "rows", name: String(i), index }, row);
    return row;
  });
  return rows.map((row, i) => Float64Array.from(row, (value, j) => (value + rows[j]![i]!) / 2));
}

function tridiagonalRows(d: ArrayLike<number>, e: ArrayLike<number>): Float64Array[] {
  return Array.from({ length: d.length }, (_, i) =>
    Float64Array.from({ length: d.length }, (_, j) =>
      i === j ? d[i]! : Math.abs(i - j) === 1 ? e[Math.min(i, j)]! : 0,
    ),
  );
}

/** ‖A·Q − Q·Λ‖ and ‖QᵀQ − I‖ are small multiples of rounding, and the values are ml-matrix's. */
function check(rows: Float64Array[], found: ReturnType<typeof symmetricEigen>): void {
  const n = rows.length;
  const size = Math.max(1e-300, ...rows.map((row) => norm(row)));
  const bound = 20 * n * EPS;
  found.vectors.forEach((q, k) => {
    const residual = rows.map((row, i) => dot(row, q) - found.values[k]! * q[i]!);
    expect(Math.hypot(...residual)).toBeLessThanOrEqual(bound * size);
    found.vectors.forEach((other, j) => {
      expect(Math.abs(dot(q, other) - (j === k ? 1 : 0))).toBeLessThanOrEqual(bound);
    });
  });
  const oracle = new EigenvalueDecomposition(new Matrix(rows.map((row) => [...row])), {
    assumeSymmetric: true,
  });
  const expected = [...oracle.realEigenvalues].sort((a, b) => a - b);
  expected.forEach((value, k) => {
    expect(Math.abs(found.values[k]! - value)).toBeLessThanOrEqual(bound * size);
  });
}

describe("symmetricEigen", () => {
  it.each([1, 2, 3, 10, 40])("agrees with ml-matrix and is orthonormal, n = %i", (n) => {
    const rows = randomRows(n, n);
    check(rows, symmetricEigen(rows));
  });

  it("handles the empty, the zero and the diagonal matrix", () => {
    expect(symmetricEigen([]).values).toHaveLength(0);
    check(tridiagonalRows([0, 0, 0], [0, 0]), symmetricEigen(tridiagonalRows([0, 0, 0], [0, 0])));
    expect([...symmetricEigen(tridiagonalRows([3, -1, 2], [0, 0])).values]).toEqual([-1, 2, 3]);
  });

  it("handles repeated and clustered values over sixteen orders of magnitude", () => {
    const values = [-2, -2, -2, -2 + 1e-12, 0, 0, 1e-12, 1e-8, 5, 5];
    const q = symmetricEigen(randomRows(values.length, 99)).vectors;
    const rows = values.map((_, i) =>
      Float64Array.from(values, (_, j) =>
        values.reduce((sum, value, k) => sum + value * q[k]![i]! * q[k]![j]!, 0),
      ),
    );
    check(rows, symmetricEigen(rows));
  });

  it("refuses rows of another length", () => {
    expect(() => symmetricEigen([[1, 2], [2]])).toThrow(/not square/);
  });
});

describe("tridiagonalEigen", () => {
  it("has the closed form of the second difference", () => {
    const n = 30;
    const found = tridiagonalEigen(new Float64Array(n).fill(2), new Float64Array(n - 1).fill(-1));
    found.values.forEach((value, k) => {
      expect(Math.abs(value - 4 * Math.sin(((k + 1) * Math.PI) / (2 * n + 2)) ** 2)).toBeLessThan(
        n * EPS * 4,
      );
    });
    check(tridiagonalRows(new Float64Array(n).fill(2), new Float64Array(n - 1).fill(-1)), found);
  });

  it("turns one row of the identity into the last components", () => {
    const d = [1, -3, 2, 8];
    const e = [0.5, 0, -2];
    const full = tridiagonalEigen(d, e);
    const last = tridiagonalEigen(
      d,
      e,
      identity(4).map((column) => column.slice(3)),
    );
    expect([...last.values]).toEqual([...full.values]);
    last.vectors.forEach((row, k) => {
      expect(row).toHaveLength(1);
      expect(row[0]).toBe(full.vectors[k]![3]);
    });
  });

  it("refuses NaN", () => {
    expect(() => tridiagonalEigen([1, Number.NaN], [0])).toThrow(/not finite/);
  });
});
