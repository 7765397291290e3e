import { closeSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { Zip, ZipPassThrough } from "fflate";
import { LandscapeError } from "../errors.ts";
import { writeFailure } from "../write-failure.ts";
import {
  decodeElements,
  dtypeOf,
  encodeNpy,
  type NdArray,
  NPY_HEADER_BYTES,
  type NpyHeader,
  type NumericArray,
  parseNpyHeader,
  sizeMismatch,
} from "./npy.ts";
import { type ByteSource, fileSource } from "./source.ts";
import { type ArrayStore, checkSize, missingArray } from "./store.ts";
import { readZipDirectory, readZipEntry, type ZipEntry } from "./zip.ts";

/** Opens an .npz file; arrays are read, and checked, when they are asked for. */
export async function openNpz(path: string): Promise<ArrayStore> {
  return npzStore(await fileSource(path));
}

/** The arrays of an .npz archive. Entries that are no .npy are left alone, as numpy does. */
export async function npzStore(source: ByteSource): Promise<ArrayStore> {
  try {
    const entries = new Map<string, ZipEntry>();
    for (const [name, entry] of await readZipDirectory(source)) {
      if (name.endsWith(".npy")) entries.set(name.slice(0, -4), entry);
    }
    const arrays = [...entries.keys()];
    const store: ArrayStore = {
      name: source.name,
      arrays,
      images: false,
      info: async (array) => readHeader(source, find(array), array),
      read: async (array, rows) => readArray(source, find(array), array, rows),
      close: () => source.close(),
    };
    const find = (array: string): ZipEntry => {
      const entry = entries.get(array);
      if (entry === undefined) throw missingArray(store, array, "cannot read array");
      return entry;
    };
    return store;
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function readHeader(source: ByteSource, entry: ZipEntry, array: string): Promise<NpyHeader> {
  const bytes = await readZipEntry(source, entry, 0, Math.min(NPY_HEADER_BYTES, entry.size));
  const header = parseNpyHeader(bytes, array);
  if (header.start + header.bytes !== entry.size) {
    throw sizeMismatch(array, header, entry.size - header.start);
  }
  return header;
}

async function readArray(
  source: ByteSource,
  entry: ZipEntry,
  array: string,
  rows?: readonly [number, number],
): Promise<NdArray> {
  const header = await readHeader(source, entry, array);
  const count = header.shape[0] ?? 1;
  const [start, end] = rows ?? [0, count];
  const partial = end - start < count;
  if (partial && header.fortran && header.shape.length > 1) {
    return sliceRows(await readArray(source, entry, array), start, end);
  }
  const rowBytes = partial ? header.bytes / count : header.bytes;
  const from = header.start + (partial ? start * rowBytes : 0);
  const to = partial ? header.start + end * rowBytes : entry.size;
  checkSize(source.name, array, to - from);
  // Read from the first byte where all is wanted: that is what verifies the checksum.
  const bytes = partial
    ? await readZipEntry(source, entry, from, to)
    : (await readZipEntry(source, entry)).subarray(header.start);
  const shape = partial ? [end - start, ...header.shape.slice(1)] : header.shape;
  return decodeElements({ ...header, shape }, bytes);
}

/** Entries [start, end) of the first axis, without a copy. */
export function sliceRows(array: NdArray, start: number, end: number): NdArray {
  const row = array.shape.slice(1).reduce((a, b) => a * b, 1);
  const data = array.data.subarray(start * row, end * row) as NumericArray;
  return { dtype: array.dtype, shape: [end - start, ...array.shape.slice(1)], data };
}

/** An array to be written; its type is that of `data`. */
export interface ArrayToWrite {
  readonly shape: readonly number[];
  readonly data: NumericArray;
}

/** Local time, since that is what the writer stores: the same bytes in every time zone. */
const EPOCH = new Date(1980, 0, 1);
/** What the writer's 32-bit offsets reach, less room for the directory. */
const MAX_BYTES = 2 ** 32 - 2 ** 24;

/**
 * Writes arrays as an .npz that numpy reads, not compressed (as numpy.savez). The file appears whole,
 * by rename; the same arrays give the same bytes.
 */
export function writeNpz(path: string, arrays: Readonly<Record<string, ArrayToWrite>>): void {
  const total = Object.values(arrays).reduce((sum, a) => sum + a.data.byteLength + 1024, 0);
  if (total > MAX_BYTES) {
    throw new LandscapeError(
      "INVALID_OPTION",
      `cannot write ${JSON.stringify(path)}: the arrays take ${(total / 1e9).toFixed(1)} GB; expected at most 4.2. ask for fewer vectors`,
      { path },
    );
  }
  const partial = `${path}.${process.pid}.part`;
  try {
    const file = openSync(partial, "w");
    try {
      writeZip(file, arrays);
    } finally {
      closeSync(file);
    }
    renameSync(partial, path);
  } catch (cause) {
    rmSync(partial, { force: true });
    throw writeFailure(path, cause);
  }
}

function writeZip(file: number, arrays: Readonly<Record<string, ArrayToWrite>>): void {
  const zip = new Zip((error, chunk) => {
    if (error) throw error;
    for (let done = 0; done < chunk.length; ) done += writeSync(file, chunk, done);
  });
  for (const [name, { shape, data }] of Object.entries(arrays)) {
    const entry = new ZipPassThrough(`${name}.npy`);
    entry.mtime = EPOCH;
    zip.add(entry);
    const [header, elements] = encodeNpy({ dtype: dtypeOf(data), shape, data });
    entry.push(header);
    entry.push(elements, true);
  }
  zip.end();
}
