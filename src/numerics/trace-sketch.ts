import { LandscapeError } from "../errors.ts";
import { Basis } from "./basis.ts";
import type { SymmetricOperator } from "./operator.ts";
import { rootMeanSquare } from "./trace.ts";
import { dot, norm } from "./vector.ts";

/** Orthonormal Q and A·Q for the range of A·Ω: the part of A that a sketch has seen. */
export interface Sketch {
  readonly q: Basis;
  readonly aq: readonly Float64Array[];
  /** R[i][j] of A·Ω = Q·R, by columns: `r[j]` has length rank. */
  readonly r: readonly Float64Array[];
  /** Error of tr QᵀAQ by the products A·Q: root of the sum of their squared errors. */
  readonly aqError: number;
  /** Root of the mean squared error of the products A·Ω. */
  readonly yError: number;
}

// What is left of a column after two projections is rounding below this share of it: A's range is exhausted.
const RANK = 1e-10;

/**
 * A·Ω = Q·R by Gram-Schmidt (twice), and A·Q. `omega` [k] vectors of length n; 2k products.
 * Columns that add nothing leave Q smaller than k.
 */
export async function sketchRange(
  operator: SymmetricOperator,
  omega: readonly Float64Array[],
  signal?: AbortSignal,
): Promise<Sketch & { readonly y: readonly Float64Array[] }> {
  const y: Float64Array[] = [];
  const yErrors: number[] = [];
  for (const w of omega) {
    const { out, error } = await product(operator, w, signal);
    yErrors.push(error);
    y.push(out);
  }
  const q = new Basis(operator.n, "float64");
  const r = y.map((column) => appendColumn(q, column));
  const aq: Float64Array[] = [];
  const aqErrors: number[] = [];
  for (const vector of q.vectors) {
    const { out, error } = await product(operator, vector as Float64Array, signal);
    aqErrors.push(error);
    aq.push(out);
  }
  return { q, aq, r, y, aqError: Math.hypot(...aqErrors), yError: rootMeanSquare(yErrors) };
}

/** Coefficients of `column` in Q, which grows by its remainder. */
function appendColumn(q: Basis, column: Float64Array): Float64Array {
  const rest = column.slice();
  const h = new Float64Array(q.size + 1);
  for (let pass = 0; pass < 2; pass++) {
    const part = q.project(rest);
    q.subtract(part, rest);
    part.forEach((value, i) => {
      h[i]! += value;
    });
  }
  const left = norm(rest);
  if (left <= RANK * norm(column) || q.size >= q.n) return h.slice(0, q.size);
  h[q.size] = left;
  q.push(rest, 1 / left);
  return h;
}

async function product(
  operator: SymmetricOperator,
  x: Float64Array,
  signal: AbortSignal | undefined,
): Promise<{ out: Float64Array; error: number }> {
  signal?.throwIfAborted();
  const out = new Float64Array(operator.n);
  const { error } = await operator.apply(x, out, signal);
  if (!Number.isFinite(dot(out, out))) {
    throw new LandscapeError(
      "RUNTIME_FAILED",
      "trace: a product holds a value that is not finite; the curvature cannot be computed at this point. Check the weights and the data for extreme values",
    );
  }
  return { out, error };
}
