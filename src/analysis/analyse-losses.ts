import process from "node:process";
import type { Objective } from "../objective/types.ts";
import type { Session, Subject } from "./analyse.ts";
import type { AnalysisReport } from "./analysis-report.ts";
import { healthChecks, type Observations } from "./health.ts";
import { plural } from "./number-text.ts";
import type { AnalysisOptions } from "./options.ts";
import { planePoints, planesPlan } from "./plan.ts";
import type { PhasePlan } from "./progress.ts";
import { lossCheckpointStep } from "./steps/checkpoint.ts";
import { keepStep, type StepContext } from "./steps/context.ts";
import { drawDirections } from "./steps/directions.ts";
import { planesStep, profilesStep } from "./steps/planes.ts";
import { rangesStep } from "./steps/ranges.ts";
import { lossSlicesStep } from "./steps/slices.ts";
import { traceStep } from "./steps/trace.ts";
import { verdict } from "./verdict.ts";

/**
 * What losses alone tell of a model without a gradient: the point, the trace and random planes' curvatures by fits, planes
 * and profiles along random directions. Steps, store and report are those of the whole analysis.
 */
export async function analyseLosses(
  subject: Subject,
  options: AnalysisOptions,
  session: Session,
): Promise<AnalysisReport> {
  const { train, test, model, data, provenance, probe } = subject;
  const { progress: timer } = session;
  const context: StepContext = { train, test, options, ...session };
  timer.plan(planLosses(subject, options));

  const checkpoint = await lossCheckpointStep(context);
  const repeat = await repeatStep(context, probe);
  const { hvp: method, seed, probes } = options;
  const request = { method, kinks: "moving", seed } as const;
  const traced = await traceStep(context, { ...request, estimator: "curvature", probes }, probe);
  const lossSlices = await lossSlicesStep(context, { ...request, slices: SLICES }, probe);
  const directions = drawDirections(context);
  const ranges = await rangesStep(context, directions, checkpoint.train.loss);
  const planes = await planesStep(context, ranges);
  const profiles = await profilesStep(context, directions, ranges);

  const findings = {
    schema: "onnx-landscape/report/1" as const,
    ...{ model, data, checkpoint, planes, profiles, provenance, lossSlices },
    trace: traced.info,
    directions: directions.map((d) => d.info),
    eigenpairs: null,
    curvatureByScale: [],
    where: [],
    density: null,
    subsets: null,
    randomSlices: null,
    health: [],
    cost: {
      seconds: timer.seconds(),
      phases: timer.phases(),
      // maxRSS is in kilobytes.
      peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
      resumed: session.resumed,
    },
  };
  const seen: Observations = { repeat, productError: null, exact: null };
  return { ...findings, health: healthChecks(findings, seen), verdict: verdict(findings) };
}

/** As many random planes as `slices` draws. */
const SLICES = 50;

function planLosses({ train, test }: Subject, options: AnalysisOptions): PhasePlan[] {
  const both = train.samples + (test?.samples ?? 0);
  const splits = test ? 2 : 1;
  const losses = (name: string, units: number): PhasePlan => ({ name, units, cost: units * train.samples });
  const points = (name: string, units: number): PhasePlan => ({
    name,
    units: units * splits,
    cost: units * both,
  });
  return [
    losses("checkpoint", 13),
    losses("trace", 4 * options.probes + 60),
    losses("slices", 12 * SLICES + 60),
    losses("ranges", 180),
    planesPlan(2, { train, test }, options),
    points("profiles", (1 + options.randomProfiles) * options.profilePoints),
  ];
}

/** The plan in words. */
export function lossPlanText(options: AnalysisOptions): string {
  const points = 2 * planePoints(options) + (1 + options.randomProfiles) * options.profilePoints;
  return `losses only, ${plural(points, "point")}`;
}

/** The loss of θ₀ computed twice. */
async function repeatStep(context: StepContext, probe: Objective): Promise<Observations["repeat"]> {
  const { result } = await keepStep(context, "determinism", { losses: true }, async () => {
    const { loss: first } = await probe.evaluate([], context.signal);
    const { loss: second } = await probe.evaluate([], context.signal);
    const loss = Math.abs(second - first) / (Math.abs(first) || 1);
    return { result: { loss, gradient: null }, vectors: {} };
  });
  return result;
}
