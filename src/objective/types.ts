import type { DifferenceModel } from "../numerics/difference-step.ts";

/** One parameter tensor's place in the flat vector θ. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly size: number;
}

/**
 * A direction in parameter space. `id` names its contents: equal ids mean equal vectors, so that a
 * worker needs to be sent a vector only once.
 */
export interface Direction {
  readonly id: string;
  /** Length N, float64; displaced parameters are rounded to float32 once, at the end. */
  readonly vector: Float64Array;
}

/** An evaluation point θ₀ + Σ coefficient·direction, kept in that form. */
export type Displacement = readonly { readonly coefficient: number; readonly direction: Direction }[];

/** Mean loss over the samples, and the fraction of right answers (null where there is no class). */
export interface Evaluation {
  readonly loss: number;
  readonly accuracy: number | null;
  /** Number of samples (for sequence losses: counted positions). */
  readonly samples: number;
}

export interface GradientEvaluation extends Evaluation {
  /** ∇L at the point, length N. */
  readonly gradient: Float64Array;
}

/**
 * How a product is made, and of what: H by differences of gradients or exact, or exact products of the Gauss-Newton
 * matrix or the empirical Fisher matrix (mean of g·gᵀ over samples) in its place.
 */
export type HvpMethod = "fd" | "exact" | "ggn" | "fisher";
export type Kinks = "frozen" | "moving";

export interface HvpOptions {
  readonly method: HvpMethod;
  readonly kinks: Kinks;
  /**
   * Step ‖ε·v‖ as a fraction of ‖θ‖. Absent: chosen for this vector from several steps and their
   * disagreement.
   */
  readonly relativeStep?: number;
  /**
   * What an earlier product learnt of noise and truncation. With a given step: for the error estimate; without:
   * where to begin to look for one.
   */
  readonly model?: DifferenceModel;
}

export interface HvpResult {
  readonly hv: Float64Array;
  /** ‖Δθ‖ of the difference; null for exact products. */
  readonly step: number | null;
  /** Estimated ‖error‖ of `hv`, absolute. */
  readonly error: number;
  /** What choosing the step has shown, for a unit vector; null when the step was given or the product is exact. */
  readonly model: DifferenceModel | null;
}

/** The loss of one model on one data set, around the checkpoint θ₀. Means are exact over unequal batches. */
export interface Objective {
  /** Number of parameters N. */
  readonly n: number;
  readonly parameters: readonly Parameter[];
  /** θ₀. */
  readonly theta: Float32Array;
  readonly thetaNorm: number;
  readonly samples: number;
  evaluate(at?: Displacement, signal?: AbortSignal): Promise<Evaluation>;
  gradient(at?: Displacement, signal?: AbortSignal): Promise<GradientEvaluation>;
  /** Gradients over the fixed groups of samples (8 at most), for the noise of the gradient. */
  groupGradients(signal?: AbortSignal): Promise<readonly GradientEvaluation[]>;
  hvp(v: Float64Array, options: HvpOptions, signal?: AbortSignal): Promise<HvpResult>;
  close(): Promise<void>;
}
