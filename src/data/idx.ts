import { gunzipSync } from "node:zlib";
import { LandscapeError } from "../errors.ts";
import { type Dtype, decodeElements, itemSizeOf, type NdArray, sizeMismatch } from "./npy.ts";
import { sliceRows } from "./npz.ts";
import { fileSource } from "./source.ts";
import { type ArrayStore, missingArray } from "./store.ts";

/** The third byte of an idx file. */
const types: Readonly<Record<number, Dtype>> = {
  8: "uint8",
  9: "int8",
  11: "int16",
  12: "int32",
  13: "float32",
  14: "float64",
};

/** More than the largest idx file in use (EMNIST), and what a bomb may take at most. */
const MAX_BYTES = 2 ** 30;

/** True for the first bytes of an idx file: two zeros, a known type, 1 to 8 axes. */
export function looksLikeIdx(bytes: Uint8Array): boolean {
  return (
    bytes[0] === 0 && bytes[1] === 0 && types[bytes[2]!] !== undefined && bytes[3]! >= 1 && bytes[3]! <= 8
  );
}

/** Reads an idx file (MNIST's format: big endian, C order). */
export function decodeIdx(bytes: Uint8Array, name: string): NdArray {
  const rank = bytes[3] ?? 0;
  const start = 4 + 4 * rank;
  if (!looksLikeIdx(bytes) || bytes.length < start) throw fail(name, "it is not in the idx format");
  const dtype = types[bytes[2]!]!;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const itemSize = itemSizeOf(dtype);
  const size = shape.reduce((a, b) => a * b, itemSize);
  const header = { dtype, shape, start, bytes: size, itemSize, half: false, bigEndian: true, fortran: false };
  if (bytes.length - start !== size) throw sizeMismatch(name, header, bytes.length - start);
  return decodeElements(header, bytes.slice(start));
}

async function readIdx(path: string): Promise<NdArray> {
  const source = await fileSource(path);
  try {
    if (source.size > MAX_BYTES) throw fail(path, `it has ${source.size} bytes; expected at most 2³⁰`);
    const bytes = await source.read(0, source.size);
    return decodeIdx(bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzip(bytes, path) : bytes, path);
  } finally {
    await source.close();
  }
}

function gunzip(bytes: Uint8Array, path: string): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_BYTES });
  } catch (cause) {
    const large = (cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    throw fail(path, large ? "it unpacks to more than 2³⁰ bytes" : "its compression is damaged", cause);
  }
}

/** A pair of idx files, gzipped or not, as arrays `x` and `y`. */
export async function openIdxPair(images: string, labels: string): Promise<ArrayStore> {
  const x = await readIdx(images);
  const y = await readIdx(labels);
  if (y.shape.length !== 1) {
    const shape = y.shape.join(", ");
    throw fail(labels, `it has shape [${shape}]; expected one label each. give the pair as IMAGES,LABELS`);
  }
  return imageStore(`${images},${labels}`, x, y);
}

/** Images and labels that are in memory. */
export function imageStore(name: string, x: NdArray, y: NdArray): ArrayStore {
  const find = (array: string): NdArray => {
    if (array === "x") return x;
    if (array === "y") return y;
    throw missingArray(store, array, "cannot read array");
  };
  const store: ArrayStore = {
    name,
    arrays: ["x", "y"],
    images: true,
    info: async (array) => find(array),
    read: async (array, rows) => (rows ? sliceRows(find(array), ...rows) : find(array)),
    async close() {},
  };
  return store;
}

function fail(path: string, why: string, cause?: unknown): LandscapeError {
  return new LandscapeError(
    "INVALID_DATA",
    `cannot read idx file ${JSON.stringify(path)}: ${why}`,
    { path },
    { cause },
  );
}
