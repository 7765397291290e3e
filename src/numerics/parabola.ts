/** A least-squares parabola L(α) ≈ c₀ + c₁α + ½c₂α² on equidistant points, in closed form. */
export interface ParabolaFit {
  /** α ascending from −a to a. */
  readonly at: readonly number[];
  /** c₂ = Σ weightᵢ·L(atᵢ). */
  readonly weights: readonly number[];
  /** Standard deviation of c₂ for losses with independent noise of deviation 1. */
  readonly noiseGain: number;
  /** Bias of c₂ for a fourth derivative of 1. */
  readonly biasGain: number;
}

/**
 * The fit on `points` ≥ 3 points of [−a, a]. For many points noiseGain² → 45/(points·a⁴) and biasGain → a²/14; for
 * three, 18/(points·a⁴) and a²/12.
 * Source: method.md §3, by the normal equations of even moments.
 */
export function parabolaFit(points: number, halfWidth: number): ParabolaFit {
  const at = Array.from({ length: points }, (_, i) => halfWidth * ((2 * i) / (points - 1) - 1));
  const sum = (power: number) => at.reduce((total, x) => total + x ** power, 0);
  const [second, fourth] = [sum(2), sum(4)];
  const scale = 2 / (points * fourth - second * second);
  const weights = at.map((x) => scale * (points * x * x - second));
  return {
    at,
    weights,
    noiseGain: Math.sqrt(weights.reduce((total, w) => total + w * w, 0)),
    biasGain: weights.reduce((total, w, i) => total + (w * at[i]! ** 4) / 24, 0),
  };
}

/** c₂ of the losses at the fit's points. Their common part is taken off first: it would only cancel. */
export function fittedCurvature(fit: ParabolaFit, losses: readonly number[]): number {
  const base = losses[Math.floor(losses.length / 2)]!;
  return fit.weights.reduce((total, w, i) => total + w * (losses[i]! - base), 0);
}

/**
 * The half-width a at which noise and bias of c₂ together are least: a⁸ = (noiseGain·σ/(biasGain·f⁗))² at a = 1, for
 * losses with noise σ > 0 and fourth derivative f⁗ ≠ 0.
 */
export function bestHalfWidth(points: number, noise: number, fourth: number): number {
  const unit = parabolaFit(points, 1);
  return ((unit.noiseGain * noise) / (unit.biasGain * Math.abs(fourth))) ** (1 / 4);
}
