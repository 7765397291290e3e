import { distance, norm } from "../numerics/vector.ts";
import type { Objective } from "../objective/types.ts";

/** Whether two evaluations at the same point agree. */
export interface DeterminismProbe {
  readonly identical: boolean;
  /** |ΔL|/|L| and ‖Δg‖/‖g‖ between the two. */
  readonly loss: number;
  readonly gradient: number;
}

/** Evaluates loss and gradient at θ₀ twice: finds dropout, random layers and non-deterministic kernels. */
export async function probeDeterminism(
  objective: Objective,
  signal?: AbortSignal,
): Promise<DeterminismProbe> {
  const first = await objective.gradient([], signal);
  const second = await objective.gradient([], signal);
  const loss = Math.abs(first.loss - second.loss) / Math.max(Math.abs(first.loss), Number.MIN_VALUE);
  const gradient =
    distance(first.gradient, second.gradient) / Math.max(norm(first.gradient), Number.MIN_VALUE);
  return { identical: loss === 0 && gradient === 0, loss, gradient };
}
