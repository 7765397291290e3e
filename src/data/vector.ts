import { LandscapeError } from "../errors.ts";
import type { NdArray } from "./npy.ts";
import { openNpz } from "./npz.ts";
import { missingArray, showShape } from "./store.ts";

/** Where a vector lies: an .npz file and, in it, an array or (`KEY:i`) a row of one. */
export interface VectorAddress {
  readonly path: string;
  readonly key: string;
}

/**
 * Splits `F.npz:KEY` or `F.npz:KEY:i`. The path may hold colons (`C:\x\F.npz:KEY`); it ends at the first
 * `.npz:`, or, with another ending, at the first colon that is no drive letter's.
 */
export function parseVectorAddress(text: string): VectorAddress {
  const match = /^(.+?\.npz):(.+)$/i.exec(text) ?? /^((?:[A-Za-z]:(?=[\\/]))?[^:]+):(.+)$/.exec(text);
  if (!match) {
    throw new LandscapeError(
      "INVALID_OPTION",
      `invalid vector ${JSON.stringify(text)}; expected FILE.npz:KEY or FILE.npz:KEY:ROW`,
      { value: text },
    );
  }
  return { path: match[1]!, key: match[2]! };
}

/** The array `KEY` of an .npz file, or row i of it for `KEY:i`; an array whose name has the colon comes first. */
export async function readNpzArray(path: string, key: string): Promise<NdArray> {
  const store = await openNpz(path);
  try {
    if (store.arrays.includes(key)) return await store.read(key);
    const match = /^(.*):(\d{1,15})$/.exec(key);
    const array = match?.[1] ?? key;
    if (!match || !store.arrays.includes(array)) throw missingArray(store, array, "cannot read vector");
    const row = Number(match[2]);
    const { shape } = await store.info(array);
    if (shape.length < 2 || row >= shape[0]!) {
      throw new LandscapeError(
        "INVALID_DATA",
        `cannot read row ${row} of array "${array}" of ${JSON.stringify(path)}: it has shape ${showShape(shape)}`,
        { path, array, row, shape },
      );
    }
    const rows = await store.read(array, [row, row + 1]);
    return { ...rows, shape: rows.shape.slice(1) };
  } finally {
    await store.close();
  }
}

/** The vector at `address` as float64, of length `n` and finite; `purpose` opens the message, as "--vector". */
export async function readVector(address: string, n: number, purpose: string): Promise<Float64Array> {
  const { path, key } = parseVectorAddress(address);
  const { dtype, shape, data } = await readNpzArray(path, key);
  const fail = (why: string): never => {
    throw new LandscapeError(
      "INVALID_DATA",
      `unusable vector for ${purpose}: ${JSON.stringify(address)} ${why}`,
      {
        address,
        shape,
        dtype,
      },
    );
  };
  if (!(data instanceof Float32Array || data instanceof Float64Array)) {
    return fail(`has type ${dtype}; expected float32 or float64`);
  }
  const flat = shape.filter((d) => d !== 1);
  if (flat.length > 1) {
    return fail(`has shape ${showShape(shape)}; expected [${n}]. name one row of it, as ${key}:0`);
  }
  if (data.length !== n) fail(`has ${data.length} elements; expected one per parameter, ${n}`);
  const bad = data.findIndex((x) => !Number.isFinite(x));
  if (bad >= 0) fail(`holds ${data[bad]} at position ${bad}`);
  if (data.every((x) => x === 0)) fail("is zero");
  return Float64Array.from(data);
}
