import { bestHalfWidth, fittedCurvature, type ParabolaFit, parabolaFit } from "../numerics/parabola.ts";
import { norm } from "../numerics/vector.ts";
import type { Direction, Objective } from "../objective/types.ts";
import { measureLossNoise } from "./loss-noise.ts";

/** How curvatures are read off losses: everything that is the same for all directions of a kind. */
export interface LossFit {
  readonly points: number;
  /** Half-width in units of the direction: α ∈ [−halfWidth, halfWidth]. */
  readonly halfWidth: number;
  /** L(θ₀). */
  readonly loss: number;
  /** Rounding noise of a loss. */
  readonly noise: number;
  /** Fourth derivative along a direction that the half-width was chosen for; null if none was resolved. */
  readonly fourth: number | null;
}

/** dᵀHd as losses on a line show it. */
export interface LossCurvature {
  readonly curvature: number;
  /** Standard deviation by the noise of the losses. */
  readonly noiseError: number;
  /** Expected bias by the fourth derivative of this line (of the pilot, for three points). */
  readonly bias: number;
}

export interface LossFitOptions {
  /** Equidistant points of a line. Default 5. */
  readonly points?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Three to five points do as well as fifty once the half-width is right (method.md §3); five show the bias too. */
const FEW_POINTS = 5;
/** Directions on which the fourth derivative is looked for. */
export const PILOTS = 3;
/** First displacement ‖Δθ‖/‖θ‖ of a pilot's ladder; it doubles up to a half. */
const FIRST_REACH = 2 ** -10;
const LAST_REACH = 2 ** -1;
/** Σ of the squared coefficients of the fourth difference 1, −4, 6, −4, 1. */
const FOURTH_NOISE = Math.sqrt(70);
/** Standard deviations of its noise by which a fourth difference must exceed 0. */
const RESOLVED = 4;

/**
 * Chooses the half-width at which noise and bias of the fitted curvature are least together: the noise is measured on
 * tiny displacements, the fourth derivative on pilot directions, at the first width that resolves it. Needs losses
 * only, no gradient. On a net with kinks there is no width at which this becomes the Hessian: what is measured is the
 * loss's curvature at that scale.
 */
export async function chooseLossFit(
  objective: Objective,
  draw: (index: number) => Direction,
  options: LossFitOptions = {},
): Promise<LossFit> {
  const { signal, points = FEW_POINTS } = options;
  const { loss } = await objective.evaluate([], signal);
  const first = draw(0);
  const length = norm(first.vector);
  const unit: Direction = { id: `${first.id}/unit`, vector: first.vector.map((x) => x / length) };
  // Equal losses on all nine points would otherwise pass for exact ones.
  const noise = Math.max(await measureLossNoise(objective, unit, signal), 2 ** -24 * 0.1 * Math.abs(loss));
  const scale = (objective.thetaNorm || 1) / length;
  let squares = 0;
  let found = 0;
  for (let index = 0; index < PILOTS; index++) {
    const fourth = await fourthDerivative(objective, draw(index), { loss, noise, scale, signal });
    if (fourth === null) continue;
    squares += fourth ** 2;
    found++;
  }
  const fourth = found > 0 ? Math.sqrt(squares / found) : null;
  const limit = LAST_REACH * scale;
  const best = fourth === null || noise === 0 ? limit : bestHalfWidth(points, noise, fourth);
  return { points, halfWidth: Math.min(limit, best), loss, noise, fourth };
}

/** Fourth difference at the first of doubling widths at which it exceeds its noise; null if none does. */
async function fourthDerivative(
  objective: Objective,
  direction: Direction,
  {
    loss,
    noise,
    scale,
    signal,
  }: { loss: number; noise: number; scale: number; signal?: AbortSignal | undefined },
): Promise<number | null> {
  let inner = await evenPart(objective, direction, FIRST_REACH * scale, signal);
  for (let reach = FIRST_REACH; 2 * reach <= LAST_REACH; reach *= 2) {
    const outer = await evenPart(objective, direction, 2 * reach * scale, signal);
    const difference = outer - 4 * inner + 6 * loss;
    if (!Number.isFinite(difference)) return null;
    if (Math.abs(difference) > RESOLVED * FOURTH_NOISE * noise) return difference / (reach * scale) ** 4;
    inner = outer;
  }
  return null;
}

/** L(α) + L(−α). */
async function evenPart(
  objective: Objective,
  direction: Direction,
  alpha: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  const plus = await objective.evaluate([{ coefficient: alpha, direction }], signal);
  const minus = await objective.evaluate([{ coefficient: -alpha, direction }], signal);
  return plus.loss + minus.loss;
}

/**
 * Curvature along a direction from losses at equidistant points, by least squares. Units: loss per squared unit of the
 * direction. Costs points − 1 losses where θ₀ is one of them, else points.
 * Source: Böttcher & Wheeler 2024, §3 (50 points); closed form: `parabolaFit`.
 */
export async function lossCurvature(
  objective: Objective,
  direction: Direction,
  fit: LossFit,
  signal?: AbortSignal,
): Promise<LossCurvature> {
  const parabola = parabolaFit(fit.points, fit.halfWidth);
  const losses: number[] = [];
  for (const coefficient of parabola.at) {
    const at = [{ coefficient, direction }];
    losses.push(coefficient === 0 ? fit.loss : (await objective.evaluate(at, signal)).loss);
  }
  return {
    curvature: fittedCurvature(parabola, losses),
    noiseError: parabola.noiseGain * fit.noise,
    bias: parabola.biasGain * (fourthOf(parabola, losses) ?? fit.fourth ?? 0),
  };
}

/** From the five points that are spread evenly over the line; null where there are none. */
function fourthOf({ at }: ParabolaFit, losses: readonly number[]): number | null {
  if ((at.length - 1) % 4 !== 0) return null;
  const quarter = (at.length - 1) / 4;
  const [a, b, c, d, e] = [0, 1, 2, 3, 4].map((k) => losses[k * quarter]!) as [
    number,
    number,
    number,
    number,
    number,
  ];
  return (a - 4 * b + 6 * c - 4 * d + e) / (at[quarter]! - at[0]!) ** 4;
}
