import { LandscapeError } from "../errors.ts";
import type { BasisPrecision } from "./basis.ts";
import { type LanczosFactorization, lanczos, type RitzPairs } from "./lanczos.ts";
import type { SymmetricOperator } from "./operator.ts";
import { rayleighRitz } from "./rayleigh-ritz.ts";

export type SpectrumEnd = "top" | "bottom";

export interface ExtremeOptions {
  /** Numbers of largest and smallest eigenvalues. */
  readonly top: number;
  readonly bottom: number;
  readonly seed: number;
  /**
   * A pair is converged when its residual is at most tolerance·|λ| (or tolerance²·‖A‖, for values near 0), and its
   * angle to the eigenvector, residual/gap, at most 30·tolerance. Default 1e-4: what float32 products carry.
   */
  readonly tolerance?: number | undefined;
  /** Products of the iteration at most (one more per pair follows). Default 300. */
  readonly maxProducts?: number | undefined;
  /** Vectors kept at most; beyond it the iteration restarts with the best Ritz vectors. Default: all. */
  readonly maxBasis?: number | undefined;
  /** More accurate products for the final residuals, where those of the iteration are rough. */
  readonly refine?: SymmetricOperator | undefined;
  readonly start?: Float64Array | undefined;
  /** Precision of the kept vectors, default float64; float32 suits float32 products. */
  readonly precision?: BasisPrecision | undefined;
  readonly onStep?: ((step: LanczosProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What is known after a step, as often as it is looked at. */
export interface LanczosProgress {
  readonly products: number;
  /** Ritz values of the wanted ends and their residual estimates: top descending, bottom ascending. */
  readonly top: readonly { readonly value: number; readonly residual: number }[];
  readonly bottom: readonly { readonly value: number; readonly residual: number }[];
}

export interface ExtremePair {
  readonly end: SpectrumEnd;
  /** Rayleigh quotient of `vector`. */
  readonly value: number;
  /** Unit vector, its component of largest magnitude positive. */
  readonly vector: Float64Array;
  /**
   * ‖A·v − λ·v‖ by a product of its own, the product's error added in quadrature: an eigenvalue lies within it.
   * Absolute, in the units of λ.
   */
  readonly residual: number;
  /** Estimated error of that product alone: the floor of `residual`. */
  readonly productError: number;
  readonly converged: boolean;
}

export interface ExtremeInfo {
  /** Products in all, the final ones included. */
  readonly products: number;
  /** Lanczos steps. */
  readonly steps: number;
  readonly converged: boolean;
  /** What ended the iteration. */
  readonly stopped: "converged" | "noise" | "complete" | "limit";
  /** Measured noise of the iteration's products between two unit vectors. */
  readonly noise: number;
}

// A Ritz vector whose angle to the eigenvector is 30·1e-4 has |cos| = 1 − 4.5e-6.
const ANGLE_PER_TOLERANCE = 30;

/**
 * Largest and smallest eigenpairs of a symmetric operator from one Lanczos run with full reorthogonalisation.
 * `pairs`: top descending, then bottom ascending; min(top, n) and min(bottom, n) of them, overlapping if top + bottom > n.
 * Not converging is information (`converged`, `info`), not an error: values are then inside the spectrum and residuals
 * still true. A multiple eigenvalue is found as often as it is asked for only after an exact breakdown; otherwise once.
 * Deterministic for a given seed. Memory: one vector per product, or `maxBasis`.
 * Source: Parlett, The Symmetric Eigenvalue Problem; angles: sin θ ≤ residual/gap (Davis & Kahan 1970).
 */
export async function extremeEigenpairs(
  operator: SymmetricOperator,
  options: ExtremeOptions,
): Promise<{ pairs: ExtremePair[]; info: ExtremeInfo }> {
  assertOptions(operator, options);
  const found = await iterate(operator, options);
  if (!found)
    return { pairs: [], info: { products: 0, steps: 0, converged: true, stopped: "complete", noise: 0 } };
  const { factorization: f, ritz, wanted, settled, stopped } = found;
  const indices = [...new Set([...wanted.top, ...wanted.bottom])];
  const vectors = indices.map((i) => f.basis.combine(ritz.coefficients[i] as Float64Array));
  const steps = f.products;
  const noise = f.noise();
  const refined = await rayleighRitz(options.refine ?? operator, vectors, options.signal);
  const order = refined.map((_, k) => k).sort((a, b) => refined[a]!.value - refined[b]!.value);
  const rank = new Map([...indices].sort((a, b) => a - b).map((index, k) => [index, order[k] as number]));
  const pairOf =
    (end: SpectrumEnd) =>
    (index: number): ExtremePair => {
      const pair = refined[rank.get(index) as number]!;
      const residual = Math.hypot(pair.residual, pair.productError);
      // What the recurrence believes must be borne out by the true residual, as far as either product can tell.
      const believed =
        limits(ritz, index, options, noise).residual + 3 * Math.hypot(pair.productError, f.productError);
      return { ...pair, end, residual, converged: settled.has(index) && residual <= 3 * believed };
    };
  const pairs = [...wanted.top.map(pairOf("top")), ...wanted.bottom.map(pairOf("bottom"))];
  const converged = pairs.every((p) => p.converged);
  return { pairs, info: { products: steps + indices.length, steps, converged, stopped, noise } };
}

interface Iterated {
  readonly factorization: LanczosFactorization;
  readonly ritz: RitzPairs;
  readonly wanted: { readonly top: readonly number[]; readonly bottom: readonly number[] };
  readonly settled: ReadonlySet<number>;
  readonly stopped: ExtremeInfo["stopped"];
}

async function iterate(operator: SymmetricOperator, options: ExtremeOptions): Promise<Iterated | undefined> {
  const limit = options.maxProducts ?? 300;
  const stagnation = new Stagnation();
  let calm = 0;
  for await (const f of lanczos(operator, options)) {
    const isFull = options.maxBasis !== undefined && f.size >= options.maxBasis;
    const isLast = f.complete || f.products >= limit;
    if (!isLast && !isFull && !f.isInvariant && !isTimeToLook(f.size)) continue;
    const ritz = f.ritz();
    const wanted = wantedIndices(ritz.values.length, options);
    report(options, f, ritz, wanted);
    const settled = settledPairs(ritz, wanted, options, f);
    // Twice in a row: a Ritz value that stands still may only be waiting for a lower one to appear.
    calm = isAllSettled(wanted, settled, options) ? calm + 1 : 0;
    const isDone = f.isInvariant ? isExhausted(f, ritz, options) : calm >= 2;
    const isStuck = !isDone && stagnation.isStuck(f, ritz, wanted);
    if (isDone || isLast || isStuck) {
      const stopped = f.complete ? "complete" : isDone ? "converged" : isStuck ? "noise" : "limit";
      return { factorization: f, ritz, wanted, settled, stopped };
    }
    if (isFull) f.compress(ritz, keptIndices(ritz.values.length, options));
  }
  return undefined;
}

function isAllSettled(
  wanted: Iterated["wanted"],
  settled: ReadonlySet<number>,
  options: ExtremeOptions,
): boolean {
  if (wanted.top.length < options.top || wanted.bottom.length < options.bottom) return false;
  return [...wanted.top, ...wanted.bottom].every((i) => settled.has(i));
}

/**
 * In an invariant space every Ritz pair is exact, and nothing outside it lies beyond the last block's extremes. So
 * all is found once those do not lie beyond the wanted values (up to rounding): else copies may be missing.
 */
function isExhausted(f: LanczosFactorization, { values }: RitzPairs, options: ExtremeOptions): boolean {
  const { top, bottom } = options;
  if (values.length < Math.max(top, bottom)) return false;
  const block = f.lastBlock();
  const size = Math.max(Math.abs(values[0] ?? 0), Math.abs(values[values.length - 1] ?? 0));
  const rounding = 1e-12 * size;
  const isTopFound =
    top === 0 || (values[values.length - top] ?? 0) >= (block[block.length - 1] ?? 0) - rounding;
  const isBottomFound = bottom === 0 || (values[bottom - 1] ?? 0) <= (block[0] ?? 0) + rounding;
  return isTopFound && isBottomFound;
}

/** The small eigenproblem costs k³: looked at every step at first, then every tenth of what there is. */
function isTimeToLook(size: number): boolean {
  return size % Math.max(1, Math.floor(size / 20)) === 0;
}

function wantedIndices(k: number, options: ExtremeOptions): Iterated["wanted"] {
  const top = Array.from({ length: Math.min(options.top, k) }, (_, i) => k - 1 - i);
  const bottom = Array.from({ length: Math.min(options.bottom, k) }, (_, i) => i);
  return { top, bottom };
}

/** For a restart: the wanted pairs and as many again beside them, which carry what has been learnt there. */
function keptIndices(k: number, options: ExtremeOptions): number[] {
  const half = Math.floor(k / 2);
  const low = Math.min(half - 1, 2 * options.bottom + 4);
  const high = Math.min(half - 1, 2 * options.top + 4);
  return Array.from({ length: k }, (_, i) => i).filter((i) => i < low || i >= k - high);
}

/** The largest residual at which Ritz pair i counts as converged, and the noise below which it cannot be judged. */
function limits(
  ritz: RitzPairs,
  i: number,
  options: ExtremeOptions,
  noise: number,
): { residual: number; floor: number } {
  const tolerance = options.tolerance ?? 1e-4;
  const { values } = ritz;
  const size = Math.max(Math.abs(values[0] ?? 0), Math.abs(values[values.length - 1] ?? 0));
  const residual = Math.max(tolerance * Math.abs(values[i] as number), tolerance ** 2 * size);
  return { residual, floor: noise };
}

/** Distance of Ritz value i to the nearest that is not in its cluster: values closer than `within` share a space. */
function gap(values: Float64Array, i: number, within: number): number {
  const here = values[i] as number;
  return values.reduce((least, value) => {
    const d = Math.abs(value - here);
    return d > within && d < least ? d : least;
  }, Number.POSITIVE_INFINITY);
}

function settledPairs(
  ritz: RitzPairs,
  wanted: Iterated["wanted"],
  options: ExtremeOptions,
  f: LanczosFactorization,
): Set<number> {
  const noise = f.noise();
  const angle = ANGLE_PER_TOLERANCE * (options.tolerance ?? 1e-4);
  const settled = new Set<number>();
  for (const i of new Set([...wanted.top, ...wanted.bottom])) {
    const { residual, floor } = limits(ritz, i, options, noise);
    const byAngle = angle * gap(ritz.values, i, residual);
    const estimate = ritz.residuals[i] as number;
    if (estimate <= Math.max(Math.min(residual, byAngle), floor)) settled.add(i);
  }
  return settled;
}

/** Sees that the wanted pairs have not become better for long, with estimates already below the products' error. */
class Stagnation {
  private best = Number.POSITIVE_INFINITY;
  private since = 0;
  private static readonly PATIENCE = 40;

  isStuck(f: LanczosFactorization, ritz: RitzPairs, wanted: Iterated["wanted"]): boolean {
    const worst = Math.max(...[...wanted.top, ...wanted.bottom].map((i) => ritz.residuals[i] as number));
    if (worst < this.best / 2) {
      this.best = worst;
      this.since = f.products;
    }
    return worst < f.productError && f.products - this.since > Stagnation.PATIENCE;
  }
}

function report(
  options: ExtremeOptions,
  f: LanczosFactorization,
  ritz: RitzPairs,
  wanted: Iterated["wanted"],
): void {
  const at = (i: number) => ({ value: ritz.values[i] as number, residual: ritz.residuals[i] as number });
  options.onStep?.({ products: f.products, top: wanted.top.map(at), bottom: wanted.bottom.map(at) });
}

function assertOptions({ n }: SymmetricOperator, options: ExtremeOptions): void {
  const { top, bottom, maxBasis } = options;
  for (const [name, count] of Object.entries({ top, bottom })) {
    if (Number.isInteger(count) && count >= 0) continue;
    throw new LandscapeError("INVALID_OPTION", `eigenpairs: ${name} ${count}; expected an integer ≥ 0`);
  }
  if (top + bottom === 0)
    throw new LandscapeError("INVALID_OPTION", "eigenpairs: none asked for; expected top or bottom ≥ 1");
  // Both ends with their spare vectors must survive a restart and leave room to grow.
  const least = Math.min(n, 2 * (2 * (top + bottom) + 8));
  if (maxBasis !== undefined && maxBasis < least) {
    throw new LandscapeError(
      "INVALID_OPTION",
      `eigenpairs: room for ${maxBasis} vectors; expected at least ${least} for ${top} + ${bottom} pairs. raise --memory or ask for fewer pairs`,
    );
  }
}
