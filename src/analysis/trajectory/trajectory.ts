import process from "node:process";
import type { ChosenRange, PathWeights } from "../../landscape/index.ts";
import { cosine } from "../../numerics/vector.ts";
import type { Direction, Objective } from "../../objective/types.ts";
import type { CostInfo, DataInfo, ModelInfo, ProvenanceInfo } from "../analysis-report.ts";
import type { PhaseTimer } from "../phase-timer.ts";
import { type Progress, prefixed } from "../progress.ts";
import { vectorHash } from "../run/unit.ts";
import type { UnitStore } from "../run/unit-store.ts";
import { checkpointStep } from "../steps/checkpoint.ts";
import type { StepContext } from "../steps/context.ts";
import { type EigenStep, eigenStep } from "../steps/eigenpairs.ts";
import { commonExtents, frameRange, frameStep } from "../steps/frames.ts";
import { pathPlaneStep, pathStep, underPathStep } from "../steps/path.ts";
import { traceStep } from "../steps/trace.ts";
import { trajectoryFindings, trajectoryHealth } from "./findings.ts";
import { spread, type TrajectoryOptions } from "./options.ts";
import { planTrajectory } from "./plan.ts";
import type { Animation, Frame, PathPoint, TrajectoryReport } from "./report.ts";

/** One checkpoint opened by itself: its own graph, its own θ₀, its own place in the run's store. */
export interface OpenedCheckpoint {
  readonly train: Objective;
  readonly test: Objective | null;
  /** Computes afresh whatever is stored. */
  readonly probe: Objective;
  readonly store: UnitStore;
}

/** The checkpoints of one run, in the order of training. */
export interface TrajectorySubject {
  readonly checkpoints: readonly Pick<PathPoint, "name" | "sha256" | "step">[];
  readonly weights: PathWeights;
  /** Names of tensors that are no parameters and yet differ between checkpoints, such as running statistics. */
  readonly otherDifferences: readonly string[];
  /** Does `work` with checkpoint k opened, and closes it. */
  open<T>(k: number, progress: Progress, work: (opened: OpenedCheckpoint) => Promise<T>): Promise<T>;
  readonly model: ModelInfo;
  readonly data: DataInfo;
  readonly provenance: ProvenanceInfo;
}

export interface TrajectorySession {
  readonly progress: PhaseTimer;
  readonly signal: AbortSignal;
  readonly resumed: boolean;
}

/**
 * Losses, curvatures and places of all checkpoints, the loss under the path and around it. Each checkpoint is opened by
 * itself, since branches freeze and products are taken at its own θ₀ in its own graph; one is open at a time. Every
 * piece is looked up in the run's store first, so that a killed run started again goes on where it stopped.
 */
export async function analyseTrajectory(
  subject: TrajectorySubject,
  options: TrajectoryOptions,
  session: TrajectorySession,
): Promise<TrajectoryReport> {
  const { checkpoints, model, data, provenance } = subject;
  const tour: Tour = {
    subject,
    options,
    session,
    shown: new Set(spread(checkpoints.length, options.frames)),
  };
  session.progress.plan(planTrajectory(subject, options, tour.shown));

  const { visits, ends } = await visitAll(tour);
  const { plane, places } = await placePath(tour, ends);
  const points = checkpoints.map((point, k) => ({ ...point, ...visits[k]!.info, ...places[k]! }));
  const animation = tour.shown.size > 0 ? await animate(tour, visits, ends) : null;
  const found = { checkpoints: points, plane, otherDifferences: subject.otherDifferences };
  return {
    schema: "onnx-landscape/trajectory/1",
    ...{ model, data, findings: trajectoryFindings(found), checkpoints: points, plane, animation },
    health: trajectoryHealth(found),
    cost: {
      seconds: session.progress.seconds(),
      phases: summed(session.progress.phases()),
      // maxRSS is in kilobytes.
      peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
      resumed: session.resumed,
    },
    provenance,
  };
}

interface Tour {
  readonly subject: TrajectorySubject;
  readonly options: TrajectoryOptions;
  readonly session: TrajectorySession;
  /** Checkpoints that have a frame. */
  readonly shown: ReadonlySet<number>;
}

/** v₊ and v₋. */
type Ends = readonly [Direction, Direction];

function at<T>(
  { subject, options, session }: Tour,
  k: number,
  work: (context: StepContext, probe: Objective) => Promise<T>,
): Promise<T> {
  const progress = prefixed(session.progress, `${subject.checkpoints[k]?.name}${SEPARATOR}`);
  return subject.open(k, progress, ({ train, test, probe, store }) =>
    work({ train, test, store, progress, signal: session.signal, options: options.analysis }, probe),
  );
}

/** What is computed of one checkpoint, in its own graph. */
interface Visit {
  readonly info: Pick<
    PathPoint,
    "checkpoint" | "eigenpairs" | "products" | "hvp" | "stopped" | "trace" | "cosTop" | "cosBottom"
  >;
  /** How far its frame would go by itself; null where it has none. */
  readonly range: ChosenRange | null;
  /** Its frame, where directions follow; fixed ones wait for the common range. */
  readonly frame: Frame | null;
}

/** The last checkpoint first: its v₊ and v₋ are what the others are compared with. */
async function visitAll(tour: Tour): Promise<{ visits: Visit[]; ends: Ends }> {
  const last = tour.subject.checkpoints.length - 1;
  const visits: Visit[] = [];
  const { visit, own: ends } = await visitOne(tour, last, null);
  for (let k = 0; k < last; k++) visits.push((await visitOne(tour, k, ends)).visit);
  return { visits: [...visits, visit], ends };
}

/** `ends` are those of the last checkpoint; null for itself. */
function visitOne(tour: Tour, k: number, ends: Ends | null): Promise<{ visit: Visit; own: Ends }> {
  return at(tour, k, async (context, probe) => {
    const { tolerance, maxProducts, method, hvp, seed, probes } = context.options;
    const { info: checkpoint, gradient } = await checkpointStep(context);
    const request = {
      top: 1,
      bottom: 1,
      tolerance,
      maxProducts,
      method,
      hvp,
      kinks: "frozen",
      seed,
    } as const;
    const eigen = await eigenStep(context, request, gradient);
    const { estimator } = tour.options;
    const wanted = { method: hvp, kinks: "frozen", seed, probes, estimator } as const;
    const trace = probes === 0 ? null : (await traceStep(context, wanted, probe)).info;
    const own = eigen.vectors.map(direction) as unknown as Ends;
    const [cosTop, cosBottom] = own.map((d, i) =>
      ends ? Math.abs(cosine(d.vector, ends[i]!.vector)) : 1,
    ) as [number, number];
    const { pairs, products, stopped, hvp: by } = eigen.info;
    const info = { checkpoint, eigenpairs: pairs, products, hvp: by, stopped, trace, cosTop, cosBottom };
    return { visit: { info, ...(await look(tour, context, k, eigen, ends)) }, own };
  });
}

/** The range of a checkpoint's frame; with directions that follow also the frame. */
async function look(
  { options, shown }: Tour,
  context: StepContext,
  k: number,
  eigen: EigenStep,
  ends: Ends | null,
): Promise<Pick<Visit, "range" | "frame">> {
  if (!shown.has(k)) return { range: null, frame: null };
  const own = eigen.vectors.map(direction) as unknown as Ends;
  const directions = options.follow ? own : (ends ?? own);
  const pairs = directions === own ? eigen.info.pairs : [];
  const range = await frameRange(context, directions, pairs);
  const frame = options.follow
    ? await frameStep(context, directions, range.extents, k, options.frameGrid)
    : null;
  return { range, frame };
}

/** In the last checkpoint's graph: the plane, the surface, and every checkpoint's place on it. */
function placePath(tour: Tour, ends: Ends) {
  const { subject, options } = tour;
  return at(tour, subject.checkpoints.length - 1, async (context) => {
    const path = await pathStep(context, subject.weights, options.plane, ends);
    const plane = await pathPlaneStep(context, path, options.plane);
    const under = await underPathStep(context, path, subject.weights);
    return { plane, places: path.positions.map((position, k) => ({ ...position, ...under[k]! })) };
  });
}

async function animate(tour: Tour, visits: readonly Visit[], ends: Ends): Promise<Animation> {
  const { options, shown } = tour;
  const order = [...shown].toSorted((a, b) => a - b);
  if (options.follow) {
    const frames = order.map((k) => visits[k]!.frame!);
    return { directions: "follow", frames, range: "each to the rise around its own lowest point" };
  }
  const extents = commonExtents(order.map((k) => visits[k]!.range!));
  const frames: Frame[] = [];
  for (const k of order) {
    frames.push(await at(tour, k, (context) => frameStep(context, ends, extents, k, options.frameGrid)));
  }
  const range = "the geometric mean of how far each checkpoint’s own frame would go";
  return { directions: "fixed", frames, range };
}

function direction(vector: Float64Array): Direction {
  return { id: `sha256:${vectorHash(vector)}`, vector };
}

/** One entry for the phases of one kind, of all checkpoints together. */
function summed(phases: CostInfo["phases"]): CostInfo["phases"] {
  const sums = new Map<string, { name: string; seconds: number; units: number }>();
  for (const phase of phases) {
    const name = phase.name.slice(phase.name.lastIndexOf(SEPARATOR) + SEPARATOR.length);
    const { seconds, units } = sums.get(name) ?? { seconds: 0, units: 0 };
    sums.set(name, { name, seconds: seconds + phase.seconds, units: units + phase.units });
  }
  return [...sums.values()];
}

/** Between a checkpoint's name and the phase. */
const SEPARATOR = ": ";
