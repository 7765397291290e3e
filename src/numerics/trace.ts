import { LandscapeError } from "../errors.ts";
import type { SymmetricOperator } from "./operator.ts";
import { gaussian, rademacher } from "./random.ts";
import { type SampleStats, sampleStats, studentQuantile } from "./stats.ts";
import { dot } from "./vector.ts";

/** A named part of the vector space, with its own share of the trace. */
export interface Block {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

/** What one probe z has shown: all that is ever needed of it again. */
export interface ProbeResult {
  /** z_bᵀ(A·z)_b for each block. */
  readonly blocks: readonly number[];
  /** ‖A·z‖². */
  readonly squaredNorm: number;
  /** Estimated error norm of the product. */
  readonly error: number;
}

export interface TraceOptions {
  readonly seed: number;
  /** Exactly this many probes; or `tolerance` decides. Default 64 if neither is given. */
  readonly probes?: number | undefined;
  /** Stop once the relative standard error of the trace (widened for few probes) is below this. */
  readonly tolerance?: number | undefined;
  /** With a tolerance: at most this many probes, default 1000. */
  readonly maxProbes?: number | undefined;
  readonly distribution?: "rademacher" | "gaussian" | undefined;
  /** Parts that tile 0 … n − 1; probes are drawn part by part, keyed by name. Default: one part. */
  readonly blocks?: readonly Block[] | undefined;
  /** A probe's result from an earlier run, by its index. */
  readonly known?: ((index: number) => ProbeResult | undefined) | undefined;
  /** Called after each probe that was computed or known, with the state so far. */
  readonly onProbe?: ((index: number, result: ProbeResult, sofar: TraceEstimate) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface TraceEstimate {
  readonly trace: number;
  /** From the spread of the probes (NaN for a single one) and, in squares, what no spread shows: `withFloor`. */
  readonly standardError: number;
  /** tr A / n. */
  readonly mean: number;
  /** √ of the mean ‖A·z‖², and its standard error. */
  readonly frobeniusNorm: number;
  readonly frobeniusStandardError: number;
  readonly blocks: readonly {
    readonly name: string;
    readonly trace: number;
    readonly standardError: number;
  }[];
}

export interface TraceInfo {
  readonly probes: number;
  /** Products of this run: probes that were not known. */
  readonly products: number;
  /** With a tolerance: whether it was met. Without: true. */
  readonly converged: boolean;
  /** Half-width over |trace| of the interval that holds the trace with probability 68 %, by Student's t. */
  readonly relativeError: number;
  /** Error that the products' own errors put into `trace`; part of the standard errors. */
  readonly productError: number;
}

/** Too few probes say little of their own spread; so a tolerance is not believed before this many. */
const LEAST_PROBES = 10;
/** One standard deviation of a normal distribution to either side. */
const ONE_SIGMA = 0.6826894921;

/**
 * Trace, its split over blocks, and Frobenius norm of a symmetric operator from random probes with independent
 * components of mean 0 and variance 1. Units: those of A's diagonal.
 * Variance per probe 2(‖A‖² − ΣAᵢᵢ²) with signs (default), 2‖A‖² with Gaussian components; the standard error is
 * measured from the probes, never below the products' error, and alone stops the run: the mean of few probes may stand
 * still by chance.
 * Deterministic for a seed; probe k is the same in any run. Throws INVALID_OPTION for fewer than two probes.
 * Source: Hutchinson 1989; variance: Avron & Toledo 2011.
 */
export async function hutchinsonTrace(
  operator: SymmetricOperator,
  options: TraceOptions,
): Promise<{ result: TraceEstimate; info: TraceInfo }> {
  const blocks = options.blocks ?? [{ name: "", offset: 0, size: operator.n }];
  const limit = probeLimit(options);
  const seen: ProbeResult[] = [];
  let products = 0;
  let result = estimate(seen, blocks, operator.n);
  for (let index = 0; index < limit; index++) {
    options.signal?.throwIfAborted();
    const known = options.known?.(index);
    if (!known) products++;
    const probe = known ?? (await measure(operator, index, blocks, options));
    seen.push(probe);
    result = estimate(seen, blocks, operator.n);
    options.onProbe?.(index, probe, result);
    if (isEnough(result, seen.length, options)) break;
  }
  const error = relativeError(result, seen.length);
  const info: TraceInfo = {
    probes: seen.length,
    products,
    converged: options.tolerance === undefined || error <= options.tolerance,
    relativeError: error,
    productError: rootMeanSquare(seen.map((p) => p.error)),
  };
  return { result, info };
}

/** The probe of an index: block by block, so that a block's part does not depend on the others. */
export function drawProbe(
  n: number,
  index: number,
  blocks: readonly Block[],
  options: Pick<TraceOptions, "seed" | "distribution">,
): Float64Array {
  const fill = options.distribution === "gaussian" ? gaussian : rademacher;
  const z = new Float64Array(n);
  for (const { name, offset, size } of blocks) {
    fill({ seed: options.seed, purpose: "trace", name, index }, z.subarray(offset, offset + size));
  }
  return z;
}

async function measure(
  operator: SymmetricOperator,
  index: number,
  blocks: readonly Block[],
  options: TraceOptions,
): Promise<ProbeResult> {
  const z = drawProbe(operator.n, index, blocks, options);
  const az = new Float64Array(operator.n);
  const { error } = await operator.apply(z, az, options.signal);
  const shares = blocks.map(({ offset, size }) =>
    dot(z.subarray(offset, offset + size), az.subarray(offset, offset + size)),
  );
  return { blocks: shares, squaredNorm: dot(az, az), error };
}

function estimate(seen: readonly ProbeResult[], blocks: readonly Block[], n: number): TraceEstimate {
  const total = sampleStats(seen.map((p) => p.blocks.reduce((sum, share) => sum + share, 0)));
  const squares = sampleStats(seen.map((p) => p.squaredNorm));
  const frobeniusNorm = Math.sqrt(squares.mean);
  const sampled: TraceEstimate = {
    trace: total.mean,
    standardError: total.standardError,
    mean: total.mean / n,
    frobeniusNorm,
    // δ√x = δx/2√x.
    frobeniusStandardError: frobeniusNorm === 0 ? 0 : squares.standardError / (2 * frobeniusNorm),
    blocks: blocks.map(({ name }, b) => {
      const share: SampleStats = sampleStats(seen.map((p) => p.blocks[b] ?? 0));
      return { name, trace: share.mean, standardError: share.standardError };
    }),
  };
  return withFloor(sampled, rootMeanSquare(seen.map((p) => p.error)), n);
}

/**
 * The estimate with its standard errors raised, in squares, by what the spread of the probes does not show: the
 * products' own error, and the rounding of zᵀ·(A·z) to float64, 2⁻⁵³·‖z‖·‖A·z‖. Where all probes agree, as signs do on
 * a diagonal matrix, nothing else is left. Each share takes the whole of it, since an error's place is not known.
 */
export function withFloor(sampled: TraceEstimate, productError: number, n: number): TraceEstimate {
  const floor = Math.hypot(productError, 2 ** -53 * Math.sqrt(n) * sampled.frobeniusNorm);
  return {
    ...sampled,
    standardError: Math.hypot(sampled.standardError, floor),
    frobeniusStandardError: Math.hypot(sampled.frobeniusStandardError, floor),
    blocks: sampled.blocks.map((b) => ({ ...b, standardError: Math.hypot(b.standardError, floor) })),
  };
}

/** Of product errors; not divided by √count, since rounding and truncation may be the same in every probe. */
export function rootMeanSquare(errors: readonly number[]): number {
  return errors.length === 0 ? 0 : Math.hypot(...errors) / Math.sqrt(errors.length);
}

function relativeError({ trace, standardError }: TraceEstimate, probes: number): number {
  if (probes < 2) return Number.POSITIVE_INFINITY;
  if (standardError === 0) return 0;
  return (studentQuantile((1 + ONE_SIGMA) / 2, probes - 1) * standardError) / Math.abs(trace);
}

function isEnough(result: TraceEstimate, probes: number, options: TraceOptions): boolean {
  if (options.probes !== undefined || options.tolerance === undefined) return false;
  return probes >= LEAST_PROBES && relativeError(result, probes) <= options.tolerance;
}

function probeLimit({ probes, tolerance, maxProbes }: TraceOptions): number {
  const limit = probes ?? (tolerance === undefined ? 64 : (maxProbes ?? 1000));
  if (Number.isInteger(limit) && limit >= 2) return limit;
  throw new LandscapeError(
    "INVALID_OPTION",
    `trace: ${limit} probes; expected at least 2, since one alone has no standard error`,
  );
}

/** Interval that holds the trace with probability `level`, by Student's t for few probes. */
export function traceInterval(
  { trace, standardError }: Pick<TraceEstimate, "trace" | "standardError">,
  probes: number,
  level: number = 0.95,
): { low: number; high: number } {
  if (standardError === 0 || probes < 2) return { low: trace, high: trace };
  const half = studentQuantile((1 + level) / 2, probes - 1) * standardError;
  return { low: trace - half, high: trace + half };
}
