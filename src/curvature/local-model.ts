import { dot } from "../numerics/vector.ts";
import type { Direction, Objective } from "../objective/types.ts";

/** The loss around θ₀ to second order, along some directions dᵢ: L + Σ slopesᵢcᵢ + ½ Σ curvaturesᵢⱼcᵢcⱼ. */
export interface LocalModel {
  readonly loss: number;
  readonly accuracy: number | null;
  /** ∇L·dᵢ. */
  readonly slopes: readonly number[];
  /** dᵢᵀHdⱼ, of the Hessian (branches frozen). */
  readonly curvatures: readonly (readonly number[])[];
  /** Estimated errors of the diagonal of `curvatures`. */
  readonly errors: readonly number[];
}

/** What a step changes: decreases of the loss, so that above 0 is lower. They add up to the whole. */
export interface Decrease {
  readonly whole: number;
  /** First order: what the gradient explains. */
  readonly slope: number;
  /** Second order: what the Hessian explains. */
  readonly curvature: number;
  /** All higher orders, and branches that change on the way. */
  readonly rest: number;
}

/** Slope and curvature along each direction, from one loss, one gradient and one product for each. Units: those of the loss over ‖Δθ‖. */
export async function localModel(
  objective: Objective,
  directions: readonly Direction[],
  method: "fd" | "exact",
  signal?: AbortSignal,
): Promise<LocalModel> {
  // A gradient brings a loss too, but of other kernels: the last bits would not be those of the losses it is compared with.
  const { loss, accuracy } = await objective.evaluate([], signal);
  const { gradient } = await objective.gradient([], signal);
  const curvatures: number[][] = [];
  const errors: number[] = [];
  for (const { vector } of directions) {
    const { hv, error } = await objective.hvp(vector, { method, kinks: "frozen" }, signal);
    curvatures.push(directions.map((d) => dot(d.vector, hv)));
    errors.push(error);
  }
  return { loss, accuracy, slopes: directions.map((d) => dot(gradient, d.vector)), curvatures, errors };
}

/** Tells a step's decrease apart by order: from L(θ₀) to `loss` at the coefficients `at`. */
export function decreaseOf(model: LocalModel, at: readonly number[], loss: number): Decrease {
  const slope = -at.reduce((sum, c, i) => sum + c * (model.slopes[i] as number), 0);
  let curvature = 0;
  for (const [i, row] of model.curvatures.entries()) {
    for (const [j, k] of row.entries()) curvature -= 0.5 * (at[i] as number) * (at[j] as number) * k;
  }
  const whole = model.loss - loss;
  return { whole, slope, curvature, rest: whole - slope - curvature };
}
