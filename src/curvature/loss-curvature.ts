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
const PILOTS = 3;
/** Displacements ‖Δθ‖/‖θ‖ of the pilots' ladder, each twice the one before. */
const FIRST_REACH = 2 ** -13;
const LEVELS = 12;
/** Σ of the squared coefficients of the fourth difference 1, −4, 6, −4, 1. */
const FOURTH_NOISE = Math.sqrt(70);
/** Standard deviations of its noise by which a fourth difference must exceed 0. */
const RESOLVED = 4;
/** A tenth of float32's last place: less noise than that cannot be told from luck. */
const LEAST_NOISE = 0.1 * 2 ** -24;

/**
 * Chooses the half-width at which noise and bias of the fitted curvature are least together. The noise is measured on
 * tiny displacements; the fourth derivative, by fourth differences on pilot directions, at every width of a ladder, since
 * kinks make it one of the scale. From the width of least error, and the fourth derivative there, follows the best one
 * in closed form. Needs losses only, no gradient. On a net with kinks no width gives the Hessian: what is measured is
 * the loss's curvature at that scale.
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
  const noise = Math.max(await measureLossNoise(objective, unit, signal), LEAST_NOISE * Math.abs(loss));
  const widths = Array.from(
    { length: LEVELS },
    (_, k) => (2 ** k * FIRST_REACH * (objective.thetaNorm || 1)) / length,
  );
  const found = await fourthDerivatives(objective, draw, widths, loss, signal);
  const fourths = resolvedFrom(found, widths, RESOLVED * FOURTH_NOISE * noise);
  const errors = widths.map((width, k) => {
    const fit = parabolaFit(points, width);
    return Math.hypot(fit.noiseGain * noise, fit.biasGain * (fourths[k] ?? 0));
  });
  const best = errors.indexOf(Math.min(...errors));
  const [width, fourth] = [widths[best]!, fourths[best] ?? null];
  const ideal = fourth === null || !Number.isFinite(fourth) ? width : bestHalfWidth(points, noise, fourth);
  return { points, halfWidth: Math.min(2 * width, Math.max(width / 2, ideal)), loss, noise, fourth };
}

/** Where a fourth difference drowns in noise, the one of the next width that resolves it stands in; null if none does. */
function resolvedFrom(
  fourths: readonly number[],
  widths: readonly number[],
  noise: number,
): (number | null)[] {
  let above: number | null = null;
  return fourths
    .map((fourth, k): [number, number] => [fourth, widths[k]!])
    .toReversed()
    .map(([fourth, width]) => {
      if (fourth * (width / 2) ** 4 > noise) above = fourth;
      return above;
    })
    .toReversed();
}

/** At each width, from the points 0, ±width/2, ±width: the root mean square over the pilots; not finite where a loss is not. */
async function fourthDerivatives(
  objective: Objective,
  draw: (index: number) => Direction,
  widths: readonly number[],
  loss: number,
  signal: AbortSignal | undefined,
): Promise<number[]> {
  const squares = widths.map(() => 0);
  for (let index = 0; index < PILOTS; index++) {
    const direction = draw(index);
    let inner = await evenPart(objective, direction, widths[0]! / 2, signal);
    for (const [k, width] of widths.entries()) {
      const outer = await evenPart(objective, direction, width, signal);
      squares[k]! += ((outer - 4 * inner + 6 * loss) / (width / 2) ** 4) ** 2 / PILOTS;
      inner = outer;
    }
  }
  return squares.map((square) => (Number.isFinite(square) ? Math.sqrt(square) : Number.POSITIVE_INFINITY));
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
