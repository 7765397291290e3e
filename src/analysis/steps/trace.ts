import { type HessianTraceOptions, hessianTrace } from "../../curvature/index.ts";
import type { ProbeResult, TraceEstimate } from "../../numerics/trace.ts";
import type { Objective } from "../../objective/types.ts";
import type { TraceInfo } from "../analysis-report.ts";
import { plural, withError } from "../number-text.ts";
import { type Progress, relativeCost } from "../progress.ts";
import type { Unit } from "../unit.ts";
import { keepStep, type StepContext } from "./context.ts";

export type TensorTrace = TraceEstimate["blocks"][number];

export interface TraceStep {
  readonly info: TraceInfo;
  readonly perTensor: readonly TensorTrace[];
}

export type TraceRequest = Pick<HessianTraceOptions, "method" | "kinks" | "seed" | "probes" | "tolerance">;

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
    const step = await estimateTrace(context, request, probe);
    return { result: step, vectors: {} };
  });
  const { value, standardError, probes } = result.info;
  context.progress.finish(`tr H ${withError(value, standardError)}   ${plural(probes, "probe")}`);
  return result;
}

async function estimateTrace(
  context: StepContext,
  request: TraceRequest,
  probe: Objective,
): Promise<TraceStep> {
  const { store, progress, signal, train } = context;
  const known = await knownProbes(context, request);
  let saved: Promise<void> = Promise.resolve();
  const onProbe = (index: number, found: ProbeResult) => {
    if (known[index]) progress.tick(relativeCost[request.method] * train.samples, false);
    else saved = saved.then(() => store.put(probeUnit(context, request, index), found, {}));
  };
  try {
    const objective = chosenStepsKept(train, probe, progress);
    const options = { ...request, signal, known: (index: number) => known[index], onProbe };
    const { result, info } = await hessianTrace(objective, options);
    return { info: traceInfo(result, info.probes), perTensor: result.blocks };
  } finally {
    await saved;
  }
}

function traceInfo(result: TraceEstimate, probes: number): TraceInfo {
  return {
    value: result.trace,
    standardError: result.standardError,
    probes,
    estimator: "hutchinson",
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
function probeUnit(context: StepContext, { method, kinks, seed }: TraceRequest, index: number): Unit {
  return { run: context.store.run, what: "step", name: "probe", options: { method, kinks, seed, index } };
}

/** The product that chooses a step is kept whole, since the others depend on it; those of the probes are not. */
function chosenStepsKept(train: Objective, probe: Objective, progress: Progress): Objective {
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
