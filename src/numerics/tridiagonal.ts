import { LandscapeError } from "../errors.ts";

/** Eigenpairs of a small matrix: `values` ascending, `vectors[k]` the vector of `values[k]`. */
export interface DenseEigen {
  readonly values: Float64Array;
  readonly vectors: readonly Float64Array[];
}

/** QL needs about 1.7 sweeps per eigenvalue; EISPACK's limit of 30 is never met on finite input. */
const MAX_SWEEPS = 50;

/**
 * Eigenvalues and eigenvectors of the symmetric tridiagonal matrix with diagonal `d` [n] and
 * off-diagonal `e` [n − 1], by implicit QL with Wilkinson shifts.
 * `basis[k]` (default: the identity's columns) is column k of a matrix Z that is turned into Z·Q: pass the
 * reduction's transformation for a full matrix's vectors, or one row of the identity (columns of length 1)
 * for the first or last components alone, which costs n² instead of n³.
 * Error: |δλ| ≤ small multiple of n·2⁻⁵³·‖T‖ for every eigenvalue (absolute, not relative).
 * Throws INTERNAL on a value that is not finite.
 * Source: Martin & Wilkinson 1968 (EISPACK tql2).
 */
export function tridiagonalEigen(
  diagonal: ArrayLike<number>,
  offDiagonal: ArrayLike<number>,
  basis: readonly Float64Array[] = identity(diagonal.length),
): DenseEigen {
  const n = diagonal.length;
  const d = Float64Array.from(diagonal);
  const e = new Float64Array(n);
  for (let i = 0; i + 1 < n; i++) e[i] = offDiagonal[i]!;
  if (![...d, ...e].every(Number.isFinite)) {
    throw new LandscapeError(
      "INTERNAL",
      "tridiagonal eigenvalues: an entry is not finite (internal: please report)",
    );
  }
  const z = basis.map((column) => column.slice());
  // Rows to split at are judged against the whole matrix: an absolute criterion, as the error bound is.
  let size = 0;
  for (let i = 0; i < n; i++) size = Math.max(size, Math.abs(d[i]!) + Math.abs(e[i]!));
  for (let l = 0; l < n; l++) isolate(d, e, z, l, size);
  return sorted(d, z);
}

/** Columns of the n×n identity. */
export function identity(n: number): Float64Array[] {
  return Array.from({ length: n }, (_, k) => {
    const column = new Float64Array(n);
    column[k] = 1;
    return column;
  });
}

/** QL sweeps until e[l] is negligible: d[l] is then an eigenvalue. */
function isolate(d: Float64Array, e: Float64Array, z: Float64Array[], l: number, size: number): void {
  for (let sweep = 0; ; sweep++) {
    let m = l;
    while (m + 1 < d.length && !isNegligible(d, e, m, size)) m++;
    if (m === l) return;
    if (sweep === MAX_SWEEPS) {
      throw new LandscapeError(
        "INTERNAL",
        "tridiagonal eigenvalues: QL did not converge (internal: please report)",
      );
    }
    sweepOnce(d, e, z, l, m);
  }
}

function isNegligible(d: Float64Array, e: Float64Array, m: number, size: number): boolean {
  const near = Math.abs(d[m]!) + Math.abs(d[m + 1]!);
  return Math.abs(e[m]!) <= Number.EPSILON * Math.max(near, Number.EPSILON * size);
}

/** One implicit QL sweep on rows l…m. */
function sweepOnce(d: Float64Array, e: Float64Array, z: Float64Array[], l: number, m: number): void {
  let g = (d[l + 1]! - d[l]!) / (2 * e[l]!);
  let r = Math.hypot(g, 1);
  g = d[m]! - d[l]! + e[l]! / (g + (g >= 0 ? r : -r));
  let s = 1;
  let c = 1;
  let p = 0;
  for (let i = m - 1; i >= l; i--) {
    const f = s * e[i]!;
    const b = c * e[i]!;
    r = Math.hypot(f, g);
    e[i + 1] = r;
    if (r === 0) {
      // Underflow: the matrix has split here, go on with the smaller block.
      d[i + 1]! -= p;
      e[m] = 0;
      return;
    }
    s = f / r;
    c = g / r;
    g = d[i + 1]! - p;
    r = (d[i]! - g) * s + 2 * c * b;
    p = s * r;
    d[i + 1] = g + p;
    g = c * r - b;
    rotate(z[i]!, z[i + 1]!, c, s);
  }
  d[l]! -= p;
  e[l] = g;
  e[m] = 0;
}

function rotate(x: Float64Array, y: Float64Array, c: number, s: number): void {
  for (let i = 0; i < x.length; i++) {
    const f = y[i]!;
    y[i] = s * x[i]! + c * f;
    x[i] = c * x[i]! - s * f;
  }
}

function sorted(d: Float64Array, z: readonly Float64Array[]): DenseEigen {
  const order = Array.from(d.keys()).sort((a, b) => d[a]! - d[b]!);
  return { values: Float64Array.from(order, (k) => d[k]!), vectors: order.map((k) => z[k]!) };
}
