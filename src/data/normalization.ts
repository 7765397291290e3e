import { LandscapeError } from "../errors.ts";
import type { Dtype } from "./npy.ts";

/**
 * How stored values become a model's inputs. Lists have one entry, or one per channel (axis 1).
 * `standardize`: (x / divisor − mean) / std, where a null divisor is 255 for uint8 and 1 otherwise.
 * `affine`: x · scale + offset.
 */
export type Normalization =
  | {
      readonly kind: "standardize";
      readonly divisor: number | null;
      readonly mean: readonly number[];
      readonly std: readonly number[];
    }
  | { readonly kind: "affine"; readonly scale: readonly number[]; readonly offset: readonly number[] };

/** The options as they are typed. */
export interface NormalizationOptions {
  readonly normalize?: string | number | undefined;
  readonly scale?: string | number | undefined;
  readonly offset?: string | number | undefined;
}

/** Reads `--normalize`, or `--scale` and `--offset`; undefined when none is given. */
export function parseNormalization(options: NormalizationOptions): Normalization | undefined {
  const { normalize, scale, offset } = options;
  if (normalize === undefined && scale === undefined && offset === undefined) return undefined;
  if (normalize !== undefined && (scale !== undefined || offset !== undefined)) {
    throw new LandscapeError(
      "INVALID_OPTION",
      "--normalize cannot be combined with --scale or --offset; give one of them",
    );
  }
  if (normalize !== undefined) return parseStandardize(String(normalize));
  const affine: Normalization = {
    kind: "affine",
    scale: parseList("--scale", String(scale ?? 1)),
    offset: parseList("--offset", String(offset ?? 0)),
  };
  checkLengths("--scale and --offset", affine.scale, affine.offset);
  return affine;
}

const EXPECTED = "expected MEAN,STD or MEAN,STD,255; per channel M1,M2,M3,S1,S2,S3 or [M1,M2,M3],[S1,S2,S3]";

function parseStandardize(text: string): Normalization {
  const fail = (why: string): never => {
    throw new LandscapeError("INVALID_OPTION", `invalid --normalize: ${JSON.stringify(text)} ${why}`, {
      value: text,
    });
  };
  const fields = splitFields(text);
  if (fields === undefined) return fail(`is no list of numbers; ${EXPECTED}`);
  const [mean, std, divisors = [null]] = fields;
  if (!mean?.length || !std?.length || fields.length > 3 || divisors.length !== 1)
    return fail(`; ${EXPECTED}`);
  if (std.some((s) => s <= 0)) fail("has a standard deviation that is not positive");
  const divisor = divisors[0]!;
  if (divisor !== null && divisor <= 0) fail("has a divisor that is not positive");
  checkLengths("the means and deviations of --normalize", mean, std);
  return { kind: "standardize", divisor, mean, std };
}

/** Brackets or colons make lists; without them, 2k numbers are k means and k deviations, one more is the divisor. */
function splitFields(text: string): readonly (readonly number[])[] | undefined {
  if (text.includes("[") || text.includes(":")) {
    const parts = text.includes("[")
      ? [...text.matchAll(/\[([^\][]*)\]|([^,\][]+)/g)].map((m) => m[1] ?? m[2]!)
      : text.split(",");
    const lists = parts.filter((p) => p.trim() !== "").map(toNumbers);
    return lists.includes(undefined) ? undefined : (lists as number[][]);
  }
  const flat = toNumbers(text);
  if (flat === undefined || flat.length < 2) return flat && [flat];
  const k = flat.length >> 1;
  const lists = [flat.slice(0, k), flat.slice(k, 2 * k)];
  return flat.length % 2 === 1 ? [...lists, flat.slice(2 * k)] : lists;
}

function parseList(option: string, text: string): number[] {
  const numbers = toNumbers(text.replace(/^\s*\[|\]\s*$/g, ""));
  if (numbers) return numbers;
  throw new LandscapeError(
    "INVALID_OPTION",
    `invalid ${option}: ${JSON.stringify(text)}; expected a number, or one per channel as 0.1,0.2,0.3`,
    { value: text },
  );
}

function toNumbers(text: string): number[] | undefined {
  const parts = text.split(/[,:]/).map((p) => p.trim());
  const numbers = parts.map(Number);
  return parts.includes("") || !numbers.every(Number.isFinite) ? undefined : numbers;
}

function checkLengths(what: string, a: readonly number[], b: readonly number[]): void {
  if (a.length === b.length || a.length === 1 || b.length === 1) return;
  throw new LandscapeError(
    "INVALID_OPTION",
    `${what} are ${a.length} and ${b.length} numbers; expected equally many, or one`,
  );
}

/** Number of channels the lists are for; 1 when all channels are treated alike. */
export function channelsOf(normalization: Normalization): number {
  return normalization.kind === "affine"
    ? Math.max(normalization.scale.length, normalization.offset.length)
    : Math.max(normalization.mean.length, normalization.std.length);
}

/** The map of stored values of one channel, in double precision: the result is to be rounded once. */
export function transformOf(
  normalization: Normalization,
  dtype: Dtype,
  channel: number,
): (x: number) => number {
  const pick = (list: readonly number[]): number => (list.length === 1 ? list[0]! : list[channel]!);
  if (normalization.kind === "affine") {
    const [scale, offset] = [pick(normalization.scale), pick(normalization.offset)];
    return (x) => x * scale + offset;
  }
  const divisor = normalization.divisor ?? (dtype === "uint8" ? 255 : 1);
  const [mean, std] = [pick(normalization.mean), pick(normalization.std)];
  return (x) => (x / divisor - mean) / std;
}
