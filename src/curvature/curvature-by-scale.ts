import { dot } from "../numerics/vector.ts";
import type { Direction, Objective } from "../objective/types.ts";

/** vᵀ(∇L(θ+εv) − ∇L(θ−εv))/2ε by step: the loss's curvature at a scale, kinks crossed. */
export interface CurvatureByScale {
  /** ε·‖v‖/‖θ‖, ascending. */
  readonly relativeStep: number[];
  /** Loss per squared unit of ‖Δθ‖. */
  readonly curvature: number[];
  /** Expected rounding error of each. */
  readonly error: number[];
}

const FROM = 1e-5;
const TO = 1e-1;

/**
 * Curvature along a unit direction over steps from 1e-5 to 1e-1 of ‖θ‖, branches moving (method §6.4).
 * `noise`: norm of the gradient's rounding noise as a difference product shows it (error = noise/ε); its share
 * along one direction is taken whole, so that the error is not understated.
 */
export async function curvatureByScale(
  objective: Objective,
  direction: Direction,
  options: {
    readonly noise: number;
    readonly points?: number;
    readonly onPoint?: () => void;
    readonly signal?: AbortSignal;
  },
): Promise<CurvatureByScale> {
  const points = options.points ?? 13;
  const result: CurvatureByScale = { relativeStep: [], curvature: [], error: [] };
  for (let k = 0; k < points; k++) {
    const relativeStep = FROM * (TO / FROM) ** (k / (points - 1));
    const { hv, step } = await objective.hvp(
      direction.vector,
      { method: "fd", kinks: "moving", relativeStep },
      options.signal,
    );
    result.relativeStep.push(relativeStep);
    result.curvature.push(dot(direction.vector, hv));
    result.error.push(options.noise / (step ?? relativeStep * objective.thetaNorm));
    options.onPoint?.();
  }
  return result;
}
