import type { Direction, Displacement, Objective } from "../objective/types.ts";

/** A point of a line or plane by the coefficients of its directions, with its loss; +∞ where that is not finite. */
export interface Probe {
  readonly at: readonly number[];
  readonly loss: number;
}

/** Losses at θ₀ + Σ atᵢdᵢ, each point evaluated once; keeps the lowest. */
export class Probes {
  /** Beginning with θ₀. */
  lowest: Probe;
  private readonly known = new Map<string, number>();
  private readonly objective: Objective;
  private readonly directions: readonly Direction[];
  private readonly signal: AbortSignal | undefined;

  constructor(
    objective: Objective,
    directions: readonly Direction[],
    loss: number,
    signal: AbortSignal | undefined,
  ) {
    this.objective = objective;
    this.directions = directions;
    this.signal = signal;
    this.lowest = { at: directions.map(() => 0), loss };
    this.known.set(this.lowest.at.join(), loss);
  }

  async loss(at: readonly number[]): Promise<number> {
    const key = at.map((c) => c + 0).join();
    const before = this.known.get(key);
    if (before !== undefined) return before;
    const displacement: Displacement = at.flatMap((coefficient, i) =>
      coefficient === 0 ? [] : [{ coefficient, direction: this.directions[i] as Direction }],
    );
    const { loss } = await this.objective.evaluate(displacement, this.signal);
    // A loss that overflowed has certainly risen.
    const value = Number.isFinite(loss) ? loss : Number.POSITIVE_INFINITY;
    this.known.set(key, value);
    if (value < this.lowest.loss) this.lowest = { at, loss: value };
    return value;
  }
}

export interface Walk {
  /** Where to begin, moving along direction `axis`, up (1) or down (−1). */
  readonly from: readonly number[];
  readonly axis: number;
  readonly side: 1 | -1;
  /** The walk ends where the loss is at least `ceiling` or at most `floor`. */
  readonly ceiling: number;
  readonly floor: number;
  /** First distance tried, and the largest. */
  readonly guess: number;
  readonly limit: number;
}

export interface Crossing {
  readonly distance: number;
  readonly end: "risen" | "fallen" | "limit";
}

/** A distance is known when it lies between two losses this far apart. */
export const WITHIN = 1.25;
/** From a guess that is off by four orders of magnitude still to within a quarter. */
const MAX_STEPS = 20;

/**
 * The distance at which a walk first leaves the band between floor and ceiling, to within a quarter (it is never too
 * small); a barrier narrower than a doubling may be stepped over. Bounded: MAX_STEPS losses, two where
 * the guess is right.
 */
export async function crossing(probes: Probes, walk: Walk): Promise<Crossing> {
  let [low, high] = [0, Number.POSITIVE_INFINITY];
  let end: Crossing["end"] = "limit";
  let t = Math.min(walk.guess, walk.limit);
  for (let step = 0; step < MAX_STEPS; step++) {
    const at = walk.from.map((c, i) => (i === walk.axis ? c + walk.side * t : c));
    const loss = await probes.loss(at);
    const risen = loss >= walk.ceiling;
    if (risen || loss <= walk.floor) [high, end] = [t, risen ? "risen" : "fallen"];
    else low = t;
    if (low >= walk.limit || high / low <= WITHIN) break;
    // A good guess needs one short step more; a bad one is left fast.
    if (high === Number.POSITIVE_INFINITY) t = Math.min(walk.limit, (step === 0 ? WITHIN : 2) * t);
    else t = low === 0 ? t / (step === 0 ? WITHIN : 4) : Math.sqrt(low * high);
  }
  return { distance: end === "limit" ? low : high, end };
}
