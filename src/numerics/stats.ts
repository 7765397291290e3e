import { LandscapeError } from "../errors.ts";

/** Mean and spread of a sample of numbers. */
export interface SampleStats {
  readonly count: number;
  readonly mean: number;
  /** Unbiased (divided by count − 1); NaN for fewer than two values. */
  readonly variance: number;
  /** √(variance/count): the standard deviation of the mean. NaN for fewer than two values. */
  readonly standardError: number;
}

/** Two passes, so that a large mean does not cancel the variance away. */
export function sampleStats(values: readonly number[]): SampleStats {
  const count = values.length;
  const mean = values.reduce((sum, x) => sum + x, 0) / count;
  const squares = values.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  const variance = count > 1 ? squares / (count - 1) : Number.NaN;
  return { count, mean, variance, standardError: Math.sqrt(variance / count) };
}

// Lanczos' approximation, g = 7, nine terms: relative error below 1e-13 (Press et al., Numerical Recipes §6.1).
const GAMMA = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** ln Γ(x) for x ≥ ½. */
function logGamma(x: number): number {
  const series = GAMMA.reduce((sum, c, k) => sum + (k === 0 ? c : c / (x - 1 + k)), 0);
  const t = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(series);
}

/** Regularised incomplete beta function I_x(a, b), by Lentz's continued fraction; relative error about 1e-13. */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction converges fast below the mean only.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  let c = 1;
  let d = 1 / (1 - ((a + b) * x) / (a + 1));
  let h = d;
  for (let m = 1; m <= 1000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / (1 + even * d);
    c = 1 + even / c;
    h *= c * d;
    d = 1 / (1 + odd * d);
    c = 1 + odd / c;
    h *= c * d;
    if (Math.abs(c * d - 1) < 1e-15) break;
  }
  return (front * h) / a;
}

/** P(T ≤ t) for Student's t with `freedom` degrees of freedom (≥ 1). */
export function studentCdf(t: number, freedom: number): number {
  const tail = 0.5 * incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5);
  return t > 0 ? 1 - tail : tail;
}

/**
 * The t with P(T ≤ t) = p, by bisection: absolute error 1e-12 relative to 1 + |t|. For a central interval of
 * probability q take p = (1 + q)/2.
 */
export function studentQuantile(p: number, freedom: number): number {
  if (!(p > 0 && p < 1 && freedom >= 1)) {
    throw new LandscapeError(
      "INTERNAL",
      `quantile of Student's t: p ${p}, freedom ${freedom}; expected 0 < p < 1 and freedom ≥ 1`,
    );
  }
  if (p < 0.5) return -studentQuantile(1 - p, freedom);
  let low = 0;
  let high = 1;
  while (studentCdf(high, freedom) < p) high *= 2;
  while (high - low > 1e-12 * (1 + low)) {
    const middle = (low + high) / 2;
    if (studentCdf(middle, freedom) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * Interval for a probability of which `hits` of `draws` were seen (z = 1.96: 95 %). Holds at 0 and at `draws` too.
 * Source: Wilson 1927.
 */
export function wilsonInterval(hits: number, draws: number, z = 1.959964): { low: number; high: number } {
  if (draws === 0) return { low: 0, high: 1 };
  const p = hits / draws;
  const shrink = 1 + (z * z) / draws;
  const center = (p + (z * z) / (2 * draws)) / shrink;
  const half = (z / shrink) * Math.sqrt((p * (1 - p)) / draws + (z * z) / (4 * draws * draws));
  // At 0 and at `draws` one end is exact, but for rounding.
  return {
    low: hits === 0 ? 0 : Math.max(0, center - half),
    high: hits === draws ? 1 : Math.min(1, center + half),
  };
}
