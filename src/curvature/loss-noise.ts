import type { Direction, Objective } from "../objective/types.ts";

// θ changes by one to four units in its last place: enough to redraw every rounding, too little to change the loss.
const RELATIVE_STEP = 1e-7;
const REACH = 4;

/**
 * Rounding noise of the loss at θ₀: the standard deviation of 2·4 + 1 losses on a line of tiny displacements
 * along a unit direction, about the parabola that fits them best (6 degrees of freedom). Units: loss.
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
  let rest = losses;
  for (const polynomial of POLYNOMIALS) rest = without(rest, polynomial);
  const squares = rest.reduce((sum, x) => sum + x * x, 0);
  return Math.sqrt(squares / (losses.length - POLYNOMIALS.length));
}

const POINTS: readonly number[] = Array.from({ length: 2 * REACH + 1 }, (_, i) => i - REACH);
const MEAN_SQUARE = POINTS.reduce((sum, k) => sum + k * k, 0) / POINTS.length;
/** Orthogonal on the points: constant, slope, curvature. */
const POLYNOMIALS: readonly (readonly number[])[] = [
  POINTS.map(() => 1),
  POINTS,
  POINTS.map((k) => k * k - MEAN_SQUARE),
];

/** `values` less their part along `direction`. */
function without(values: readonly number[], direction: readonly number[]): number[] {
  const size = direction.reduce((sum, d) => sum + d * d, 0);
  const part = direction.reduce((sum, d, i) => sum + d * (values[i] ?? 0), 0) / size;
  return values.map((v, i) => v - part * (direction[i] ?? 0));
}
