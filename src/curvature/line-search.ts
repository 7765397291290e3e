import type { Direction, Displacement, Objective } from "../objective/types.ts";

/** The lowest point found on a line or plane through θ₀. */
export interface LowestPoint {
  /** Coefficients of the directions; all 0 where nothing lower was found. */
  readonly at: readonly number[];
  readonly loss: number;
  /** Directions along which the loss still fell where the search ended. */
  readonly isOpen: readonly boolean[];
  readonly evaluations: number;
}

export interface LineSearchOptions {
  /** L(θ₀). */
  readonly loss: number;
  /** Losses that differ by no more are taken as equal: the loss's rounding noise. */
  readonly noise: number;
  /** How far to go, in ‖Δθ‖ along each direction. Default ‖θ₀‖. */
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The first distance tried, as a fraction of the limit. */
const FIRST = 1e-6;
/** Accuracy of the position, relative to it: the loss at its minimum is flat. */
const POSITION = 1e-3;
const MAX_SECTIONS = 30;
/** Sweeps over the directions of a plane; eigenvectors are conjugate, so that two or three suffice. */
const MAX_SWEEPS = 6;
/** A sweep that adds less than this share of what was gained before is the last. */
const LEAST_SWEEP = 1e-3;
const GOLDEN = (3 - Math.sqrt(5)) / 2;

/**
 * The lowest loss along one unit direction, or in the plane of several, looked for by losses alone. Along a line the
 * distance is doubled to either side until the loss has risen by its own size (or to the limit), and the lowest point
 * is then narrowed down by golden sections; a minimum narrower than a doubling may be missed. A plane is searched along
 * its directions in turn. Units: losses, and ‖Δθ‖. Deterministic; at most 42 + 30 losses for a direction and a sweep.
 */
export async function lowestAlong(
  objective: Objective,
  directions: readonly Direction[],
  options: LineSearchOptions,
): Promise<LowestPoint> {
  const search = new Search(objective, directions, options);
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
    const before = search.lowest.loss;
    for (const axis of directions.keys()) await search.line(axis);
    const gained = before - search.lowest.loss;
    const isDone = gained <= Math.max(options.noise, LEAST_SWEEP * (options.loss - before));
    if (directions.length === 1 || isDone) break;
  }
  const { lowest, evaluations } = search;
  return { ...lowest, isOpen: directions.map((_, i) => search.isOpen(i)), evaluations };
}

interface Point {
  readonly at: readonly number[];
  readonly loss: number;
}

class Search {
  lowest: Point;
  evaluations = 0;
  private readonly objective: Objective;
  private readonly directions: readonly Direction[];
  private readonly options: LineSearchOptions;
  private readonly limit: number;

  constructor(objective: Objective, directions: readonly Direction[], options: LineSearchOptions) {
    this.objective = objective;
    this.directions = directions;
    this.options = options;
    this.limit = options.limit ?? (objective.thetaNorm || 1);
    this.lowest = { at: directions.map(() => 0), loss: options.loss };
  }

  isOpen(axis: number): boolean {
    return Math.abs(this.lowest.at[axis] as number) >= this.limit;
  }

  /** From the lowest point along one direction. */
  async line(axis: number): Promise<void> {
    const { at } = this.lowest;
    const origin = at[axis] as number;
    const to = (t: number) => this.loss(at.map((c, i) => (i === axis ? t : c)));
    const points: { t: number; loss: number }[] = [{ t: origin, loss: this.lowest.loss }];
    const ceiling = this.lowest.loss + Math.max(Math.abs(this.options.loss), this.options.noise);
    for (const side of [-1, 1]) {
      for (let distance = FIRST * this.limit; ; distance *= 2) {
        const t = clamped(origin + side * distance, this.limit);
        const loss = await to(t);
        points.push({ t, loss });
        if (loss >= ceiling || Math.abs(t) >= this.limit) break;
      }
    }
    points.sort((a, b) => a.t - b.t);
    const lowest = points.reduce((best, p, i) => (p.loss < (points[best]?.loss ?? 0) ? i : best), 0);
    const [left, middle, right] = [points[lowest - 1], points[lowest], points[lowest + 1]];
    if (left && middle && right && middle.t !== origin)
      await this.narrow(to, [left.t, middle.t, right.t], middle.loss);
  }

  /** Golden sections of a bracket whose middle is lower than its ends. */
  private async narrow(
    to: (t: number) => Promise<number>,
    [a, m, b]: readonly [number, number, number],
    lowest: number,
  ): Promise<void> {
    let [left, middle, right, loss] = [a, m, b, lowest];
    for (let k = 0; k < MAX_SECTIONS && right - left > POSITION * Math.abs(middle); k++) {
      const isRight = right - middle > middle - left;
      const t = middle + GOLDEN * (isRight ? right - middle : left - middle);
      const there = await to(t);
      if (there < loss) {
        [left, middle, right] = isRight ? [middle, t, right] : [left, t, middle];
        loss = there;
      } else if (isRight) right = t;
      else left = t;
    }
  }

  /** The loss at coefficients; a loss that is not finite has risen. */
  private async loss(at: readonly number[]): Promise<number> {
    const displacement: Displacement = at.map((coefficient, i) => ({
      coefficient,
      direction: this.directions[i] as Direction,
    }));
    const { loss } = await this.objective.evaluate(displacement, this.options.signal);
    this.evaluations++;
    if (!Number.isFinite(loss)) return Number.POSITIVE_INFINITY;
    if (loss < this.lowest.loss) this.lowest = { at, loss };
    return loss;
  }
}

function clamped(t: number, limit: number): number {
  return Math.max(-limit, Math.min(limit, t));
}
