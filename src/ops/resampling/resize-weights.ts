import { range } from "../typing.ts";

/** The numbers behind Resize: where along one axis each result reads, and with which weights. */

export const MODES: readonly string[] = ["nearest", "linear", "cubic"];

/** One axis: `input` elements become `output`. */
export interface AxisMap {
  readonly input: number;
  readonly output: number;
  readonly scale: number;
  /** `coordinate_transformation_mode` */
  readonly coordinates: string;
  /** Part of the axis that is kept, as fractions; only for tf_crop_and_resize. */
  readonly region: readonly [number, number];
}

export interface Interpolation {
  readonly mode: string;
  readonly antialias: boolean;
  readonly excludeOutside: boolean;
  /** Coefficient a of the cubic kernel. */
  readonly cubic: number;
}

/**
 * Coordinate in the input that result `j` stands at. `round` rounds each step: onnxruntime computes in single
 * precision, which decides where a coordinate lies between two elements to within rounding.
 */
function coordinate(map: AxisMap, j: number, round: (x: number) => number): number {
  const { input, output } = map;
  const scale = round(map.scale);
  const halfPixel = () => round(round((j + 0.5) / scale) - 0.5);
  switch (map.coordinates) {
    case "asymmetric":
      return round(j / scale);
    case "align_corners":
      return output === 1 ? 0 : round(round(j * (input - 1)) / (output - 1));
    case "pytorch_half_pixel":
      return output > 1 ? halfPixel() : 0;
    case "tf_half_pixel_for_nn":
      return round((j + 0.5) / scale);
    case "half_pixel_symmetric": {
      const adjustment = output / (scale * input);
      return (input / 2) * (1 - adjustment) + halfPixel();
    }
    case "tf_crop_and_resize": {
      const [start, end] = map.region;
      if (output === 1) return 0.5 * (start + end) * (input - 1);
      const part = round(round(j * round(end - start)) * (input - 1));
      return round(round(start * (input - 1)) + round(part / (output - 1)));
    }
    default:
      return halfPixel();
  }
}

const exact = (x: number): number => x;

/** Which results stand inside the axis. */
export function insideOf(map: AxisMap): boolean[] {
  return range(map.output).map((j) => {
    const x = coordinate(map, j, exact);
    return x >= 0 && x <= map.input - 1;
  });
}

const ROUND: Readonly<Record<string, (x: number) => number>> = {
  floor: Math.floor,
  ceil: Math.ceil,
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
};

/** Element that each result copies. */
export function nearestSources(map: AxisMap, rounding: string): number[] {
  const nearest = ROUND[rounding] as (x: number) => number;
  return range(map.output).map((j) => clamped(nearest(coordinate(map, j, Math.fround)), map.input));
}

function clamped(i: number, n: number): number {
  return Math.min(Math.max(i, 0), n - 1);
}

/** The matrix [output, input] of an interpolation, row by row. */
export function interpolated(map: AxisMap, how: Interpolation): number[] {
  const weights = new Array<number>(map.input * map.output).fill(0);
  for (let j = 0; j < map.output; j++) {
    for (const [i, w] of tapsOf(map, how, j)) weights[j * map.input + i]! += w;
  }
  return weights;
}

/** Elements and weights of one result. Elements beyond an end stand for the last one, or are left out. */
function tapsOf(map: AxisMap, how: Interpolation, j: number): [number, number][] {
  const linear = how.mode === "linear";
  let x = coordinate(map, j, exact);
  const stretch = how.antialias ? Math.max(1, 1 / map.scale) : 1;
  // Without antialiasing a linear interpolation stays at the ends by clamping x, which is the same for all taps.
  if (linear && stretch === 1) x = Math.min(Math.max(x, 0), map.input - 1);
  const radius = (linear ? 1 : 2) * stretch;
  const kernel = linear ? triangle : (t: number) => cubicKernel(how.cubic, t);
  const first = Math.ceil(x - radius);
  const taps = range(Math.floor(x + radius) - first + 1).map((k): [number, number] => [
    first + k,
    kernel((first + k - x) / stretch),
  ]);
  const kept = how.excludeOutside ? taps.filter(([i]) => i >= 0 && i < map.input) : taps;
  const total = kept.reduce((sum, [, w]) => sum + w, 0);
  return kept.map(([i, w]) => [clamped(i, map.input), w / total]);
}

function triangle(t: number): number {
  return Math.max(0, 1 - Math.abs(t));
}

/** Keys' cubic convolution kernel (1981), a = −0.5 in his paper. */
function cubicKernel(a: number, t: number): number {
  const s = Math.abs(t);
  if (s <= 1) return ((a + 2) * s - (a + 3)) * s * s + 1;
  return s < 2 ? ((s - 5) * s + 8) * s * a - 4 * a : 0;
}
