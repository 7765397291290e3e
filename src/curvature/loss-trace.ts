import { sampleStats } from "../numerics/stats.ts";
import { drawProbe, type TraceEstimate } from "../numerics/trace.ts";
import type { Direction, Objective } from "../objective/types.ts";
import { chooseLossFit, type LossCurvature, type LossFit, lossCurvature } from "./loss-curvature.ts";

export interface LossTraceOptions {
  readonly seed: number;
  readonly probes: number;
  /** Points of a line. Default: as few as do. */
  readonly points?: number | undefined;
  /** Called after each line. */
  readonly onProbe?: ((index: number, found: LossCurvature) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface LossTraceInfo {
  readonly fit: LossFit;
  /** ‖Δθ‖ at the ends of the lines. */
  readonly displacement: number;
  /** Root mean square of the lines' expected biases by fourth derivatives; part of the standard error. */
  readonly bias: number;
  /** Each line's curvature, in order. */
  readonly curvatures: readonly number[];
}

/**
 * tr H from losses alone: the mean of ηᵀHη over Gaussian η, each read off the loss along θ₀ + αη. The variance is that
 * of Hutchinson's estimator on Gaussian probes, 2‖H‖² each; the standard error is measured from the spread of the
 * lines, which holds the losses' noise too, and the expected bias is added to it in squares. ‖H‖ from that spread.
 * The directions are those of `hutchinsonTrace` with the same seed and Gaussian components.
 * Source: Böttcher & Wheeler 2024, §3.
 */
export async function lossTrace(
  objective: Objective,
  options: LossTraceOptions,
): Promise<{ result: TraceEstimate; info: LossTraceInfo }> {
  const draw = (index: number) => gaussianProbe(objective, options.seed, index);
  const fit = await chooseLossFit(objective, draw, options);
  const found: LossCurvature[] = [];
  for (let index = 0; index < options.probes; index++) {
    const line = await lossCurvature(objective, draw(index), fit, options.signal);
    found.push(line);
    options.onProbe?.(index, line);
  }
  const curvatures = found.map((line) => line.curvature);
  const { mean: trace, variance, standardError } = sampleStats(curvatures);
  const bias = Math.sqrt(sampleStats(found.map((line) => line.bias ** 2)).mean);
  const frobeniusNorm = Math.sqrt(variance / 2);
  return {
    result: {
      trace,
      standardError: Math.hypot(standardError, bias),
      mean: trace / objective.n,
      frobeniusNorm,
      // δ√(s²/2) = δs²/(4√(s²/2)).
      frobeniusStandardError: frobeniusNorm === 0 ? 0 : varianceError(curvatures) / (4 * frobeniusNorm),
      blocks: [],
    },
    info: { fit, displacement: fit.halfWidth * Math.sqrt(objective.n), bias, curvatures },
  };
}

/** Gaussian components of variance 1: ‖η‖ ≈ √N. */
export function gaussianProbe(objective: Objective, seed: number, index: number): Direction {
  const vector = drawProbe(objective.n, index, objective.parameters, { seed, distribution: "gaussian" });
  return { id: `probe:${seed}:${index}`, vector };
}

/** Standard error of a sample variance, from the fourth moment. */
function varianceError(values: readonly number[]): number {
  const { mean } = sampleStats(values);
  return sampleStats(values.map((x) => (x - mean) ** 2)).standardError;
}
