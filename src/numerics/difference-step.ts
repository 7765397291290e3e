import { combine, distance, norm } from "./vector.ts";

/**
 * Error of a single central difference with step ε along a unit vector: hypot(noise/ε, truncation·ε²), both norms.
 * `noise` comes from rounding, `truncation` from third derivatives along the direction.
 */
export interface DifferenceModel {
  readonly noise: number;
  readonly truncation: number;
}

export interface ChosenDifference {
  /** Extrapolated from the quotients with `step` and √10 times that. */
  readonly hv: Float64Array;
  readonly step: number;
  /** Estimated norm of the error of `hv`. */
  readonly error: number;
  readonly model: DifferenceModel;
  /** Number of quotients that were computed. */
  readonly evaluations: number;
}

/** Steps as powers of this, half a decade apart: the best one is then missed by at most 1.8-fold. */
const RATIO = Math.sqrt(10);
const LOWEST = -14;
const HIGHEST = -2;
/** 1e-4 of the scale, in the middle of what nets want (method §5). */
const START = -8;
/** What rounding leaves of the product itself, in units of its norm: common to all steps, so never seen in their disagreement. */
const FLOOR = 2 ** -21;
/** Share of the product by which neighbours may differ if they show the same one. */
const COHERENT = 0.1;
/** Disagreements of pure noise are √11/3 ≈ 1.1 times what it leaves in a single difference; more has other causes. */
const BEYOND_NOISE = 4;

/**
 * A directional derivative of a noisy function from central differences with several steps.
 * `quotient(ε)` gives the difference quotient (any length); `scale` is ‖θ‖, in which steps are measured: ε from 1e-7 to
 * 1e-1 of it. Two neighbouring quotients are extrapolated to ε = 0 (Richardson: the error's ε² term cancels, its
 * noise grows by a ninth); neighbouring extrapolations disagree by noise, falling as 1/ε, or by the remaining ε⁴ term.
 * The one where the two are least is returned, and its error estimated from both disagreements.
 * Error of the estimate: 1.7 times too large for pure noise, more where truncation rules; it is no bound.
 * Source: Press et al., Numerical Recipes §5.7 (Ridders' method), here for vectors with noise.
 */
export async function chooseDifference(
  quotient: (step: number) => Promise<Float64Array>,
  options: {
    readonly scale: number;
    /** Of a similar vector: the step to begin with, so that fewer quotients are needed, and the noise to expect. */
    readonly model?: DifferenceModel | undefined;
  },
): Promise<ChosenDifference> {
  const { scale, model: known } = options;
  const ladder = new Ladder(quotient, scale);
  await descend(ladder, known ? ladder.nearest(bestStep(known, scale)) : START);
  const least = await leastError(ladder);
  const best = (await isSaturated(ladder, least, known)) ? ((await finer(ladder)) ?? least) : least;
  const hv = await ladder.extrapolated(best);
  const error = Math.hypot(await ladder.error(best), FLOOR * norm(hv));
  const model = await modelOf(ladder, best);
  return { hv, step: ladder.step(best), error, model, evaluations: ladder.evaluations };
}

/** Error that the model expects of a single difference with this step. */
export function errorAt(model: DifferenceModel, step: number): number {
  return Math.hypot(model.noise / step, model.truncation * step * step);
}

/** The step, at most `limit`, at which a single difference has the least error. */
export function bestStep({ noise, truncation }: DifferenceModel, limit: number): number {
  // d/dε (noise²/ε² + truncation²ε⁴) = 0.
  const best = (noise * noise) / (2 * truncation * truncation);
  return best > 0 ? Math.min(limit, best ** (1 / 6)) : limit;
}

/** Quotients by the number of their step, made when asked for; `i` is the power of the ratio. */
class Ladder {
  private readonly quotients = new Map<number, Float64Array>();
  private readonly disagreements = new Map<number, number>();
  private readonly quotient: (step: number) => Promise<Float64Array>;
  private readonly scale: number;

  constructor(quotient: (step: number) => Promise<Float64Array>, scale: number) {
    this.quotient = quotient;
    this.scale = scale;
  }

  get evaluations(): number {
    return this.quotients.size;
  }

  step(i: number): number {
    return RATIO ** i * this.scale;
  }

  /** The number of the step nearest to a given one, with room for its neighbours. */
  nearest(step: number): number {
    const i = Math.round(Math.log(step / this.scale) / Math.log(RATIO));
    return Math.max(LOWEST + 1, Math.min(HIGHEST - 3, i));
  }

  range(): [low: number, high: number] {
    const made = [...this.quotients.keys()];
    return [Math.min(...made), Math.max(...made)];
  }

  async at(i: number): Promise<Float64Array> {
    const known = this.quotients.get(i);
    if (known) return known;
    const made = await this.quotient(this.step(i));
    this.quotients.set(i, made);
    return made;
  }

  /** From steps i and i + 1: (10·Dᵢ − Dᵢ₊₁)/9. */
  async extrapolated(i: number): Promise<Float64Array> {
    return combine(10 / 9, await this.at(i), -1 / 9, await this.at(i + 1));
  }

  /** Distance between the extrapolations of i and i + 1. */
  async disagreement(i: number): Promise<number> {
    const known = this.disagreements.get(i);
    if (known !== undefined) return known;
    const d = distance(await this.extrapolated(i), await this.extrapolated(i + 1));
    // What is not finite is as wrong as can be.
    const made = Number.isFinite(d) ? d : Number.POSITIVE_INFINITY;
    this.disagreements.set(i, made);
    return made;
  }

  /** The disagreement in units of what is found; NaN where all is 0. */
  async relative(i: number): Promise<number> {
    return (await this.disagreement(i)) / norm(await this.extrapolated(i));
  }

  /**
   * Estimated error of extrapolation i. Noise: the disagreement with the one below is √11 times it; only half of
   * it is taken off, since real rounding does not fall exactly as 1/ε. Truncation: the disagreement with the one above
   * is 99 times it in theory; a tenth is taken, in case higher terms cancel.
   */
  async error(i: number): Promise<number> {
    const above = await this.disagreement(i);
    if (!this.quotients.has(i - 1)) return above;
    return Math.hypot((await this.disagreement(i - 1)) / 2, above / 10);
  }
}

/** Walks from the start to the least disagreement, until it grows on both sides; from overflow always down. */
async function descend(ladder: Ladder, start: number): Promise<void> {
  let best = start;
  for (const direction of [1, -1]) {
    for (let i = best + direction; i >= LOWEST && i + 2 <= HIGHEST; i += direction) {
      const reached = await ladder.disagreement(best);
      const isOverflow = direction < 0 && reached === Number.POSITIVE_INFINITY;
      if (!isOverflow && !((await ladder.disagreement(i)) < reached)) break;
      best = i;
    }
  }
}

/** The extrapolation of least error among those made. */
async function leastError(ladder: Ladder): Promise<number> {
  const [low, high] = ladder.range();
  let best = low;
  for (let i = low; i + 2 <= high; i++) {
    if ((await ladder.error(i)) < (await ladder.error(best))) best = i;
  }
  return best;
}

/**
 * Whether neighbours disagree by more than noise about the product itself, as steps do that are too long for a sharp
 * function: it is saturated there, quotients fall as 1/ε, and so do their disagreements, which lead away from the derivative.
 * Quotients that are all 0 may be what is left of it, too.
 */
async function isSaturated(ladder: Ladder, i: number, known: DifferenceModel | undefined): Promise<boolean> {
  const relative = await ladder.relative(i);
  if (Number.isNaN(relative)) return true;
  if (relative <= COHERENT) return false;
  return !known || (await ladder.disagreement(i)) > (BEYOND_NOISE * known.noise) / ladder.step(i);
}

/** The first smaller step at which neighbours agree, and on from there while they agree better; null if there is none. */
async function finer(ladder: Ladder): Promise<number | null> {
  let [i] = ladder.range();
  while (i >= LOWEST && !((await ladder.relative(i)) <= COHERENT)) i--;
  if (i < LOWEST) return null;
  while (i > LOWEST && (await ladder.disagreement(i - 1)) < (await ladder.disagreement(i))) i--;
  return i;
}

/** Noise and truncation of single differences, from the extrapolation as the truth. */
async function modelOf(ladder: Ladder, best: number): Promise<DifferenceModel> {
  const truth = await ladder.extrapolated(best);
  const noise = (await ladder.error(best)) * ladder.step(best);
  const [, high] = ladder.range();
  // The largest step within the asymptotic regime shows the ε² term best.
  const wide = Math.min(best + 1, high);
  const off = distance(await ladder.at(wide), truth);
  const step = ladder.step(wide);
  const truncation = Math.sqrt(Math.max(0, off ** 2 - (noise / step) ** 2)) / step ** 2;
  return { noise, truncation };
}
