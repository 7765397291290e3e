import type { BasisPrecision } from "./basis.ts";
import type { SymmetricOperator } from "./operator.ts";

export type SpectrumEnd = "top" | "bottom";

/** Numbers of largest and smallest eigenvalues. */
export interface EndCounts {
  readonly top: number;
  readonly bottom: number;
}

export interface ExtremeOptions extends EndCounts {
  readonly seed: number;
  /**
   * A pair is converged when its residual is at most tolerance·|λ| (or tolerance²·‖A‖, for values near 0), and its
   * angle to the eigenvector, residual/gap, at most 30·tolerance. Default 1e-4: what float32 products carry.
   */
  readonly tolerance?: number | undefined;
  /** Products of the iteration at most (one more per pair follows). Default 300. */
  readonly maxProducts?: number | undefined;
  /**
   * Products at least, though nothing more is told from the products' noise: an operator that is not quite symmetric
   * may have lower directions yet. Default 0.
   */
  readonly leastProducts?: number | undefined;
  /** Vectors kept at most; beyond it the iteration restarts with the best Ritz vectors. Default: all. */
  readonly maxBasis?: number | undefined;
  /**
   * Copies of a multiple eigenvalue to look for, by restarts orthogonal to what is found, each about as costly as the
   * first run. Default 1: none, but up to 10 where the first run shows after a few products that there are few
   * different eigenvalues.
   */
  readonly multiplicity?: number | undefined;
  /** More accurate products for the final residuals, where those of the iteration are rough. */
  readonly refine?: SymmetricOperator | undefined;
  readonly start?: Float64Array | undefined;
  /** Precision of the kept vectors, default float64; float32 suits float32 products. */
  readonly precision?: BasisPrecision | undefined;
  readonly onStep?: ((step: LanczosProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What is known after a step, as often as it is looked at. */
export interface LanczosProgress {
  readonly products: number;
  /** Ritz values of the wanted ends and their residual estimates: top descending, bottom ascending. */
  readonly top: readonly { readonly value: number; readonly residual: number }[];
  readonly bottom: readonly { readonly value: number; readonly residual: number }[];
}

export interface ExtremePair {
  readonly end: SpectrumEnd;
  /** Rayleigh quotient of `vector`. */
  readonly value: number;
  /** Unit vector, its component of largest magnitude positive. */
  readonly vector: Float64Array;
  /**
   * ‖A·v − λ·v‖ by a product of its own, the product's error added in quadrature: an eigenvalue lies within it.
   * Absolute, in the units of λ.
   */
  readonly residual: number;
  /** Estimated error of that product alone: the floor of `residual`. */
  readonly productError: number;
  readonly converged: boolean;
  /**
   * So many orthogonal eigenvectors were found whose values cannot be told from this one, itself included: the
   * eigenvalue is at least so many-fold, to the accuracy of a converged value. 1 where nothing more is known.
   */
  readonly multiplicity: number;
}

export interface ExtremeInfo {
  /** Products in all, the final ones included. */
  readonly products: number;
  /** Lanczos steps. */
  readonly steps: number;
  readonly converged: boolean;
  /** What ended the iteration. */
  readonly stopped: "converged" | "noise" | "complete" | "limit";
  /** Measured noise of the iteration's products between two unit vectors. */
  readonly noise: number;
}
