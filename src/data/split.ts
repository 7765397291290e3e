import { LandscapeError } from "../errors.ts";
import type { FittedArray } from "./fit.ts";
import type { ArrayStore } from "./store.ts";

/** How a data set divides into samples. */
export interface SampleSplit {
  readonly samples: number;
  /** The only size that batches may have; null when any will do. */
  readonly batchSize: number | null;
  /** Inputs whose first axis counts samples; the others are fed whole with every batch. */
  readonly batched: ReadonlySet<string>;
}

/**
 * Counts samples along the first axis of all arrays. Counts may differ only where an array is just what
 * the model's fixed shape asks for: then it is no batch of samples but goes into every run as it is; or, with
 * `lossInside`, where a model takes its labels flattened: then all goes into one run.
 */
export function splitSamples(
  store: ArrayStore,
  inputs: readonly FittedArray[],
  target: { readonly array: string; readonly shape: readonly number[] } | null,
  lossInside = false,
): SampleSplit {
  const samples = countSamples(inputs, target);
  const whole = inputs.filter(
    (i) => i.shape[0] !== samples || (i.shape.length > 0 && !divides(i.ownBatch, samples)),
  );
  const odd = whole.filter((i) => i.shape[0] !== i.ownBatch && i.shape.length > 0);
  const isFlattened =
    lossInside && odd.every((i) => samples % (i.shape[0] ?? 1) === 0 && i.ownBatch === null);
  if (odd.length > 0 && !isFlattened) throw countsDiffer(store, inputs, target, samples);
  const batched = inputs.filter((i) => !whole.includes(i));
  const sizes = new Set(batched.map((i) => i.ownBatch).filter((size) => size !== null));
  // With every shape fixed, or an axis that varies with the batch, only one run with everything is right.
  if (batched.length === 0 || odd.length > 0 || whole.some((i) => i.open)) sizes.add(samples);
  if (sizes.size > 1) throw countsDiffer(store, inputs, target, samples);
  const [batchSize = null] = sizes;
  return { samples, batchSize, batched: new Set(batched.map((i) => i.input)) };
}

function countSamples(
  inputs: readonly FittedArray[],
  target: { readonly shape: readonly number[] } | null,
): number {
  const free = inputs.find((i) => i.ownBatch === null && i.shape.length > 0);
  return target?.shape[0] ?? (free ?? inputs[0])?.shape[0] ?? 1;
}

function divides(size: number | null, samples: number): boolean {
  return size === null || samples % size === 0;
}

function countsDiffer(
  store: ArrayStore,
  inputs: readonly FittedArray[],
  target: { readonly array: string; readonly shape: readonly number[] } | null,
  samples: number,
): LandscapeError {
  const where = `in ${JSON.stringify(store.name)}`;
  const odd = inputs.find((i) => i.shape[0] === samples && !divides(i.ownBatch, samples));
  if (odd) {
    const size = odd.ownBatch!;
    const fewer = samples - (samples % size);
    const fix = fewer > 0 ? `take --samples ${fewer}, or` : "";
    return new LandscapeError(
      "INVALID_DATA",
      `${samples} samples ${where} do not fill batches of ${size}, the size the model was exported for. ${fix} export it with a dynamic batch`.replace(
        /\. +/,
        ". ",
      ),
      { path: store.name, samples, batch: size },
    );
  }
  const arrays = [...inputs, ...(target ? [target] : [])];
  const counts = arrays.map((a) => `"${a.array}" has ${a.shape[0] ?? "none"}`).join(", ");
  return new LandscapeError(
    "INVALID_DATA",
    `numbers of samples differ ${where}: ${counts}; expected the same first axis in all`,
    { path: store.name, counts: Object.fromEntries(arrays.map((a) => [a.array, a.shape[0] ?? null])) },
  );
}
