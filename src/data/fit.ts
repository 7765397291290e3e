import { LandscapeError } from "../errors.ts";
import { type FeedType, isFloatType, isIntegerType } from "./convert.ts";
import { type ArrayInfo, type ArrayStore, missingArray, showShape } from "./store.ts";

/** One input of a model: what the data must provide. */
export interface InputRequirement {
  readonly name: string;
  /** undefined where the file does not say: taken as it is stored. */
  readonly type: string | undefined;
  /** null: any length. null instead of a list: any shape. The samples lie along the first axis. */
  readonly dims: readonly (number | null)[] | null;
  /** What the file calls an open first axis: axes of one name have one length. */
  readonly axis?: string | null;
  /** Takes targets: classes are fine as floats, and so are axes of length 1 more or less. */
  readonly isTarget?: boolean;
  /** Other names that the array may have. */
  readonly aliases?: readonly string[];
}

/** An array that fits an input, with the shape it is to have. */
export interface FittedArray {
  readonly array: string;
  readonly input: string;
  readonly info: ArrayInfo;
  /** Its own, or for image formats the one that the model asks for. */
  readonly shape: readonly number[];
  /** Rows of `shape` that lie in one stored row: more than one where labels of all positions are taken flattened. */
  readonly flat: number;
  readonly type: FeedType;
  /** The model's own length of the first axis; null when it takes any. */
  readonly ownBatch: number | null;
  /** What the file calls the first axis; null where it does not. */
  readonly axis: string | null;
  /** Some other axis may have any length. */
  readonly open: boolean;
}

/** Finds the array for an input: by its name, or, where it is the only input, `x`. */
export function findArray(store: ArrayStore, input: InputRequirement, only: boolean): string {
  const names = [input.name, ...(input.aliases ?? []), ...(only ? ["x"] : [])];
  const found = names.find((name) => store.arrays.includes(name));
  if (found !== undefined) return found;
  const quoted = [...new Set(names)].map((n) => `"${n}"`).join(" or ");
  throw missingArray(store, names[0]!, `no data for input "${input.name}" (as ${quoted})`);
}

/** Checks an array's type and shape against an input. */
export function fitArray(
  store: ArrayStore,
  array: string,
  info: ArrayInfo,
  input: InputRequirement,
): FittedArray {
  const type = fitType(store, array, info, input);
  const dims = input.dims ?? info.shape.map(() => null);
  const mayReshape = store.images || input.isTarget;
  const flat = input.isTarget && dims.length === 1 ? info.shape.slice(1).reduce((a, b) => a * b, 1) : 1;
  const shape =
    flat > 1
      ? [info.shape[0]! * flat]
      : matches(info.shape, dims)
        ? info.shape
        : mayReshape && reshapeImages(info.shape, dims);
  if (!shape)
    throw mismatch(store, array, input, `has shape ${showShape(info.shape)}; expected ${showShape(dims)}`);
  const rest = shape.slice(1);
  if (rest.includes(0)) {
    throw mismatch(store, array, input, `has shape ${showShape(shape)}, which holds no elements`);
  }
  const open = dims.slice(1).includes(null);
  const [ownBatch = null] = dims;
  return { array, input: input.name, info, shape, flat, type, ownBatch, axis: input.axis ?? null, open };
}

/** Throws where an array would be flattened that holds nothing for each position of another input: one-hot classes, say. */
export function assertPositions(store: ArrayStore, fitted: readonly FittedArray[]): void {
  const flattened = fitted.find((f) => f.flat > 1 && f.ownBatch === null);
  if (flattened === undefined) return;
  const others = fitted.filter((f) => f !== flattened);
  if (others.some((f) => runsOf(f.shape.slice(1)).has(flattened.flat))) return;
  const { array, input, info, flat } = flattened;
  const expected = `[${info.shape[0]}], a label for each sample, or as many to a sample as another input has positions`;
  throw mismatch(
    store,
    array,
    { name: input },
    `has shape ${showShape(info.shape)}, ${flat} to a sample; expected ${expected}`,
  );
}

/** Products of neighbouring lengths: what a sequence, or an image's height times width, may count. */
export function runsOf(lengths: readonly number[]): Set<number> {
  const runs = new Set<number>();
  for (const start of lengths.keys()) {
    let size = 1;
    for (const length of lengths.slice(start)) {
      size *= length;
      runs.add(size);
    }
  }
  return runs;
}

function fitType(store: ArrayStore, array: string, info: ArrayInfo, input: InputRequirement): FeedType {
  const type = (input.type ?? info.dtype) as FeedType;
  const { dtype } = info;
  if (dtype === type) return type;
  if (isFloatType(type)) {
    // 8-bit images are what float inputs are mostly fed from; other integers are more likely a mistake.
    if (dtype === "float32" || dtype === "float64" || dtype === "uint8" || input.isTarget) return type;
    const floats = "float32 or float64 (or uint8 for images)";
    throw mismatch(store, array, input, `has type ${dtype}; expected ${floats} for a ${type} input`);
  }
  if (isIntegerType(type) && isIntegerType(dtype)) return type;
  throw mismatch(store, array, input, `has type ${dtype}; expected ${type}`);
}

/** Whether the shape is as asked for; the first axis counts samples and is looked at later. */
function matches(shape: readonly number[], dims: readonly (number | null)[]): boolean {
  return (
    shape.length === dims.length && dims.every((d, axis) => axis === 0 || d === null || d === shape[axis])
  );
}

/** Images as a model wants them: other axes of length 1, or all pixels in a row. */
function reshapeImages(
  shape: readonly number[],
  dims: readonly (number | null)[],
): readonly number[] | undefined {
  const pixels = shape.slice(1).filter((d) => d !== 1);
  const wanted = dims.slice(1);
  const size = pixels.reduce((a, b) => a * b, 1);
  if (wanted.length === 1 && (wanted[0] === size || wanted[0] === null)) return [shape[0]!, size];
  const given = [...pixels];
  const filled = wanted.map((d) => (d === 1 ? 1 : given.shift()));
  const fits = given.length === 0 && filled.every((f, i) => f !== undefined && (wanted[i] ?? f) === f);
  return fits ? [shape[0]!, ...(filled as number[])] : undefined;
}

function mismatch(
  store: ArrayStore,
  array: string,
  input: Pick<InputRequirement, "name">,
  why: string,
): LandscapeError {
  return new LandscapeError(
    "INVALID_DATA",
    `data do not fit input "${input.name}": array "${array}" of ${JSON.stringify(store.name)} ${why}`,
    { path: store.name, array, input: input.name },
  );
}
