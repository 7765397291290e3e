import { LandscapeError } from "../errors.ts";
import { decodeFloat16 } from "./float16.ts";

/** Element types of arrays in data files, by numpy's names. float16 is read as float32, which holds it exactly. */
export type Dtype =
  | "float64"
  | "float32"
  | "int64"
  | "int32"
  | "int16"
  | "int8"
  | "uint64"
  | "uint32"
  | "uint16"
  | "uint8"
  | "bool";

export type NumericArray =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | BigUint64Array
  | Uint32Array
  | Uint16Array
  | Uint8Array;

/** A dense array in C order; bool holds 0 and 1 in a Uint8Array. */
export interface NdArray {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: NumericArray;
}

/** What the header of an .npy file says. `start` is where the elements begin, `bytes` how long they are. */
export interface NpyHeader {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly start: number;
  readonly bytes: number;
  readonly itemSize: number;
  readonly half: boolean;
  readonly bigEndian: boolean;
  readonly fortran: boolean;
}

interface DtypeCode {
  readonly code: string;
  readonly construct: new (buffer: ArrayBuffer, byteOffset?: number, length?: number) => NumericArray;
}

const dtypes: Readonly<Record<Dtype, DtypeCode>> = {
  float64: { code: "f8", construct: Float64Array },
  float32: { code: "f4", construct: Float32Array },
  int64: { code: "i8", construct: BigInt64Array },
  int32: { code: "i4", construct: Int32Array },
  int16: { code: "i2", construct: Int16Array },
  int8: { code: "i1", construct: Int8Array },
  uint64: { code: "u8", construct: BigUint64Array },
  uint32: { code: "u4", construct: Uint32Array },
  uint16: { code: "u2", construct: Uint16Array },
  uint8: { code: "u1", construct: Uint8Array },
  bool: { code: "b1", construct: Uint8Array },
};
const byCode = new Map(Object.entries(dtypes).map(([name, { code }]) => [code, name as Dtype]));

/** numpy's own bound on header text, and on the number of axes. */
const MAX_HEADER = 65_536;
const MAX_RANK = 64;
/** The first bytes of a file that are sure to hold its whole header. */
export const NPY_HEADER_BYTES: number = MAX_HEADER + 12;

/** Reads the header of an .npy file from its first bytes (`NPY_HEADER_BYTES` of them, or the whole file). */
export function parseNpyHeader(bytes: Uint8Array, name: string): NpyHeader {
  const fail = (why: string): never => {
    throw new LandscapeError("INVALID_DATA", `cannot read array "${name}": ${why}`, { array: name });
  };
  const magic = String.fromCharCode(...bytes.subarray(0, 6));
  if (bytes.length < 10 || magic !== "\x93NUMPY") fail("not an .npy array (its first bytes are not numpy's)");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = bytes[6]!;
  if (version < 1 || version > 3) fail(`.npy format version ${version}; expected 1 to 3`);
  const prefix = version === 1 ? 10 : 12;
  if (bytes.length < prefix) fail("its header is cut off");
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_HEADER) fail(`its header claims ${length} bytes; expected at most ${MAX_HEADER}`);
  if (prefix + length > bytes.length) fail("its header is cut off");
  const text = new TextDecoder("latin1").decode(bytes.subarray(prefix, prefix + length));
  const descr = /['"]descr['"]\s*:\s*(?:['"]([^'"]*)['"]|\[)/.exec(text);
  const order = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(text);
  const axes = /['"]shape['"]\s*:\s*\(([^)]*)\)/.exec(text);
  if (!descr || !order || !axes)
    return fail("its header is not a dictionary of descr, fortran_order and shape");
  if (descr[1] === undefined) fail("it has a structured type. store one plain array per name");
  const type = /^([<>=|]?)([a-zA-Z?])(\d*)$/.exec(descr[1]!);
  const code = type?.[2] === "?" ? "b1" : `${type?.[2]}${type?.[3]}`;
  const half = code === "f2";
  const dtype = half ? "float32" : byCode.get(code);
  if (!type || dtype === undefined) {
    return fail(
      `it has the numpy type ${JSON.stringify(descr[1])}; expected bool, integers, float16, float32 or float64`,
    );
  }
  const shape = parseShape(axes[1]!) ?? fail(`its shape is (${axes[1]!.slice(0, 80)})`);
  const itemSize = half ? 2 : itemSizeOf(dtype);
  const bytesLong = shape.reduce((a, b) => a * b, itemSize);
  // A zero elsewhere may hide an axis that is too long.
  const product = shape.reduce((a, b) => a * Math.max(b, 1), itemSize);
  if (!Number.isSafeInteger(product)) fail(`its shape [${shape.join(", ")}] is too large`);
  return {
    dtype,
    shape,
    start: prefix + length,
    bytes: bytesLong,
    itemSize,
    half,
    bigEndian: type[1] === ">",
    fortran: order[1] === "True",
  };
}

function parseShape(text: string): number[] | undefined {
  const parts = text.split(",").map((p) => p.trim());
  if (parts.at(-1) === "") parts.pop();
  if (parts.length > MAX_RANK || !parts.every((p) => /^\d{1,16}L?$/.test(p))) return undefined;
  return parts.map((p) => Number.parseInt(p, 10));
}

/** Bytes of one element. */
export function itemSizeOf(dtype: Dtype): number {
  return Number(dtypes[dtype].code.slice(1));
}

/** A new array of zeros. */
export function emptyArray(dtype: Dtype, shape: readonly number[]): NdArray {
  const size = shape.reduce((a, b) => a * b, 1);
  return { dtype, shape, data: new dtypes[dtype].construct(new ArrayBuffer(size * itemSizeOf(dtype))) };
}

/** Turns the elements' bytes (owned by the caller, changed in place) into an array in C order. */
export function decodeElements(header: NpyHeader, bytes: Uint8Array<ArrayBuffer>): NdArray {
  // numpy pads its headers so that elements are aligned; other writers may not.
  const aligned = bytes.byteOffset % header.itemSize === 0 ? bytes : bytes.slice();
  if (header.bigEndian) swapBytes(aligned, header.itemSize);
  const construct = header.half ? Uint16Array : dtypes[header.dtype].construct;
  const stored = new construct(aligned.buffer, aligned.byteOffset, aligned.length / header.itemSize);
  const data = header.half ? Float32Array.from(stored as Uint16Array, decodeFloat16) : stored;
  const ordered = header.fortran && header.shape.length > 1 ? toRowMajor(data, header.shape) : data;
  return { dtype: header.dtype, shape: header.shape, data: ordered };
}

/** Reads a whole .npy file. */
export function decodeNpy(bytes: Uint8Array, name = "array"): NdArray {
  const header = parseNpyHeader(bytes.subarray(0, NPY_HEADER_BYTES), name);
  const have = bytes.length - header.start;
  if (have !== header.bytes) throw sizeMismatch(name, header, have);
  return decodeElements(header, bytes.slice(header.start));
}

/** The header promises another number of bytes than there are. */
export function sizeMismatch(name: string, header: NpyHeader, have: number): LandscapeError {
  const shape = header.shape.join(", ");
  return new LandscapeError(
    "INVALID_DATA",
    `cannot read array "${name}": shape [${shape}] needs ${header.bytes} bytes, got ${have}. the file is damaged`,
    { array: name },
  );
}

function swapBytes(bytes: Uint8Array, itemSize: number): void {
  if (itemSize === 1) return;
  for (let i = 0; i < bytes.length; i += itemSize) bytes.subarray(i, i + itemSize).reverse();
}

function toRowMajor<T extends NumericArray>(data: T, shape: readonly number[]): T {
  const out = data.slice() as T;
  const strides: number[] = [];
  let stride = 1;
  for (const d of shape) {
    strides.push(stride);
    stride *= d;
  }
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let to = 0; to < data.length; to++) {
    out[to] = data[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}

/** The dtype that a typed array has in a file. */
export function dtypeOf(data: NumericArray): Dtype {
  for (const [name, { construct }] of Object.entries(dtypes)) {
    if (data instanceof construct) return name as Dtype;
  }
  throw new Error("internal: not a numeric array");
}

/** The bytes of an .npy file (version 1, little endian), as its header and its elements. */
export function encodeNpy(array: NdArray): readonly [header: Uint8Array, elements: Uint8Array] {
  const size = array.shape.reduce((a, b) => a * b, 1);
  if (size !== array.data.length) {
    throw new Error(`internal: ${array.data.length} elements for shape [${array.shape.join(", ")}]`);
  }
  const { code } = dtypes[array.dtype];
  const order = code.endsWith("1") ? "|" : "<";
  const shape = array.shape.length === 1 ? `${array.shape[0]},` : array.shape.join(", ");
  const dict = `{'descr': '${order}${code}', 'fortran_order': False, 'shape': (${shape}), }`;
  // numpy aligns the elements to 64 bytes; the header ends in a newline.
  const length = Math.ceil((10 + dict.length + 1) / 64) * 64;
  const header = new TextEncoder().encode(`\0NUMPY\x01\0\0\0${`${dict.padEnd(length - 11)}\n`}`);
  header[0] = 0x93;
  new DataView(header.buffer).setUint16(8, length - 10, true);
  const { buffer, byteOffset, byteLength } = array.data;
  return [header, new Uint8Array(buffer, byteOffset, byteLength)];
}
