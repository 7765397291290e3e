/** Monotone map of values to [0, 1], of a kind that Vega has too, so that legends agree with cells. */
export interface Scale {
  readonly kind: "linear" | "log" | "symlog";
  readonly domain: readonly [low: number, high: number];
  /** Symlog: where it turns from linear to logarithmic. */
  readonly constant?: number;
}

/** Logarithmic pays from this ratio on (a plane that rises twentyfold at its corners beside one that doubles), and only then can it be read at all: every value must be positive. */
const LOG_RATIO = 8;

/** Where on the scale a value lies; outside the domain below 0 or above 1. */
export function positionOf(scale: Scale, value: number): number {
  const [low, high] = scale.domain.map((v) => transform(scale, v)) as [number, number];
  const at = scale.kind === "log" && value <= 0 ? Number.NEGATIVE_INFINITY : transform(scale, value);
  return high === low ? 0.5 : (at - low) / (high - low);
}

/** The value at a position: the inverse of `positionOf`. */
export function valueAt(scale: Scale, position: number): number {
  const [low, high] = scale.domain.map((v) => transform(scale, v)) as [number, number];
  const at = low + position * (high - low);
  if (scale.kind === "log") return 10 ** at;
  if (scale.kind === "linear") return at;
  return Math.sign(at) * Math.expm1(Math.abs(at)) * (scale.constant ?? 1);
}

function transform(scale: Scale, value: number): number {
  if (scale.kind === "log") return Math.log10(value);
  if (scale.kind === "linear") return value;
  return Math.sign(value) * Math.log1p(Math.abs(value) / (scale.constant ?? 1));
}

/**
 * One scale for all losses: logarithmic if all are positive and span a factor of 8, else linear. When a
 * few extreme cells would take more than a third of the scale, it ends at the 98th percentile instead;
 * `beyond` counts what lies above.
 */
export function lossScale(values: readonly number[]): { scale: Scale; beyond: number } {
  const sorted = values.filter(Number.isFinite).toSorted((a, b) => a - b);
  const [low = 0, high = 1] = [sorted[0], sorted.at(-1)];
  const kind = low > 0 && high / low > LOG_RATIO ? "log" : "linear";
  const whole: Scale = { kind, domain: [low, high] };
  const percentile = sorted[Math.floor(0.98 * (sorted.length - 1))] ?? high;
  const cut = positionOf(whole, percentile) < 2 / 3 && percentile > low;
  const scale: Scale = cut ? { kind, domain: [low, percentile] } : spread(whole);
  return { scale, beyond: sorted.filter((v) => v > scale.domain[1]).length };
}

/** Share of cells, from 0 to 1, on the range that occurs. */
export function accuracyScale(values: readonly number[]): Scale {
  return spread({ kind: "linear", domain: extent(values, [0, 1]) });
}

/** Change of loss: symmetric, the same constant for both signs; `depth` is what must still be seen. */
export function changeScale(values: readonly number[], depth: number): Scale {
  const [low, high] = extent(values, [-1, 1]);
  const most = Math.max(-low, high) || 1;
  const constant = Math.max(depth > 0 ? depth / 8 : most / 10, most * 1e-6);
  return { kind: "symlog", domain: [-most, most], constant };
}

/** Smallest and largest finite value, or the default when there is none. */
export function extent(values: readonly number[], otherwise: readonly [number, number]): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const v of values) {
    if (!Number.isFinite(v)) continue;
    low = Math.min(low, v);
    high = Math.max(high, v);
  }
  return low <= high ? [low, high] : [...otherwise];
}

/** A domain of some width, also when all values are equal. */
function spread(scale: Scale): Scale {
  const [low, high] = scale.domain;
  if (high > low) return scale;
  const half = Math.abs(low) / 2 || 0.5;
  return { kind: "linear", domain: [low - half, high + half] };
}

/** Values between the ends of a domain, a margin added on both sides. */
export function padded([low, high]: readonly [number, number], margin: number): [number, number] {
  const width = high > low ? high - low : Math.abs(low) || 1;
  return [low - margin * width, high + margin * width];
}

/** `count` values at equal distances on the scale, strictly inside it. */
export function levels(scale: Scale, count: number): number[] {
  return Array.from({ length: count }, (_, k) => valueAt(scale, (k + 1) / (count + 1)));
}
