import type { Call, Value } from "../../onnx/graph.ts";
import { isFloat, sizeOf, type TensorType } from "../../onnx/tensor.ts";
import { type GraphBuilder, numbersAs } from "../builder.ts";
import type { OpRecord, RuleTable } from "../record.ts";
import {
  axesOf,
  axisOf,
  constantInts,
  misfit,
  numbersOf,
  range,
  tensorType,
  typeOf,
  unknownShape,
} from "../typing.ts";
import {
  type AxisMap,
  type Interpolation,
  insideOf,
  interpolated,
  MODES,
  nearestSources,
} from "./resize-weights.ts";

/**
 * Resize is a linear map along each axis by itself: a Gather with constant indices where it copies elements,
 * a product with a constant matrix where it interpolates.
 */

const COORDINATES = [
  "half_pixel",
  "half_pixel_symmetric",
  "pytorch_half_pixel",
  "align_corners",
  "asymmetric",
  "tf_half_pixel_for_nn",
  "tf_crop_and_resize",
];
const ROUNDINGS = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"];
const POLICIES = ["stretch", "not_larger", "not_smaller"];

/** Most entries of an interpolation matrix: 2²⁴, an axis of 4096 made another of 4096. */
const MAX_MATRIX = 2 ** 24;

function keyword(call: Call, name: string, otherwise: string, allowed: readonly string[]): string {
  const value = call.string(name, otherwise);
  if (!allowed.includes(value)) throw misfit(call, `${name} among ${allowed.join(", ")}, not "${value}"`);
  return value;
}

/** A constant list of floats, one for each resized axis; undefined when absent or empty. */
function floatsIn(call: Call, i: number, what: string): number[] | undefined {
  const value = call.inputs[i];
  if (value == null) return undefined;
  const list = numbersOf(value);
  if (list === undefined) throw unknownShape(call, what);
  return list.length > 0 ? list : undefined;
}

/** Axes in the order of the lists of scales, sizes and regions. */
function resizedAxes(call: Call): number[] {
  const rank = typeOf(call, 0).dims.length;
  const given = call.ints("axes");
  if (given === undefined) return range(rank);
  axesOf(call, given, rank);
  return given.map((a) => axisOf(call, a, rank));
}

/** Length and scale of each resized axis. */
function lengths(call: Call, axes: readonly number[]): { output: number[]; scales: number[] } {
  const { dims } = typeOf(call, 0);
  const [scales, sizes] = [floatsIn(call, 2, "scales"), constantInts(call, 3, "sizes")];
  const list = sizes !== undefined && sizes.length > 0 ? sizes : scales;
  if (list === undefined || list.length !== axes.length || list.some((v) => !(v > 0)))
    throw misfit(call, `scales or sizes > 0 for ${axes.length} axes`);
  const input = axes.map((axis) => dims[axis]!);
  if (list === scales)
    return { output: input.map((d, k) => Math.floor(Math.fround(d * scales[k]!))), scales: [...scales] };
  const stretched = list.map((n, k) => n / input[k]!);
  const policy = keyword(call, "keep_aspect_ratio_policy", "stretch", POLICIES);
  if (policy === "stretch") return { output: list, scales: stretched };
  const scale = policy === "not_larger" ? Math.min(...stretched) : Math.max(...stretched);
  return { output: input.map((d) => Math.floor(scale * d + 0.5)), scales: input.map(() => scale) };
}

function axisMaps(call: Call): (AxisMap & { readonly axis: number })[] {
  const axes = resizedAxes(call);
  const { output, scales } = lengths(call, axes);
  const coordinates = keyword(call, "coordinate_transformation_mode", "half_pixel", COORDINATES);
  const roi = coordinates === "tf_crop_and_resize" ? floatsIn(call, 1, "a region") : undefined;
  if (coordinates === "tf_crop_and_resize" && roi?.length !== 2 * axes.length)
    throw misfit(call, `a region of ${2 * axes.length} numbers`);
  return axes.map((axis, k) => ({
    axis,
    input: typeOf(call, 0).dims[axis]!,
    output: output[k]!,
    scale: scales[k]!,
    coordinates,
    region: roi ? [roi[k]!, roi[axes.length + k]!] : [0, 1],
  }));
}

function interpolationOf(call: Call): Interpolation {
  return {
    mode: keyword(call, "mode", "nearest", MODES),
    antialias: call.int("antialias", 0) !== 0,
    excludeOutside: call.int("exclude_outside", 0) !== 0,
    cubic: Math.fround(call.float("cubic_coeff_a", -0.75)),
  };
}

function inferResize(call: Call): readonly TensorType[] {
  const { type, dims } = typeOf(call, 0);
  const { mode } = interpolationOf(call);
  keyword(call, "nearest_mode", "round_prefer_floor", ROUNDINGS);
  if (mode !== "nearest" && !isFloat(type))
    throw misfit(call, `floating-point numbers for mode "${mode}"`, "UNSUPPORTED_OP");
  const to = [...dims];
  for (const { axis, output, input } of axisMaps(call)) {
    if (input === 0 || output === 0) throw misfit(call, "axes that are not empty");
    if (mode !== "nearest" && input * output > MAX_MATRIX)
      throw misfit(call, `lengths whose product is at most ${MAX_MATRIX}, not ${input} and ${output}`);
    to[axis] = output;
  }
  return [tensorType(call, type, to)];
}

/** Elements along an axis by their sources; runs of equal length are repeated, so that gradients are sums. */
function taken(b: GraphBuilder, x: Value, axis: number, sources: readonly number[]): Value {
  const [d, n] = [x.dims[axis]!, sources.length];
  const times = n / d;
  if (!Number.isInteger(times) || sources.some((s, j) => s !== Math.floor(j / times)))
    return b.gather(x, b.ints(sources), axis);
  const single = b.reshape(x, x.dims.toSpliced(axis + 1, 0, 1));
  return b.reshape(b.expand(single, x.dims.toSpliced(axis + 1, 0, times)), x.dims.with(axis, n));
}

/** The product with a matrix [output, input] along one axis. */
function mapped(b: GraphBuilder, x: Value, axis: number, n: number, weights: readonly number[]): Value {
  const { type, dims } = x.static;
  const d = dims[axis]!;
  const matrix = b.constant({ type, dims: [n, d], data: numbersAs(type, weights) });
  if (axis === dims.length - 1) return b.matmul(x, b.transposeLast(matrix));
  const columns = b.reshape(x, [sizeOf(dims.slice(0, axis)), d, sizeOf(dims.slice(axis + 1))]);
  return b.reshape(b.matmul(matrix, columns), dims.with(axis, n));
}

function expandResize(b: GraphBuilder, call: Call): readonly Value[] {
  const how = interpolationOf(call);
  const rounding = call.string("nearest_mode", "round_prefer_floor");
  let y = call.x(0);
  let inside: Value | undefined;
  for (const map of axisMaps(call)) {
    if (map.output === map.input && map.scale === 1 && map.coordinates !== "tf_crop_and_resize") continue;
    if (how.mode === "nearest") y = taken(b, y, map.axis, nearestSources(map, rounding));
    else y = mapped(b, y, map.axis, map.output, interpolated(map, how));
    inside = within(b, call, map, inside);
  }
  if (inside === undefined) return [y];
  return [b.where(inside, y, Math.fround(call.float("extrapolation_value", 0)))];
}

/** Where the region lies beyond the image a constant is put: a mask of the rest, over the axes so far. */
function within(
  b: GraphBuilder,
  call: Call,
  map: AxisMap & { readonly axis: number },
  sofar: Value | undefined,
): Value | undefined {
  if (map.coordinates !== "tf_crop_and_resize") return undefined;
  const dims = typeOf(call, 0).dims.map((_, i) => (i === map.axis ? map.output : 1));
  const data = Uint8Array.from(insideOf(map), Number);
  const mask = b.constant({ type: "bool", dims, data });
  return sofar ? b.call("And", [sofar, mask]) : mask;
}

const resize: OpRecord = {
  wrt: [0],
  infer: inferResize,
  expand: expandResize,
};

export const resampling: RuleTable = { Resize: resize };
