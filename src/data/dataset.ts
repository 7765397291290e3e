import { createHash } from "node:crypto";
import { LandscapeError } from "../errors.ts";
import { type Converter, converter, type FeedType, firstOutside, isFloatType } from "./convert.ts";
import type { Batch, Feed, FeedShape } from "./feed.ts";
import { assertPositions, type FittedArray, findArray, fitArray, type InputRequirement } from "./fit.ts";
import { assertLabels, type Labels } from "./labels.ts";
import { channelsOf, type Normalization, transformOf } from "./normalization.ts";
import type { NdArray, NumericArray } from "./npy.ts";
import { sliceRows } from "./npz.ts";
import { openData } from "./open.ts";
import { runWhole } from "./part.ts";
import { type SampleSplit, splitSamples } from "./split.ts";
import { type ArrayStore, missingArray, showIndex, showShape } from "./store.ts";

/** Which data to load, as plain data: a worker loads the same from it. */
export interface DatasetSpec {
  /** An .npz, a folder of them, `images,labels` of idx files, or CIFAR-10 binaries. */
  readonly path: string;
  /** Which files of a CIFAR-10 folder. */
  readonly split: "train" | "test";
  /** The first N samples; null takes all. */
  readonly samples: number | null;
  /** Name of the array of targets. Only the default, `y`, may be missing. */
  readonly target: string;
  readonly normalization: Normalization | undefined;
}

/** What the model takes. */
export interface DatasetRequirements {
  readonly inputs: readonly InputRequirement[];
  /**
   * For models whose loss lies inside: the input that is thought to take the targets; absent for others. Where the
   * data lack one input only, that one takes them.
   */
  readonly target?: string | null;
}

/** Samples with their targets, checked: types and shapes fit the model, and everything is finite. */
export interface Dataset {
  readonly path: string;
  readonly samples: number;
  /** The only size that batches may have, for models of a fixed one; null when any will do. */
  readonly batchSize: number | null;
  /** Why all samples run at once, in words; null where they are cut into batches, or the model's own shapes say so. */
  readonly whole: string | null;
  /** Of the contents used and their normalisation, whatever the file's format and compression. */
  readonly sha256: string;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
  /** What a batch of `n` samples looks like; `n` may be more than there are. */
  types(n: number): { readonly inputs: ReadonlyMap<string, FeedShape>; readonly target: FeedShape | null };
  /** Samples [start, end), converted and normalised. */
  batch(start: number, end: number): Batch;
  /** Throws unless the targets are labels of such classes, and some of them count. */
  assertLabels(labels: Labels): void;
}

const DEFAULT_TARGET = "y";

/** Loads the samples that `spec` names, as `requirements` asks for them. Arrays that are not needed are not read. */
export async function loadDataset(spec: DatasetSpec, requirements: DatasetRequirements): Promise<Dataset> {
  const { inputs } = requirements;
  const store = await openData(spec.path, { split: spec.split, limit: spec.samples ?? undefined });
  try {
    const fed = inputOfTargets(store, requirements);
    const stored = takesThemItself(spec, requirements)
      ? null
      : await findTarget(store, targetArray(store, spec, requirements, fed));
    const others = inputs.filter((input) => input.name !== (fed ?? requirements.target));
    const fitted: FittedArray[] = [];
    for (const input of inputs) {
      const takesTarget = input.name === fed && stored !== null;
      const array = takesTarget ? stored.array : findArray(store, input, others.length === 1);
      const isTarget = takesTarget || input.name === requirements.target;
      fitted.push(fitArray(store, array, await store.info(array), { ...input, isTarget }));
    }
    assertPositions(store, fitted);
    const target = stored && asTaken(stored, fitted);
    const split = limitSamples(
      store,
      splitSamples(store, fitted, target, requirements.target !== undefined),
      spec,
    );
    const measured = fitted.filter((f) => f.input !== fed && f.input !== requirements.target);
    const dataset = await assemble(spec, store, fitted, measured, target, split);
    return split.whole === null ? dataset : runWhole(dataset, split.whole);
  } finally {
    await store.close();
  }
}

/** The input that the data lack and that therefore takes the targets; null when there is none. */
function inputOfTargets(store: ArrayStore, { inputs, target }: DatasetRequirements): string | null {
  if (target === undefined) return null;
  const lacking = inputs.map((input) => input.name).filter((name) => !store.arrays.includes(name));
  if (target !== null && lacking.includes(target)) return target;
  // The one other input of a model may be called x.
  const isX = inputs.length === 2 && store.arrays.includes("x");
  return inputs.length > 1 && lacking.length === 1 && !isX ? lacking[0]! : null;
}

/** A model that takes an array of the targets' default name takes them itself: its output is the loss. */
function takesThemItself(spec: DatasetSpec, { inputs, target }: DatasetRequirements): boolean {
  return (
    target === undefined &&
    spec.target === DEFAULT_TARGET &&
    inputs.some((input) => input.name === DEFAULT_TARGET)
  );
}

/** Where the data hold the targets: under the name asked for, or under that of the input that takes them. */
function targetArray(
  store: ArrayStore,
  spec: DatasetSpec,
  { target }: DatasetRequirements,
  fed: string | null,
): string {
  if (fed !== null && !store.arrays.includes(spec.target)) {
    throw missingArray(store, spec.target, `no data for input "${fed}" (as "${fed}" or "${spec.target}")`);
  }
  const isNamed = fed === null && target != null && store.arrays.includes(target);
  return isNamed ? target : spec.target;
}

/** The array of targets. */
type TargetArray = Pick<FittedArray, "array" | "shape" | "flat">;

async function findTarget(store: ArrayStore, name: string): Promise<TargetArray | null> {
  if (store.arrays.includes(name)) {
    const { shape } = await store.info(name);
    if (shape.length > 0) return { array: name, shape, flat: 1 };
    throw new LandscapeError(
      "INVALID_DATA",
      `unusable targets: array "${name}" of ${JSON.stringify(store.name)} is a single number; expected one entry for each sample`,
      { path: store.name, array: name },
    );
  }
  if (name === DEFAULT_TARGET) return null;
  throw missingArray(store, name, "no targets");
}

/** With all positions in one row, where the input that the array goes to takes them so. */
function asTaken(target: TargetArray, fitted: readonly FittedArray[]): TargetArray {
  return fitted.find((f) => f.array === target.array && f.flat > 1) ?? target;
}

function limitSamples(store: ArrayStore, split: SampleSplit, { samples: limit }: DatasetSpec): SampleSplit {
  const where = JSON.stringify(store.name);
  const { samples, batchSize, whole } = split;
  if (samples === 0)
    throw new LandscapeError("INVALID_DATA", `empty data set: ${where} has no samples`, { path: store.name });
  if (limit === null || limit === samples) return split;
  const fail = (why: string): never => {
    throw new LandscapeError("INVALID_OPTION", `cannot take ${limit} samples of ${where}: ${why}`, {
      path: store.name,
      asked: limit,
      samples,
    });
  };
  if (!Number.isSafeInteger(limit) || limit < 1) fail("expected a whole number above 0");
  if (limit > samples) fail(`it has ${samples}. ask for ${samples} or fewer`);
  if (whole !== null) fail(`they run at once, since ${whole}. Leave the option out`);
  if (batchSize !== null && limit % batchSize !== 0) {
    fail(`the model was exported for batches of ${batchSize}. ask for a multiple of it`);
  }
  return { ...split, samples: limit };
}

/** An input ready to be cut into batches. */
interface LoadedInput {
  readonly name: string;
  readonly type: FeedType;
  readonly stored: NdArray;
  readonly convert: Converter;
  /** Rows of each sample; null: fed whole with every batch. */
  readonly rows: number | null;
}

async function assemble(
  spec: DatasetSpec,
  store: ArrayStore,
  fitted: readonly FittedArray[],
  normalizable: readonly FittedArray[],
  targetArray: TargetArray | null,
  split: SampleSplit,
): Promise<Dataset> {
  const { samples, batchSize, targetRows } = split;
  const normalized = normalizedInputs(spec.normalization, normalizable);
  const inputs: LoadedInput[] = [];
  for (const input of fitted) {
    const rows = split.batched.get(input.input) ?? null;
    const all = rows === null ? undefined : rows * samples;
    const stored = await store.read(input.array, all === undefined ? undefined : [0, all / input.flat]);
    const shape = all === undefined ? input.shape : [all, ...input.shape.slice(1)];
    inputs.push(prepare(store, input, { ...stored, shape }, rows, normalized.get(input.input)));
  }
  const target = targetArray && (await loadTarget(store, targetArray, samples, targetRows));
  return {
    path: store.name,
    samples,
    batchSize,
    whole: null,
    sha256: fingerprint(inputs, target, normalized),
    warnings: rawPixelWarnings(normalizable, normalized),
    types: (n) => ({
      inputs: new Map(inputs.map((input) => [input.name, inputShape(input, n)])),
      target: target && { type: target.type, dims: [n, ...target.dims.slice(1)] },
    }),
    batch: (start, end) => ({
      inputs: new Map(inputs.map((input) => [input.name, feedOf(input, start, end)])),
      target: target && targetFeed(target, start, end),
    }),
    assertLabels: (labels) => assertLabels(store, targetArray?.array ?? spec.target, target, labels),
  };
}

/** Which inputs are normalised: those stored as bytes; where there are none, the only one of floats. */
function normalizedInputs(
  normalization: Normalization | undefined,
  fitted: readonly FittedArray[],
): ReadonlyMap<string, Normalization> {
  if (normalization === undefined) return new Map();
  const floats = fitted.filter((i) => isFloatType(i.type));
  const bytes = floats.filter((i) => i.info.dtype === "uint8");
  const chosen = bytes.length > 0 ? bytes : floats;
  if (chosen.length === 0 || (bytes.length === 0 && floats.length > 1)) {
    const names = fitted.map((i) => `"${i.input}" (${i.type}, stored as ${i.info.dtype})`).join(", ");
    throw new LandscapeError(
      "INVALID_OPTION",
      `nothing to normalise: the inputs are ${names}; expected one float input, or uint8 images. leave out --normalize, --scale and --offset`,
    );
  }
  for (const input of chosen) checkChannels(normalization, input);
  return new Map(chosen.map((i) => [i.input, normalization]));
}

function checkChannels(normalization: Normalization, { input, shape }: FittedArray): void {
  const channels = channelsOf(normalization);
  if (channels === 1 || shape[1] === channels) return;
  throw new LandscapeError(
    "INVALID_OPTION",
    `cannot normalise input "${input}": numbers for ${channels} channels, but its shape is ${showShape([null, ...shape.slice(1)])}; expected one, or ${shape[1] ?? 1} (the length of axis 1)`,
  );
}

function prepare(
  store: ArrayStore,
  input: FittedArray,
  stored: NdArray,
  rows: number | null,
  normalization: Normalization | undefined,
): LoadedInput {
  // Normalised values of floats are checked as floats: they are what is fed.
  const type = normalization && isFloatType(input.type) ? floatOf(stored, input.type) : input.type;
  assertInside(store, input.array, stored, type);
  if (normalization) assertNormalizable(store, input, stored, normalization);
  return {
    name: input.input,
    type: input.type,
    stored,
    convert: converter(stored, input.type, normalization),
    rows,
  };
}

/** Stored doubles may exceed float32 before they are normalised. */
function floatOf(stored: NdArray, type: FeedType): FeedType {
  return stored.dtype === "float64" ? "float64" : type;
}

function assertInside(
  store: ArrayStore,
  array: string,
  { dtype, shape, data }: NdArray,
  type: FeedType,
): void {
  const bad = firstOutside(data, type);
  if (bad < 0) return;
  const value = String(data[bad]);
  const finite = Number.isFinite(Number(data[bad]));
  const expected = finite ? `numbers that ${type} can hold` : "finite numbers";
  throw new LandscapeError(
    "INVALID_DATA",
    `unusable data: array "${array}" (${dtype}) of ${JSON.stringify(store.name)} holds ${value} at ${showIndex(bad, shape)}; expected ${expected}`,
    { path: store.name, array, value, index: bad },
  );
}

/** The map is monotonic in every channel, so that extremes in range mean all are. */
function assertNormalizable(
  store: ArrayStore,
  input: FittedArray,
  { dtype, data }: NdArray,
  n: Normalization,
): void {
  let [least, most] = [Infinity, -Infinity];
  for (const x of data as Float32Array) {
    if (x < least) least = x;
    if (x > most) most = x;
  }
  for (let c = 0; c < channelsOf(n); c++) {
    const ends = Float64Array.of(least, most).map(transformOf(n, dtype, c));
    if (firstOutside(ends, input.type) < 0) continue;
    throw new LandscapeError(
      "INVALID_OPTION",
      `cannot normalise array "${input.array}" of ${JSON.stringify(store.name)}: ${least} to ${most} becomes ${ends[0]} to ${ends[1]}, which ${input.type} cannot hold`,
    );
  }
}

/** Labels as int64, measured targets as float32; `rows` flattened ones to a sample become an axis of their own. */
async function loadTarget(
  store: ArrayStore,
  { array, flat }: TargetArray,
  samples: number,
  rows: number,
): Promise<Feed> {
  const stored = await store.read(array, [0, (samples * rows) / flat]);
  const type: FeedType = isFloatType(stored.dtype) ? "float32" : "int64";
  assertInside(store, array, stored, type);
  const dims = rows > 1 ? [samples, rows] : flat > 1 ? [samples] : stored.shape;
  return { type, dims, data: converter(stored, type, undefined)(stored.data) };
}

function inputShape({ type, stored, rows }: LoadedInput, n: number): FeedShape {
  return { type, dims: rows === null ? stored.shape : [n * rows, ...stored.shape.slice(1)] };
}

function feedOf({ type, stored, convert, rows }: LoadedInput, start: number, end: number): Feed {
  const part = rows === null ? stored : sliceRows(stored, start * rows, end * rows);
  return { type, dims: part.shape, data: convert(part.data) };
}

function targetFeed({ type, dims, data }: Feed, start: number, end: number): Feed {
  const part = sliceRows({ dtype: "float32", shape: dims, data }, start, end);
  return { type, dims: part.shape, data: part.data };
}

function fingerprint(
  inputs: readonly LoadedInput[],
  target: Feed | null,
  normalized: ReadonlyMap<string, Normalization>,
): string {
  const hash = createHash("sha256");
  const add = (what: unknown, data: NumericArray): void => {
    hash.update(`${JSON.stringify(what)}\n`);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  };
  for (const { name, stored } of inputs) {
    add(
      { name, dtype: stored.dtype, shape: stored.shape, normalization: normalized.get(name) ?? null },
      stored.data,
    );
  }
  if (target) add({ target: target.type, shape: target.dims }, target.data);
  return hash.digest("hex");
}

function rawPixelWarnings(
  fitted: readonly FittedArray[],
  normalized: ReadonlyMap<string, Normalization>,
): Dataset["warnings"] {
  const raw = fitted.filter(
    (i) => isFloatType(i.type) && i.info.dtype === "uint8" && !normalized.has(i.input),
  );
  return raw.map((i) => ({
    code: "RAW_PIXELS",
    message: `input "${i.input}" is fed bytes from 0 to 255 as they are; if the model was trained on normalised images, give --normalize`,
  }));
}
