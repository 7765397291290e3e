import { totalmem } from "node:os";
import { LandscapeError } from "../errors.ts";
import type { Dtype, NdArray } from "./npy.ts";

/** What is known of an array before its elements are read. */
export interface ArrayInfo {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/** Named arrays in files, read when asked for: the one face of all data formats. */
export interface ArrayStore {
  /** What messages call it: the path. */
  readonly name: string;
  readonly arrays: readonly string[];
  /**
   * True where the format fixes the shapes (idx, CIFAR): images then take the shape a model asks for
   * when only axes of length 1 differ, or when it takes them flat.
   */
  readonly images: boolean;
  info(array: string): Promise<ArrayInfo>;
  /** The whole array, or entries [start, end) of its first axis. */
  read(array: string, rows?: readonly [start: number, end: number]): Promise<NdArray>;
  close(): Promise<void>;
}

/** A typed array's own limit; and half the machine, so that a file of zeros cannot fill it. */
export function checkSize(store: string, array: string, bytes: number): void {
  const limit = Math.min(2 ** 32 - 1, totalmem() / 2);
  if (bytes <= limit) return;
  throw new LandscapeError(
    "INVALID_DATA",
    `cannot read array "${array}" of ${JSON.stringify(store)}: it takes ${gigabytes(bytes)}; expected at most ${gigabytes(limit)}. take fewer samples`,
    { path: store, array },
  );
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toPrecision(3)} GB`;
}

/** The error for an array that a file does not have, naming those it has. */
export function missingArray(store: ArrayStore, array: string, purpose: string): LandscapeError {
  return new LandscapeError(
    "INVALID_DATA",
    `${purpose}: ${JSON.stringify(store.name)} has no array "${array}"; it has ${listNames(store.arrays)}`,
    { path: store.name, array, arrays: store.arrays.slice(0, 100) },
  );
}

/** Names for a message, the first dozen of them. */
export function listNames(names: readonly string[]): string {
  if (names.length === 0) return "none";
  const shown = names.slice(0, 12).map((n) => `"${n}"`);
  return shown.join(", ") + (names.length > 12 ? ` and ${names.length - 12} more` : "");
}

/** The position of element `flat` as messages show it. */
export function showIndex(flat: number, shape: readonly number[]): string {
  const index: number[] = [];
  let rest = flat;
  for (const d of [...shape].reverse()) {
    index.unshift(rest % d);
    rest = Math.floor(rest / d);
  }
  return `[${index.join(", ")}]`;
}

/** A shape as messages show it; the batch or unknown axes of a model are null. */
export function showShape(shape: readonly (number | null)[]): string {
  return `[${shape.map((d) => d ?? "?").join(", ")}]`;
}
