import { existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { cifarFiles, looksLikeCifar, openCifar } from "./cifar.ts";
import { looksLikeIdx, openIdxPair } from "./idx.ts";
import { openNpz } from "./npz.ts";
import { openShards } from "./shards.ts";
import { fileSource, openFailure, unreadable } from "./source.ts";
import type { ArrayStore } from "./store.ts";

export interface OpenOptions {
  /** Which files of a CIFAR-10 folder. */
  readonly split?: "train" | "test";
  /** No more samples than this will be read. */
  readonly limit?: number | undefined;
}

const FORMATS = "expected an .npz file, a folder of them, idx files as IMAGES,LABELS, or CIFAR-10 binaries";

/**
 * Opens data of any format, told by contents, not by name. Several files are separated by commas; a
 * file whose own name has a comma comes first.
 */
export async function openData(path: string, options: OpenOptions = {}): Promise<ArrayStore> {
  const paths = existsSync(path) ? [path] : path.split(",").map((p) => p.trim());
  const kinds = await Promise.all(paths.map(kindOf));
  if (paths.length === 1) {
    if (kinds[0] === "folder") return openFolder(path, options);
    if (kinds[0] === "npz") return openNpz(path);
    if (kinds[0] === "idx")
      throw unreadable(path, "its labels are missing. give both files, as IMAGES,LABELS");
  }
  if (paths.length === 2 && kinds.every((k) => k === "idx")) return openIdxPair(paths[0]!, paths[1]!);
  if (kinds.every((k) => k === "cifar")) return openCifar(paths, options.limit);
  const unknown = paths.find((_, i) => kinds[i] === "unknown");
  if (unknown !== undefined) throw unreadable(unknown, `unknown format; ${FORMATS}`);
  throw unreadable(path, `these files are no set (${kinds.join(", ")}); ${FORMATS}`);
}

type Kind = "folder" | "npz" | "idx" | "cifar" | "unknown";

async function kindOf(path: string): Promise<Kind> {
  const isFolder = await stat(path).then(
    (s) => s.isDirectory(),
    (error: unknown) => {
      throw openFailure(path, error);
    },
  );
  if (isFolder) return "folder";
  const source = await fileSource(path);
  try {
    const start = await source.read(0, Math.min(source.size, 4));
    if (start[0] === 0x50 && start[1] === 0x4b) return "npz";
    // gzip, or idx as it is.
    if ((start[0] === 0x1f && start[1] === 0x8b) || looksLikeIdx(start)) return "idx";
    return looksLikeCifar(source.size, start[0]) ? "cifar" : "unknown";
  } finally {
    await source.close();
  }
}

async function openFolder(path: string, options: OpenOptions): Promise<ArrayStore> {
  const names = (await readdir(path)).sort();
  const shards = names.filter((name) => name.toLowerCase().endsWith(".npz"));
  const absolute = (files: readonly string[]): string[] => files.map((name) => join(path, name));
  if (shards.length > 0) return openShards(path, absolute(shards));
  const cifar = cifarFiles(names, options.split ?? "train");
  if (cifar.length > 0) return openCifar(absolute(cifar), options.limit);
  throw unreadable(path, `the folder has no data; ${FORMATS}`);
}
