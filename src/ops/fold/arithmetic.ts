import type { Call } from "../../onnx/graph.ts";
import { type ElementType, sizeOf, type Tensor, type TensorData } from "../../onnx/tensor.ts";
import { broadcast, range } from "../typing.ts";
import {
  broadcastStrides,
  constants,
  emptyLike,
  FOLD_LIMIT,
  type Fold,
  type MutableData,
  numbers,
  positions,
  small,
  stored,
  strided,
  stridesOf,
} from "./fold.ts";

/** Constants computed: elementwise, reduced, filled, by index. */

export function foldUnary(f: (x: number, type: ElementType) => number, to?: ElementType): Fold {
  return (call) => {
    const [a] = constants(call) ?? [];
    const x = a && numbers(a);
    if (a === undefined || x === undefined) return undefined;
    return stored(
      to ?? a.type,
      a.dims,
      x.map((v) => f(v, a.type)),
    );
  };
}

/** Folds from the left over any number of broadcast operands. */
export function foldBinary(
  f: (x: number, y: number, type: ElementType) => number | undefined,
  to?: ElementType,
): Fold {
  return (call) => {
    const operands = constants(call);
    if (operands === undefined || operands.length === 0) return undefined;
    const dims = broadcast(...operands.map((t) => t.dims));
    if (dims === undefined || sizeOf(dims) > FOLD_LIMIT) return undefined;
    const first = operands[0] as Tensor;
    let total: Float64Array | undefined;
    for (const t of operands) {
      const x = numbers(t);
      if (x === undefined) return undefined;
      const at = positions(dims, broadcastStrides(t.dims, dims));
      const values: Float64Array = total ?? new Float64Array(at.length);
      for (let i = 0; i < at.length; i++) {
        const result = total === undefined ? x[at[i]!]! : f(values[i]!, x[at[i]!]!, first.type);
        if (result === undefined) return undefined;
        values[i] = round(result, first.type);
      }
      total = values;
    }
    return stored(to ?? first.type, dims, total as Float64Array);
  };
}

function round(x: number, type: ElementType): number {
  return type === "float32" ? Math.fround(x) : x;
}

export const foldCast = (to: ElementType): Fold =>
  foldUnary((x, from) => {
    if (to === "float32" || to === "float64" || to === "bool") return x;
    // A float beyond the target's range has no defined integer: NaN makes `stored` leave int64 alone.
    return from === "float32" || from === "float64" ? Math.trunc(x) : x;
  }, to);

export const foldWhere: Fold = (call) => {
  const [c, a, b] = constants(call) ?? [];
  if (c === undefined || a === undefined || b === undefined) return undefined;
  const dims = broadcast(c.dims, a.dims, b.dims);
  if (dims === undefined || sizeOf(dims) > FOLD_LIMIT) return undefined;
  const [atC, atA, atB] = [c, a, b].map((t) => positions(dims, broadcastStrides(t.dims, dims)));
  const data = emptyLike(a.type, sizeOf(dims)) as MutableData;
  for (let i = 0; i < data.length; i++) data[i] = c.data[atC![i]!] ? a.data[atA![i]!] : b.data[atB![i]!];
  return [{ type: a.type, dims, data: data as TensorData }];
};

/** Reduces `axes` (ascending, resolved) from `start` with `f`; `finish` gets the count of elements. */
export function foldReduce(
  call: Call,
  axes: readonly number[],
  keepdims: boolean,
  start: number,
  f: (total: number, x: number) => number,
  finish: (total: number, count: number) => number = (total) => total,
): readonly Tensor[] | undefined {
  const tensor = small(call.x(0));
  const x = tensor && numbers(tensor);
  if (tensor === undefined || x === undefined) return undefined;
  const kept = tensor.dims.map((d, i) => (axes.includes(i) ? 1 : d));
  const at = positions(tensor.dims, broadcastStrides(kept, tensor.dims));
  const totals = new Float64Array(sizeOf(kept)).fill(start);
  for (let i = 0; i < x.length; i++) totals[at[i]!] = f(totals[at[i]!]!, x[i]!);
  const count = x.length / Math.max(1, totals.length);
  const dims = keepdims ? kept : tensor.dims.filter((_, i) => !axes.includes(i));
  return stored(
    tensor.type,
    dims,
    totals.map((t) => finish(t, count)),
  );
}

/** Running sums along an axis. */
export function foldCumSum(call: Call, axis: number): readonly Tensor[] | undefined {
  const tensor = small(call.x(0));
  const x = tensor && numbers(tensor);
  if (tensor === undefined || x === undefined) return undefined;
  const [n, stride] = [tensor.dims[axis]!, stridesOf(tensor.dims)[axis]!];
  const step = call.int("reverse", 0) === 0 ? stride : -stride;
  const start = step > 0 ? 0 : n - 1;
  const sums = new Float64Array(x.length);
  const before = (i: number) => (Math.floor(i / stride) % n === start ? 0 : sums[i - step]!);
  for (let k = 0; k < x.length; k++) {
    const i = step > 0 ? k : x.length - 1 - k;
    sums[i] = before(i) + x[i]!;
  }
  const exclusive = call.int("exclusive", 0) !== 0;
  return stored(tensor.type, tensor.dims, exclusive ? sums.map((_, i) => before(i)) : sums);
}

export function foldRange(
  type: ElementType,
  start: number,
  step: number,
  n: number,
): readonly Tensor[] | undefined {
  return n > FOLD_LIMIT
    ? undefined
    : stored(
        type,
        [n],
        range(n).map((i) => start + i * step),
      );
}

export function foldFilled(value: Tensor, dims: readonly number[]): readonly Tensor[] | undefined {
  return strided(value, dims, new Array<number>(dims.length).fill(0));
}

/** Evaluates `f` at every index of a small tensor. */
export function foldIndexed(
  type: ElementType,
  dims: readonly number[],
  f: (index: readonly number[]) => number,
): readonly Tensor[] | undefined {
  if (sizeOf(dims) > FOLD_LIMIT) return undefined;
  const strides = stridesOf(dims);
  const values = range(sizeOf(dims)).map((i) => f(dims.map((d, axis) => Math.floor(i / strides[axis]!) % d)));
  return stored(type, dims, values);
}

/** Keeps the elements at which `keep` holds, others become 0. */
export function foldMask(
  call: Call,
  keep: (index: readonly number[]) => boolean,
): readonly Tensor[] | undefined {
  const tensor = small(call.x(0));
  const x = tensor && numbers(tensor);
  if (tensor === undefined || x === undefined) return undefined;
  const strides = stridesOf(tensor.dims);
  return foldIndexed(tensor.type, tensor.dims, (index) =>
    keep(index) ? x[index.reduce((sum, i, axis) => sum + i * strides[axis]!, 0)]! : 0,
  );
}
