import { ELEMENT_BYTES, elementTypeOf, ONNX_TYPE_CODES } from "./element-type.ts";
import { type ExternalReference, externalReference } from "./external.ts";
import { bigintOf, longOf, numberOf } from "./int64.ts";
import { Problem, quote } from "./invalid-model.ts";
import { onnx } from "./proto/onnx.js";
import { type ElementType, sizeOf, type Tensor, type TensorData, type TensorType } from "./tensor.ts";

export type TensorProto = onnx.TensorProto.$Properties;

/** Reads `length` bytes at the offset of `reference` into an array that is handed over, or throws. */
export type ReadExternal = (reference: ExternalReference, length: number) => Uint8Array;

/** Reads a tensor in any encoding. Nothing is allocated before the sizes are known to agree. */
export function decodeTensor(proto: TensorProto, name: string, external: ReadExternal): Tensor {
  const type = decodeElementType(proto.data_type ?? 0, name);
  const dims = checkedDims((proto.dims ?? []).map(numberOf), name);
  return { type, dims, data: decodeData(proto, type, sizeOf(dims), name, external) };
}

/** The element type of a code that a tensor is stored in. */
export function decodeElementType(code: number, name: string): ElementType {
  const type = elementTypeOf(code);
  if (type !== undefined) return type;
  const known = onnx.TensorProto.DataType[code]?.toLowerCase() ?? `number ${code}`;
  throw new Problem(
    `unsupported tensor type: ${quote(name)}; expected a float, integer, bool or string type, got ${known}. Export the model with another type`,
  );
}

/** `dims`, which a file states for the tensor `name`; throws where no tensor can have them. */
export function checkedDims(dims: readonly number[], name: string): readonly number[] {
  const text = `[${dims.slice(0, 20).join(", ")}${dims.length > 20 ? ", …" : ""}]`;
  const negative = dims.some((d) => d < 0);
  if (negative) throw new Problem(`negative dimension: ${quote(name)}; expected sizes ≥ 0, got ${text}`);
  // Zero hides an overflow of the others in the product, and other readers would trip over it.
  const nonzero = sizeOf(dims.filter((d) => d > 0));
  if (nonzero > Number.MAX_SAFE_INTEGER) {
    throw new Problem(`dimensions overflow: ${quote(name)}; expected fewer than 2^53 elements, got ${text}`);
  }
  return dims;
}

function decodeData(
  proto: TensorProto,
  type: ElementType,
  size: number,
  name: string,
  external: ReadExternal,
): TensorData {
  if (proto.segment != null) throw new Problem(`unsupported tensor in segments: ${quote(name)}`);
  if (proto.data_location === onnx.TensorProto.DataLocation.EXTERNAL) {
    if (type === "string") throw new Problem(`strings cannot be external data: ${quote(name)}`);
    const reference = externalReference(proto, name);
    const expected = size * ELEMENT_BYTES[type];
    // Checked before anything is read: a length that lies must not make us allocate.
    if (reference.length !== undefined && reference.length !== expected) {
      throw mismatch(type, reference.length, size, name);
    }
    return fromRaw(type, external(reference, expected), size, name);
  }
  // Absent fields are on the prototype only; an empty one that is present counts.
  if (proto.raw_data != null && Object.hasOwn(proto, "raw_data") && type !== "string") {
    return fromRaw(type, proto.raw_data, size, name);
  }
  return fromFields(proto, type, size, name);
}

type Numeric = Exclude<ElementType, "string">;
const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint64: BigUint64Array,
  uint32: Uint32Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const satisfies Record<Numeric, unknown>;

/** The `size` elements that little-endian bytes hold, in memory of their own. */
export function fromRaw(type: ElementType, raw: Uint8Array, size: number, name: string): TensorData {
  const expected = size * ELEMENT_BYTES[type];
  if (raw.length !== expected) throw mismatch(type, raw.length, size, name);
  // Raw data is a view of the file, may lie unaligned, and would keep the whole file in memory.
  const isView = raw.byteOffset !== 0 || raw.byteLength !== raw.buffer.byteLength;
  const bytes = isView ? new Uint8Array(raw) : raw;
  if (type === "bool") return bytes.map((b) => (b === 0 ? 0 : 1));
  return new ARRAYS[type as Numeric](bytes.buffer as ArrayBuffer);
}

function mismatch(type: ElementType, bytes: number, size: number, name: string): Problem {
  return new Problem(
    `contents do not match the shape: ${quote(name)}; expected ${size * ELEMENT_BYTES[type]} bytes for ${size} elements of ${type}, got ${bytes}. The file is damaged: export it again`,
  );
}

function fromFields(proto: TensorProto, type: ElementType, size: number, name: string): TensorData {
  const field = fieldOf(type);
  const values = proto[field] ?? [];
  if (values.length !== size) {
    throw new Problem(
      `contents do not match the shape: ${quote(name)}; expected ${size} elements of ${type} in ${field}, got ${values.length}. The file is damaged: export it again`,
    );
  }
  switch (type) {
    case "string":
      return (values as Uint8Array[]).map(utf8);
    case "int64":
      return BigInt64Array.from(values as onnx.TensorProto["int64_data"], bigintOf);
    case "uint64":
      return BigUint64Array.from(values as onnx.TensorProto["uint64_data"], bigintOf);
    case "uint32":
      return Uint32Array.from(values as onnx.TensorProto["uint64_data"], numberOf);
    case "bool":
      return Uint8Array.from(values as number[], (v) => (v === 0 ? 0 : 1));
    default:
      return ARRAYS[type].from(values as number[]);
  }
}

/** Text as it stands, a byte order mark included. */
export function utf8(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

type Field = "float_data" | "double_data" | "int32_data" | "int64_data" | "uint64_data" | "string_data";

/** The typed field of an element type; small integers and bit patterns share int32_data. */
function fieldOf(type: ElementType): Field {
  switch (type) {
    case "float32":
      return "float_data";
    case "float64":
      return "double_data";
    case "int64":
      return "int64_data";
    case "uint64":
    case "uint32":
      return "uint64_data";
    case "string":
      return "string_data";
    default:
      return "int32_data";
  }
}

/** A tensor as raw data (strings in their own field). */
export function encodeTensor(tensor: Tensor, name: string): TensorProto {
  const { type, data } = tensor;
  const head = encodeHead(tensor, name);
  if (type === "string") {
    return { ...head, string_data: (data as readonly string[]).map((s) => new TextEncoder().encode(s)) };
  }
  const array = data as Exclude<TensorData, readonly string[]>;
  const bytes = sizeOf(tensor.dims) * ELEMENT_BYTES[type];
  if (array.byteLength !== bytes) {
    throw new Error(`internal: "${name}" has ${array.byteLength} bytes, expected ${bytes}`);
  }
  return { ...head, raw_data: new Uint8Array(array.buffer, array.byteOffset, array.byteLength) };
}

/** A tensor whose bytes lie at `offset` of the file `location`. */
export function encodeExternalTensor(
  tensor: TensorType,
  name: string,
  location: string,
  offset: number,
): TensorProto {
  const length = sizeOf(tensor.dims) * ELEMENT_BYTES[tensor.type];
  const entries = { location, offset: String(offset), length: String(length) };
  return {
    ...encodeHead(tensor, name),
    data_location: onnx.TensorProto.DataLocation.EXTERNAL,
    external_data: Object.entries(entries).map(([key, value]) => ({ key, value })),
  };
}

function encodeHead(tensor: TensorType, name: string): TensorProto {
  return { name, data_type: ONNX_TYPE_CODES[tensor.type], dims: tensor.dims.map(longOf) };
}
