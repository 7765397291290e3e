import type { Call, Value } from "../../onnx/graph.ts";
import { sizeOf, type TensorType } from "../../onnx/tensor.ts";
import type { GraphBuilder } from "../builder.ts";
import { foldConcat, foldExpand, foldSlice, foldTile } from "../fold/indexing.ts";
import type { OpRecord, RuleTable, VjpScope } from "../record.ts";
import {
  axesOf,
  axisOf,
  broadcast,
  constantInts,
  misfit,
  operand,
  range,
  requiredInts,
  sameDims,
  sameType,
  tensorType,
  typeOf,
  uniformOf,
} from "../typing.ts";

/** Operators that join, cut, pad and repeat tensors. */

function concatAxis(call: Call): number {
  const rank = typeOf(call, 0).dims.length;
  return axisOf(call, call.int("axis", 0), rank);
}

function inferConcat(call: Call): readonly TensorType[] {
  const axis = concatAxis(call);
  const first = typeOf(call, 0).dims;
  const type = sameType(call, range(call.inputs.length));
  let total = 0;
  for (let i = 0; i < call.inputs.length; i++) {
    const { dims } = typeOf(call, i);
    if (!sameDims(dims.toSpliced(axis, 1), first.toSpliced(axis, 1)) || dims.length !== first.length)
      throw misfit(call, `shapes that agree in all axes but ${axis}`);
    total += dims[axis]!;
  }
  return [tensorType(call, type, first.with(axis, total))];
}

function concatVjp(s: VjpScope, input: number): Value {
  const axis = concatAxis(s.node);
  const from = range(input).reduce((sum, i) => sum + s.x(i).dims[axis]!, 0);
  return s.b.slice(s.dy(), [from], [from + s.x(input).dims[axis]!], [axis]);
}

/** Lengths of the parts along the axis. */
function splitLengths(call: Call): { axis: number; lengths: number[] } {
  const { dims } = typeOf(call, 0);
  const axis = axisOf(call, call.int("axis", 0), dims.length);
  const d = dims[axis]!;
  const n = call.int("num_outputs", call.numOutputs);
  if (n < 1 || n > 2 ** 20) throw misfit(call, `a number of parts, not ${n}`);
  const chunk = Math.ceil(d / n);
  const given = constantInts(call, 1, "lengths of the parts");
  const lengths = given ?? range(n).map((i) => Math.max(0, Math.min(chunk, d - i * chunk)));
  if (
    lengths.length < call.numOutputs ||
    lengths.some((x) => x < 0) ||
    lengths.reduce((s, x) => s + x, 0) !== d
  )
    throw misfit(call, `${call.numOutputs} parts that add up to ${d}, not [${lengths.join(", ")}]`);
  return { axis, lengths };
}

const split: OpRecord = {
  wrt: [0],
  infer: (call) => {
    const { type, dims } = typeOf(call, 0);
    const { axis, lengths } = splitLengths(call);
    return lengths.slice(0, call.numOutputs).map((d) => tensorType(call, type, dims.with(axis, d)));
  },
  fold: (call) => {
    const { axis, lengths } = splitLengths(call);
    const { dims } = typeOf(call, 0);
    const parts = lengths.slice(0, call.numOutputs).map((d, k) => {
      const start = lengths.slice(0, k).reduce((s, x) => s + x, 0);
      const at = dims.map((_, i) => (i === axis ? start : 0));
      return foldSlice(call, dims.with(axis, d), at, new Array<number>(dims.length).fill(1))?.[0];
    });
    return parts.every((t) => t !== undefined) ? parts : undefined;
  },
  simplify: (b, call) => {
    if (call.numOutputs !== 1) return undefined;
    const { axis, lengths } = splitLengths(call);
    return b.slice(operand(call, 0), [0], [lengths[0]!], [axis]);
  },
  vjp: (s) => {
    const { axis, lengths } = splitLengths(s.node);
    const parts = lengths.map((d, k) =>
      k < s.node.numOutputs
        ? s.dy(k)
        : s.b.filled({ type: s.x(0).static.type, dims: s.x(0).dims.with(axis, d) }, 0),
    );
    return s.b.concat(parts, axis);
  },
};

/** A slice with all axes resolved: first index, step, and how many are taken. */
interface Cut {
  readonly starts: readonly number[];
  readonly steps: readonly number[];
  readonly dims: readonly number[];
}

function cutOf(call: Call): Cut {
  const { dims } = typeOf(call, 0);
  const starts = requiredInts(call, 1, "starts");
  const ends = requiredInts(call, 2, "ends");
  const given = constantInts(call, 3, "axes") ?? range(starts.length);
  const steps = constantInts(call, 4, "steps") ?? starts.map(() => 1);
  if ([ends, given, steps].some((list) => list.length !== starts.length) || steps.includes(0))
    throw misfit(call, "as many starts as ends, axes and non-zero steps");
  axesOf(call, given, dims.length);
  const cut = { starts: dims.map(() => 0), steps: dims.map(() => 1), dims: [...dims] };
  for (const [k, a] of given.entries()) {
    const axis = axisOf(call, a, dims.length);
    const [d, step] = [dims[axis]!, steps[k]!];
    const resolve = (x: number, low: number, high: number) =>
      Math.min(Math.max(x < 0 ? x + d : x, low), high);
    const [low, high] = step > 0 ? [0, d] : [-1, d - 1];
    const start = resolve(starts[k]!, 0, high);
    const end = resolve(ends[k]!, low, high);
    cut.starts[axis] = start;
    cut.steps[axis] = step;
    cut.dims[axis] = Math.max(0, Math.ceil((end - start) / step));
  }
  return cut;
}

/** Puts dy's elements where a slice took them from, zeros between and around. */
function sliceVjp(s: VjpScope): Value {
  const { b } = s;
  const { starts, steps } = cutOf(s.node);
  const dims = s.x(0).dims;
  let dx = s.dy();
  const before: number[] = [];
  const after: number[] = [];
  for (const [axis, d] of dims.entries()) {
    const n = dx.dims[axis]!;
    const step = Math.abs(steps[axis]!);
    if (steps[axis]! < 0) dx = reversed(b, dx, axis);
    if (n > 1) dx = dilated(b, dx, axis, step);
    const first = steps[axis]! < 0 ? starts[axis]! - (n - 1) * step : starts[axis]!;
    before.push(n === 0 ? 0 : first);
    after.push(d - before[axis]! - dx.dims[axis]!);
  }
  return b.pad(dx, [...before, ...after]);
}

function reversed(b: GraphBuilder, x: Value, axis: number): Value {
  return b.slice(x, [-1], [-(x.dims[axis]! + 1)], [axis], [-1]);
}

/** Puts `step − 1` zeros after each element along an axis. */
function dilated(b: GraphBuilder, x: Value, axis: number, step: number): Value {
  if (step === 1) return x;
  const dims = x.dims;
  const columns = b.reshape(x, dims.toSpliced(axis + 1, 0, 1));
  const pads = new Array<number>(2 * columns.dims.length).fill(0);
  pads[columns.dims.length + axis + 1] = step - 1;
  return b.reshape(b.pad(columns, pads), dims.with(axis, dims[axis]! * step));
}

/** Beginnings and ends of all axes. */
function padsOf(call: Call): { before: number[]; after: number[] } {
  const { dims } = typeOf(call, 0);
  const pads = requiredInts(call, 1, "pads");
  const given = constantInts(call, 3, "axes") ?? range(dims.length);
  axesOf(call, given, dims.length);
  if (pads.length !== 2 * given.length) throw misfit(call, `${2 * given.length} pads, not ${pads.length}`);
  const [before, after] = [dims.map(() => 0), dims.map(() => 0)];
  for (const [k, a] of given.entries()) {
    const axis = axisOf(call, a, dims.length);
    before[axis] = pads[k]!;
    after[axis] = pads[given.length + k]!;
  }
  return { before, after };
}

const PAD_MODES = ["constant", "reflect", "edge", "wrap"];

function inferPad(call: Call): readonly TensorType[] {
  const { type, dims } = typeOf(call, 0);
  const mode = call.string("mode", "constant");
  if (!PAD_MODES.includes(mode)) throw misfit(call, `a mode among ${PAD_MODES.join(", ")}, not "${mode}"`);
  const { before, after } = padsOf(call);
  const to = dims.map((d, i) => d + before[i]! + after[i]!);
  for (const [i, d] of dims.entries()) {
    const cropped = d + Math.min(0, before[i]!) + Math.min(0, after[i]!);
    const most =
      mode === "constant" ? Infinity : mode === "reflect" ? cropped - 1 : cropped > 0 ? Infinity : 0;
    if (cropped < 0 || Math.max(before[i]!, after[i]!) > Math.max(0, most))
      throw misfit(call, `pads that axis ${i} can fill by "${mode}", not ${before[i]} and ${after[i]}`);
  }
  return [tensorType(call, type, to)];
}

/** Index that position `p` (0 = first kept element) of a padded axis copies from, of `n` kept. */
function sourceOf(mode: string, p: number, n: number): number {
  if (mode === "edge") return Math.min(Math.max(p, 0), n - 1);
  if (mode === "wrap") return ((p % n) + n) % n;
  if (p < 0) return -p;
  return p < n ? p : 2 * (n - 1) - p;
}

/** The modes that copy elements are Gathers with constant indices. */
function expandPad(b: GraphBuilder, call: Call): readonly Value[] | undefined {
  const mode = call.string("mode", "constant");
  if (mode === "constant") return undefined;
  const { before, after } = padsOf(call);
  const [type] = inferPad(call);
  let y = call.x(0);
  for (const [axis, d] of call.x(0).dims.entries()) {
    const [pre, post] = [before[axis]!, after[axis]!];
    if (pre === 0 && post === 0) continue;
    const crop = Math.max(0, -pre);
    const kept = d - crop - Math.max(0, -post);
    const indices = range((type as TensorType).dims[axis]!).map(
      (p) => crop + sourceOf(mode, p - Math.max(0, pre), kept),
    );
    y = b.gather(y, b.ints(indices), axis);
  }
  return [y];
}

/** What flows back into the operand of a Pad, or into the number around it. */
function padVjp(s: VjpScope, input: number): Value {
  const { before, after } = padsOf(s.node);
  const dx = s.b.pad(
    s.dy(),
    [...before, ...after].map((p) => 0 - p),
  );
  if (input === 0) return dx;
  // Exactly 0 within: a difference of two sums would round by what flows there.
  const around = s.b.sub(s.dy(), s.b.pad(dx, [...before, ...after]));
  return s.b.reshape(s.b.reduceSum(around, range(around.dims.length), false), s.x(2).dims);
}

const pad: OpRecord = {
  wrt: [0, 2],
  infer: inferPad,
  simplify: (b, call) => {
    const { before, after } = padsOf(call);
    if ([...before, ...after].every((p) => p === 0)) return operand(call, 0);
    return mergedPad(b, call, before, after);
  },
  expand: expandPad,
  vjp: padVjp,
};

/** Zeros around zeros are one Pad. */
function mergedPad(b: GraphBuilder, call: Call, before: number[], after: number[]): Value | undefined {
  const inner = call.x(0).producer;
  const zeros = (c: Call) =>
    c.op === "Pad" && c.string("mode", "constant") === "constant" && (!c.has(2) || uniformOf(c.x(2)) === 0);
  if (inner === undefined || !zeros(call) || !zeros(inner)) return undefined;
  const first = padsOf(inner);
  const [a, c] = [
    [...first.before, ...first.after],
    [...before, ...after],
  ];
  // What a crop took away no pad brings back.
  if (a.some((p, i) => p < 0 && c[i]! > 0)) return undefined;
  const { dims } = inner.x(0).static;
  const sum = a.map((p, i) => p + c[i]!);
  const onlyZeros = dims.some((d, i) => d + Math.min(0, sum[i]!) + Math.min(0, sum[dims.length + i]!) < 0);
  return onlyZeros ? undefined : b.pad(inner.x(0), sum);
}

function expandDims(call: Call): number[] {
  const wanted = requiredInts(call, 1, "a shape");
  if (wanted.some((d) => d < 0)) throw misfit(call, `axes ≥ 0, not [${wanted.join(", ")}]`);
  const dims = broadcast(typeOf(call, 0).dims, wanted);
  if (dims === undefined) throw misfit(call, `a shape that broadcasts with [${wanted.join(", ")}]`);
  return dims;
}

function repeatsOf(call: Call): number[] {
  const repeats = requiredInts(call, 1, "repeats");
  if (repeats.length !== typeOf(call, 0).dims.length || repeats.some((r) => r < 0))
    throw misfit(call, `one repeat for each axis, not [${repeats.join(", ")}]`);
  return repeats;
}

/** Lengths of all axes after cropping or padding around the centre. */
function centredDims(call: Call): number[] {
  const { dims } = typeOf(call, 0);
  const wanted = requiredInts(call, 1, "a shape");
  const axes = call.ints("axes") ?? range(dims.length);
  axesOf(call, axes, dims.length);
  if (wanted.length !== axes.length || wanted.some((d) => d < 0))
    throw misfit(call, `a length ≥ 0 for each of ${axes.length} axes`);
  const to = [...dims];
  for (const [k, a] of axes.entries()) to[axisOf(call, a, dims.length)] = wanted[k]!;
  return to;
}

/** Cropped or padded with zeros on both sides, the odd one at the end. */
const centreCropPad: OpRecord = {
  wrt: [0],
  infer: (call) => [tensorType(call, typeOf(call, 0).type, centredDims(call))],
  expand: (b, call) => {
    const more = centredDims(call).map((d, i) => d - call.x(0).dims[i]!);
    const before = more.map((d) => Math.trunc(d / 2) + 0);
    return [b.pad(call.x(0), [...before, ...more.map((d, i) => d - before[i]!)])];
  },
};

export const assembling: RuleTable = {
  CenterCropPad: centreCropPad,
  Concat: {
    wrt: "all",
    infer: inferConcat,
    fold: (call) => {
      inferConcat(call);
      return foldConcat(call, concatAxis(call));
    },
    simplify: (_b, call) => (call.inputs.length === 1 ? operand(call, 0) : undefined),
    vjp: concatVjp,
  },
  Split: split,
  Slice: {
    wrt: [0],
    infer: (call) => [tensorType(call, typeOf(call, 0).type, cutOf(call).dims)],
    fold: (call) => {
      const { dims, starts, steps } = cutOf(call);
      return foldSlice(call, dims, starts, steps);
    },
    simplify: (_b, call) => {
      const { dims, steps } = cutOf(call);
      const x = operand(call, 0);
      return sameDims(dims, x.dims) && steps.every((s, i) => s > 0 || dims[i]! <= 1) ? x : undefined;
    },
    vjp: sliceVjp,
  },
  Pad: pad,
  Expand: {
    wrt: [0],
    infer: (call) => [tensorType(call, typeOf(call, 0).type, expandDims(call))],
    fold: (call) => foldExpand(call, expandDims(call)),
    simplify: (b, call) => {
      const x = operand(call, 0);
      const dims = expandDims(call);
      return sizeOf(dims) === sizeOf(x.dims) && sizeOf(dims) > 0 ? b.reshape(x, dims) : undefined;
    },
    // The walker sums back to the operand's shape.
    vjp: (s) => s.dy(),
  },
  Tile: {
    wrt: [0],
    infer: (call) => {
      const { type, dims } = typeOf(call, 0);
      const repeats = repeatsOf(call);
      return [
        tensorType(
          call,
          type,
          dims.map((d, i) => d * repeats[i]!),
        ),
      ];
    },
    fold: (call) => foldTile(call, repeatsOf(call)),
    simplify: (_b, call) => (repeatsOf(call).every((r) => r === 1) ? operand(call, 0) : undefined),
    vjp: (s) => {
      const { dims } = s.x(0);
      const repeats = repeatsOf(s.node);
      const split = s.b.reshape(
        s.dy(),
        dims.flatMap((d, i) => [repeats[i]!, d]),
      );
      return s.b.reduceSum(
        split,
        dims.map((_, i) => 2 * i),
        false,
      );
    },
  },
};
