import type { Call, Value } from "../../onnx/graph.ts";
import { type ElementType, isFloat, sizeOf, type Tensor, type TensorData } from "../../onnx/tensor.ts";

/**
 * Evaluation of small constants (shape arithmetic, masks, index tables): what `fold-arithmetic.ts` and `fold-indexing.ts`
 * share. Float results are those of double precision rounded once, so as good as any kernel's. Integers beyond 2⁵³ are
 * left alone.
 */

/** Larger results are left to the runtime. */
export const FOLD_LIMIT = 100_000;
/** Float results larger than their operands (a filled tensor) are kept as calls unless they are small. */
const GROWTH_LIMIT = 4096;

type Numbers = readonly number[] | Float64Array;
export type MutableData = Record<number, unknown> & { readonly length: number };
export type Fold = (call: Call) => readonly Tensor[] | undefined;

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
export function numbers(tensor: Tensor): Float64Array | undefined {
  if (tensor.type === "string" || tensor.type === "float16" || tensor.type === "bfloat16") return undefined;
  const data = Float64Array.from(tensor.data as ArrayLike<number | bigint>, Number);
  const wide = tensor.type === "int64" || tensor.type === "uint64";
  return wide && data.some((x) => !Number.isSafeInteger(x)) ? undefined : data;
}

export function emptyLike(type: ElementType, n: number): TensorData {
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
export function stored(
  type: ElementType,
  dims: readonly number[],
  values: Numbers,
): readonly Tensor[] | undefined {
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
export function broadcastStrides(dims: readonly number[], to: readonly number[]): number[] {
  const own = stridesOf(dims);
  const lead = to.length - dims.length;
  return to.map((_, i) => (i < lead || dims[i - lead] === 1 ? 0 : own[i - lead]!));
}

/** Positions in row-major order of a view with the given strides. */
export function positions(dims: readonly number[], strides: readonly number[], offset = 0): Int32Array {
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

export function taken(tensor: Tensor, dims: readonly number[], at: ArrayLike<number>): Tensor {
  const data = emptyLike(tensor.type, at.length) as MutableData;
  for (let i = 0; i < at.length; i++) data[i] = tensor.data[at[i]!];
  return { type: tensor.type, dims, data: data as TensorData };
}

/** A rearranged copy, read through strides. */
export function strided(
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

/** The constant of a value, if it is one of foldable size. */
export function small(value: Value | null | undefined): Tensor | undefined {
  const tensor = value?.tensor;
  return tensor !== undefined && sizeOf(tensor.dims) <= FOLD_LIMIT ? tensor : undefined;
}
