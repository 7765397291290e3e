import {
  type Dataset,
  type DatasetRequirements,
  type DatasetSpec,
  holdOut,
  loadDataset,
  noData,
  type Part,
  partRange,
} from "../data/index.ts";
import { LandscapeError } from "../errors.ts";
import { assertHasParameters, type Checkpoint } from "../model/checkpoint.ts";
import type { Program } from "../model/compile.ts";
import { loadCheckpoint } from "../model/load-checkpoint.ts";
import type { LossSpec } from "../model/loss.ts";
import type { Warning } from "../model/preflight.ts";
import type { BatchTypes, Programs } from "../model/programs.ts";
import { openRuntime, type Runtime } from "../runtime/index.ts";
import { type BatchPlan, planBatches } from "./batch-plan.ts";
import { DecisionCache } from "./decision-cache.ts";
import { divisible, hasOwnPrograms, integersOf } from "./divide.ts";
import { Evaluator } from "./evaluator.ts";
import type { ProblemSpec } from "./problem-spec.ts";
import { type BatchKnowledge, type ProgramName, SessionCache } from "./sessions.ts";

export type Split = "train" | "test";

/** A problem opened in one process: the model, its data, and an evaluator per data set. */
export interface OpenedProblem {
  readonly checkpoint: Checkpoint;
  readonly runtime: Runtime;
  readonly lossSpec: LossSpec;
  /** Why there is no gradient, but losses; null: there is one. */
  readonly obstacle: LandscapeError | null;
  readonly batch: number;
  /** Bytes of all intermediate values of a gradient (or a loss, where there is none), per sample. */
  readonly bytesPerSample: number;
  readonly splits: ReadonlyMap<Split, OpenedSplit>;
  /** The graphs of one batch size. */
  programs(n: number): Programs;
  close(): Promise<void>;
}

export interface OpenedSplit {
  readonly dataset: Dataset;
  part(part: Part): OpenedPart;
}

/** All of a data set, or a part of it. */
export interface OpenedPart {
  readonly samples: number;
  readonly groups: number;
  readonly evaluator: Evaluator;
  /** What is odd about how its samples are batched. */
  readonly warnings: readonly Warning[];
}

// Values of one gradient batch. Larger batches are not faster per sample (measured on ResNets: 8 to 16 images);
// smaller ones pay more for each call.
const BATCH_BYTES = 320 * 2 ** 20;
const MAX_BATCH = 256;
const BAKED_NODE_BYTES = { loss: 0.75 * 2 ** 20, gradient: 1.5 * 2 ** 20 };

/** Loads model and data and checks that they fit together. */
export async function openInProcess(spec: ProblemSpec): Promise<OpenedProblem> {
  const checkpoint = await loadCheckpoint(spec.model, {
    output: spec.output,
    params: spec.params,
    freeze: spec.freeze,
    gradient: spec.gradient,
    evalMode: spec.evalMode,
  });
  const runtime = await openRuntime({ device: spec.device, threads: spec.threads });
  const { datasets, sessionsOf } = await openData(spec, checkpoint, runtime);
  const train = datasets.get("train") as Dataset;
  const sessions = sessionsOf(train);
  const unit = train.batchSize ?? 1;
  const one = await sessions.first({ start: 0, end: unit }, () => train.batch(0, unit));
  const obstacle = obstacleOf(one.programs);
  const programs = (n: number) => sessions.of({ start: 0, end: n }).programs;
  const bytesOf = (n: number) => (obstacle ? lossBytes : gradientBytes)(programs(n), n);
  const bytesPerSample = bytesOf(unit) / unit;
  const usual = spec.batch ?? chooseBatch(bytesPerSample, spec.memory);
  const plan = (dataset: Dataset, part?: Part) =>
    planBatches(checkpoint, dataset, spec, usual, bytesOf, part);
  const splits = new Map<Split, OpenedSplit>();
  for (const [split, dataset] of datasets) {
    const { kind, classes, ignoreIndex, classWeights: weights } = one.spec;
    if (classes !== null && kind !== "output") {
      dataset.assertLabels({ classes, ignoreIndex, weights, soft: kind === "bce" });
    }
    const own = sessionsOf(dataset);
    const size = dataset.batchSize ?? unit;
    if (own !== sessions) await own.first({ start: 0, end: size }, () => dataset.batch(0, size));
    const decisions = new DecisionCache(spec.memory / 2);
    const evaluator = ({ groups }: BatchPlan, samples: number) =>
      new Evaluator(checkpoint, dataset, own, groups, {
        decisions,
        bakes: (name) => worthBaking(name, one.programs, unit, own.isByBatch ? unit : samples),
      });
    splits.set(
      split,
      openedSplit(dataset, (part) => plan(dataset, part), evaluator),
    );
  }
  return {
    checkpoint,
    runtime,
    lossSpec: one.spec,
    obstacle,
    batch: plan(train).batch,
    bytesPerSample,
    splits,
    programs,
    close: async () => {
      for (const dataset of datasets.values()) await sessionsOf(dataset).close();
    },
  };
}

function openedSplit(
  dataset: Dataset,
  plan: (part: Part) => BatchPlan,
  evaluator: (plan: BatchPlan, samples: number) => Evaluator,
): OpenedSplit {
  const parts = new Map<string, OpenedPart>();
  const open = (part: Part): OpenedPart => {
    const { start, end } = partRange(dataset.samples, part, dataset.batchSize);
    const samples = end - start;
    const planned = plan(part);
    const { groups, warnings } = planned;
    return { samples, groups: groups.length, evaluator: evaluator(planned, samples), warnings };
  };
  return {
    dataset,
    part: (part) => {
      const key = `${part.index}/${part.of}`;
      const opened = parts.get(key) ?? open(part);
      parts.set(key, opened);
      return opened;
    },
  };
}

interface OpenedData {
  readonly datasets: ReadonlyMap<Split, Dataset>;
  /** The sessions of data whose batches have programs of their own are apart. */
  readonly sessionsOf: (dataset: Dataset) => SessionCache;
}

async function openData(spec: ProblemSpec, checkpoint: Checkpoint, runtime: Runtime): Promise<OpenedData> {
  const datasets = new Map<Split, Dataset>();
  const cache = (data: BatchKnowledge) => new SessionCache(checkpoint, runtime, spec.loss, data);
  const shared = cache({ types: (n) => typesFor(n, datasets) });
  const add = async (split: Split, dataset: Dataset) => {
    datasets.set(split, dataset);
    datasets.set(split, await divisible(checkpoint, dataset, shared));
  };
  await add("train", await loadTrain(spec.train, checkpoint));
  if (spec.holdOut !== undefined) {
    const { train, heldOut } = holdOut(datasets.get("train") as Dataset, spec.holdOut);
    datasets.set("train", train).set("test", heldOut);
  } else if (spec.test) await add("test", await loadDataset(spec.test, requirements(checkpoint)));
  const apart = [...datasets.values()].filter((d) => hasOwnPrograms(checkpoint, d));
  const own = new Map(apart.map((d) => [d, cache(knowledgeOf(d))]));
  return { datasets, sessionsOf: (dataset) => own.get(dataset) ?? shared };
}

function knowledgeOf(dataset: Dataset): BatchKnowledge {
  return {
    types: (n) => dataset.types(n) as BatchTypes,
    integers: (range) => integersOf(dataset, range),
  };
}

/** Only a model without inputs, whose output is its loss, needs no data. */
async function loadTrain(spec: DatasetSpec | null, checkpoint: Checkpoint): Promise<Dataset> {
  if (spec !== null) return loadDataset(spec, requirements(checkpoint));
  if (checkpoint.inputs.length === 0) return noData();
  throw new LandscapeError(
    "INVALID_OPTION",
    "no data given; expected --data F with inputs and targets, such as train.npz",
    { option: "data" },
  );
}

/** Data that run only as a whole have shapes of their own; of all others a batch of one size looks the same. */
function typesFor(n: number, datasets: ReadonlyMap<Split, Dataset>): BatchTypes {
  const whole = [...datasets.values()].find((dataset) => dataset.batchSize === n);
  return (whole ?? (datasets.get("train") as Dataset)).types(n) as BatchTypes;
}

export function requireParameters(problem: OpenedProblem): void {
  assertHasParameters(problem.checkpoint);
}

function requirements(checkpoint: Checkpoint): DatasetRequirements {
  return {
    ...(checkpoint.own && { target: checkpoint.own.target?.name ?? null }),
    inputs: checkpoint.inputs.map((v) => ({
      name: v.name,
      type: v.type,
      dims: v.shape?.map((d) => (typeof d === "number" ? d : null)) ?? null,
      axis: typeof v.shape?.[0] === "string" ? v.shape[0] : null,
    })),
  };
}

/**
 * Whether a session of its own for every θ pays on the CPU. It costs about 0.12 ms per node; with constant
 * weights onnxruntime's convolutions take another layout, which saves about 0.15 ms per MB of values (measured
 * on ResNet-20 and -56, loss and gradient; two processes share the samples). By sizes alone, so that equal
 * runs decide alike.
 */
function worthBaking(name: ProgramName, programs: Programs, batchSize: number, samples: number): boolean {
  const { graph, bytes } = programs[name]() as Program;
  if (!graph.nodes.some((node) => node.op === "Conv")) return false;
  // A product has one θ: its sessions are kept.
  if (name === "product" || name === "gaussNewton" || name === "fisher") return true;
  const price = name === "loss" ? BAKED_NODE_BYTES.loss : BAKED_NODE_BYTES.gradient;
  return (samples / batchSize) * bytes > graph.nodes.length * price;
}

function obstacleOf(programs: Programs): LandscapeError | null {
  try {
    programs.gradientBytes();
    return null;
  } catch (error) {
    if (error instanceof LandscapeError && error.code === "UNSUPPORTED_OP") return error;
    throw error;
  }
}

function gradientBytes(programs: Programs): number {
  return programs.gradientBytes();
}

/** Where only losses are run, the values of a loss; where their shapes are not known, a megabyte for each sample. */
function lossBytes(programs: Programs, samples: number): number {
  return programs.loss().bytes || samples * 2 ** 20;
}

function chooseBatch(bytesPerSample: number, memory: number): number {
  const fits = Math.min(BATCH_BYTES, memory / 2) / bytesPerSample;
  return Math.max(1, Math.min(MAX_BATCH, Math.floor(fits)));
}
