import { availableParallelism } from "node:os";
import { type Part, whole } from "../data/index.ts";
import { LandscapeError } from "../errors.ts";
import type { Checkpoint } from "../model/checkpoint.ts";
import type { LossSpec } from "../model/loss.ts";
import type { BatchTypes } from "../model/programs.ts";
import type { Device } from "../runtime/index.ts";
import { DatasetObjective } from "./dataset-objective.ts";
import { LocalExecutor } from "./local-executor.ts";
import { openChecked } from "./open-checked.ts";
import type { OpenedProblem, OpenedSplit, Split } from "./opened.ts";
import type { ProblemSpec } from "./problem-spec.ts";
import type { Objective } from "./types.ts";
import { canFork, WorkerPool } from "./worker-pool.ts";

/** A model with its data, ready to be evaluated and differentiated. */
export interface Problem {
  readonly checkpoint: Checkpoint;
  readonly loss: LossSpec;
  /** Why there is no gradient, but losses; null: there is one. */
  readonly obstacle: LandscapeError | null;
  readonly device: Device;
  /** Why another device than asked for is used, in words. */
  readonly notice: string | null;
  readonly runtimeVersion: string;
  /** Samples per run, and processes in use. */
  readonly batch: number;
  readonly workers: number;
  readonly train: Objective;
  readonly test: Objective | null;
  /** The same losses around other parameters than the checkpoint's. */
  around(theta: Float32Array): { readonly train: Objective; readonly test: Objective | null };
  /** The training loss on each of `count` parts of the training samples, disjoint and nearly equal in size. */
  subsets(count: number): readonly Objective[];
  /** The number of subsets that there can be at most. */
  readonly mostSubsets: number;
  /** What is odd about the data. */
  readonly dataWarnings: readonly { readonly code: string; readonly message: string }[];
  /** sha256 of the data, by split. */
  readonly dataHashes: { readonly train: string; readonly test: string | null };
  /** What one batch looks like: of all training samples, or of the size that the model takes. */
  batchTypes(): BatchTypes;
  close(): Promise<void>;
}

/** A problem whose number of processes may be left to us. */
export type ProblemOptions = Omit<ProblemSpec, "workers"> & { readonly workers: number | "auto" };

// Below this much work per gradient, sending vectors between processes costs more than it saves.
const WORTH_FORKING_BYTES = 400 * 2 ** 20;

/** Opens model and data, here or in worker processes too. The numbers do not depend on how many there are. */
export async function openProblem(options: ProblemOptions): Promise<Problem> {
  const spec: ProblemSpec = { ...options, workers: 1 };
  const opened = await openChecked(spec);
  const workers = countWorkers(options.workers, opened);
  const pool =
    workers > 1 ? await WorkerPool.open({ ...spec, device: opened.runtime.device }, workers) : null;
  const objective = (split: Split, theta: Float32Array, part: Part = whole): Objective | null => {
    const data = opened.splits.get(split)?.part(part);
    if (data === undefined) return null;
    const { samples, groups, evaluator } = data;
    const executor = pool?.executor({ split, part }, groups) ?? new LocalExecutor(evaluator, groups);
    return new DatasetObjective(parametersOf(opened.checkpoint), theta, samples, executor);
  };
  const around = (theta: Float32Array) => ({
    train: objective("train", theta) as Objective,
    test: objective("test", theta),
  });
  const hash = (split: Split) => opened.splits.get(split)?.dataset.sha256 ?? null;
  return {
    checkpoint: opened.checkpoint,
    loss: opened.lossSpec,
    obstacle: opened.obstacle,
    device: opened.runtime.device,
    notice: opened.runtime.notice,
    runtimeVersion: opened.runtime.version,
    batch: opened.batch,
    workers,
    ...around(opened.checkpoint.theta),
    around,
    subsets: (count) => {
      assertSubsets(count, opened.splits.get("train") as OpenedSplit);
      const part = (index: number) => objective("train", opened.checkpoint.theta, { index, of: count });
      return Array.from({ length: count }, (_, index) => part(index) as Objective);
    },
    mostSubsets: mostSubsets(opened.splits.get("train") as OpenedSplit),
    dataWarnings: [...opened.splits.values()].flatMap((data) => [
      ...data.dataset.warnings,
      ...data.part(whole).warnings,
    ]),
    dataHashes: { train: hash("train") as string, test: hash("test") },
    batchTypes: () => typesOfBatch(opened.splits.get("train") as OpenedSplit),
    close: async () => {
      pool?.close();
      await opened.close();
    },
  };
}

/** One sample each, or one batch where the model takes batches of one size. */
function mostSubsets({ dataset }: Pick<OpenedSplit, "dataset">): number {
  return Math.floor(dataset.samples / (dataset.batchSize ?? 1));
}

function assertSubsets(count: number, { dataset }: Pick<OpenedSplit, "dataset">): void {
  const most = mostSubsets({ dataset });
  if (Number.isInteger(count) && count >= 2 && count <= most) return;
  const { samples, batchSize, path } = dataset;
  const size = batchSize === null ? "" : ` in batches of ${batchSize}, the size the model takes`;
  const range = most < 2 ? "none can be made" : `expected from 2 to ${most}`;
  throw new LandscapeError(
    "INVALID_OPTION",
    `invalid --subsets: ${count}; ${range} of the ${samples} samples in ${JSON.stringify(path)}${size}`,
    { option: "subsets", most },
  );
}

function typesOfBatch({ dataset }: OpenedSplit): BatchTypes {
  return dataset.types(dataset.batchSize ?? dataset.samples) as BatchTypes;
}

function parametersOf(checkpoint: Checkpoint): Objective["parameters"] {
  return checkpoint.parameters.map(({ name, shape, offset, size }) => ({ name, shape, offset, size }));
}

function countWorkers(asked: number | "auto", opened: OpenedProblem): number {
  if (asked !== "auto") return asked;
  // One GPU is one queue; and without the compiled worker there is nothing to fork.
  if (opened.runtime.device !== "cpu" || !canFork()) return 1;
  const train = opened.splits.get("train") as OpenedSplit;
  if (opened.bytesPerSample * train.dataset.samples < WORTH_FORKING_BYTES) return 1;
  return Math.min(availableParallelism(), train.part(whole).groups);
}
