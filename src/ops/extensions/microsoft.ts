import { Call, intsAttribute, Value } from "../../onnx/graph.ts";
import { sizeOf } from "../../onnx/tensor.ts";
import { numbersAs } from "../builder.ts";
import { convolution } from "../convolution/convolution.ts";
import { FOLD_LIMIT } from "../fold/fold.ts";
import type { OpRecord, RuleTable } from "../record.ts";
import { generators } from "../tensors/generators.ts";
import { indexing } from "../tensors/indexing.ts";
import { padding } from "../tensors/padding.ts";
import {
  axisOf,
  broadcastOperands,
  floatOperand,
  misfit,
  operand,
  range,
  requiredInts,
  sameDims,
  tensorType,
  typeOf,
} from "../typing.ts";

/** What onnxruntime's optimisers and older exporters emit in the domain com.microsoft, besides attention. */

/** Another name of a standard operator. */
function renamed(table: RuleTable, op: string): OpRecord {
  const { wrt, infer, fold } = table[op] as OpRecord;
  return {
    wrt,
    infer,
    ...(fold && { fold }),
    expand: (b, call) => b.calls(op, call.inputs, call.attributes),
  };
}

/** x + bias + skip, as diffusion models have it. */
const biasAdd: OpRecord = {
  wrt: [0, 1, 2],
  infer: (call) => {
    const x = floatOperand(call, 0);
    if (!sameDims(broadcastOperands(call, [0, 1, 2]), x.dims))
      throw misfit(call, "a bias and a skip that fit x");
    return [x];
  },
  expand: (b, call) => [b.add(b.add(call.x(0), call.x(1)), call.x(2))],
};

/** The first half of x + bias times the Gelu of the second. */
const biasSplitGelu: OpRecord = {
  wrt: [0, 1],
  infer: (call) => {
    const { type, dims } = floatOperand(call, 0);
    const width = dims.at(-1) ?? 1;
    if (width % 2 !== 0 || !sameDims(typeOf(call, 1).dims, [width]))
      throw misfit(call, "x and a bias of even width");
    return [tensorType(call, type, dims.with(-1, width / 2))];
  },
  expand: (b, call) => {
    const x = b.add(call.x(0), call.x(1));
    const [width, axis] = [x.dims.at(-1)!, x.dims.length - 1];
    const half = (k: number) => b.slice(x, [(k * width) / 2], [((k + 1) * width) / 2], [axis]);
    return [b.mul(half(0), b.call("Gelu", [half(1)]))];
  },
};

/** Softmax of x + bias over all axes from `axis` on. */
const biasSoftmax: OpRecord = {
  wrt: [0, 1],
  infer: (call) => {
    const x = floatOperand(call, 0);
    axisOf(call, call.int("axis", 1), x.dims.length);
    if (!sameDims(broadcastOperands(call, [0, 1]), x.dims)) throw misfit(call, "a bias that broadcasts to x");
    return [x];
  },
  expand: (b, call) => {
    const { dims } = call.x(0);
    const axis = axisOf(call, call.int("axis", 1), dims.length);
    const sum = b.add(call.x(0), call.x(1));
    const rows = b.reshape(sum, [...dims.slice(0, axis), sizeOf(dims.slice(axis))]);
    return [b.reshape(b.call("Softmax", [rows], { axis: -1 }), dims)];
  },
};

/** Distances between the rows of [m, k] and of [n, k]. */
const distances: OpRecord = {
  wrt: [0, 1],
  infer: (call) => {
    const [x, y] = [floatOperand(call, 0), floatOperand(call, 1)];
    const fits = x.dims.length === 2 && y.dims.length === 2 && x.dims[1] === y.dims[1];
    if (!fits || !["euclidean", "sqeuclidean"].includes(call.string("metric", "sqeuclidean")))
      throw misfit(call, "two matrices of as many columns and a metric of euclidean or sqeuclidean");
    return [tensorType(call, x.type, [x.dims[0]!, y.dims[0]!])];
  },
  expand: (b, call) => {
    const [[m, k], [n]] = [call.x(0).dims, call.x(1).dims] as [number[], number[]];
    const differences = b.sub(b.reshape(call.x(0), [m!, 1, k!]), b.reshape(call.x(1), [1, n!, k!]));
    const op = call.string("metric", "sqeuclidean") === "euclidean" ? "ReduceL2" : "ReduceSumSquare";
    return [b.call(op, [differences, b.ints([2])], { keepdims: 0 })];
  },
};

function expandedDims(call: Call): number[] {
  const { dims } = typeOf(call, 0);
  const [axis] = requiredInts(call, 1, "an axis");
  return dims.toSpliced(axisOf(call, axis ?? 0, dims.length + 1), 0, 1);
}

const expandDims: OpRecord = {
  wrt: [0],
  infer: (call) => [tensorType(call, typeOf(call, 0).type, expandedDims(call))],
  simplify: (b, call) => b.reshape(operand(call, 0), expandedDims(call)),
  expand: (b, call) => [b.reshape(call.x(0), expandedDims(call))],
};

/** A ConvTranspose whose pads are an input: (x, w, pads, bias). */
function transposed(call: Call): Call {
  const attributes = new Map([...call.attributes, ["pads", intsAttribute(requiredInts(call, 2, "pads"))]]);
  return new Call(
    "ConvTranspose",
    [call.inputs[0] ?? null, call.inputs[1] ?? null, call.inputs[3] ?? null],
    attributes,
  );
}

/** The standard Range, whose step is 1 if left out. */
function stepped(call: Call): Call {
  const [start = null, limit = null] = call.inputs;
  const { type } = typeOf(call, 0);
  const one = { tensor: { type, dims: [], data: numbersAs(type, [1]) } };
  const step = call.inputs[2] ?? new Value("initializer", "step", type, [], one);
  return new Call("Range", [start, limit, step]);
}

/** Windows of `size` along an axis, every `step` elements, as a new last axis. */
function windowsOf(call: Call): { axis: number; starts: readonly number[]; size: number } {
  const { dims } = typeOf(call, 0);
  const axis = axisOf(call, call.int("dim", -1), dims.length);
  const [size, step] = [call.int("size", 0), call.int("step", 1)];
  if (size < 1 || step < 1 || size > dims[axis]!) throw misfit(call, "a step ≥ 1 and a size within the axis");
  const n = Math.floor((dims[axis]! - size) / step) + 1;
  if (n * size > FOLD_LIMIT)
    throw misfit(call, `at most ${FOLD_LIMIT} elements in all windows`, "UNSUPPORTED_OP");
  return { axis, starts: range(n).map((i) => i * step), size };
}

const unfold: OpRecord = {
  wrt: [0],
  infer: (call) => {
    const { axis, starts, size } = windowsOf(call);
    const { type, dims } = typeOf(call, 0);
    return [tensorType(call, type, [...dims.with(axis, starts.length), size])];
  },
  expand: (b, call) => {
    const { axis, starts, size } = windowsOf(call);
    const rank = call.x(0).dims.length;
    const elements = starts.flatMap((from) => range(size).map((i) => from + i));
    const read: Value = b.gather(call.x(0), b.reshape(b.ints(elements), [starts.length, size]), axis);
    const others = range(rank + 1).filter((i) => i !== axis + 1);
    return [b.transpose(read, [...others, axis + 1])];
  },
};

export const microsoft: RuleTable = {
  "com.microsoft::BiasAdd": biasAdd,
  "com.microsoft::BiasSplitGelu": biasSplitGelu,
  "com.microsoft::BiasSoftmax": biasSoftmax,
  "com.microsoft::CDist": distances,
  "com.microsoft::ConvTransposeWithDynamicPads": {
    wrt: [0, 1, 3],
    infer: (call) => (convolution["ConvTranspose"] as OpRecord).infer(transposed(call)),
    expand: (b, call) => b.emit(transposed(call)),
  },
  "com.microsoft::ExpandDims": expandDims,
  "com.microsoft::GatherND": renamed(indexing, "GatherND"),
  "com.microsoft::Pad": renamed(padding, "Pad"),
  "com.microsoft::Range": {
    wrt: [],
    infer: (call) => (generators["Range"] as OpRecord).infer(stepped(call)),
    fold: (call) => generators["Range"]?.fold?.(stepped(call)),
  },
  "com.microsoft::Trilu": renamed(indexing, "Trilu"),
  "com.microsoft::UnfoldTensor": unfold,
};
