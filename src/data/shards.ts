import { LandscapeError } from "../errors.ts";
import { emptyArray, itemSizeOf, type NdArray } from "./npy.ts";
import { openNpz } from "./npz.ts";
import { type ArrayInfo, type ArrayStore, checkSize, listNames, missingArray, showShape } from "./store.ts";

const MAX_SHARDS = 10_000;

/**
 * The .npz files of a folder as one: arrays are joined along their first axis, in the order of the
 * file names by code unit. One file is open at a time.
 */
export async function openShards(folder: string, paths: readonly string[]): Promise<ArrayStore> {
  if (paths.length > MAX_SHARDS) {
    throw new LandscapeError(
      "INVALID_DATA",
      `cannot read folder ${JSON.stringify(folder)}: it holds ${paths.length} shards; expected at most ${MAX_SHARDS}`,
      { path: folder },
    );
  }
  const arrays = await namesInAll(paths);
  const store: ArrayStore = {
    name: folder,
    arrays,
    images: false,
    info: async (array) => (await joined(array)).info,
    async read(array, rows) {
      const { info, counts } = await joined(array);
      return readJoined(store, paths, array, info, counts, rows ?? [0, info.shape[0]!]);
    },
    async close() {},
  };
  const known = new Map<string, ReturnType<typeof joinInfo>>();
  const joined = (array: string): ReturnType<typeof joinInfo> => {
    if (!arrays.includes(array)) throw missingArray(store, array, "cannot read array");
    const info = known.get(array) ?? joinInfo(paths, array);
    known.set(array, info);
    return info;
  };
  return store;
}

async function namesInAll(paths: readonly string[]): Promise<readonly string[]> {
  let names: readonly string[] | undefined;
  for (const path of paths) {
    const shard = await openNpz(path);
    names = names?.filter((n) => shard.arrays.includes(n)) ?? shard.arrays;
    await shard.close();
    if (names.length === 0) {
      const has = listNames(shard.arrays);
      throw fail(path, `it has no array that the shards before it have; it has ${has}`);
    }
  }
  return names ?? [];
}

async function joinInfo(
  paths: readonly string[],
  array: string,
): Promise<{ info: ArrayInfo; counts: readonly number[] }> {
  const counts: number[] = [];
  let first: ArrayInfo | undefined;
  for (const path of paths) {
    const shard = await openNpz(path);
    const info = await shard.info(array).finally(() => shard.close());
    first ??= info;
    const alike = info.shape.length > 0 && `${info.shape.slice(1)}` === `${first.shape.slice(1)}`;
    if (!alike || info.dtype !== first.dtype) {
      throw fail(
        path,
        `its array "${array}" is ${info.dtype} ${showShape(info.shape)}; expected as in the first shard, ${first.dtype} ${showShape([null, ...first.shape.slice(1)])}`,
      );
    }
    counts.push(info.shape[0]!);
  }
  const total = counts.reduce((a, b) => a + b, 0);
  return { info: { dtype: first!.dtype, shape: [total, ...first!.shape.slice(1)] }, counts };
}

async function readJoined(
  store: ArrayStore,
  paths: readonly string[],
  array: string,
  info: ArrayInfo,
  counts: readonly number[],
  [start, end]: readonly [number, number],
): Promise<NdArray> {
  const shape = [end - start, ...info.shape.slice(1)];
  const row = shape.slice(1).reduce((a, b) => a * b, 1);
  checkSize(store.name, array, (end - start) * row * itemSizeOf(info.dtype));
  const out = emptyArray(info.dtype, shape);
  let at = 0;
  for (const [i, path] of paths.entries()) {
    const from = Math.max(start - at, 0);
    const to = Math.min(end - at, counts[i]!);
    if (from < to) {
      const shard = await openNpz(path);
      const part = await shard.read(array, [from, to]).finally(() => shard.close());
      // Equal types, which the type system cannot see.
      (out.data as Uint8Array).set(part.data as Uint8Array, (at + from - start) * row);
    }
    at += counts[i]!;
  }
  return out;
}

function fail(path: string, why: string): LandscapeError {
  return new LandscapeError("INVALID_DATA", `cannot join shard ${JSON.stringify(path)}: ${why}`, { path });
}
