import { isIntegerType } from "../data/convert.ts";
import { type Dataset, runWhole, type SampleRange } from "../data/index.ts";
import { LandscapeError } from "../errors.ts";
import { bindModel } from "../model/bind.ts";
import type { Checkpoint } from "../model/checkpoint.ts";
import { hasOwnRows } from "../model/own-rows.ts";
import type { BatchTypes } from "../model/programs.ts";
import type { Tensor } from "../onnx/tensor.ts";
import { DecisionCache } from "./decision-cache.ts";
import { Evaluator } from "./evaluator.ts";
import type { SessionCache } from "./sessions.ts";
import type { GroupResult } from "./tasks.ts";

/** No factor of any length in a model. */
const PRIME = 101;
/** Samples that are run together and in halves, to see whether they see one another. */
const PROBED = 8;
/** Numbers of samples with which models are exported. */
const SIZES = [...Array.from({ length: 64 }, (_, i) => i + 1), 100, 128, 256, 512, 1024];
/** More batches with programs of their own take too long to make, and too much memory. */
const OWN_PROGRAMS = 64;
/** Relative difference of their losses: far above rounding, far below what a sample is to another that looks at it. */
const APART = 1e-4;

/**
 * The data set as it can be run: in batches of any size, or all samples at once where the model's shapes take no few of
 * them, or where the loss of a few depends on the others.
 */
export async function divisible(
  checkpoint: Checkpoint,
  dataset: Dataset,
  sessions: SessionCache,
): Promise<Dataset> {
  const { samples, batchSize, path, whole } = dataset;
  if (checkpoint.own) return dataset;
  const obstacleAt = (n: number) => obstacleTo(checkpoint, dataset.types(n) as BatchTypes);
  if (whole !== null) return accepted(dataset, obstacleAt(samples));
  if (batchSize !== null || samples < 2) return dataset;
  if (runApart(checkpoint, dataset.types(PRIME) as BatchTypes, PRIME)) return dataset;
  const half = Math.floor(Math.min(PROBED, samples) / 2);
  const [ofOne, ...ofMore] = [1, half, 2 * half].map(obstacleAt);
  const obstacles = [ofOne, ...ofMore].filter((o) => o != null);
  if (obstacles.some((o) => o.code === "UNSUPPORTED_OP")) {
    const known =
      obstacleTo(
        checkpoint,
        dataset.types(samples) as BatchTypes,
        integersOf(dataset, { start: 0, end: samples }),
      ) === null;
    return known ? runWhole(dataset, "the model's shapes depend on integers of theirs") : dataset;
  }
  if (obstacles.length === 0) {
    await sessions.first({ start: 0, end: 1 }, () => dataset.batch(0, 1));
    const differs = await halvesDiffer(checkpoint, dataset, sessions, half);
    return differs ? runWhole(dataset, "the loss of a few depends on which others run with them") : dataset;
  }
  const still = obstacleAt(samples);
  if (still === null) return runWhole(dataset, "the model's shapes do not take a few of them");
  if (ofOne === null) return dataset;
  const size = SIZES.find((n) => obstacleAt(n) === null);
  const saidOfAll = [ofOne, ...ofMore, still].every((o) => o && shapeless(o) === shapeless(still));
  // What is wrong with any number of samples is said of the model by whoever runs it.
  if (size === undefined && saidOfAll) return dataset;
  const remedy =
    size === undefined
      ? "Give as many as it was exported with"
      : size < samples
        ? `Use --samples ${size}`
        : `Give ${size}`;
  throw new LandscapeError(
    "INVALID_DATA",
    `the model takes neither a few samples of ${JSON.stringify(path)} nor all ${samples} at once: ${reason(still)}. ${remedy}, or export it for any number`,
    { path, samples },
    { cause: still },
  );
}

/** What is said, whatever the sizes, and the operands' names: equal constants go by one of theirs. */
function shapeless({ message }: LandscapeError): string {
  return message.replace(/, got .*/, "").replace(/\d+/g, "#");
}

/** What a batch holds of integers. */
export function integersOf(dataset: Dataset, { start, end }: SampleRange): ReadonlyMap<string, Tensor> {
  const { inputs } = dataset.types(end - start);
  if (![...inputs.values()].some(({ type }) => isIntegerType(type))) return new Map();
  const batch = dataset.batch(start, end);
  return new Map([...batch.inputs].filter(([, { type }]) => isIntegerType(type)));
}

/**
 * Whether each batch of `dataset` has programs of its own: where it is the only one, its shapes may differ from those of
 * other data; otherwise where the model, exported for one size, has shapes that depend on integers of its samples.
 */
export function hasOwnPrograms(checkpoint: Checkpoint, dataset: Dataset): boolean {
  const { batchSize, samples } = dataset;
  if (batchSize === null || batchSize === samples) return batchSize !== null;
  const known = integersOf(dataset, { start: 0, end: batchSize });
  if (known.size === 0 || samples > OWN_PROGRAMS * batchSize) return false;
  const types = dataset.types(batchSize) as BatchTypes;
  const obstacle = obstacleTo(checkpoint, types);
  return obstacle?.code === "UNSUPPORTED_OP" && obstacleTo(checkpoint, types, known) === null;
}

/** Data that run undivided anyway, if the model takes them. */
function accepted(dataset: Dataset, obstacle: LandscapeError | null): Dataset {
  if (obstacle?.code !== "INVALID_MODEL") return dataset;
  const { path } = dataset;
  throw new LandscapeError(
    "INVALID_DATA",
    `the model does not take the arrays of ${JSON.stringify(path)}: ${reason(obstacle)}. Check their shapes`,
    { path },
    { cause: obstacle },
  );
}

function runApart(checkpoint: Checkpoint, types: BatchTypes, n: number): boolean {
  try {
    return hasOwnRows(bindModel(checkpoint, types.inputs), n);
  } catch (error) {
    if (error instanceof LandscapeError) return false;
    throw error;
  }
}

/** What keeps the model from such inputs: shapes that do not fit, or what is not known before it runs. */
function obstacleTo(
  checkpoint: Checkpoint,
  types: BatchTypes,
  known?: ReadonlyMap<string, Tensor>,
): LandscapeError | null {
  try {
    bindModel(checkpoint, types.inputs, known);
    return null;
  } catch (error) {
    if (error instanceof LandscapeError) return error;
    throw error;
  }
}

function reason({ message }: LandscapeError): string {
  return message.replace(/\. Check the model file and the shapes of the data$/, "");
}

/** Whether the losses of some samples are others where they run in two halves; also where none of them counts. */
async function halvesDiffer(
  checkpoint: Checkpoint,
  dataset: Dataset,
  sessions: SessionCache,
  half: number,
): Promise<boolean> {
  const ranges = [
    { start: 0, end: 2 * half },
    { start: 0, end: half },
    { start: half, end: 2 * half },
  ].map((range) => [range]);
  const evaluator = new Evaluator(checkpoint, dataset, sessions, ranges, {
    decisions: new DecisionCache(0),
    bakes: () => false,
  });
  const task = { kind: "evaluate", theta: checkpoint.theta } as const;
  const [both, ...halves] = await evaluator.run(task, [0, 1, 2], async () => {});
  const total = (of: (r: GroupResult) => number) => halves.reduce((sum, r) => sum + of(r), 0);
  const { loss, weight } = both as GroupResult;
  const size = total((r) => Math.abs(r.loss));
  return (
    weight === 0 || weight !== total((r) => r.weight) || Math.abs(loss - total((r) => r.loss)) > APART * size
  );
}
