import type { Direction, Objective } from "../objective/types.ts";

export interface RangeOptions {
  /** The loss at the ends should be this many times that of θ₀. */
  readonly factor: number;
  /** dᵀHd for the unit direction, if known: where to begin to look. */
  readonly curvature?: number | undefined;
  /** ∇L·d, if known. */
  readonly slope?: number | undefined;
  /** L(θ₀), if known: one evaluation less. */
  readonly loss?: number | undefined;
}

/** Half-width of a range symmetric about 0, in ‖Δθ‖, and how it was found, in words. */
export interface ChosenRange {
  readonly halfWidth: number;
  readonly text: string;
}

// Each halving or doubling costs two losses; this spans ten orders of magnitude.
const MAX_STEPS = 17;

/**
 * Chooses the extent of a profile or plane along a unit direction: the smallest distance at which the
 * loss on the higher side has grown `factor`-fold, to within a quarter. Starts where the parabola of slope and
 * curvature would be, else at 1 % of ‖θ₀‖; evaluates at both sides of θ₀ only. Never beyond 2‖θ₀‖.
 */
export async function chooseRange(
  objective: Objective,
  direction: Direction,
  options: RangeOptions,
  signal?: AbortSignal,
): Promise<ChosenRange> {
  const loss0 = options.loss ?? (await objective.evaluate([], signal)).loss;
  if (loss0 === 0) return withoutLoss(objective.thetaNorm || 1);
  const rise = Math.abs(loss0) * (options.factor - 1);
  const limit = 2 * (objective.thetaNorm || 1);
  const highest = async (t: number): Promise<number> => {
    const sides = [t, -t].map(
      async (c) => (await objective.evaluate([{ coefficient: c, direction }], signal)).loss,
    );
    const losses = await Promise.all(sides);
    // A loss that overflowed has certainly risen.
    return Math.max(...losses.map((l) => (Number.isFinite(l) ? l : Infinity)));
  };
  let low = 0;
  let high = Infinity;
  let t = Math.min(limit, firstGuess(rise, options, objective.thetaNorm));
  for (let step = 0; step < MAX_STEPS; step++) {
    if ((await highest(t)) - loss0 < rise) low = t;
    else high = t;
    if (low >= limit) break;
    if (high / low < 1.25) break;
    t = Math.min(limit, high === Infinity ? 4 * t : low === 0 ? t / 4 : Math.sqrt(low * high));
  }
  const reached = Number.isFinite(high);
  const halfWidth = reached ? high : limit;
  return { halfWidth, text: rangeText(options.factor, halfWidth / (objective.thetaNorm || 1), reached) };
}

/** A loss of exactly 0 has no multiple to look for. */
function withoutLoss(thetaNorm: number): ChosenRange {
  return {
    halfWidth: 0.1 * thetaNorm,
    text: "10 % of ‖θ‖: the loss is 0 here, so that it cannot grow by a factor",
  };
}

function firstGuess(rise: number, options: RangeOptions, thetaNorm: number): number {
  const curvature = Math.abs(options.curvature ?? 0);
  const slope = Math.abs(options.slope ?? 0);
  // ½κt² + |g|t = rise.
  if (curvature > 0)
    return (Math.sqrt(slope * slope + 2 * curvature * rise) - slope) / curvature || 0.01 * thetaNorm;
  if (slope > 0) return rise / slope;
  return 0.01 * (thetaNorm || 1);
}

function rangeText(factor: number, relative: number, reached: boolean): string {
  const percent = `${(100 * relative).toPrecision(2)} % of ‖θ‖`;
  if (reached) return `to where the loss has grown ${factor}-fold (${percent})`;
  return `${percent}: the loss does not grow ${factor}-fold within that distance`;
}
