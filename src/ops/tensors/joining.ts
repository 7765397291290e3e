import type { Call, Value } from "../../onnx/graph.ts";
import type { TensorType } from "../../onnx/tensor.ts";
import { foldConcat, foldSlice } from "../fold/indexing.ts";
import type { OpRecord, RuleTable, VjpScope } from "../record.ts";
import {
  axisOf,
  constantInts,
  misfit,
  operand,
  range,
  sameDims,
  sameType,
  tensorType,
  typeOf,
} from "../typing.ts";

/** Concat, and Split, which undoes it. */

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

export const joining: RuleTable = {
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
};
