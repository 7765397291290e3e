import { createHash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { LandscapeError } from "../errors.ts";
import type { PathWeights } from "../landscape/index.ts";
import type { Checkpoint } from "../model/checkpoint.ts";
import type { ProblemOptions } from "./groups.ts";
import { routeOf } from "./problem.ts";

/** One checkpoint of a series, as far as it is known before anything is computed. */
export interface SeriesEntry {
  readonly path: string;
  readonly name: string;
  readonly sha256: string;
}

/** Checkpoints of one architecture, in the order of training. */
export interface Series {
  readonly entries: readonly SeriesEntry[];
  readonly weights: PathWeights;
  /** Tensors that are no parameters and differ between checkpoints, such as running statistics. */
  readonly otherDifferences: readonly string[];
}

/** Each costs minutes, and their inner products are a square matrix. */
const MOST = 1000;

/** Weights kept in memory, so that they are not read again. */
const KEPT_BYTES = 2 ** 29;

/**
 * The checkpoints that are meant by the words: files as they are given, of a folder all its .onnx files in natural order
 * (epoch-2 before epoch-10). Throws INVALID_OPTION with fewer than two.
 */
export function checkpointPaths(words: readonly string[]): string[] {
  const paths = words.flatMap((word) => {
    const info = statSync(word, { throwIfNoEntry: false });
    if (!info) {
      throw new LandscapeError(
        "INVALID_MODEL",
        `no such checkpoint: ${JSON.stringify(word)}; expected .onnx files of one training run, or a folder of them`,
        { path: word },
      );
    }
    return info.isDirectory() ? filesOf(word) : [word];
  });
  if (paths.length > MOST) {
    throw new LandscapeError(
      "INVALID_OPTION",
      `too many checkpoints: ${paths.length}; expected at most ${MOST}. give every tenth, or fewer`,
      { count: paths.length },
    );
  }
  if (paths.length >= 2) return paths;
  throw new LandscapeError(
    "INVALID_OPTION",
    `a path needs at least 2 checkpoints, got ${paths.length}: ${words.map((w) => JSON.stringify(w)).join(", ")}; expected .onnx files of one training run, or a folder of them`,
    { paths },
  );
}

/** A folder of onnxruntime-training is one checkpoint; any other holds several. */
function filesOf(folder: string): string[] {
  const names = readdirSync(folder);
  if (names.some((n) => /(training|eval)_model\.onnx$/.test(n))) return [folder];
  const { compare } = new Intl.Collator("en", { numeric: true });
  return names
    .filter((n) => /\.onnx$/i.test(n))
    .toSorted(compare)
    .map((n) => join(folder, n));
}

/** Reads every checkpoint once and checks that all are different ones of the same architecture. */
export async function openSeries(paths: readonly string[], options: ProblemOptions): Promise<Series> {
  const read = readerOf(options);
  const last = await read(paths.at(-1) as string);
  const others = otherTensors(last);
  const names = namesOf(paths);
  const entries: SeriesEntry[] = [];
  const seen = new Map<string, string>();
  const kept = new Map<number, Float32Array>();
  const differing = new Set<string>();
  const keeps = Math.floor(KEPT_BYTES / (4 * Math.max(1, last.theta.length)));
  for (const [k, path] of paths.entries()) {
    const checkpoint = k === paths.length - 1 ? last : await read(path);
    assertSameArchitecture(checkpoint, last);
    assertNew(path, checkpoint, seen);
    for (const [name, hash] of otherTensors(checkpoint)) if (others.get(name) !== hash) differing.add(name);
    // The last is the origin that all others are seen from.
    if (k === paths.length - 1 || kept.size + 1 < keeps) kept.set(k, checkpoint.theta);
    entries.push({ path, name: names[k] as string, sha256: checkpoint.sha256 });
  }
  const weights: PathWeights = {
    count: paths.length,
    n: last.theta.length,
    read: async (k) => kept.get(k) ?? (await read(paths[k] as string)).theta,
  };
  return { entries, weights, otherDifferences: [...differing] };
}

function readerOf(options: ProblemOptions): (path: string) => Promise<Checkpoint> {
  return async (path) => {
    const { loadCheckpoint } = await import("../model/load-checkpoint.ts");
    const { output, params, freeze, evalMode } = options;
    return loadCheckpoint(path, {
      output: output ?? undefined,
      gradient: routeOf(options),
      ...{ params, freeze, evalMode },
    });
  };
}

/** Names without folder and ending; with the folder where these are not told apart. */
function namesOf(paths: readonly string[]): string[] {
  const short = paths.map((path) => basename(path).replace(/\.onnx$/i, ""));
  if (new Set(short).size === short.length) return short;
  return paths.map((path, k) => join(basename(dirname(path)), short[k] as string));
}

function assertSameArchitecture(one: Checkpoint, last: Checkpoint): void {
  const [a, b] = [one.parameters, last.parameters];
  const shown = ({ name, shape }: Checkpoint["parameters"][number]) =>
    `"${name}" of shape [${shape.join(", ")}]`;
  const at = [...a, ...b].findIndex((_, i) => {
    const [p, q] = [a[i], b[i]];
    return p?.name !== q?.name || p?.shape.join() !== q?.shape.join();
  });
  if (at < 0) return;
  const [p, q] = [a[at], b[at]];
  throw new LandscapeError(
    "INVALID_MODEL",
    `checkpoints of different architectures: ${JSON.stringify(one.path)} has ${p ? shown(p) : `only ${a.length} parameters`} where ${JSON.stringify(last.path)} has ${q ? shown(q) : `only ${b.length} parameters`}; expected the same parameters in the same order. give checkpoints of one training run`,
    { path: one.path, parameter: p?.name ?? null },
  );
}

function assertNew(path: string, { theta }: Checkpoint, seen: Map<string, string>): void {
  const hash = hashOf(theta);
  const before = seen.get(hash);
  if (before !== undefined) {
    throw new LandscapeError(
      "INVALID_OPTION",
      `the same checkpoint twice: ${JSON.stringify(before)} and ${JSON.stringify(path)} hold the same weights; expected each once. leave one out`,
      { path },
    );
  }
  seen.set(hash, path);
}

/** Hashes of stored tensors that are not trained. */
function otherTensors({ verdicts }: Checkpoint): Map<string, string> {
  return new Map(
    verdicts.flatMap(({ value, isParameter }) =>
      isParameter || !value.tensor || Array.isArray(value.tensor.data)
        ? []
        : [[value.name, hashOf(value.tensor.data as ArrayBufferView)] as const],
    ),
  );
}

function hashOf(data: ArrayBufferView): string {
  return createHash("sha256")
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest("hex");
}

/** Steps of training, where all names are the same but for one rising number; null else. */
export function stepsOf(names: readonly string[]): number[] | null {
  const parts = names.map((name) => /^(.*?)(\d+)(\D*)$/.exec(name));
  const [first] = parts;
  if (!parts.every((p) => p && first && p[1] === first[1] && p[3] === first[3])) return null;
  const steps = parts.map((p) => Number(p?.[2]));
  return rises(steps) ? steps : null;
}

/** `--steps` as numbers. */
export function readSteps(text: string, count: number): number[] {
  const steps = text.split(",").map((part) => (/^\s*\d+(\.\d+)?\s*$/.test(part) ? Number(part) : Number.NaN));
  if (steps.length === count && rises(steps)) return steps;
  throw new LandscapeError(
    "INVALID_OPTION",
    `invalid --steps: ${JSON.stringify(text)}; expected ${count} rising numbers with commas between them, one for each checkpoint`,
    { option: "steps" },
  );
}

function rises(steps: readonly number[]): boolean {
  return steps.every((s, k) => Number.isFinite(s) && (k === 0 || s > (steps[k - 1] as number)));
}
