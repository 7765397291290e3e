import { availableParallelism } from "node:os";
import type { LandscapeError } from "../errors.ts";
import type { Checkpoint } from "../model/checkpoint.ts";
import type { LossSpec } from "../model/loss.ts";
import type { BatchTypes } from "../model/programs.ts";
import type { Device } from "../runtime/index.ts";
import { DatasetObjective } from "./dataset-objective.ts";
import { LocalExecutor } from "./local-executor.ts";
import { type OpenedProblem, type OpenedSplit, openInProcess, type Split } from "./opened.ts";
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
  /** What is odd about the data. */
  readonly dataWarnings: readonly { readonly code: string; readonly message: string }[];
  /** sha256 of the data, by split. */
  readonly dataHashes: { readonly train: string; readonly test: string | null };
  /** What one batch of all training samples looks like. */
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
  const opened = await openInProcess(spec);
  const workers = countWorkers(options.workers, opened);
  const pool = workers > 1 ? await WorkerPool.open(spec, workers) : null;
  const objective = (split: Split, theta: Float32Array): Objective | null => {
    const part = opened.splits.get(split);
    if (part === undefined) return null;
    const executor = pool?.executor(split, part.groups) ?? new LocalExecutor(part.evaluator, part.groups);
    return new DatasetObjective(parametersOf(opened.checkpoint), theta, part.dataset.samples, executor);
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
    dataWarnings: [...opened.splits.values()].flatMap((part) => [...part.dataset.warnings, ...part.warnings]),
    dataHashes: { train: hash("train") as string, test: hash("test") },
    batchTypes: () => typesOfAll(opened.splits.get("train") as OpenedSplit),
    close: async () => {
      pool?.close();
      await opened.close();
    },
  };
}

function typesOfAll({ dataset }: OpenedSplit): BatchTypes {
  return dataset.types(dataset.samples) as BatchTypes;
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
  return Math.min(availableParallelism(), train.groups);
}
