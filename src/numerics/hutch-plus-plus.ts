import { LandscapeError } from "../errors.ts";
import type { SymmetricOperator } from "./operator.ts";
import { gaussian } from "./random.ts";
import { sampleStats } from "./stats.ts";
import {
  type Block,
  drawProbe,
  rootMeanSquare,
  type TraceEstimate,
  type TraceInfo,
  withFloor,
} from "./trace.ts";
import { type Sketch, sketchRange } from "./trace-sketch.ts";
import { dot } from "./vector.ts";

export interface SketchedTraceOptions {
  readonly seed: number;
  /** Products in all, at least 6. */
  readonly products: number;
  readonly blocks?: readonly Block[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * tr A = tr QᵀAQ + tr PAP with P = I − QQᵀ: the range that a sketch of a third of the products has seen exactly, the
 * rest by Hutchinson's probes. Its variance is that of the rest only: much less than Hutchinson's where few eigenvalues
 * dominate. Standard error from the spread of the probes of the rest (a third of the products: Student's t for few).
 * Blocks: each one's share by the same split. ‖A‖² = ‖AQ‖² + ‖QᵀAP‖² + ‖PAP‖², the last from the probes.
 * Source: Meyer, Musco, Musco & Woodruff 2021, algorithm 1.
 */
export async function hutchPlusPlus(
  operator: SymmetricOperator,
  options: SketchedTraceOptions,
): Promise<{ result: TraceEstimate; info: TraceInfo }> {
  const blocks = options.blocks ?? [{ name: "", offset: 0, size: operator.n }];
  const third = Math.floor(options.products / 3);
  if (!(third >= 2)) {
    throw new LandscapeError(
      "INVALID_OPTION",
      `trace: ${options.products} products for hutch++; expected at least 6, a third of them for each of its parts`,
    );
  }
  const rank = Math.min(third, operator.n);
  const omega = Array.from({ length: rank }, (_, index) => drawSketch(operator.n, index, options.seed));
  const sketch = await sketchRange(operator, omega, options.signal);
  const seen = seenShares(sketch, blocks);
  const rest: { blocks: number[]; square: number; error: number }[] = [];
  if (sketch.q.size < operator.n) {
    for (let index = 0; index < third; index++) {
      rest.push(await probeRest(operator, sketch, index, blocks, options));
    }
  }
  const total = sampleStats(rest.length > 0 ? rest.map((p) => sum(p.blocks)) : [0, 0]);
  const squares = sampleStats(rest.length > 0 ? rest.map((p) => p.square) : [0, 0]);
  const frobenius = Math.sqrt(seenSquare(sketch) + squares.mean);
  const trace = sum(seen) + total.mean;
  // Any basis will do for Q: the errors of A·Ω do no harm.
  const productError = Math.hypot(sketch.aqError, rootMeanSquare(rest.map((p) => p.error)));
  const sampled: TraceEstimate = {
    trace,
    standardError: total.standardError,
    mean: trace / operator.n,
    frobeniusNorm: frobenius,
    frobeniusStandardError: frobenius === 0 ? 0 : squares.standardError / (2 * frobenius),
    blocks: blocks.map(({ name }, b) => {
      const share = sampleStats(rest.length > 0 ? rest.map((p) => p.blocks[b] as number) : [0, 0]);
      return { name, trace: (seen[b] as number) + share.mean, standardError: share.standardError };
    }),
  };
  const result = withFloor(sampled, productError, operator.n);
  return {
    result,
    info: {
      probes: rest.length,
      products: 2 * rank + rest.length,
      converged: true,
      relativeError: trace === 0 ? Number.POSITIVE_INFINITY : result.standardError / Math.abs(trace),
      productError,
    },
  };
}

/** A column of the sketch: Gaussian, so that no eigenvector is missed by symmetry. */
export function drawSketch(n: number, index: number, seed: number): Float64Array {
  const w = new Float64Array(n);
  gaussian({ seed, purpose: "trace sketch", name: "", index }, w);
  return w;
}

/** Each block's share of tr A − tr PAP: the diagonal of QQᵀA + AQQᵀ − QQᵀAQQᵀ. */
function seenShares({ q, aq }: Sketch, blocks: readonly Block[]): number[] {
  const shares = blocks.map(() => 0);
  for (const [k, a] of aq.entries()) {
    const vector = q.vectors[k] as Float64Array;
    // (2·A·q − Q·QᵀA·q), against q.
    const inside = q.combine(q.project(a));
    for (const [b, { offset, size }] of blocks.entries()) {
      for (let i = offset; i < offset + size; i++) shares[b]! += vector[i]! * (2 * a[i]! - inside[i]!);
    }
  }
  return shares;
}

/** ‖A‖² − ‖PAP‖² = 2‖AQ‖² − ‖QᵀAQ‖². */
function seenSquare({ q, aq }: Sketch): number {
  return aq.reduce((total, a) => {
    const inside = q.project(a);
    return total + 2 * dot(a, a) - dot(inside, inside);
  }, 0);
}

/** zᵀ·A·z by block and ‖P·A·z‖² for z = P·(random signs). */
async function probeRest(
  operator: SymmetricOperator,
  { q }: Sketch,
  index: number,
  blocks: readonly Block[],
  { seed, signal }: SketchedTraceOptions,
): Promise<{ blocks: number[]; square: number; error: number }> {
  signal?.throwIfAborted();
  const z = drawProbe(operator.n, index, blocks, { seed });
  for (let pass = 0; pass < 2; pass++) q.subtract(q.project(z), z);
  const az = new Float64Array(operator.n);
  const { error } = await operator.apply(z, az, signal);
  q.subtract(q.project(az), az);
  const shares = blocks.map(({ offset, size }) =>
    dot(z.subarray(offset, offset + size), az.subarray(offset, offset + size)),
  );
  return { blocks: shares, square: dot(az, az), error };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, x) => total + x, 0);
}
