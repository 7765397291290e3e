import { createHash } from "node:crypto";
import type { Displacement } from "../../objective/types.ts";

/**
 * A piece of work, addressed by what it is: equal units give equal results, whoever computes them and
 * however often. `run` stands for model, data and options.
 */
export interface Unit {
  readonly run: string;
  readonly what: "evaluate" | "gradient" | "groupGradients" | "hvp" | "step";
  /** Data set; absent for a step. */
  readonly split?: "train" | "test";
  /** Part of the data set; absent for all of it. */
  readonly part?: { readonly index: number; readonly of: number } | undefined;
  /** The evaluation point θ₀ + Σ c·d; `d` is the direction's id. */
  readonly point?: readonly { readonly c: number; readonly d: string }[];
  /** sha256 of the vector of a product. */
  readonly v?: string;
  readonly options?: Readonly<Record<string, unknown>>;
  /** Name of a step. */
  readonly name?: string;
}

/** The unit's address: a hash of everything in it. */
export function unitId(unit: Unit): string {
  return hashOf(unit);
}

/** sha256 (32 hexadecimal digits of it) of a value's JSON with sorted keys. */
export function hashOf(value: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify(sorted(value)))
    .digest("hex")
    .slice(0, 32);
}

/** sha256 (32 hexadecimal digits) of a vector's bytes. */
export function vectorHash(v: Float64Array): string {
  return createHash("sha256")
    .update(new Uint8Array(v.buffer, v.byteOffset, v.byteLength))
    .digest("hex")
    .slice(0, 32);
}

/** A point without its zero terms: 0·d is no displacement, whatever d. */
export function pointOf(at: Displacement): { c: number; d: string }[] {
  return at.filter((t) => t.coefficient !== 0).map((t) => ({ c: t.coefficient, d: t.direction.id }));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, v]) => v !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => [k, sorted(v)]));
}
