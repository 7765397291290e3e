import {
  type Dataset,
  groupsFor,
  type Part,
  partRange,
  type SampleRange,
  sampleBatches,
  whole,
} from "../data/index.ts";
import type { Checkpoint } from "../model/checkpoint.ts";
import type { Warning } from "../model/preflight.ts";
import type { ProblemSpec } from "./problem-spec.ts";

/** How the samples of a data set, or of a part of it, are run. */
export interface BatchPlan {
  readonly groups: readonly (readonly SampleRange[])[];
  /** Samples of the largest run. */
  readonly batch: number;
  readonly warnings: readonly Warning[];
}

/**
 * Groups of batches of the `usual` size; but a loss inside the model that is right in one batch of all samples only
 * runs in one batch, as long as what a gradient of n samples holds, `bytes(n)`, fits into memory.
 */
export function planBatches(
  checkpoint: Checkpoint,
  dataset: Dataset,
  spec: ProblemSpec,
  usual: number,
  bytes: (n: number) => number,
  part: Part = whole,
): BatchPlan {
  const { batchSize } = dataset;
  const { start, end } = partRange(dataset.samples, part, batchSize);
  const samples = end - start;
  const groupsOf = (count: number, batch: number) =>
    sampleBatches(samples, count, batch, batchSize).map((group) =>
      group.map((range) => shifted(range, start)),
    );
  if (!checkpoint.own?.wholeBatch) {
    return { groups: groupsOf(groupsFor(samples), usual), batch: batchSize ?? usual, warnings: [] };
  }
  const batch = batchSize ?? Math.min(samples, spec.batch ?? largestBatch(samples, spec.memory, bytes));
  return { groups: groupsOf(1, batch), batch, warnings: batch < samples ? [split(dataset, batch)] : [] };
}

function shifted({ start, end }: SampleRange, by: number): SampleRange {
  return { start: start + by, end: end + by };
}

/** The number of samples whose values fit into `memory`: all, or an equal part of them. */
function largestBatch(samples: number, memory: number, bytes: (n: number) => number): number {
  for (let parts = 1; parts < samples; parts *= 2) {
    const batch = Math.ceil(samples / parts);
    if (bytes(batch) <= memory) return batch;
  }
  return 1;
}

function split({ path, samples, batchSize }: Dataset, batch: number): Warning {
  const why =
    batchSize === null
      ? "more do not fit into memory (--memory), or --batch says so"
      : "the model takes no others";
  return {
    code: "SPLIT_BATCH",
    message: `the ${samples} samples of ${JSON.stringify(path)} run in batches of ${batch}, since ${why}: the model's own loss is the mean of theirs, which is not that of one batch if it weights samples, ignores labels or normalises by the batch`,
  };
}
