/** Element types of ONNX tensors that we read and write, by their names in lower case. */
export type ElementType =
  | "float32"
  | "float64"
  | "float16"
  | "bfloat16"
  | "int64"
  | "int32"
  | "int16"
  | "int8"
  | "uint64"
  | "uint32"
  | "uint16"
  | "uint8"
  | "bool"
  | "string";

export type TensorData =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint32Array
  | Uint16Array
  | Uint8Array
  | readonly string[];

/**
 * A dense tensor, row-major. `data` has one entry per element; float16 and bfloat16 hold their
 * bit patterns in a Uint16Array, bool 0 and 1 in a Uint8Array.
 */
export interface Tensor {
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly data: TensorData;
}

/** Element type and static shape. */
export interface TensorType {
  readonly type: ElementType;
  readonly dims: readonly number[];
}

export function sizeOf(dims: readonly number[]): number {
  let size = 1;
  for (const d of dims) size *= d;
  return size;
}

export function isFloat(type: ElementType): boolean {
  return type === "float32" || type === "float64" || type === "float16" || type === "bfloat16";
}

export function float32Tensor(dims: readonly number[], data: Float32Array | readonly number[]): Tensor {
  return { type: "float32", dims, data: data instanceof Float32Array ? data : Float32Array.from(data) };
}

export function int64Tensor(dims: readonly number[], values: readonly number[]): Tensor {
  return { type: "int64", dims, data: BigInt64Array.from(values, toInt64) };
}

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/** Clamps to the int64 range: exporters write ±2⁶³ for "to the end". */
export function toInt64(value: number): bigint {
  if (value >= 2 ** 63) return INT64_MAX;
  if (value <= -(2 ** 63)) return INT64_MIN;
  return BigInt(Math.trunc(value));
}
