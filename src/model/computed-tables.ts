import { CLOSE, isBinary } from "./initializer-evidence.ts";

/** Tables that code computes, told by their numbers: frequencies, waves, transforms, bands. */

/** 0, 1, 2, …: what a distribution over places is multiplied by, for its mean (the box edges of YOLO and PicoDet). */
export function isCounting(x: Float32Array): boolean {
  return x.length >= 4 && x.every((v, i) => v === i);
}

/** Numbers at one distance from each other: the knots of splines and radial functions, the axes of a grid. */
export function isEquidistant(x: Float32Array): boolean {
  const [first, last] = [x[0] as number, x.at(-1) as number];
  const step = (last - first) / (x.length - 1);
  return (
    x.length >= 4 && step !== 0 && x.every((v, i) => Math.abs(v - first - i * step) < CLOSE * Math.abs(step))
  );
}

/** 1, r, r², … or r, r², … with r < 1: the frequencies of rotary and sinusoidal positions, the slopes of ALiBi. */
export function isGeometric(x: Float32Array): boolean {
  const [first, second] = x as unknown as [number, number];
  const ratio = second / first;
  if (x.length < 3 || !(ratio > 0 && ratio < 1)) return false;
  if (first !== 1 && Math.abs(first / ratio - 1) > CLOSE) return false;
  // Small ratios come to subnormal numbers: compared by ratio, not by difference.
  return x.every((v, i) => i === 0 || Math.abs(v / (x[i - 1] as number) / ratio - 1) < CLOSE);
}

/**
 * Sines and cosines of 0, ω, 2ω, … down each column: fixed positions, rotary caches. A column begins with 0
 * (sine) or 1 (cosine) and obeys cos 2a = 2cos²a − 1, sin²2a = 4sin²a·(1 − sin²a), for a = ω and a = 2ω.
 */
export function isTrigonometric(x: Float32Array, dims: readonly number[]): boolean {
  const [rows, columns] = [dims.at(-2) ?? 0, dims.at(-1) ?? 0];
  if (rows < 5 || columns < 1 || rows * columns !== x.length) return false;
  const at = (row: number, column: number) => x[row * columns + column] as number;
  for (let c = 0; c < columns; c++) {
    const start = at(0, c);
    for (const k of [1, 2]) {
      const [a, twice] = [at(k, c), at(2 * k, c)];
      const expected = start === 1 ? 2 * a * a - 1 : 4 * a * a * (1 - a * a);
      const found = start === 1 ? twice : twice * twice;
      if (!(start === 0 || start === 1) || !(Math.abs(expected - found) < CLOSE)) return false;
    }
  }
  return true;
}

/**
 * Kernels of a Fourier transform under a window w: cosines or sines w(t)·cos(kωt) of all frequencies k, or one half of each.
 * At each place t they obey xₖ₊₁ + xₖ₋₁ = 2cos(ωt)·xₖ, whatever the window.
 */
export function isWindowedFourier(x: Float32Array, dims: readonly number[]): boolean {
  const [kernels, channels] = [dims[0] ?? 0, dims[1] ?? 0];
  const places = x.length / kernels;
  if (dims.length < 3 || channels !== 1 || places < 4) return false;
  const half = (kernels / 2) * places;
  return (
    obeysRecurrence(x, places) ||
    (kernels % 2 === 0 &&
      obeysRecurrence(x.subarray(0, half), places) &&
      obeysRecurrence(x.subarray(half), places))
  );
}

function obeysRecurrence(x: Float32Array, places: number): boolean {
  const kernels = x.length / places;
  const largest = x.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
  // One number is fitted at each place: fewer kernels would show nothing.
  if (kernels < 5 || largest === 0) return false;
  let isWave = false;
  for (let t = 0; t < places; t++) {
    const at = (k: number) => x[k * places + t] as number;
    let peak = 1;
    for (let k = 2; k + 1 < kernels; k++) if (Math.abs(at(k)) > Math.abs(at(peak))) peak = k;
    const factor = at(peak) === 0 ? 0 : (at(peak + 1) + at(peak - 1)) / at(peak);
    for (let k = 1; k + 1 < kernels; k++) {
      if (!(Math.abs(at(k + 1) + at(k - 1) - factor * at(k)) < CLOSE * largest)) return false;
    }
    // Kernels that are all alike have the factor 2.
    isWave ||= Math.abs(at(peak)) > CLOSE * largest && factor < 1.9;
  }
  return isWave;
}

/** Triangles that follow one another, by which a spectrum is summed into bands (mel scale): in its rows or its columns. */
export function isFilterBank(x: Float32Array, dims: readonly number[]): boolean {
  const [rows, columns] = [dims.at(-2) ?? 0, dims.at(-1) ?? 0];
  if (rows * columns !== x.length || Math.min(rows, columns) < 5 || isBinary(x)) return false;
  return (
    areBands((band, bin) => x[bin * columns + band] as number, columns, rows) ||
    areBands((band, bin) => x[band * columns + bin] as number, rows, columns)
  );
}

function areBands(at: (band: number, bin: number) => number, bands: number, bins: number): boolean {
  if (bins <= bands) return false;
  let [peak, filled] = [-1, 0];
  for (let band = 0; band < bands; band++) {
    const numbers = Float32Array.from({ length: bins }, (_, bin) => at(band, bin));
    const top = numbers.indexOf(numbers.reduce((a, v) => Math.max(a, v)));
    const rises = (v: number, bin: number) => v >= (numbers[bin + (bin < top ? -1 : 1)] ?? 0);
    if (top < peak || !numbers.every((v, bin) => v >= 0 && (bin === top || rises(v, bin)))) return false;
    if (numbers[top]) peak = top;
    filled += numbers.filter((v) => v > 0).length;
  }
  // A bin lies in two triangles at most.
  return peak > 0 && filled <= 2 * bins;
}
