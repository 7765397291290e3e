import { distance, norm } from "../numerics/vector.ts";
import type { Objective } from "../objective/types.ts";

/** ∇L over all samples, and how much of its length the choice of samples explains. */
export interface GradientSummary {
  /** ∇L, length N. */
  readonly gradient: Float64Array;
  readonly norm: number;
  /**
   * Standard error of ∇L as a vector, √(Σ‖gₖ − ḡ‖² / (K(K−1))) over the K groups of samples: the length that a
   * gradient of zero mean would show by chance. null with a single group.
   */
  readonly noise: number | null;
  readonly groups: number;
}

/** Gradient and its noise from one pass over the data; groups are weighted by their samples. */
export async function summarizeGradient(
  objective: Objective,
  signal?: AbortSignal,
): Promise<GradientSummary> {
  const groups = await objective.groupGradients(signal);
  const total = groups.reduce((sum, g) => sum + g.samples, 0);
  const gradient = new Float64Array(objective.n);
  for (const g of groups) {
    for (let i = 0; i < gradient.length; i++) gradient[i]! += (g.samples / total) * g.gradient[i]!;
  }
  const squares = groups.reduce(
    (sum, g) => sum + (g.samples / total) * distance(g.gradient, gradient) ** 2,
    0,
  );
  const k = groups.length;
  return {
    gradient,
    norm: norm(gradient),
    noise: k > 1 ? Math.sqrt(squares / (k - 1)) : null,
    groups: k,
  };
}
