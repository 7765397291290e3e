import type { SymmetricOperator } from "../../src/numerics/operator.ts";
import { gaussian } from "../../src/numerics/random.ts";
import { axpy, dot, norm, normalize } from "../../src/numerics/vector.ts";

/** An operator that counts its products. */
export interface CountedOperator extends SymmetricOperator {
  readonly products: () => number;
}

/** Random reflections: a cheap orthogonal matrix, so that eigenvectors are not the axes. */
function reflectors(n: number, count: number): Float64Array[] {
  return Array.from({ length: count }, (_, index) => {
    const w = new Float64Array(n);
    gaussian({ seed: 1, purpose: "reflector", name: "", index }, w);
    normalize(w);
    return w;
  });
}

/** A = Q·diag(values)·Qᵀ with a fixed orthogonal Q; `vector(k)` is the eigenvector of values[k]. */
export function spectrumOperator(
  values: readonly number[],
): CountedOperator & { vector(k: number): Float64Array } {
  const n = values.length;
  const ws = n > 1 ? reflectors(n, 3) : [];
  const turn = (x: Float64Array, order: readonly Float64Array[]) => {
    for (const w of order) axpy(-2 * dot(w, x), w, x);
  };
  let products = 0;
  return {
    n,
    products: () => products,
    vector(k) {
      const x = new Float64Array(n);
      x[k] = 1;
      turn(x, ws);
      return x;
    },
    async apply(x, out) {
      products++;
      out.set(x);
      turn(out, [...ws].reverse());
      for (let i = 0; i < n; i++) out[i]! *= values[i]!;
      turn(out, ws);
      return { error: 0 };
    },
  };
}

/** The same with Gaussian noise of the given norm added to each product: never twice the same, as rounding is. */
export function noisyOperator(exact: SymmetricOperator, error: number, seed = 0): SymmetricOperator {
  let index = 0;
  const noise = new Float64Array(exact.n);
  return {
    n: exact.n,
    async apply(x, out) {
      await exact.apply(x, out);
      gaussian({ seed, purpose: "noise", name: "", index: index++ }, noise);
      axpy((error * norm(x)) / Math.sqrt(exact.n), noise, out);
      return { error: error * norm(x) };
    },
  };
}

/**
 * The spectrum of fcnn2: 50 outliers from 20 down to 0.01, a bulk of ±0.011 with gaps of 1e-4 at the lower end, most
 * values nearly zero.
 */
export function sharpSpectrum(n: number): number[] {
  const outliers = Array.from({ length: 48 }, (_, k) => 12 * 10 ** (-k / 16));
  const tail = Array.from({ length: 100 }, (_, k) => -0.01105 + 0.00008 * k);
  const rest = n - outliers.length - tail.length - 5;
  const bulk = Array.from({ length: rest }, (_, k) => 1e-4 * Math.sin(k));
  return [20.0791, 17.02607, -0.01134371, -0.01121915, -0.01111879, ...outliers, ...tail, ...bulk];
}
