import { sizeOf } from "../../src/onnx/tensor.ts";

/** How the numbers of an operand are drawn. */
export type Sampler =
  /** Uniform on (−2, 2). */
  | "default"
  /** Uniform on (0.5, 2). */
  | "positive"
  /** Magnitudes of (0.5, 2), either sign: clear of a kink at 0. */
  | "awayFromZero"
  /** Random order of numbers 0.5 apart: no two are close enough for a step to exchange them. */
  | "distinct"
  /** Uniform between two numbers. */
  | readonly [low: number, high: number]
  /** These numbers. */
  | { readonly values: readonly number[] };

export type Random = () => number;

/** A small generator (mulberry32): the tests need repeatable numbers, not good ones. */
export function randomFrom(text: string): Random {
  let state = 2166136261;
  for (const c of text) state = Math.imul(state ^ c.charCodeAt(0), 16777619);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function draw(dims: readonly number[], sampler: Sampler, random: Random): number[] {
  const n = sizeOf(dims);
  const list = (f: (i: number) => number) => Array.from({ length: n }, (_, i) => f(i));
  if (sampler === "default") return list(() => 4 * random() - 2);
  if (sampler === "positive") return list(() => 0.5 + 1.5 * random());
  if (sampler === "awayFromZero") return list(() => (random() < 0.5 ? -1 : 1) * (0.5 + 1.5 * random()));
  if (sampler === "distinct")
    return shuffled(n, random).map((k) => 0.5 * (k - (n - 1) / 2) + 0.05 * random());
  if (!isRange(sampler)) return [...sampler.values];
  const [low, high] = sampler;
  return list(() => low + (high - low) * random());
}

function shuffled(n: number, random: Random): number[] {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}

function isRange(sampler: object): sampler is readonly [number, number] {
  return Array.isArray(sampler);
}
