import type { Call, Value } from "../../onnx/graph.ts";
import { int64Tensor, sizeOf, type TensorType } from "../../onnx/tensor.ts";
import type { GraphBuilder } from "../builder.ts";
import { foldMask } from "../fold/arithmetic.ts";
import { FOLD_LIMIT, stridesOf } from "../fold/fold.ts";
import { foldGather, foldGatherElements, foldGatherNd, foldOneHot } from "../fold/indexing.ts";
import type { OpRecord, RuleTable, VjpScope } from "../record.ts";
import {
  axisOf,
  constantInts,
  misfit,
  numbersOf,
  operand,
  range,
  requiredInts,
  sameDims,
  tensorType,
  typeOf,
  unknownShape,
} from "../typing.ts";

/** Operators that read and write by index. The gradient of a read is a sum into zeros, and the other way round. */

const INDEX_TYPES = ["int64", "int32"];

function indexOperand(call: Call, i: number): TensorType {
  const t = typeOf(call, i);
  if (!INDEX_TYPES.includes(t.type)) throw misfit(call, `input ${i} to be int64 or int32`);
  return t;
}

export function zerosLike(b: GraphBuilder, x: Value): Value {
  return b.filled(x.static, 0);
}

export function gatherAxis(call: Call): number {
  return axisOf(call, call.int("axis", 0), typeOf(call, 0).dims.length);
}

function inferGather(call: Call): readonly TensorType[] {
  const { type, dims } = typeOf(call, 0);
  const axis = gatherAxis(call);
  const index = indexOperand(call, 1);
  assertWithin(call, operand(call, 1), dims[axis]!);
  return [tensorType(call, type, [...dims.slice(0, axis), ...index.dims, ...dims.slice(axis + 1)])];
}

/** Constant indices must lie inside the axis; computed ones are the runtime's to check. */
function assertWithin(call: Call, index: Value, d: number): void {
  const values = numbersOf(index);
  const bad = values?.find((i) => i < -d || i >= d);
  if (bad !== undefined) throw misfit(call, `indices within [${-d}, ${d - 1}], not ${bad}`);
}

/** Rows of dy, with the gathered axis in front, are added into the rows of zeros that they came from. */
function gatherVjp(s: VjpScope): Value {
  const { b } = s;
  const [x, index] = [s.x(0), s.x(1)];
  const axis = gatherAxis(s.node);
  const rank = index.dims.length;
  const n = sizeOf(index.dims);
  const only = n === 1 ? numbersOf(index)?.[0] : undefined;
  if (only !== undefined) return placed(b, s.dy(), x.dims, axis, only);
  const rest = x.dims.toSpliced(axis, 1);
  const order = range(s.dy().dims.length);
  const front = b.transpose(s.dy(), [
    ...order.slice(axis, axis + rank),
    ...order.slice(0, axis),
    ...order.slice(axis + rank),
  ]);
  const zeros = b.filled({ type: x.static.type, dims: [x.dims[axis]!, ...rest] }, 0);
  const rows = b.call(
    "ScatterND",
    [zeros, b.cast(b.reshape(index, [n, 1]), "int64"), b.reshape(front, [n, ...rest])],
    { reduction: "add" },
  );
  const back = range(x.dims.length).map((i) => (i < axis ? i + 1 : i === axis ? 0 : i));
  return b.transpose(rows, back);
}

/** One row alone is put among zeros. */
function placed(b: GraphBuilder, dy: Value, dims: readonly number[], axis: number, index: number): Value {
  const at = index < 0 ? index + dims[axis]! : index;
  const row = b.reshape(dy, dims.with(axis, 1));
  const pads = new Array<number>(2 * dims.length).fill(0);
  pads[axis] = at;
  pads[dims.length + axis] = dims[axis]! - at - 1;
  return b.pad(row, pads);
}

/** Shapes of data and indices agree in rank, and indices fit in all axes but one. */
export function elementsAxis(call: Call): number {
  const [x, index] = [typeOf(call, 0).dims, indexOperand(call, 1).dims];
  const axis = gatherAxis(call);
  if (x.length !== index.length || index.some((d, i) => i !== axis && d > x[i]!))
    throw misfit(call, "indices of the data's rank that fit in it");
  assertWithin(call, operand(call, 1), x[axis]!);
  return axis;
}

export function gatherNdDims(call: Call): number[] {
  const [x, index] = [typeOf(call, 0).dims, indexOperand(call, 1).dims];
  const batch = call.int("batch_dims", 0);
  const k = index.at(-1) ?? 0;
  const fits = batch >= 0 && batch < Math.min(x.length, index.length) && k >= 1 && batch + k <= x.length;
  if (!fits || !sameDims(x.slice(0, batch), index.slice(0, batch)))
    throw misfit(call, `indices [..., k] with k ≤ the data's rank and ${batch} common leading axes`);
  return [...index.slice(0, -1), ...x.slice(batch + k)];
}

function expandGatherNd(b: GraphBuilder, call: Call): readonly Value[] | undefined {
  if (call.int("batch_dims", 0) === 0) return undefined;
  return [b.call("GatherND", [call.x(0), gatherNdIndex(b, call)])];
}

/** The indices of a GatherND in which leading axes in common are coordinates like others. */
export function gatherNdIndex(b: GraphBuilder, call: Call): Value {
  const batch = call.int("batch_dims", 0);
  if (batch === 0) return call.x(1);
  const index = call.x(1);
  const lead = index.dims.slice(0, -1);
  const coordinates = range(batch).map((axis) => {
    const along = lead.map((d, i) => (i === axis ? d : 1));
    const positions = b.constant(int64Tensor([...along, 1], range(lead[axis]!)));
    return b.expand(positions, [...lead, 1]);
  });
  return b.concat([...coordinates, b.cast(index, "int64")], lead.length);
}

function topKAxis(call: Call): { axis: number; k: number } {
  const { dims } = typeOf(call, 0);
  const axis = axisOf(call, call.int("axis", -1), dims.length);
  const [k] = requiredInts(call, 1, "k");
  if (k === undefined || k < 0 || k > dims[axis]!)
    throw misfit(call, `k within [0, ${dims[axis]}], not ${k}`);
  return { axis, k };
}

/** Values are differentiable where they were taken from; which those are is the decision. */
const topK: OpRecord = {
  wrt: [0],
  infer: (call) => {
    const { type, dims } = typeOf(call, 0);
    const { axis, k } = topKAxis(call);
    return [tensorType(call, type, dims.with(axis, k)), tensorType(call, "int64", dims.with(axis, k))];
  },
  vjp: (s) => {
    const { axis } = topKAxis(s.node);
    return s.b.call("ScatterElements", [zerosLike(s.b, s.x(0)), s.y(1), s.dy()], { axis, reduction: "add" });
  },
  freeze: {
    decide: (b, call) => [b.emit(call)[1] as Value],
    apply: (b, call, [index]) => [
      b.call("GatherElements", [call.x(0), index as Value], { axis: topKAxis(call).axis }),
      index as Value,
    ],
  },
};

function oneHotAxis(call: Call): { axis: number; depth: number } {
  const { dims } = typeOf(call, 0);
  const axis = axisOf(call, call.int("axis", -1), dims.length + 1);
  const [depth] = requiredInts(call, 1, "a depth");
  if (depth === undefined || depth < 1) throw misfit(call, `a depth ≥ 1, not ${depth}`);
  return { axis, depth };
}

function inferTrilu(call: Call): readonly TensorType[] {
  if (typeOf(call, 0).dims.length < 2) throw misfit(call, "at least two axes");
  return [typeOf(call, 0)];
}

function triluKeeps(call: Call): (index: readonly number[]) => boolean {
  const k = constantInts(call, 1, "a diagonal")?.[0] ?? 0;
  const upper = call.int("upper", 1) !== 0;
  return (index) => {
    const offset = index.at(-1)! - index.at(-2)!;
    return upper ? offset >= k : offset <= k;
  };
}

/** Turns the first `length` steps of each sequence round. */
const reverseSequence: OpRecord = {
  wrt: [0],
  infer: (call) => {
    const { dims } = typeOf(call, 0);
    const [batch, time] = [call.int("batch_axis", 1), call.int("time_axis", 0)];
    const axes = [batch, time].every((a) => a === 0 || a === 1) && batch !== time;
    if (!axes || dims.length < 2 || !sameDims(typeOf(call, 1).dims, [dims[batch]!]))
      throw misfit(call, "sequences whose time and batch are the first two axes, and a length for each");
    return [typeOf(call, 0)];
  },
  expand: (b, call) => {
    const { dims } = call.x(0);
    const [batch, time] = [call.int("batch_axis", 1), call.int("time_axis", 0)];
    const along = (axis: number) => dims.map((d, i) => (i === axis ? d : 1));
    const steps = b.constant(int64Tensor(along(time), range(dims[time]!)));
    const lengths = b.reshape(b.cast(call.x(1), "int64"), along(batch));
    const index = b.where(b.less(steps, lengths), b.sub(b.sub(lengths, 1), steps), steps);
    return [b.call("GatherElements", [call.x(0), b.expand(index, dims)], { axis: time })];
  },
};

/** Numbers that shapes depend on. */
function knownNumbers(call: Call, i: number): readonly number[] {
  const numbers = numbersOf(operand(call, i));
  if (numbers === undefined || numbers.length > FOLD_LIMIT) throw unknownShape(call, `input ${i}`);
  return numbers;
}

/** Indices of what is not 0. */
function positionsOf(numbers: readonly number[]): number[] {
  return numbers.flatMap((v, i) => (v === 0 ? [] : [i]));
}

const nonZero: OpRecord = {
  wrt: [],
  infer: (call) => {
    const found = positionsOf(knownNumbers(call, 0));
    return [{ type: "int64", dims: [typeOf(call, 0).dims.length, found.length] }];
  },
  fold: (call) => {
    const { dims } = typeOf(call, 0);
    const found = positionsOf(knownNumbers(call, 0));
    const strides = stridesOf(dims);
    const coordinates = dims.flatMap((d, axis) => found.map((i) => Math.floor(i / strides[axis]!) % d));
    return [int64Tensor([dims.length, found.length], coordinates)];
  },
};

/** What a constant condition selects along an axis, or of all elements. */
function selectionOf(call: Call): { axis: number | null; dims: readonly number[]; kept: readonly number[] } {
  const x = typeOf(call, 0).dims;
  const whole = !call.attributes.has("axis");
  const dims = whole ? [sizeOf(x)] : x;
  const axis = whole ? null : axisOf(call, call.int("axis", 0), x.length);
  const condition = knownNumbers(call, 1);
  if (condition.length > dims[axis ?? 0]!) throw misfit(call, "a condition no longer than the axis");
  return { axis, dims, kept: positionsOf(condition) };
}

const compress: OpRecord = {
  wrt: [0],
  infer: (call) => {
    const { axis, dims, kept } = selectionOf(call);
    return [tensorType(call, typeOf(call, 0).type, dims.with(axis ?? 0, kept.length))];
  },
  expand: (b, call) => {
    const { axis, dims, kept } = selectionOf(call);
    return [b.gather(b.reshape(call.x(0), dims), b.ints(kept), axis ?? 0)];
  },
};

/** Splits axis 1 or the spatial ones by the block, and moves the parts; both directions of the same shuffle. */
function blocksOf(call: Call): { n: number; c: number; h: number; w: number; s: number } {
  const { dims } = typeOf(call, 0);
  const s = call.int("blocksize", 0);
  const [n, c, h, w] = dims as [number, number, number, number];
  const whole = call.op === "DepthToSpace" ? c % (s * s) === 0 : h % s === 0 && w % s === 0;
  if (dims.length !== 4 || s < 1 || !whole) throw misfit(call, `[N, C, H, W] that blocks of ${s} divide`);
  return { n, c, h, w, s };
}

const depthToSpace: OpRecord = {
  wrt: [0],
  infer: (call) => {
    const { n, c, h, w, s } = blocksOf(call);
    return [tensorType(call, typeOf(call, 0).type, [n, c / (s * s), h * s, w * s])];
  },
  expand: (b, call) => {
    const { n, c, h, w, s } = blocksOf(call);
    const depth = c / (s * s);
    const crd = call.string("mode", "DCR") === "CRD";
    const parts = b.reshape(call.x(0), crd ? [n, depth, s, s, h, w] : [n, s, s, depth, h, w]);
    const moved = b.transpose(parts, crd ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2]);
    return [b.reshape(moved, [n, depth, h * s, w * s])];
  },
};

const spaceToDepth: OpRecord = {
  wrt: [0],
  infer: (call) => {
    const { n, c, h, w, s } = blocksOf(call);
    return [tensorType(call, typeOf(call, 0).type, [n, c * s * s, h / s, w / s])];
  },
  expand: (b, call) => {
    const { n, c, h, w, s } = blocksOf(call);
    const moved = b.transpose(b.reshape(call.x(0), [n, c, h / s, s, w / s, s]), [0, 3, 5, 1, 2, 4]);
    return [b.reshape(moved, [n, c * s * s, h / s, w / s])];
  },
};

export const indexing: RuleTable = {
  Gather: {
    wrt: [0],
    infer: inferGather,
    fold: (call) => {
      inferGather(call);
      return foldGather(call, gatherAxis(call));
    },
    vjp: gatherVjp,
  },
  GatherElements: {
    wrt: [0],
    infer: (call) => {
      elementsAxis(call);
      return [tensorType(call, typeOf(call, 0).type, typeOf(call, 1).dims)];
    },
    fold: (call) => foldGatherElements(call, elementsAxis(call)),
    vjp: (s) =>
      s.b.call("ScatterElements", [zerosLike(s.b, s.x(0)), s.x(1), s.dy()], {
        axis: gatherAxis(s.node),
        reduction: "add",
      }),
  },
  GatherND: {
    wrt: [0],
    infer: (call) => [tensorType(call, typeOf(call, 0).type, gatherNdDims(call))],
    fold: (call) => foldGatherNd(call, gatherNdDims(call), call.int("batch_dims", 0)),
    expand: expandGatherNd,
    vjp: (s) =>
      s.b.call("ScatterND", [zerosLike(s.b, s.x(0)), s.b.cast(s.x(1), "int64"), s.dy()], {
        reduction: "add",
      }),
  },
  TopK: topK,
  ReverseSequence: reverseSequence,
  NonZero: nonZero,
  Compress: compress,
  OneHot: {
    wrt: [],
    infer: (call) => {
      const { axis, depth } = oneHotAxis(call);
      return [tensorType(call, typeOf(call, 2).type, typeOf(call, 0).dims.toSpliced(axis, 0, depth))];
    },
    fold: (call) => {
      const { axis, depth } = oneHotAxis(call);
      return foldOneHot(call, axis, depth);
    },
  },
  Trilu: {
    wrt: [0],
    infer: inferTrilu,
    fold: (call) => {
      inferTrilu(call);
      return foldMask(call, triluKeeps(call));
    },
    vjp: (s) => s.b.call("Trilu", [s.dy(), s.node.inputs[1] ?? null], s.node.attributes),
  },
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
};
