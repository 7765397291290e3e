import type { Direction, Objective } from "../objective/types.ts";

// θ changes by one to four units in its last place: enough to redraw every rounding, too little to change the loss.
const RELATIVE_STEP = 1e-7;
const REACH = 4;

/**
 * Rounding noise of the loss at θ₀: the standard deviation of 2·4 + 1 losses on a line of tiny displacements
 * along a unit direction, about their straight-line fit (7 degrees of freedom). Units: loss.
 * Zero when all losses are the same number.
 */
export async function measureLossNoise(
  objective: Objective,
  direction: Direction,
  signal?: AbortSignal,
): Promise<number> {
  const step = RELATIVE_STEP * (objective.thetaNorm || 1);
  const losses: number[] = [];
  for (let k = -REACH; k <= REACH; k++) {
    const { loss } = await objective.evaluate([{ coefficient: k * step, direction }], signal);
    losses.push(loss);
  }
  const n = losses.length;
  const mean = losses.reduce((sum, l) => sum + l, 0) / n;
  const spread = losses.reduce((sum, _, i) => sum + (i - REACH) ** 2, 0);
  const slope = losses.reduce((sum, l, i) => sum + (i - REACH) * (l - mean), 0) / spread;
  const squares = losses.reduce((sum, l, i) => sum + (l - mean - slope * (i - REACH)) ** 2, 0);
  return Math.sqrt(squares / (n - 2));
}
