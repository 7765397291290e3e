import type { Call, Value } from "../../onnx/graph.ts";
import { isFloat, sizeOf, type TensorType } from "../../onnx/tensor.ts";
import type { GraphBuilder } from "../builder.ts";
import { assertUnrollable } from "../control-flow/unroll.ts";
import { foldCumSum, foldReduce } from "../fold/arithmetic.ts";
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
} from "../typing.ts";

/** The axes that a Reduce call sums over, and the shape that keeps them as 1. */
interface Reduction {
  readonly axes: readonly number[];
  readonly kept: readonly number[];
  readonly keepdims: boolean;
  /** How many elements make one result. */
  readonly count: number;
}

function reductionOf(call: Call): Reduction {
  const { dims } = typeOf(call, 0);
  const given = constantInts(call, 1, "axes") ?? [];
  const all = given.length === 0 && call.int("noop_with_empty_axes", 0) === 0;
  const axes = all ? range(dims.length) : axesOf(call, given, dims.length);
  return {
    axes,
    kept: dims.map((d, i) => (axes.includes(i) ? 1 : d)),
    keepdims: call.int("keepdims", 1) !== 0,
    count: axes.reduce((n, a) => n * dims[a]!, 1),
  };
}

function inferReduce(call: Call): readonly TensorType[] {
  const x = typeOf(call, 0);
  const { axes, kept, keepdims } = reductionOf(call);
  return [tensorType(call, x.type, keepdims ? kept : x.dims.filter((_, i) => !axes.includes(i)))];
}

/** Where every reduced axis has length 1, sums, means, products and extrema only drop axes. */
function simplifyReduce(b: GraphBuilder, call: Call): Value | undefined {
  if (reductionOf(call).count !== 1 || sizeOf(typeOf(call, 0).dims) === 0) return undefined;
  return b.reshape(operand(call, 0), inferReduce(call)[0]!.dims);
}

/** A reduced value with its axes kept, so that it broadcasts against the operand. */
function kept(s: VjpScope, value: Value): Value {
  return s.b.reshape(value, reductionOf(s.node).kept);
}

function spread(s: VjpScope, value: Value): Value {
  return s.b.expand(kept(s, value), s.x(0).dims);
}

/** `op` over the same axes as `call`. */
function reduceLike(b: GraphBuilder, op: string, call: Call, x: Value): Value {
  return b.call(op, [x, call.inputs[1] ?? null], call.attributes);
}

type Folding = (r: Reduction, call: Call) => ReturnType<typeof foldReduce>;

function reduction(record: Omit<Partial<OpRecord>, "fold"> & { readonly fold?: Folding }): OpRecord {
  const { fold, ...rest } = record;
  return {
    wrt: [0],
    infer: inferReduce,
    ...rest,
    ...(fold && { fold: (call) => fold(reductionOf(call), call) }),
  };
}

/**
 * Ties share equally, as PyTorch's `amax`. The decisions are the mask of the winners and how many they are;
 * given these the value is the winners' mean.
 */
function extremum(start: number, pick: (x: number, y: number) => number): OpRecord {
  const decide = (b: GraphBuilder, call: Call, y: Value): readonly [Value, Value] => {
    const { kept: dims, axes } = reductionOf(call);
    const mask = b.equal(call.x(0), b.reshape(y, dims));
    return [mask, b.reduceSum(b.cast(mask, call.x(0).static.type), axes)];
  };
  return reduction({
    simplify: simplifyReduce,
    fold: ({ axes, keepdims }, call) => foldReduce(call, axes, keepdims, start, pick),
    vjp: (s) => {
      const [mask, count] = decide(s.b, s.node, s.y());
      return s.b.where(mask, s.b.div(kept(s, s.dy()), count), 0);
    },
    freeze: {
      decide: (b, call) => decide(b, call, b.emit(call)[0] as Value),
      apply: (b, call, [mask, count]) => {
        const { axes } = reductionOf(call);
        const total = b.reduceSum(b.where(mask as Value, call.x(0), 0), axes);
        return [b.reshape(b.div(total, count as Value), inferReduce(call)[0]!.dims)];
      },
    },
  });
}

/** The product of the last axis by halves: unlike y/x it is right, at every order, when factors are 0. */
function productOfLast(b: GraphBuilder, x: Value): Value {
  const axis = x.dims.length - 1;
  let now = x;
  for (let n = x.dims[axis]!; n > 1; n = now.dims[axis]!) {
    const half = Math.floor(n / 2);
    const part = (from: number, to: number) => b.slice(now, [from], [to], [axis]);
    const products = b.mul(part(0, half), part(half, 2 * half));
    now = n % 2 === 0 ? products : b.concat([products, part(2 * half, n)], axis);
  }
  return now;
}

function expandProduct(b: GraphBuilder, call: Call): readonly Value[] | undefined {
  const x = call.x(0);
  const { axes, count } = reductionOf(call);
  if (!isFloat(x.static.type) || count === 0) return undefined;
  const others = range(x.dims.length).filter((i) => !axes.includes(i));
  const last = b.transpose(x, [...others, ...axes]);
  const flat = b.reshape(last, [...others.map((i) => x.dims[i]!), count]);
  return [b.reshape(productOfLast(b, flat), inferReduce(call)[0]!.dims)];
}

/** ArgMax and ArgMin: an index, so a stop. */
const argument: OpRecord = {
  wrt: [],
  infer: (call) => {
    const { dims } = typeOf(call, 0);
    const axis = axisOf(call, call.int("axis", 0), dims.length);
    const keepdims = call.int("keepdims", 1) !== 0;
    if (dims[axis] === 0) throw misfit(call, "a non-empty axis");
    return [
      tensorType(
        call,
        "int64",
        keepdims ? dims.map((d, i) => (i === axis ? 1 : d)) : dims.toSpliced(axis, 1),
      ),
    ];
  },
};

/** The axis that sums or products run along. */
function runningAxis(call: Call): number {
  const axes = requiredInts(call, 1, "an axis");
  if (axes.length !== 1) throw misfit(call, "one axis");
  return axisOf(call, axes[0]!, typeOf(call, 0).dims.length);
}

const cumulativeSum: OpRecord = {
  wrt: [0],
  infer: (call) => {
    runningAxis(call);
    return [typeOf(call, 0)];
  },
  fold: (call) => foldCumSum(call, runningAxis(call)),
  // The transpose of a running sum is the sum run from the other end.
  vjp: (s) =>
    s.b.call("CumSum", [s.dy(), s.x(1)], {
      exclusive: s.node.int("exclusive", 0),
      reverse: 1 - s.node.int("reverse", 0),
    }),
};

/** Running products (opset 26), one after the other: a quotient of products would not do at 0. */
const cumulativeProduct: OpRecord = {
  wrt: [0],
  infer: (call) => {
    runningAxis(call);
    return [typeOf(call, 0)];
  },
  expand: (b, call) => {
    const x = call.x(0);
    const axis = runningAxis(call);
    const n = x.dims[axis]!;
    if (n === 0) return [x];
    assertUnrollable(call, n);
    const order = call.int("reverse", 0) === 0 ? range(n) : range(n).reverse();
    const results = new Array<Value>(n);
    let before = b.filled({ type: x.static.type, dims: x.dims.with(axis, 1) }, 1);
    for (const i of order) {
      const next = b.mul(before, b.slice(x, [i], [i + 1], [axis]));
      results[i] = call.int("exclusive", 0) === 0 ? next : before;
      before = next;
    }
    return [b.concat(results, axis)];
  },
};

export const reductions: RuleTable = {
  ReduceSum: reduction({
    simplify: simplifyReduce,
    fold: ({ axes, keepdims }, call) => foldReduce(call, axes, keepdims, 0, (s, x) => s + x),
    vjp: (s) => spread(s, s.dy()),
  }),
  ReduceMean: reduction({
    simplify: simplifyReduce,
    fold: ({ axes, keepdims }, call) =>
      foldReduce(
        call,
        axes,
        keepdims,
        0,
        (s, x) => s + x,
        (s, n) => (isFloat(typeOf(call, 0).type) ? s / n : Math.trunc(s / n)),
      ),
    vjp: (s) => spread(s, s.b.div(s.dy(), reductionOf(s.node).count)),
  }),
  ReduceMax: extremum(-Infinity, Math.max),
  ReduceMin: extremum(Infinity, Math.min),
  ReduceProd: reduction({
    simplify: simplifyReduce,
    fold: ({ axes, keepdims }, call) => foldReduce(call, axes, keepdims, 1, (p, x) => p * x),
    expand: expandProduct,
  }),
  ReduceSumSquare: reduction({
    vjp: (s) => s.b.mul(kept(s, s.dy()), s.b.mul(s.x(0), 2)),
  }),
  // d/dx ‖x‖₂ = x/‖x‖₂, and 0 where the norm is 0 (as PyTorch).
  ReduceL2: reduction({
    vjp: (s) => {
      const zero = s.b.equal(s.y(), 0);
      const share = s.b.div(s.b.where(zero, 0, s.dy()), s.b.where(zero, 1, s.y()));
      return s.b.mul(s.x(0), kept(s, share));
    },
  }),
  ReduceL1: reduction({
    expand: (b, call) => [reduceLike(b, "ReduceSum", call, b.unary("Abs", call.x(0)))],
  }),
  ReduceLogSum: reduction({
    expand: (b, call) => [b.unary("Log", reduceLike(b, "ReduceSum", call, call.x(0)))],
  }),
  // d/dx log Σ eˣ = e^(x − y): never overflows, since x ≤ y.
  ReduceLogSumExp: reduction({
    vjp: (s) => {
      const share = s.b.unary("Exp", s.b.sub(s.x(0), kept(s, s.y())));
      return s.b.mul(kept(s, s.dy()), share);
    },
  }),
  ArgMax: argument,
  ArgMin: argument,
  CumSum: cumulativeSum,
  CumProd: cumulativeProduct,
};
