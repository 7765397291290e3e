import type { Batch } from "../data/index.ts";
import type { Checkpoint } from "../model/checkpoint.ts";
import type { RuntimeTensor } from "../runtime/index.ts";

/** Named tensors on their way into a session. */
export type NamedFeeds = [name: string, tensor: RuntimeTensor][];

/** Feeds of a flat vector: one view per parameter, named `prefix` and its index. */
export function vectorFeeds(checkpoint: Checkpoint, prefix: string, vector: Float32Array): NamedFeeds {
  return checkpoint.parameters.map((p, i) => [
    `${prefix}${i}`,
    { type: "float32", dims: p.shape, data: vector.subarray(p.offset, p.offset + p.size) },
  ]);
}

/** Feeds of a batch: the model's inputs, and the targets. */
export function dataFeeds(checkpoint: Checkpoint, batch: Batch): NamedFeeds {
  const feeds = checkpoint.inputs.map((v, i): NamedFeeds[number] => [
    `x${i}`,
    batch.inputs.get(v.name) as RuntimeTensor,
  ]);
  return batch.target ? [...feeds, ["t", batch.target as RuntimeTensor]] : feeds;
}

/** Only what a session takes: an unused parameter has no input. */
export function wantedFeeds(feeds: NamedFeeds, names: readonly string[]): Record<string, RuntimeTensor> {
  const wanted = new Set(names);
  return Object.fromEntries(feeds.filter(([name]) => wanted.has(name)));
}
