import { LandscapeError } from "../errors.ts";
import { type FittedArray, runsOf } from "./fit.ts";
import { type ArrayStore, showShape } from "./store.ts";

/** How a data set divides into samples. */
export interface SampleSplit {
  readonly samples: number;
  /** The only size that batches may have; null when any will do. */
  readonly batchSize: number | null;
  /** Why all samples run at once, in words, where they need not by the model's fixed shapes. */
  readonly whole: string | null;
  /** Rows of each sample, of inputs whose first axis counts samples; the others are fed whole with every batch. */
  readonly batched: ReadonlyMap<string, number>;
  /** Rows of each sample in the targets: more than one where labels of all positions lie in one row. */
  readonly targetRows: number;
}

/**
 * Counts samples along the first axis of all arrays. Counts may differ only where an array is just what
 * the model's fixed shape asks for: then it is no batch of samples but goes into every run as it is; where labels lie
 * flattened, as many to a sample as an input has positions; or where the file does not say that its inputs have one length
 * (`mayDiffer`): then all goes into one run.
 */
export function splitSamples(
  store: ArrayStore,
  inputs: readonly FittedArray[],
  target: { readonly array: string; readonly shape: readonly number[] } | null,
  lossInside = false,
): SampleSplit {
  const flat = flattened(inputs, target);
  if (flat) return flat;
  const samples = countSamples(inputs, target);
  const undivided = inputs.filter(
    (i) => i.shape[0] !== samples || (i.shape.length > 0 && !divides(i.ownBatch, samples)),
  );
  const odd = undivided.filter((i) => i.shape[0] !== i.ownBatch && i.shape.length > 0);
  if (odd.length > 0 && !mayDiffer(odd, inputs, samples, lossInside))
    throw countsDiffer(store, inputs, target, samples);
  const batched = inputs.filter((i) => !undivided.includes(i));
  const sizes = new Set(batched.map((i) => i.ownBatch).filter((size) => size !== null));
  // With every shape fixed, or an axis that varies with the batch, only one run with everything is right.
  const varying = undivided.filter((i) => odd.includes(i) || i.open);
  if (batched.length === 0 || varying.length > 0) sizes.add(samples);
  if (sizes.size > 1) throw countsDiffer(store, inputs, target, samples);
  const [batchSize = null] = sizes;
  return {
    samples,
    batchSize,
    whole: varying.length > 0 && !lossInside ? notDivided(varying) : null,
    batched: new Map(batched.map((i) => [i.input, 1])),
    targetRows: 1,
  };
}

/**
 * Whether inputs may have lengths that are no count of samples: labels of all positions of a loss inside, or the nodes and
 * edges of a graph, whose lengths the file tells apart, or says nothing of.
 */
function mayDiffer(
  odd: readonly FittedArray[],
  inputs: readonly FittedArray[],
  samples: number,
  lossInside: boolean,
): boolean {
  if (odd.some((i) => i.ownBatch !== null)) return false;
  if (lossInside) return odd.every((i) => samples % (i.shape[0] ?? 1) === 0);
  const lengths = new Map<string, number>();
  for (const { axis, input, shape } of inputs) {
    const name = axis ?? `of ${input}`;
    if ((lengths.get(name) ?? shape[0]) !== shape[0]) return false;
    lengths.set(name, shape[0] ?? 0);
  }
  return new Set(lengths.values()).size > 1;
}

function notDivided(inputs: readonly FittedArray[]): string {
  const names = inputs.map((i) => `"${i.array}" ${showShape(i.shape)}`);
  return `${names.join(" and ")} ${names.length > 1 ? "do" : "does"} not divide among them`;
}

/**
 * Targets, and the input that takes them, with the labels of all positions in one row: a sample has as many as its
 * positions, some neighbouring axes of an input (a sequence's length, an image's height times width).
 */
function flattened(
  inputs: readonly FittedArray[],
  target: { readonly array: string; readonly shape: readonly number[] } | null,
): SampleSplit | undefined {
  const rows = target?.shape[0] ?? 0;
  const isFlat = (i: FittedArray) => i.array === target?.array;
  const [first, ...others] = inputs.filter((i) => !isFlat(i));
  const samples = first?.shape[0] ?? 0;
  const fits = inputs.every((i) => i.ownBatch === null) && others.every((i) => i.shape[0] === samples);
  if (target?.shape.length !== 1 || !fits || samples === 0 || rows <= samples || rows % samples !== 0)
    return undefined;
  const positions = rows / samples;
  if (![first, ...others].some((i) => i !== undefined && runsOf(i.shape.slice(1)).has(positions)))
    return undefined;
  const batched = new Map(inputs.map((i) => [i.input, isFlat(i) ? positions : 1]));
  return { samples, batchSize: null, whole: null, batched, targetRows: positions };
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
