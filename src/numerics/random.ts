/**
 * Random numbers that depend on nothing but their address: Philox4x32-10 (Salmon et al. 2011, Random123)
 * keyed by (seed, purpose, tensor name, index). Any worker makes any slice of any draw, in any order.
 */

/** The address of one stream of random numbers. */
export interface RandomKey {
  /** An integer ≥ 0, at most 2⁵³ − 1. */
  readonly seed: number;
  /** What the numbers are for, e.g. "trace": equal seeds for two purposes are unrelated. */
  readonly purpose: string;
  /** Tensor name; "" for a vector that has no tensors. */
  readonly name: string;
  /** Number of the draw, ≥ 0. */
  readonly index: number;
}

type Words = Uint32Array;

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/** High 32 bits of the 64-bit product a·b of two unsigned 32-bit integers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const cross = aLow * bHigh + (middle & 0xffff);
  return aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(cross / 0x10000);
}

/** One block of Philox4x32-10: four random words in `out` from a counter of four words and a key of two. */
export function philox(counter: ArrayLike<number>, key: ArrayLike<number>, out: Words): void {
  let c0 = counter[0]! >>> 0;
  let c1 = counter[1]! >>> 0;
  let c2 = counter[2]! >>> 0;
  let c3 = counter[3]! >>> 0;
  let k0 = key[0]! >>> 0;
  let k1 = key[1]! >>> 0;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0);
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2);
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1 >>> 0;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0 >>> 0;
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** Four words that stand for the address: Philox as the compression function over the encoded fields. */
function digest(key: RandomKey): Words {
  const encoder = new TextEncoder();
  const fields = [encoder.encode(key.purpose), encoder.encode(key.name)];
  const header = [key.seed, key.index, ...fields.map((field) => field.length)];
  const words = header.flatMap((value) => [value % 0x100000000, Math.floor(value / 0x100000000)]);
  for (const field of fields) for (let i = 0; i < field.length; i += 4) words.push(wordAt(field, i));
  const state = new Uint32Array(4);
  for (let i = 0; i < words.length; i += 2) philox(state, [words[i]!, words[i + 1] ?? 0], state);
  return state;
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    bytes[at]! | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)
  );
}

/** Calls `use(block number, four words)` for blocks first…last of the stream. */
function forBlocks(
  key: RandomKey,
  first: number,
  last: number,
  use: (block: number, w: Words) => void,
): void {
  const [k0, k1, c2, c3] = digest(key) as unknown as [number, number, number, number];
  const philoxKey = [k0, k1];
  const counter = [0, 0, c2, c3];
  const words = new Uint32Array(4);
  for (let block = first; block <= last; block++) {
    counter[0] = block % 0x100000000;
    counter[1] = Math.floor(block / 0x100000000);
    philox(counter, philoxKey, words);
    use(block, words);
  }
}

/** A double in (0, 1] with 53 random bits. */
function unit(high: number, low: number): number {
  return ((high >>> 5) * 0x4000000 + (low >>> 6) + 1) / 0x20000000000000;
}

/**
 * Fills `out` with elements start … start + out.length − 1 of the stream's i.i.d. N(0, 1) numbers
 * (Box–Muller, two to a block). Any slice comes out the same whichever slices were made before.
 */
export function gaussian(key: RandomKey, out: Float64Array, start = 0): void {
  const end = start + out.length;
  if (out.length === 0) return;
  forBlocks(key, Math.floor(start / 2), Math.floor((end - 1) / 2), (block, words) => {
    const radius = Math.sqrt(-2 * Math.log(unit(words[0]!, words[1]!)));
    const angle = 2 * Math.PI * unit(words[2]!, words[3]!);
    const at = 2 * block;
    if (at >= start) out[at - start] = radius * Math.cos(angle);
    if (at + 1 < end) out[at + 1 - start] = radius * Math.sin(angle);
  });
}

/** Fills `out` with elements start … of the stream's i.i.d. signs, +1 or −1 with equal probability (128 to a block). */
export function rademacher(key: RandomKey, out: Float64Array, start = 0): void {
  const end = start + out.length;
  if (out.length === 0) return;
  forBlocks(key, Math.floor(start / 128), Math.floor((end - 1) / 128), (block, words) => {
    const from = Math.max(start, block * 128);
    const to = Math.min(end, block * 128 + 128);
    for (let i = from; i < to; i++) {
      const bit = i - block * 128;
      out[i - start] = ((words[bit >>> 5]! >>> (bit & 31)) & 1) === 0 ? 1 : -1;
    }
  });
}

/** Fills `out` with elements start … of the stream's i.i.d. uniform numbers in (0, 1] (53 bits, two to a block). */
export function uniform(key: RandomKey, out: Float64Array, start = 0): void {
  const end = start + out.length;
  if (out.length === 0) return;
  forBlocks(key, Math.floor(start / 2), Math.floor((end - 1) / 2), (block, words) => {
    const at = 2 * block;
    if (at >= start) out[at - start] = unit(words[0]!, words[1]!);
    if (at + 1 < end) out[at + 1 - start] = unit(words[2]!, words[3]!);
  });
}
