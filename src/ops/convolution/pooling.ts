import type { Call, Value } from "../../onnx/graph.ts";
import { sizeOf, type Tensor, type TensorType } from "../../onnx/tensor.ts";
import { type GraphBuilder, numbersAs } from "../builder.ts";
import type { OpRecord, RuleTable, VjpScope } from "../record.ts";
import { constantInts, floatOperand, misfit, range, sameDims, tensorType, typeOf } from "../typing.ts";
import { convInputGradient } from "./convolution.ts";
import { extent, type Geometry, geometryAttributes, slidingGeometry, tiles } from "./geometry.ts";

/** Pools. Averages are convolutions with a box; maxima read x at indices, which are the decision. */

function spatialOf(call: Call): readonly number[] {
  const { dims } = floatOperand(call, 0);
  if (dims.length < 3) throw misfit(call, "x of shape [N, C, …] with spatial axes");
  return dims.slice(2);
}

function pooledType(call: Call): TensorType {
  const { type, dims } = floatOperand(call, 0);
  const { output } = slidingGeometry(call, spatialOf(call));
  return tensorType(call, type, [...dims.slice(0, 2), ...output]);
}

/** Index of each window's maximum in all of x, row by row. Ties: the first, as PyTorch. */
function maximaOf(b: GraphBuilder, call: Call): Value {
  // Left as it is where that means the same, so that it merges with the operator itself.
  const byRow = call.int("storage_order", 0) === 0;
  const attributes = byRow
    ? call.attributes
    : new Map([...call.attributes].filter(([name]) => name !== "storage_order"));
  return b.calls("MaxPool", [call.x(0)], attributes, { outputs: 2 })[1] as Value;
}

const maxPool: OpRecord = {
  wrt: [0],
  infer: (call) => {
    const y = pooledType(call);
    return [y, { ...y, type: "int64" as const }].slice(0, call.numOutputs);
  },
  // Windows overlap, so that one element of x may be the maximum of several.
  vjp: (s) => {
    const { b } = s;
    const x = s.x(0);
    const flat = [sizeOf(s.dy().dims)];
    const zeros = b.filled({ type: x.static.type, dims: [sizeOf(x.dims)] }, 0);
    const updates = [b.reshape(maximaOf(b, s.node), flat), b.reshape(s.dy(), flat)];
    const dx = b.call("ScatterElements", [zeros, ...updates], { axis: 0, reduction: "add" });
    return b.reshape(dx, x.dims);
  },
  freeze: {
    decide: (b, call) =>
      call.numOutputs > 1 ? [maximaOf(b, call), b.emit(call)[1] as Value] : [maximaOf(b, call)],
    apply: (b, call, [maxima, ...indices]) => {
      const { dims } = pooledType(call);
      const x = b.reshape(call.x(0), [sizeOf(call.x(0).dims)]);
      const at = b.reshape(maxima as Value, [sizeOf(dims)]);
      return [b.reshape(b.call("GatherElements", [x, at], { axis: 0 }), dims), ...indices];
    },
  },
};

/** A geometry whose padding at the end covers windows that hang over it. */
function covered(g: Geometry): Geometry {
  const after = g.after.map((p, i) => {
    const end = (g.output[i]! - 1) * g.strides[i]! + extent(g.kernel[i]!, g.dilations[i]!);
    return Math.max(p, end - g.input[i]! - g.before[i]!);
  });
  return { ...g, after };
}

/** How many elements each window along one axis averages over: padding counts if `padded`, overhang never. */
function countsAlong(g: Geometry, i: number, padded: boolean): number[] {
  const [low, high] = padded ? [-g.before[i]!, g.input[i]! + g.after[i]!] : [0, g.input[i]!];
  return range(g.output[i]!).map((j) => {
    const start = j * g.strides[i]! - g.before[i]!;
    const taps = range(g.kernel[i]!).map((t) => start + t * g.dilations[i]!);
    return taps.filter((p) => p >= low && p < high).length;
  });
}

/** 1/count of each window, as [1, 1, …]; one number where all are equal. */
function weights(b: GraphBuilder, x: Value, g: Geometry, padded: boolean): Value {
  const counts = g.output.map((_, i) => countsAlong(g, i, padded));
  const { type } = x.static;
  if (counts.every((c) => c.every((n) => n === c[0])))
    return b.scalar(1 / counts.reduce((p, c) => p * c[0]!, 1), type);
  return counts
    .map((c, i) => {
      const dims = range(counts.length + 2).map((axis) => (axis === i + 2 ? c.length : 1));
      const data = numbersAs(
        type,
        c.map((n) => 1 / n),
      );
      return b.constant({ type, dims, data } satisfies Tensor);
    })
    .reduce((p, v) => b.mul(p, v));
}

/** The sum over each window, by a depthwise Conv with ones. */
function windowSums(b: GraphBuilder, x: Value, g: Geometry): Value {
  return b.call("Conv", [x, box(b, x, g)], { ...geometryAttributes(covered(g)), group: x.dims[1]! });
}

function box(b: GraphBuilder, x: Value, g: Geometry): Value {
  return b.filled({ type: x.static.type, dims: [x.dims[1]!, 1, ...g.kernel] }, 1);
}

function isPaddingCounted(call: Call): boolean {
  return call.int("count_include_pad", 0) !== 0;
}

/** Spreads each window's share over its elements: windows that tile x are repeated, others overlap and add. */
function averageVjp(s: VjpScope): Value {
  const { b } = s;
  const x = s.x(0);
  const g = slidingGeometry(s.node, spatialOf(s.node));
  const share = b.mul(s.dy(), weights(b, x, g, isPaddingCounted(s.node)));
  if (!tiles(g))
    return convInputGradient(b, share, box(b, x, g), { geometry: covered(g), group: x.dims[1]! });
  const lead = x.dims.slice(0, 2);
  const single = b.reshape(share, [...lead, ...g.output.flatMap((d) => [d, 1])]);
  const repeated = b.expand(single, [...lead, ...g.output.flatMap((d, i) => [d, g.kernel[i]!])]);
  return b.reshape(repeated, x.dims);
}

const averagePool: OpRecord = {
  wrt: [0],
  infer: (call) => [pooledType(call)],
  // Dilations came with opset 19.
  expand: (b, call) => {
    const g = slidingGeometry(call, spatialOf(call));
    if (g.dilations.every((d) => d === 1)) return undefined;
    return [b.mul(windowSums(b, call.x(0), g), weights(b, call.x(0), g, isPaddingCounted(call)))];
  },
  vjp: averageVjp,
};

/** A pool over all of space. */
function globalPool(expand: (b: GraphBuilder, x: Value, axes: Value, call: Call) => Value): OpRecord {
  return {
    wrt: [0],
    infer: (call) => {
      const { type, dims } = floatOperand(call, 0);
      return [tensorType(call, type, [...dims.slice(0, 2), ...spatialOf(call).map(() => 1)])];
    },
    expand: (b, call) => {
      const axes = b.ints(range(typeOf(call, 0).dims.length).slice(2));
      return [expand(b, call.x(0), axes, call)];
    },
  };
}

/** (Σ |x|ᵖ)^(1/p) over windows. */
const lpPool: OpRecord = {
  wrt: [0],
  infer: (call) => [pooledType(call)],
  expand: (b, call) => {
    const p = call.int("p", 2);
    const g = slidingGeometry(call, spatialOf(call));
    return [b.pow(windowSums(b, powers(b, call.x(0), p), g), 1 / p)];
  },
};

/** Shape that a MaxUnpool gives: as asked for, or the smallest that its windows cover. */
function unpooledDims(call: Call): readonly number[] {
  const { dims } = floatOperand(call, 0);
  const given = constantInts(call, 2, "a shape");
  const n = spatialOf(call).length;
  const [kernel, strides] = [call.ints("kernel_shape"), call.ints("strides") ?? new Array<number>(n).fill(1)];
  const pads = call.ints("pads") ?? new Array<number>(2 * n).fill(0);
  if (
    kernel?.length !== n ||
    strides.length !== n ||
    pads.length !== 2 * n ||
    !sameDims(typeOf(call, 1).dims, dims)
  )
    throw misfit(call, `indices of x's shape, and kernel, strides and pads for ${n} axes`);
  if (given !== undefined && (given.length !== dims.length || !sameDims(given.slice(0, 2), dims.slice(0, 2))))
    throw misfit(call, "a shape [N, C, …] as x's");
  const least = range(n).map((i) => (dims[i + 2]! - 1) * strides[i]! + kernel[i]! - pads[i]! - pads[n + i]!);
  return given ?? [...dims.slice(0, 2), ...least];
}

/** Puts x among zeros, where a MaxPool took it from. */
const maxUnpool: OpRecord = {
  wrt: [0],
  infer: (call) => {
    if (typeOf(call, 1).type !== "int64") throw misfit(call, "int64 indices");
    return [tensorType(call, floatOperand(call, 0).type, unpooledDims(call))];
  },
  expand: (b, call) => {
    const dims = unpooledDims(call);
    const flat = (v: Value) => b.reshape(v, [sizeOf(v.dims)]);
    const zeros = b.filled({ type: call.x(0).static.type, dims: [sizeOf(dims)] }, 0);
    const y = b.call("ScatterElements", [zeros, flat(call.x(1)), flat(call.x(0))], { axis: 0 });
    return [b.reshape(y, dims)];
  },
};

function powers(b: GraphBuilder, x: Value, p: number): Value {
  return b.pow(p % 2 === 0 ? x : b.unary("Abs", x), p);
}

export const pooling: RuleTable = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  MaxUnpool: maxUnpool,
  LpPool: lpPool,
  GlobalAveragePool: globalPool((b, x, axes) => b.call("ReduceMean", [x, axes], { keepdims: 1 })),
  // As a MaxPool, so that ties go to the first: ReduceMax shares them.
  GlobalMaxPool: globalPool((b, x) => b.call("MaxPool", [x], { kernel_shape: x.dims.slice(2) })),
  GlobalLpPool: globalPool((b, x, axes, call) => {
    const p = call.int("p", 2);
    return b.pow(b.call("ReduceSum", [powers(b, x, p), axes], { keepdims: 1 }), 1 / p);
  }),
};
