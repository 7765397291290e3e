import { bestStep } from "../numerics/difference-step.ts";
import { hutchPlusPlus } from "../numerics/hutch-plus-plus.ts";
import type { SymmetricOperator } from "../numerics/operator.ts";
import {
  drawProbe,
  hutchinsonTrace,
  type ProbeResult,
  type TraceEstimate,
  type TraceInfo,
} from "../numerics/trace.ts";
import { xTrace } from "../numerics/xtrace.ts";
import type { HvpMethod, HvpOptions, Kinks, Objective } from "../objective/types.ts";
import { AdaptiveHessianOperator, HessianOperator } from "./hessian-operator.ts";

export interface HessianTraceOptions {
  readonly method: HvpMethod;
  readonly kinks: Kinks;
  readonly seed: number;
  /** Number of probes; or `tolerance`, a relative standard error. Default 64. */
  readonly probes?: number | undefined;
  readonly tolerance?: number | undefined;
  readonly maxProbes?: number | undefined;
  readonly distribution?: "rademacher" | "gaussian" | undefined;
  /** Step of the differences, ‖Δθ‖/‖θ‖. Default: chosen for the first probe (frozen) or 1e-3 (moving). */
  readonly relativeStep?: number | undefined;
  readonly known?: ((index: number) => ProbeResult | undefined) | undefined;
  readonly onProbe?: ((index: number, result: ProbeResult, sofar: TraceEstimate) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface HessianTraceInfo extends TraceInfo {
  readonly relativeStep: number | null;
}

const MOVING_STEP = 1e-3;

/**
 * tr H and its share in every parameter tensor (`blocks`, in the order of θ), with standard errors, and ‖H‖ by
 * Hutchinson's probes. Units: loss per squared unit of ‖Δθ‖. Random probes resemble each other: the step that suits
 * the first serves all (its relative error, about 1e-4, is far below the sampling error).
 */
export async function hessianTrace(
  objective: Objective,
  options: HessianTraceOptions,
): Promise<{ result: TraceEstimate; info: HessianTraceInfo }> {
  const probe = () => drawProbe(objective.n, 0, objective.parameters, options);
  const products = await productsFor(objective, probe, options);
  const operator = new HessianOperator(objective, products);
  const { result, info } = await hutchinsonTrace(operator, { ...options, blocks: objective.parameters });
  return { result, info: { ...info, relativeStep: products.relativeStep ?? null } };
}

/** Products for random vectors that resemble each other: one step serves all, chosen for `first` if it is not given. */
export async function productsFor(
  objective: Objective,
  first: () => Float64Array,
  options: Pick<HessianTraceOptions, "method" | "kinks" | "relativeStep" | "signal">,
): Promise<HvpOptions> {
  const { method, kinks, relativeStep } = options;
  if (method !== "fd") return { method, kinks };
  if (relativeStep !== undefined) return { method, kinks, relativeStep };
  if (kinks === "moving") return { method, kinks, relativeStep: MOVING_STEP };
  const { step, model } = await objective.hvp(first(), { method, kinks }, options.signal);
  if (!step || !model) return { method, kinks };
  return { method, kinks, relativeStep: bestStep(model, step) / (objective.thetaNorm || 1), model };
}

/** Estimators that spend a part of their products on the range of H: for spectra that few eigenvalues dominate. */
export type SketchedEstimator = "hutch++" | "xtrace";

export interface SketchedHessianTraceOptions
  extends Pick<HessianTraceOptions, "method" | "kinks" | "seed" | "signal"> {
  readonly estimator: SketchedEstimator;
  /** In all. */
  readonly products: number;
}

/**
 * tr H by Hutch++ or XTrace, with their own standard errors. Random vectors and those of H's range need different steps,
 * so each difference has one of its own.
 */
export async function sketchedHessianTrace(
  objective: Objective,
  options: SketchedHessianTraceOptions,
): Promise<{ result: TraceEstimate; info: TraceInfo }> {
  const { products, seed, signal } = options;
  const estimate = options.estimator === "xtrace" ? xTrace : hutchPlusPlus;
  const blocks = objective.parameters;
  return estimate(operatorFor(objective, options), { products, seed, signal, blocks });
}

function operatorFor(
  objective: Objective,
  { method, kinks }: Pick<HessianTraceOptions, "method" | "kinks">,
): SymmetricOperator {
  if (method !== "fd") return new HessianOperator(objective, { method, kinks });
  if (kinks === "moving") return new HessianOperator(objective, { method, kinks, relativeStep: MOVING_STEP });
  return new AdaptiveHessianOperator(objective);
}
