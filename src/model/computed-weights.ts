import type { Value } from "../onnx/graph.ts";
import { sizeOf } from "../onnx/tensor.ts";
import { CLOSE, numbersIn, uniform } from "./initializer-evidence.ts";
import { hasGeneratedName, isTensorflowResult } from "./names.ts";

/** What exporters compute from a trained weight and keep beside it. */

/**
 * Of which of the `trained` weights `value` was computed, and what of it; undefined where its name is one of its own.
 * A fraction is a single number with a made-up name, which does not count as a parameter anyway; the rest would.
 */
export function computedFrom(
  value: Value,
  isParameter: boolean,
  trained: Iterable<Value>,
): { readonly source: Value; readonly what: string } | undefined {
  if (!hasGeneratedName(value.name) && !isTensorflowResult(value.name)) return undefined;
  for (const source of trained) {
    const what = source === value ? undefined : relation(value, isParameter, source);
    if (what !== undefined) return { source, what };
  }
  return undefined;
}

function relation(x: Value, isParameter: boolean, w: Value): string | undefined {
  if (!isParameter) return isFractionOf(x, w) ? "a fraction" : undefined;
  return isNormOf(x, w) ? "the norm" : elementwise(x, w);
}

/**
 * Whether `x` is the 2-norm of `w` along the axes in which `x` has length 1, both of one rank: what is left of
 * F.normalize(w) when the norm was folded.
 */
function isNormOf(x: Value, w: Value): boolean {
  if (x.dims.length !== w.dims.length || x.dims.every((d, i) => d === w.dims[i])) return false;
  if (!x.dims.every((d, i) => d === 1 || d === w.dims[i])) return false;
  const [norms, numbers] = [numbersIn(x), numbersIn(w)];
  if (norms === undefined || numbers === undefined || norms.length < 2) return false;
  const sums = new Float64Array(norms.length);
  for (const [i, v] of numbers.entries()) {
    let [rest, at, stride] = [i, 0, 1];
    for (let axis = w.dims.length - 1; axis >= 0; axis--) {
      const d = w.dims[axis] as number;
      if (x.dims[axis] !== 1) {
        at += (rest % d) * stride;
        stride *= d;
      }
      rest = Math.floor(rest / d);
    }
    sums[at] = (sums[at] as number) + v * v;
  }
  return norms.every((v, i) => Math.abs(v - Math.sqrt(sums[i] as number)) <= CLOSE * Math.abs(v));
}

/** Denominator of all fractions that code is likely to hold: ½, ⅓, ¼, ⅙, ⅛ and their multiples. */
const PARTS = 24;

/** Whether `x` is a number that was computed from the scalar `w` by a factor as code has them (half a step, a sixth of it). */
function isFractionOf(x: Value, w: Value): boolean {
  if (x.dims.length > 0 || w.dims.length > 0) return false;
  const [part, whole] = [numbersIn(x)?.[0], numbersIn(w)?.[0]];
  if (!part || !whole) return false;
  const isFraction = (v: number) =>
    Math.abs(v) <= PARTS && Math.abs(Math.round(PARTS * v) - PARTS * v) < CLOSE;
  // Where the weight is such a number itself, so are constants that have nothing to do with it.
  return !isFraction(whole) && !isFraction(1 / whole) && isFraction(part / whole);
}

/** What is folded of a weight that is used as it is, too: the v² of a factorisation machine, the |w| of a penalty. */
const FUNCTIONS: Readonly<Record<string, (w: number) => number>> = {
  "the square": (w) => w * w,
  "the magnitude": Math.abs,
  "the negative": (w) => -w,
  "the inverse": (w) => 1 / w,
  "the exponential": Math.exp,
  "the softplus": (w) => Math.log1p(Math.exp(w)),
  "the sigmoid": (w) => 1 / (1 + Math.exp(-w)),
  "the tanh": Math.tanh,
};

/** Fewer numbers may agree by chance. */
const ENOUGH = 3;

function elementwise(x: Value, w: Value): string | undefined {
  const transposed = `${x.dims}` === `${[...w.dims].reverse()}` && x.dims.length === 2;
  if (`${x.dims}` !== `${w.dims}` && !transposed) return undefined;
  if (sizeOf(x.dims) < ENOUGH) return undefined;
  const [results, numbers] = [numbersIn(x), numbersIn(w)];
  if (results === undefined || numbers === undefined || uniform(numbers) !== undefined) return undefined;
  const [rows, columns] = w.dims as readonly [number, number];
  const turned = (i: number) => (i % rows) * columns + Math.floor(i / rows);
  const places = transposed ? [(i: number) => i, turned] : [(i: number) => i];
  const isImage = (f: (w: number) => number, place: (i: number) => number) =>
    results.every((v, i) => Math.abs(v - f(numbers[place(i)] as number)) <= ROUNDING * Math.abs(v));
  // All equal is a weight stored twice, which is told apart.
  const same = places.some((place) => isImage((v) => v, place));
  const found = Object.entries(FUNCTIONS).find(([, f]) => places.some((place) => isImage(f, place)));
  return same ? undefined : found?.[0];
}

/** A few roundings of single precision. */
const ROUNDING = 1e-6;
