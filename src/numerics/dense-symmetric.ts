import { LandscapeError } from "../errors.ts";
import { type DenseEigen, identity, tridiagonalEigen } from "./tridiagonal.ts";
import { axpy, dot, scale } from "./vector.ts";

/**
 * Eigenpairs of a small dense symmetric matrix given by its rows [k][k], k up to a few hundred: Householder
 * reduction to tridiagonal form, then QL. Only (A + Aᵀ)/2 matters.
 * Error: |δλ| ≤ small multiple of k·2⁻⁵³·‖A‖; vectors are orthonormal to the same. Cost about 8k³ flops.
 * Source: Golub & Van Loan, Matrix Computations, §8.3.
 */
export function symmetricEigen(rows: readonly ArrayLike<number>[]): DenseEigen {
  const a = symmetrized(rows);
  const n = a.length;
  const reflectors: Float64Array[] = [];
  for (let k = 0; k + 2 < n; k++) reflectors.push(reduceColumn(a, k));
  const diagonal = a.map((row, i) => row[i]!);
  const offDiagonal = a.slice(1).map((row, i) => row[i]!);
  return tridiagonalEigen(diagonal, offDiagonal, transposed(product(reflectors, n)));
}

function symmetrized(rows: readonly ArrayLike<number>[]): Float64Array[] {
  const n = rows.length;
  return rows.map((row, i) => {
    if (row.length !== n) {
      throw new LandscapeError(
        "INTERNAL",
        `eigenvalues of a matrix that is not square: row ${i} has ${row.length} of ${n} entries`,
      );
    }
    return Float64Array.from({ length: n }, (_, j) => (row[j]! + rows[j]![i]!) / 2);
  });
}

/** Makes column k tridiagonal by A ← P·A·P, P = I − 2wwᵀ; returns w (zero where nothing was to do). */
function reduceColumn(a: Float64Array[], k: number): Float64Array {
  const n = a.length;
  const w = new Float64Array(n);
  let below = 0;
  for (let i = k + 2; i < n; i++) below = Math.max(below, Math.abs(a[i]![k]!));
  if (below === 0) return w;
  for (let i = k + 1; i < n; i++) w[i] = a[i]![k]!;
  const length = Math.hypot(...w);
  // The sign that adds: no cancellation.
  w[k + 1]! += w[k + 1]! >= 0 ? length : -length;
  scale(1 / Math.hypot(...w), w);
  reflect(a, w);
  return w;
}

/** A ← P·A·P as the rank-two update A − w·qᵀ − q·wᵀ, q = 2(A·w − (wᵀA·w)·w). */
function reflect(a: Float64Array[], w: Float64Array): void {
  const q = Float64Array.from(a, (row) => dot(row, w));
  axpy(-dot(w, q), w, q);
  scale(2, q);
  a.forEach((row, i) => {
    axpy(-w[i]!, q, row);
    axpy(-q[i]!, w, row);
  });
}

/** The rows of P₀·P₁·…, so that A = (P₀P₁…)·T·(P₀P₁…)ᵀ. */
function product(reflectors: readonly Float64Array[], n: number): Float64Array[] {
  const rows = identity(n);
  for (const w of reflectors) for (const row of rows) axpy(-2 * dot(row, w), w, row);
  return rows;
}

function transposed(rows: readonly Float64Array[]): Float64Array[] {
  return rows.map((_, j) => Float64Array.from(rows, (row) => row[j]!));
}
