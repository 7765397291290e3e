import { positionOf, type Scale } from "./scales.ts";

/** Ticks of an axis: where, and a d3 format that tells them apart. */
export interface Ticks {
  readonly values: readonly number[];
  readonly format: string;
}

/** Round values (1, 2 or 5 times a power of ten) in the domain, about `count` of them. */
export function linearTicks([low, high]: readonly [number, number], count: number): Ticks {
  const step = roundStep((high - low) / Math.max(1, count));
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  const values = Array.from({ length: last - first + 1 }, (_, k) => clean((first + k) * step));
  const size = Math.max(Math.abs(low), Math.abs(high));
  const plain = `,.${Math.max(0, -Math.floor(Math.log10(step) + 1e-9))}f`;
  const isShorter = size < 1e-2 && widest(values, "~e") < widest(values, plain);
  return { values, format: size >= 1e5 || size < 1e-3 || isShorter ? "~e" : plain };
}

/** About `count` ticks, or as many fewer as it takes for labels of no more than `characters` beside a sign. */
export function narrowTicks(scale: Scale, count: number, characters: number): Ticks {
  for (let fewer = count; fewer > 1; fewer--) {
    const ticks = ticksOf(scale, fewer);
    if (widest(ticks.values, ticks.format) <= characters) return ticks;
  }
  return ticksOf(scale, count);
}

/** Length of the longest label without its sign. */
function widest(values: readonly number[], format: string): number {
  return Math.max(0, ...values.map((v) => labelLength(Math.abs(v), format)));
}

/** Powers of ten in the domain; 2 and 5 between them where it spans less than two of them. */
export function logTicks([low, high]: readonly [number, number], most: number): Ticks {
  const decades = range(Math.floor(Math.log10(low)), Math.ceil(Math.log10(high)));
  const mantissas = Math.log10(high / low) < 2 ? [1, 2, 5] : [1];
  const inside = decades
    .flatMap((d) => mantissas.map((m) => clean(m * 10 ** d)))
    .filter((v) => v >= low * (1 - 1e-9) && v <= high * (1 + 1e-9));
  if (inside.length < 2) return linearTicks([low, high], 4);
  const values = thin(inside, most);
  return { values, format: sizeFormat(values) };
}

/** 0 and powers of ten to both sides, as many as stay `distance` (a share of the axis) apart. */
export function symlogTicks(scale: Scale, distance: number): Ticks {
  const [low, high] = scale.domain;
  const reach = Math.max(Math.abs(low), Math.abs(high));
  const smallest = Math.floor(Math.log10(Math.max(scale.constant ?? 1, reach * 1e-9)));
  const largest = Math.floor(Math.log10(reach) + 1e-9);
  const powers = range(smallest, largest)
    .map((p) => clean(10 ** p))
    .reverse();
  // From the ends inwards, so that the largest power and 0 always stay.
  const kept: number[] = [0];
  const apart = (v: number) =>
    kept.every((k) => Math.abs(positionOf(scale, v) - positionOf(scale, k)) >= distance);
  for (const power of powers) {
    for (const v of [power, -power]) if (v >= low && v <= high && apart(v)) kept.push(v);
  }
  const values = kept.filter((v) => v >= low && v <= high).toSorted((a, b) => a - b);
  return { values, format: sizeFormat(values) };
}

/** A tick's number as a d3 format writes it, with a true minus. */
export function tickText(value: number, format: string): string {
  if (value === 0) return "0";
  const text =
    format === "~e"
      ? value.toExponential().replace("+", "")
      : format === "~r"
        ? String(value)
        : value.toLocaleString("en-US", digits(Number(format.match(/\d+/)?.[0] ?? 0)));
  return text.replaceAll("-", "\u2212");
}

function digits(count: number): Intl.NumberFormatOptions {
  return { minimumFractionDigits: count, maximumFractionDigits: count };
}

/** As many ticks, up to `most`, as fit side by side on an axis of so many pixels. */
export function fittingTicks(scale: Scale, most: number, pixels: number, suffix = ""): Ticks {
  for (let count = most; count > 1; count--) {
    const ticks = ticksOf(scale, count);
    if (fits(scale, ticks, pixels, suffix)) return ticks;
  }
  return ticksOf(scale, 1);
}

/** A digit of the axes' 12 px text in a wide font (DejaVu Sans), and the least room between two labels. */
const DIGIT = 7.7;
const ROOM = 8;

function fits(scale: Scale, { values, format }: Ticks, pixels: number, suffix: string): boolean {
  return values.every((v, k) => {
    const before = values[k - 1];
    if (before === undefined) return true;
    const distance = Math.abs(positionOf(scale, v) - positionOf(scale, before)) * pixels;
    const length = (labelLength(v, format) + labelLength(before, format)) / 2 + suffix.length;
    return distance >= DIGIT * length + ROOM;
  });
}

function labelLength(value: number, format: string): number {
  if (value === 0) return 1;
  if (format === "~e") return value.toExponential().replace("+", "").length;
  return format === "~r" ? String(value).length : value.toFixed(Number(format.match(/\d+/)?.[0] ?? 0)).length;
}

export function ticksOf(scale: Scale, count: number): Ticks {
  if (scale.kind === "log") return logTicks(scale.domain, count);
  // With less than a decade beyond the constant the scale is almost linear.
  const [low, high] = scale.domain;
  const decade = Math.max(-low, high) >= 10 * (scale.constant ?? 1);
  if (scale.kind === "symlog" && decade) return symlogTicks(scale, 0.55 / count);
  return linearTicks(scale.domain, count);
}

/** Plain numbers, or powers of ten when the plain ones are long. */
function sizeFormat(values: readonly number[]): string {
  const sizes = values.map(Math.abs).filter((v) => v > 0);
  return sizes.some((v) => v < 1e-3 || v >= 1e5) ? "~e" : "~r";
}

function thin(values: readonly number[], most: number): number[] {
  const every = Math.ceil(values.length / most);
  return values.filter((_, k) => k % every === 0);
}

function roundStep(rough: number): number {
  if (!(rough > 0) || !Number.isFinite(rough)) return 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const mantissa = rough / power;
  return power * (mantissa <= 1.5 ? 1 : mantissa <= 3.5 ? 2 : mantissa <= 7.5 ? 5 : 10);
}

/** Without the last bits' noise of a product: 0.3, not 0.30000000000000004. */
function clean(value: number): number {
  return value === 0 ? 0 : Number(value.toPrecision(12));
}

function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, k) => first + k);
}
