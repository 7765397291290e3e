import {
  type HessianTraceOptions,
  hessianTrace,
  type LossTraceInfo,
  lossTrace,
  sketchedHessianTrace,
} from "../../curvature/index.ts";
import type { ProbeResult, TraceEstimate } from "../../numerics/trace.ts";
import type { Objective } from "../../objective/types.ts";
import type { TraceInfo } from "../analysis-report.ts";
import { plural, withError } from "../number-text.ts";
import { type Progress, relativeCost } from "../progress.ts";
import type { Unit } from "../run/unit.ts";
import { keepStep, type StepContext } from "./context.ts";

export type TensorTrace = TraceEstimate["blocks"][number];

export interface TraceStep {
  readonly info: TraceInfo;
  /** Empty where losses alone were looked at. */
  readonly perTensor: readonly TensorTrace[];
  /** How the losses were looked at; null for estimators by products. */
  readonly lines: LossTraceInfo | null;
  /** zᵀHz of each probe; null where a probe has none of its own. */
  readonly curvatures: readonly number[] | null;
}

export interface TraceRequest
  extends Pick<HessianTraceOptions, "method" | "kinks" | "seed" | "probes" | "tolerance" | "distribution"> {
  /** Default "hutchinson". */
  readonly estimator?: TraceInfo["estimator"] | undefined;
  /** Losses on each line of "curvature". Default: as few as do. */
  readonly points?: number | undefined;
}

/** Where neither probes nor a tolerance are asked for. */
export const defaultProbes = 64;

/**
 * The trace and its share in every tensor. Of a probe only its numbers are kept, not its product: `probe`
 * is the objective behind the journal.
 */
export async function traceStep(
  context: StepContext,
  request: TraceRequest,
  probe: Objective,
): Promise<TraceStep> {
  context.progress.start("trace");
  const { result } = await keepStep(context, "trace", { ...request }, async () => {
    const step = await estimators[request.estimator ?? "hutchinson"](context, request, probe);
    return { result: step, vectors: {} };
  });
  const { value, standardError, probes } = result.info;
  context.progress.finish(`tr H ${withError(value, standardError)}   ${plural(probes, "probe")}`);
  return result;
}

type Estimate = (context: StepContext, request: TraceRequest, probe: Objective) => Promise<TraceStep>;

const estimators: Readonly<Record<TraceInfo["estimator"], Estimate>> = {
  hutchinson: hutchinsonStep,
  "hutch++": sketchedStep,
  xtrace: sketchedStep,
  curvature: lossStep,
};

/** All products are needed again: they are kept, as those of the eigenpairs are. */
async function sketchedStep(
  { train, progress, signal }: StepContext,
  request: TraceRequest,
): Promise<TraceStep> {
  const { method, kinks, seed, probes: products = defaultProbes } = request;
  const estimator = request.estimator === "xtrace" ? "xtrace" : "hutch++";
  progress.expect(products, products * relativeCost[method] * train.samples);
  const options = { method, kinks, seed, products, estimator, signal } as const;
  const { result, info } = await sketchedHessianTrace(train, options);
  return {
    info: traceInfo(result, info.probes, estimator),
    perTensor: result.blocks,
    lines: null,
    curvatures: null,
  };
}

async function lossStep(
  { train, progress, signal }: StepContext,
  { seed, probes = defaultProbes, points }: TraceRequest,
): Promise<TraceStep> {
  // Noise and pilots take up to some sixty losses.
  const losses = probes * (points ?? 4) + 60;
  progress.expect(losses, losses * relativeCost.evaluate * train.samples);
  const { result, info } = await lossTrace(train, { seed, probes, points, signal });
  return {
    info: traceInfo(result, probes, "curvature"),
    perTensor: [],
    lines: info,
    curvatures: info.curvatures,
  };
}

async function hutchinsonStep(
  context: StepContext,
  request: TraceRequest,
  probe: Objective,
): Promise<TraceStep> {
  const { store, progress, signal, train } = context;
  const known = await knownProbes(context, request);
  let saved: Promise<void> = Promise.resolve();
  const curvatures: number[] = [];
  const onProbe = (index: number, found: ProbeResult) => {
    curvatures.push(found.blocks.reduce((sum, share) => sum + share, 0));
    if (known[index]) progress.tick(relativeCost[request.method] * train.samples, false);
    else saved = saved.then(() => store.put(probeUnit(context, request, index), found, {}));
  };
  try {
    const objective = chosenStepsKept(train, probe, progress);
    const options = { ...request, signal, known: (index: number) => known[index], onProbe };
    const { result, info } = await hessianTrace(objective, options);
    return {
      info: traceInfo(result, info.probes, "hutchinson"),
      perTensor: result.blocks,
      lines: null,
      curvatures,
    };
  } finally {
    await saved;
  }
}

function traceInfo(result: TraceEstimate, probes: number, estimator: TraceInfo["estimator"]): TraceInfo {
  return {
    value: result.trace,
    standardError: result.standardError,
    probes,
    estimator,
    meanCurvature: result.mean,
    frobeniusNorm: result.frobeniusNorm,
    frobeniusStandardError: result.frobeniusStandardError,
  };
}

async function knownProbes(context: StepContext, request: TraceRequest): Promise<ProbeResult[]> {
  const known: ProbeResult[] = [];
  for (;;) {
    const stored = await context.store.get<ProbeResult>(probeUnit(context, request, known.length));
    if (!stored) return known;
    known.push(stored.result);
  }
}

/** Probe k is the same however many there are. */
function probeUnit(
  context: StepContext,
  { method, kinks, seed, distribution }: TraceRequest,
  index: number,
): Unit {
  const options = { method, kinks, seed, index, distribution };
  return { run: context.store.run, what: "step", name: "probe", options };
}

/** The product that chooses a step is kept whole, since the others depend on it; those of the probes are not. */
export function chosenStepsKept(train: Objective, probe: Objective, progress: Progress): Objective {
  return {
    n: train.n,
    parameters: train.parameters,
    theta: train.theta,
    thetaNorm: train.thetaNorm,
    samples: train.samples,
    evaluate: (at, signal) => train.evaluate(at, signal),
    gradient: (at, signal) => train.gradient(at, signal),
    groupGradients: (signal) => train.groupGradients(signal),
    hvp: async (v, options, signal) => {
      if (options.method === "fd" && options.relativeStep === undefined) return train.hvp(v, options, signal);
      const product = await probe.hvp(v, options, signal);
      progress.tick(relativeCost[options.method] * train.samples, true);
      return product;
    },
    close: () => train.close(),
  };
}
