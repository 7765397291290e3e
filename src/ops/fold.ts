import type { Call, Value } from "../onnx/graph.ts";
import { type ElementType, isFloat, sizeOf, type Tensor, type TensorData } from "../onnx/tensor.ts";
import { broadcast, range } from "./typing.ts";

/**
 * Evaluation of small constants: shape arithmetic, masks, index tables. Float results are those of
 * double precision rounded once, so as good as any kernel's. Integers beyond 2⁵³ are left alone.
 */

/** Larger results are left to the runtime. */
export const FOLD_LIMIT = 100_000;
/** Float results larger than their operands (a filled tensor) are kept as calls unless they are small. */
const GROWTH_LIMIT = 4096;

type Numbers = readonly number[] | Float64Array;
type MutableData = Record<number, unknown> & { readonly length: number };
type Fold = (call: Call) => readonly Tensor[] | undefined;

/** The tensors of all inputs; undefined unless every one is a small constant. */
export function constants(call: Call): Tensor[] | undefined {
  const found: Tensor[] = [];
  for (const value of call.inputs) {
    const tensor = value?.tensor;
    if (value !== null && (tensor === undefined || sizeOf(tensor.dims) > FOLD_LIMIT)) return undefined;
    if (tensor !== undefined) found.push(tensor);
  }
  return found;
}

/** Contents as numbers; undefined where a number does not hold them exactly. */
function numbers(tensor: Tensor): Float64Array | undefined {
  if (tensor.type === "string" || tensor.type === "float16" || tensor.type === "bfloat16") return undefined;
  const data = Float64Array.from(tensor.data as ArrayLike<number | bigint>, Number);
  const wide = tensor.type === "int64" || tensor.type === "uint64";
  return wide && data.some((x) => !Number.isSafeInteger(x)) ? undefined : data;
}

function emptyLike(type: ElementType, n: number): TensorData {
  switch (type) {
    case "float32":
      return new Float32Array(n);
    case "float64":
      return new Float64Array(n);
    case "int64":
      return new BigInt64Array(n);
    case "uint64":
      return new BigUint64Array(n);
    case "int32":
      return new Int32Array(n);
    case "uint32":
      return new Uint32Array(n);
    case "int16":
      return new Int16Array(n);
    case "uint16":
    case "float16":
    case "bfloat16":
      return new Uint16Array(n);
    case "int8":
      return new Int8Array(n);
    case "uint8":
    case "bool":
      return new Uint8Array(n);
    case "string":
      return new Array<string>(n).fill("");
  }
}

/** A tensor of numbers; undefined where the element type does not hold them. */
function stored(type: ElementType, dims: readonly number[], values: Numbers): readonly Tensor[] | undefined {
  if (type === "string" || type === "float16" || type === "bfloat16") return undefined;
  const wide = type === "int64" || type === "uint64";
  if (wide && values.some((x: number) => !Number.isSafeInteger(x))) return undefined;
  const data = emptyLike(type, values.length) as MutableData;
  for (let i = 0; i < values.length; i++) {
    const x = values[i]!;
    data[i] = wide ? BigInt(x) : type === "bool" ? Number(x !== 0) : x;
  }
  return [{ type, dims, data: data as TensorData }];
}

export function stridesOf(dims: readonly number[]): number[] {
  const strides = new Array<number>(dims.length);
  for (let i = dims.length - 1, s = 1; i >= 0; i--) {
    strides[i] = s;
    s *= dims[i]!;
  }
  return strides;
}

/** Strides that read `dims` as if it had the shape `to`: 0 along broadcast axes. */
function broadcastStrides(dims: readonly number[], to: readonly number[]): number[] {
  const own = stridesOf(dims);
  const lead = to.length - dims.length;
  return to.map((_, i) => (i < lead || dims[i - lead] === 1 ? 0 : own[i - lead]!));
}

/** Positions in row-major order of a view with the given strides. */
function positions(dims: readonly number[], strides: readonly number[], offset = 0): Int32Array {
  const n = sizeOf(dims);
  const found = new Int32Array(n);
  const index = new Array<number>(dims.length).fill(0);
  let at = offset;
  for (let i = 0; i < n; i++) {
    found[i] = at;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      at += strides[axis]!;
      if (++index[axis]! < dims[axis]!) break;
      at -= strides[axis]! * dims[axis]!;
      index[axis] = 0;
    }
  }
  return found;
}

function taken(tensor: Tensor, dims: readonly number[], at: ArrayLike<number>): Tensor {
  const data = emptyLike(tensor.type, at.length) as MutableData;
  for (let i = 0; i < at.length; i++) data[i] = tensor.data[at[i]!];
  return { type: tensor.type, dims, data: data as TensorData };
}

/** A rearranged copy, read through strides. */
function strided(
  tensor: Tensor,
  dims: readonly number[],
  strides: readonly number[],
  offset = 0,
): readonly Tensor[] | undefined {
  const n = sizeOf(dims);
  if (n > FOLD_LIMIT) return undefined;
  if (n > GROWTH_LIMIT && n > sizeOf(tensor.dims) && isFloat(tensor.type)) return undefined;
  return [taken(tensor, dims, positions(dims, strides, offset))];
}

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

/** The constant of a value, if it is one of foldable size. */
function small(value: Value | null | undefined): Tensor | undefined {
  const tensor = value?.tensor;
  return tensor !== undefined && sizeOf(tensor.dims) <= FOLD_LIMIT ? tensor : undefined;
}

export function foldReshape(call: Call, dims: readonly number[]): readonly Tensor[] | undefined {
  const tensor = small(call.x(0));
  return tensor && [{ type: tensor.type, dims, data: tensor.data }];
}

export function foldTranspose(call: Call, perm: readonly number[]): readonly Tensor[] | undefined {
  const tensor = small(call.x(0));
  if (tensor === undefined) return undefined;
  const own = stridesOf(tensor.dims);
  return strided(
    tensor,
    perm.map((p) => tensor.dims[p]!),
    perm.map((p) => own[p]!),
  );
}

export function foldExpand(call: Call, dims: readonly number[]): readonly Tensor[] | undefined {
  const tensor = small(call.x(0));
  return tensor && strided(tensor, dims, broadcastStrides(tensor.dims, dims));
}

export function foldTile(call: Call, repeats: readonly number[]): readonly Tensor[] | undefined {
  const tensor = small(call.x(0));
  if (tensor === undefined) return undefined;
  const own = stridesOf(tensor.dims);
  const view = strided(
    tensor,
    tensor.dims.flatMap((d, i) => [repeats[i]!, d]),
    own.flatMap((s) => [0, s]),
  );
  return view?.map((t) => ({ ...t, dims: tensor.dims.map((d, i) => d * repeats[i]!) }));
}

/** `starts` and `steps` of all axes, resolved. */
export function foldSlice(
  call: Call,
  dims: readonly number[],
  starts: readonly number[],
  steps: readonly number[],
): readonly Tensor[] | undefined {
  const tensor = small(call.x(0));
  if (tensor === undefined) return undefined;
  const own = stridesOf(tensor.dims);
  const offset = own.reduce((sum, s, i) => sum + s * starts[i]!, 0);
  return strided(
    tensor,
    dims,
    own.map((s, i) => s * steps[i]!),
    offset,
  );
}

export function foldConcat(call: Call, axis: number): readonly Tensor[] | undefined {
  const parts = constants(call);
  const first = parts?.[0];
  if (parts === undefined || first === undefined) return undefined;
  const total = parts.reduce((sum, t) => sum + sizeOf(t.dims), 0);
  if (total > FOLD_LIMIT || parts.some((t) => t.type !== first.type)) return undefined;
  const dims = first.dims.map((d, i) => (i === axis ? parts.reduce((s, t) => s + t.dims[axis]!, 0) : d));
  const data = emptyLike(first.type, total) as MutableData;
  const outer = sizeOf(dims.slice(0, axis));
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (const t of parts) {
      const run = sizeOf(t.dims.slice(axis));
      for (let i = 0; i < run; i++) data[at++] = t.data[o * run + i];
    }
  }
  return [{ type: first.type, dims, data: data as TensorData }];
}

export function foldGather(call: Call, axis: number): readonly Tensor[] | undefined {
  const [tensor, index] = [small(call.x(0)), small(call.x(1))];
  const indices = index && numbers(index);
  if (tensor === undefined || index === undefined || indices === undefined) return undefined;
  const [before, d, after] = [tensor.dims.slice(0, axis), tensor.dims[axis]!, tensor.dims.slice(axis + 1)];
  const dims = [...before, ...index.dims, ...after];
  if (sizeOf(dims) > FOLD_LIMIT) return undefined;
  const inner = sizeOf(after);
  const at: number[] = [];
  for (let o = 0; o < sizeOf(before); o++)
    for (const i of indices)
      for (let k = 0; k < inner; k++) at.push((o * d + (i < 0 ? i + d : i)) * inner + k);
  return [taken(tensor, dims, at)];
}

export function foldOneHot(call: Call, axis: number, depth: number): readonly Tensor[] | undefined {
  const [index, , offOn] = constants(call) ?? [];
  const chosen = index && numbers(index);
  if (index === undefined || offOn === undefined || chosen === undefined) return undefined;
  const dims = index.dims.toSpliced(axis, 0, depth);
  if (sizeOf(dims) > FOLD_LIMIT) return undefined;
  const strides = stridesOf(index.dims).toSpliced(axis, 0, 0);
  const inner = sizeOf(dims.slice(axis + 1));
  const at = positions(dims, strides).map((from, i) => {
    const k = Math.floor(i / inner) % depth;
    return Number(chosen[from] === k || chosen[from] === k - depth);
  });
  return [taken(offOn, dims, at)];
}

/** Where the elements that `index` names along `axis` lie in a tensor of shape `dims`. */
function elementsAt(index: Tensor, dims: readonly number[], axis: number): Int32Array | undefined {
  const chosen = numbers(index);
  if (chosen === undefined) return undefined;
  const strides = stridesOf(dims);
  const others = strides.map((s, i) => (i === axis ? 0 : s));
  const d = dims[axis]!;
  return positions(index.dims, others).map((at, i) => {
    const k = chosen[i]!;
    return at + (k < 0 ? k + d : k) * strides[axis]!;
  });
}

export function foldGatherElements(call: Call, axis: number): readonly Tensor[] | undefined {
  const [tensor, index] = [small(call.x(0)), small(call.x(1))];
  const at = tensor && index && elementsAt(index, tensor.dims, axis);
  return at && [taken(tensor, index.dims, at)];
}

/** Overwrites elements: TorchScript's `shape[i] = n`. */
export function foldScatterElements(call: Call, axis: number): readonly Tensor[] | undefined {
  const [tensor, index, updates] = [small(call.x(0)), small(call.x(1)), small(call.x(2))];
  const at = tensor && updates && index && elementsAt(index, tensor.dims, axis);
  if (!at) return undefined;
  const data = tensor.data.slice() as MutableData;
  for (const [i, place] of at.entries()) data[place] = updates.data[i];
  return [{ type: tensor.type, dims: tensor.dims, data: data as TensorData }];
}

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
