import process from "node:process";
import { probeDeterminism } from "../curvature/index.ts";
import type { Objective } from "../objective/types.ts";
import type { AnalysisReport, DataInfo, DensityInfo, ModelInfo, ProvenanceInfo } from "./analysis-report.ts";
import { healthChecks, type Observations } from "./health.ts";
import type { AnalysisOptions } from "./options.ts";
import type { PhaseTimer } from "./phase-timer.ts";
import { planAnalysis } from "./plan.ts";
import { randomSliceInfo } from "./random-slices.ts";
import type { UnitStore } from "./run/unit-store.ts";
import { checkpointStep } from "./steps/checkpoint.ts";
import { keepStep, type StepContext } from "./steps/context.ts";
import { densityStep } from "./steps/density.ts";
import { directionsStep } from "./steps/directions.ts";
import { type EigenRequest, type EigenStep, eigenStep, movingStep } from "./steps/eigenpairs.ts";
import { type EndProduct, endProductsStep } from "./steps/ends.ts";
import { planesStep, profilesStep } from "./steps/planes.ts";
import { rangesStep } from "./steps/ranges.ts";
import { scaleStep } from "./steps/scales.ts";
import { tensorShares } from "./steps/shares.ts";
import { subsetStep } from "./steps/subsets.ts";
import { traceStep } from "./steps/trace.ts";
import { verdict } from "./verdict.ts";

/** What is analysed. The objectives are those of the store's run; `probe` computes afresh whatever is stored. */
export interface Subject {
  readonly train: Objective;
  readonly test: Objective | null;
  readonly probe: Objective;
  /** The training loss on disjoint parts of its data; empty if their spread is not asked for. */
  readonly subsets: readonly Objective[];
  readonly model: ModelInfo;
  readonly data: DataInfo;
  readonly provenance: ProvenanceInfo;
}

export interface Session {
  readonly store: UnitStore;
  /** The one that the subject's objectives report to. */
  readonly progress: PhaseTimer;
  readonly signal: AbortSignal;
  readonly resumed: boolean;
}

/**
 * The whole analysis, step by step: point, eigenpairs, their spread over subsets, trace, planes, profiles, scales, then health and
 * verdict. Every piece is looked up in the session's store first, so that a killed run started again
 * goes on where it stopped and gives the same numbers.
 */
export async function analyse(
  subject: Subject,
  options: AnalysisOptions,
  session: Session,
): Promise<AnalysisReport> {
  const { train, test } = subject;
  const { progress: timer } = session;
  const context: StepContext = { train, test, options, ...session };
  timer.plan(planAnalysis(subject, options));

  const { info: checkpoint, gradient } = await checkpointStep(context);
  const repeat = await determinismStep(context, subject.probe);
  const request = eigenRequest(options);
  const eigen = await eigenStep(context, request, gradient);
  const moving = await movingStep(context, request, options.movingProducts, eigen);
  const { hvp: method, seed, probes, maxProducts } = options;
  const subsets = await subsetStep(
    context,
    subject.subsets,
    { hvp: method, kinks: "frozen", seed, maxProducts },
    eigen,
  );
  const traced = await traceStep(context, { method, kinks: "frozen", seed, probes }, subject.probe);
  const density = await densityOf(context, eigen);
  const directions = await directionsStep(context, gradient, eigen);
  const ranges = await rangesStep(context, directions, checkpoint.train.loss);
  const planes = await planesStep(context, ranges);
  const profiles = await profilesStep(context, directions, ranges);
  const products = await endProductsStep(context, directions);
  const curvatureByScale = await scaleStep(context, directions, products);

  const { model, data, provenance } = subject;
  const findings = {
    schema: "onnx-landscape/report/1" as const,
    ...{ model, data, checkpoint, planes, profiles, curvatureByScale, provenance },
    eigenpairs: { ...eigen.info, moving },
    trace: traced.info,
    directions: directions.map((d) => d.info),
    where: tensorShares(train.parameters, eigen, traced.perTensor),
    density,
    subsets,
    randomSlices:
      density && randomSliceInfo(density, eigen.info, train.n, { seed, planes: options.slicePlanes }),
    health: [],
    cost: {
      seconds: timer.seconds(),
      phases: timer.phases(),
      // maxRSS is in kilobytes.
      peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
      resumed: session.resumed,
    },
  };
  const exact = exactDifferences(products);
  const seen: Observations = { repeat, productError: eigen.productError, exact };
  return { ...findings, health: healthChecks(findings, seen), verdict: verdict(findings) };
}

/** With the step of the eigenpairs' Lanczos run, which serves the density's as well. */
async function densityOf(context: StepContext, { info }: EigenStep): Promise<DensityInfo | null> {
  const { densityProbes: probes, densitySteps: steps, hvp: method, seed } = context.options;
  if (probes === 0) return null;
  const relativeStep = info.step === null ? undefined : info.step / (context.train.thetaNorm || 1);
  return densityStep(context, { probes, steps, method, kinks: "frozen", seed, relativeStep });
}

function eigenRequest(options: AnalysisOptions): EigenRequest {
  const { top, bottom, tolerance, maxProducts, method, hvp, seed } = options;
  return { top, bottom, tolerance, maxProducts, method, hvp, kinks: "frozen", seed };
}

function exactDifferences(products: ReadonlyMap<string, EndProduct>): Observations["exact"] {
  const [top, bottom] = ["top", "bottom"].map((id) => products.get(id)?.exactDifference ?? null);
  return top == null && bottom == null ? null : { top: top ?? null, bottom: bottom ?? null };
}

async function determinismStep(context: StepContext, probe: Objective): Promise<Observations["repeat"]> {
  const { result } = await keepStep(context, "determinism", {}, async () => {
    const { loss, gradient } = await probeDeterminism(probe, context.signal);
    return { result: { loss, gradient }, vectors: {} };
  });
  return result;
}
