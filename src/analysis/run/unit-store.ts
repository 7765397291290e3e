import type { Unit } from "./unit.ts";

export type Vectors = Readonly<Record<string, Float64Array>>;

export interface StoredUnit<T> {
  readonly result: T;
  readonly vectors: Vectors;
}

/** Finished units by their address. */
export interface UnitStore {
  /** Hash of what all units of the run have in common. */
  readonly run: string;
  get<T>(unit: Unit): Promise<StoredUnit<T> | undefined>;
  /** `result` is plain JSON (numbers may be NaN or infinite). */
  put(unit: Unit, result: unknown, vectors: Vectors): Promise<void>;
  /** Lets the vectors go that were kept since the last call: a step's own result replaces them. */
  releaseVectors(): Promise<void>;
}

/** Keeps nothing: for commands that write no files. */
export const noStore: UnitStore = {
  run: "",
  get: async () => undefined,
  put: async () => {},
  releaseVectors: async () => {},
};
