import type { Call, Value } from "../../onnx/graph.ts";
import type { TensorType } from "../../onnx/tensor.ts";
import type { GraphBuilder } from "../builder.ts";
import type { OpRecord, RuleTable, VjpScope } from "../record.ts";
import {
  axesOf,
  axisOf,
  constantInts,
  misfit,
  operand,
  range,
  requiredInts,
  tensorType,
  typeOf,
  uniformOf,
} from "../typing.ts";

/** Pad in all its modes, and crops. */

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

export const padding: RuleTable = {
  Pad: pad,
  CenterCropPad: centreCropPad,
};
