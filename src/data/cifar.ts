import { LandscapeError } from "../errors.ts";
import { imageStore } from "./idx.ts";
import { fileSource } from "./source.ts";
import { type ArrayStore, checkSize } from "./store.ts";

/** A record of CIFAR-10's binary files: a label, then 32×32 red, green and blue planes. */
const PIXELS = 3 * 32 * 32;
const RECORD = 1 + PIXELS;

/** True where the file can be CIFAR-10 binaries: whole records, the first of which has a label below 10. */
export function looksLikeCifar(size: number, first: number | undefined): boolean {
  return size > 0 && size % RECORD === 0 && first !== undefined && first < 10;
}

/** The training or test files of a folder that holds CIFAR-10's binaries; none if it does not. */
export function cifarFiles(names: readonly string[], split: "train" | "test"): readonly string[] {
  const pattern = split === "train" ? /^data_batch_\d+\.bin$/ : /^test_batch\.bin$/;
  return names.filter((name) => pattern.test(name)).sort();
}

/**
 * CIFAR-10 binaries, one after the other, as arrays `x` uint8 [n, 3, 32, 32] and `y` uint8 [n];
 * `limit` ends the reading early.
 */
export async function openCifar(paths: readonly string[], limit: number | undefined): Promise<ArrayStore> {
  const counts = await Promise.all(paths.map(countRecords));
  const total = Math.min(
    counts.reduce((a, b) => a + b, 0),
    limit ?? Infinity,
  );
  checkSize(paths.join(","), "x", total * PIXELS);
  const x = new Uint8Array(total * PIXELS);
  const y = new Uint8Array(total);
  let n = 0;
  for (const [i, path] of paths.entries()) {
    const records = Math.min(counts[i]!, total - n);
    if (records === 0) break;
    await readRecords(path, x.subarray(n * PIXELS, (n + records) * PIXELS), y.subarray(n, n + records));
    n += records;
  }
  return imageStore(
    paths.join(","),
    { dtype: "uint8", shape: [total, 3, 32, 32], data: x },
    { dtype: "uint8", shape: [total], data: y },
  );
}

async function countRecords(path: string): Promise<number> {
  const source = await fileSource(path);
  await source.close();
  if (source.size % RECORD !== 0)
    throw fail(path, `it has ${source.size} bytes; expected a multiple of ${RECORD}`);
  return source.size / RECORD;
}

async function readRecords(path: string, x: Uint8Array, y: Uint8Array): Promise<void> {
  const source = await fileSource(path);
  try {
    const bytes = await source.read(0, y.length * RECORD);
    for (let i = 0; i < y.length; i++) {
      y[i] = bytes[i * RECORD]!;
      if (y[i]! > 9) throw fail(path, `image ${i} has the label ${y[i]}; expected 0 to 9`);
      x.set(bytes.subarray(i * RECORD + 1, (i + 1) * RECORD), i * PIXELS);
    }
  } finally {
    await source.close();
  }
}

function fail(path: string, why: string): LandscapeError {
  return new LandscapeError("INVALID_DATA", `cannot read CIFAR-10 file ${JSON.stringify(path)}: ${why}`, {
    path,
  });
}
