import { symmetricEigen } from "./dense-symmetric.ts";
import type { SymmetricOperator } from "./operator.ts";
import { axpy, dot, norm, normalize, orient } from "./vector.ts";

export interface RefinedPair {
  readonly value: number;
  readonly vector: Float64Array;
  /** ‖A·v − λ·v‖ as computed. */
  readonly residual: number;
  /** Estimated error of A·v. */
  readonly productError: number;
}

/**
 * The best eigenpairs in the span of a few nearly orthonormal vectors, by one product each: eigenpairs of the k×k
 * matrix UᵀAU. Where products differ in accuracy, uᵢᵀA·uⱼ is taken mostly from the more accurate of its two values.
 * Value: Rayleigh quotient, ascending order. The vectors are replaced.
 * Source: Parlett, The Symmetric Eigenvalue Problem, §11.
 */
export async function rayleighRitz(
  operator: SymmetricOperator,
  vectors: readonly Float64Array[],
  signal?: AbortSignal,
): Promise<RefinedPair[]> {
  orthonormalize(vectors);
  const products: Float64Array[] = [];
  const errors: number[] = [];
  for (const u of vectors) {
    signal?.throwIfAborted();
    const w = new Float64Array(operator.n);
    errors.push((await operator.apply(u, w, signal)).error);
    products.push(w);
  }
  const { values, vectors: rotations } = symmetricEigen(projected(vectors, products, errors));
  return rotations.map((s, k) => rotatedPair(values[k] as number, s, vectors, products, errors));
}

function orthonormalize(vectors: readonly Float64Array[]): void {
  vectors.forEach((u, k) => {
    for (let pass = 0; pass < 2; pass++) for (const v of vectors.slice(0, k)) axpy(-dot(v, u), v, u);
    normalize(u);
  });
}

function projected(
  u: readonly Float64Array[],
  w: readonly Float64Array[],
  errors: readonly number[],
): number[][] {
  return u.map((ui, i) =>
    u.map((uj, j) => {
      const [a, b] = [(errors[i] as number) ** 2, (errors[j] as number) ** 2];
      const share = a + b > 0 ? a / (a + b) : 0.5;
      return share * dot(ui, w[j] as Float64Array) + (1 - share) * dot(uj, w[i] as Float64Array);
    }),
  );
}

function rotatedPair(
  value: number,
  s: Float64Array,
  u: readonly Float64Array[],
  w: readonly Float64Array[],
  errors: readonly number[],
): RefinedPair {
  const vector = combination(s, u);
  const rest = combination(s, w);
  axpy(-value, vector, rest);
  normalize(vector);
  orient(vector);
  return {
    value,
    vector,
    residual: norm(rest),
    productError: Math.hypot(...errors.map((e, i) => e * (s[i] as number))),
  };
}

function combination(s: Float64Array, vectors: readonly Float64Array[]): Float64Array {
  const out = new Float64Array(vectors[0]?.length ?? 0);
  vectors.forEach((v, i) => {
    axpy(s[i] as number, v, out);
  });
  return out;
}
