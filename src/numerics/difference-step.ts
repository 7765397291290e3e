/**
 * Error of a central difference with step ε: hypot(noise/ε, truncation·ε²), both norms.
 * `noise` comes from rounding, `truncation` from third derivatives along the direction.
 */
export interface DifferenceModel {
  readonly noise: number;
  readonly truncation: number;
}

export interface ChosenDifference {
  readonly hv: Float64Array;
  readonly step: number;
  /** Estimated norm of the error of `hv`. */
  readonly error: number;
  readonly model: DifferenceModel;
  /** Number of quotients that were computed. */
  readonly evaluations: number;
}

// Steps as fractions of the scale, half a decade apart: the best one is then missed by at most 1.8-fold.
const RATIO = Math.sqrt(10);
const LOWEST = -14;
const HIGHEST = -2;
const START = -8;

/**
 * Chooses the step of a central difference from the disagreement of neighbouring steps, which falls
 * as 1/ε where rounding rules and grows as ε² where truncation does.
 * `quotient(ε)` gives the difference quotient (any length); `scale` is ‖θ‖, in which steps are measured:
 * ε from 1e-7 to 1e-1 of it. The error is an estimate from the fitted model, not a bound.
 */
export async function chooseDifference(
  quotient: (step: number) => Promise<Float64Array>,
  options: { readonly scale: number },
): Promise<ChosenDifference> {
  const stepOf = (i: number) => RATIO ** i * options.scale;
  const values = new Map<number, Float64Array>();
  const at = async (i: number): Promise<Float64Array> => {
    const found = values.get(i);
    if (found) return found;
    const made = await quotient(stepOf(i));
    values.set(i, made);
    return made;
  };
  /** Disagreement of steps i and i + 1. */
  const gap = async (i: number): Promise<number> => distance(await at(i), await at(i + 1));

  const [low, high] = await bracket(gap);
  const model = fit(await gaps(low, high, gap), stepOf);
  const indices = [...values.keys()].sort((a, b) => a - b);
  const best = indices.reduce((a, b) => (errorAt(model, stepOf(b)) < errorAt(model, stepOf(a)) ? b : a));
  return {
    hv: values.get(best) as Float64Array,
    step: stepOf(best),
    error: errorAt(model, stepOf(best)),
    model,
    evaluations: values.size,
  };
}

/** Error that the model expects of a difference with this step. */
export function errorAt(model: DifferenceModel, step: number): number {
  return Math.hypot(model.noise / step, model.truncation * step * step);
}

/** Walks downhill from the start until the disagreement grows on both sides. */
async function bracket(gap: (i: number) => Promise<number>): Promise<[low: number, high: number]> {
  let best = START;
  let low = START;
  let high = START;
  const climb = async (direction: 1 | -1) => {
    for (let i = best + direction; i >= LOWEST && i < HIGHEST; i += direction) {
      if (direction > 0) high = i;
      else low = i;
      const here = await gap(i);
      if (!(here < (await gap(best)))) return;
      best = i;
    }
  };
  await climb(1);
  await climb(-1);
  return [low, high];
}

async function gaps(low: number, high: number, gap: (i: number) => Promise<number>): Promise<[number, number][]> {
  const list: [number, number][] = [];
  for (let i = low; i <= high; i++) list.push([i, await gap(i)]);
  return list;
}

/**
 * Fits noise and truncation to the disagreements: gap² = noise²(1/ε² + 1/ε′²) + truncation²(ε′² − ε²)²,
 * from the two ends of the bracket, where one term each rules; then raised to the median of what was seen,
 * since two ends alone may be lucky.
 */
function fit(seen: readonly [number, number][], stepOf: (i: number) => number): DifferenceModel {
  const rows = seen.map(([i, d]) => {
    const [a, b] = [stepOf(i), stepOf(i + 1)];
    return { n: 1 / a ** 2 + 1 / b ** 2, t: (b ** 2 - a ** 2) ** 2, d: d * d };
  });
  const first = rows[0] as (typeof rows)[number];
  const last = rows[rows.length - 1] as (typeof rows)[number];
  if (rows.length === 1) return { noise: Math.sqrt(first.d / first.n), truncation: 0 };
  const det = first.n * last.t - first.t * last.n;
  const noise2 = Math.max(0, (first.d * last.t - last.d * first.t) / det);
  const truncation2 = Math.max(0, (last.d * first.n - first.d * last.n) / det);
  const ratios = rows.map((r) => r.d / (r.n * noise2 + r.t * truncation2)).sort((x, y) => x - y);
  const middle = ratios[Math.floor(ratios.length / 2)] ?? 1;
  const raise = Number.isFinite(middle) && middle > 1 ? Math.sqrt(middle) : 1;
  return { noise: Math.sqrt(noise2) * raise, truncation: Math.sqrt(truncation2) * raise };
}

function distance(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(sum);
}
