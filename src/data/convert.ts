import { encodeBfloat16, encodeFloat16 } from "./float16.ts";
import { channelsOf, type Normalization, transformOf } from "./normalization.ts";
import type { Dtype, NdArray, NumericArray } from "./npy.ts";

/** Element types that a model's inputs can have; float16 and bfloat16 travel as bit patterns. */
export type FeedType = Dtype | "float16" | "bfloat16";

const floats: readonly FeedType[] = ["float32", "float64", "float16", "bfloat16"];
const integers: readonly FeedType[] = [
  "int64",
  "int32",
  "int16",
  "int8",
  "uint64",
  "uint32",
  "uint16",
  "uint8",
];

export function isFloatType(type: FeedType): boolean {
  return floats.includes(type);
}

export function isIntegerType(type: FeedType): boolean {
  return integers.includes(type);
}

/** An empty array of the elements of `type`. */
function allocate(type: FeedType, n: number): NumericArray {
  switch (type) {
    case "float64":
      return new Float64Array(n);
    case "float32":
      return new Float32Array(n);
    case "int64":
      return new BigInt64Array(n);
    case "int32":
      return new Int32Array(n);
    case "int16":
      return new Int16Array(n);
    case "int8":
      return new Int8Array(n);
    case "uint64":
      return new BigUint64Array(n);
    case "uint32":
      return new Uint32Array(n);
    case "uint16":
    case "float16":
    case "bfloat16":
      return new Uint16Array(n);
    case "uint8":
    case "bool":
      return new Uint8Array(n);
  }
}

/** Element by element, each rounded once. Integers must be in range: `firstOutside` tells. */
function cast(data: NumericArray, type: FeedType): NumericArray {
  const out = allocate(type, data.length);
  if (out instanceof BigInt64Array || out instanceof BigUint64Array) {
    for (let i = 0; i < data.length; i++) out[i] = BigInt(data[i]!);
  } else if (type === "float16" || type === "bfloat16") {
    const encode = type === "float16" ? encodeFloat16 : encodeBfloat16;
    for (let i = 0; i < data.length; i++) out[i] = encode(Number(data[i]!));
  } else {
    for (let i = 0; i < data.length; i++) out[i] = Number(data[i]!);
  }
  return out;
}

/** From stored samples to what a model is fed; the same view, not a copy, where nothing is to be done. */
export type Converter = (data: NumericArray) => NumericArray;

/** The converter for whole samples of an array of this type and shape. */
export function converter(
  array: NdArray,
  type: FeedType,
  normalization: Normalization | undefined,
): Converter {
  if (normalization === undefined) {
    return array.dtype === type ? (data) => data : (data) => cast(data, type);
  }
  const channels = channelsOf(normalization);
  const block = array.shape.slice(channels === 1 ? 1 : 2).reduce((a, b) => a * b, 1);
  const maps = Array.from({ length: channels }, (_, c) => transformOf(normalization, array.dtype, c));
  return array.dtype === "uint8" ? byTable(maps, block, type) : byFormula(maps, block, type);
}

type Map1 = (x: number) => number;

/** Bytes have 256 values: each is transformed once. */
function byTable(maps: readonly Map1[], block: number, type: FeedType): Converter {
  const tables = maps.map((map) =>
    cast(
      Float64Array.from({ length: 256 }, (_, x) => map(x)),
      type,
    ),
  );
  return (data) => {
    const out = allocate(type, data.length);
    for (let at = 0, c = 0; at < data.length; at += block, c = (c + 1) % tables.length) {
      const table = tables[c]!;
      for (let i = at; i < at + block; i++) out[i] = table[data[i] as number]!;
    }
    return out;
  };
}

function byFormula(maps: readonly Map1[], block: number, type: FeedType): Converter {
  return (data) => {
    const exact = new Float64Array(data.length);
    for (let at = 0, c = 0; at < data.length; at += block, c = (c + 1) % maps.length) {
      const map = maps[c]!;
      for (let i = at; i < at + block; i++) exact[i] = map(Number(data[i]!));
    }
    return type === "float64" ? exact : cast(exact, type);
  };
}

/** Largest finite numbers of the floating-point types. */
const largest: Readonly<Partial<Record<FeedType, number>>> = {
  float64: Number.MAX_VALUE,
  float32: (2 - 2 ** -23) * 2 ** 127,
  bfloat16: (2 - 2 ** -7) * 2 ** 127,
  float16: 65504,
};

function integerRange(type: FeedType): readonly [least: number | bigint, most: number | bigint] {
  const bits = BigInt(type.replace(/\D/g, ""));
  return type.startsWith("u") ? [0n, 2n ** bits - 1n] : [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n];
}

/** The first position whose value `type` cannot hold (not finite, too large); −1 if there is none. */
export function firstOutside(data: NumericArray, type: FeedType): number {
  if (data instanceof Float32Array || data instanceof Float64Array) {
    const most = largest[type] ?? 0;
    // NaN compares false.
    for (let i = 0; i < data.length; i++) if (!(Math.abs(data[i]!) <= most)) return i;
    return -1;
  }
  if (!isIntegerType(type)) return -1;
  const [least, most] = integerRange(type);
  for (let i = 0; i < data.length; i++) if (data[i]! < least || data[i]! > most) return i;
  return -1;
}
