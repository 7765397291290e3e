import type { EndCounts, ExtremeOptions, SpectrumEnd } from "./eigenpair-types.ts";
import type { LanczosFactorization } from "./lanczos.ts";
import type { RitzJudge } from "./ritz-judge.ts";

/** What is known at a step. */
export interface Look {
  readonly f: LanczosFactorization;
  readonly judge: RitzJudge;
  readonly counts: EndCounts;
}

const ENDS = ["top", "bottom"] as const;
/** Copies looked for where the space has closed after a few steps: there are few different eigenvalues. */
const CHEAP_COPIES = 10;
const FEW_STEPS = 20;
/**
 * A block's outermost value v is known to lie inside of w once its residual is this fraction of their distance. By
 * then the iteration has amplified whatever lies at w by about e^(2/√.01) = 5e8 against v: more than 1/√n has to be.
 */
const CLEARLY_INSIDE = 0.01;

interface Limits {
  readonly copies: number;
  readonly maxBasis: number;
  /** Products before the block. */
  readonly began: number;
}

/**
 * The steps from one random start vector. What a block after the first finds lies outside the space of what was
 * known, so that its outermost value bounds all that may still be missing.
 */
export class SearchBlock {
  /** Ritz pairs to restart with; undefined if the whole space stays. */
  readonly found: readonly number[] | undefined;
  /** Values of the space that the block began with, ascending; undefined in the first block. */
  private readonly known: readonly number[] | undefined;
  /** How many of them are the wanted ones and copies of the last, at either end. */
  private readonly reached: EndCounts;
  private readonly limits: Limits;
  private readonly stagnation: Stagnation = new Stagnation();
  private copies: number;
  private calm = 0;

  private constructor(
    limits: Limits,
    reached: EndCounts,
    known?: readonly number[],
    found?: readonly number[],
  ) {
    this.limits = limits;
    this.copies = limits.copies;
    this.reached = reached;
    this.known = known;
    this.found = found;
  }

  static first({
    multiplicity: copies = 1,
    maxBasis = Number.POSITIVE_INFINITY,
  }: ExtremeOptions): SearchBlock {
    return new SearchBlock({ copies, maxBasis, began: 0 }, { top: 0, bottom: 0 });
  }

  /** How many outermost pairs matter: the wanted ones, in later blocks the first new one too. */
  sought(counts: EndCounts): EndCounts {
    const at = (end: SpectrumEnd) =>
      this.known && counts[end] > 0 ? Math.max(counts[end], this.reached[end] + 1) : counts[end];
    return { top: at("top"), bottom: at("bottom") };
  }

  /** True once the block has shown what it can. */
  isOver(look: Look): boolean {
    const { f, judge } = look;
    const isFew = judge.isInvariant(f) && f.products - this.limits.began <= FEW_STEPS;
    const isClosed = f.isInvariant || isFew;
    // Twice in a row: a Ritz value that stands still may only be waiting for a lower one to appear.
    this.calm = ENDS.every((end) => this.isSettled(look, end)) ? this.calm + 1 : 0;
    const isOver = f.isInvariant || this.calm >= (isClosed ? 1 : 2);
    if (isOver && isClosed) this.copies = Math.max(this.copies, CHEAP_COPIES);
    return isOver;
  }

  /** The block that looks for what may be missing after this one; undefined if none is needed. */
  next(look: Look): SearchBlock | undefined {
    const { f, judge, counts } = look;
    const { copies } = this;
    const { maxBasis } = this.limits;
    if (!this.known && copies === 1) return undefined;
    const isMissing = ENDS.some((end) => this.isOpen(look, end, 1));
    if (!isMissing && !ENDS.some((end) => this.isOpen(look, end, copies))) return undefined;
    const [top, bottom] = ENDS.map((end) => reachedPairs(judge, end, counts[end])) as [number[], number[]];
    const staysWhole = f.isInvariant && maxBasis === Number.POSITIVE_INFINITY;
    const found = staysWhole ? undefined : [...new Set([...top, ...bottom])].sort((a, b) => a - b);
    const known = (found ?? [...judge.values.keys()]).map((i) => judge.values[i] as number);
    const limits = { copies, maxBasis, began: f.products };
    const next = new SearchBlock(limits, { top: top.length, bottom: bottom.length }, known, found);
    // More copies are looked for as long as there is room for them.
    return isMissing || leastBasis(next.sought(counts)) <= maxBasis ? next : undefined;
  }

  /** True if estimates have stood still for long, already below the products' error. */
  isStuck({ f, judge, counts }: Look): boolean {
    const sought = this.sought(counts);
    const pairs = ENDS.flatMap((end) => judge.outermost(end, sought[end]));
    return this.stagnation.isStuck(f, Math.max(...pairs.map((i) => judge.residuals[i] as number)));
  }

  /** True if the wanted pairs are settled, and in later blocks what lies outermost of the new ones is known. */
  private isSettled({ judge, counts }: Look, end: SpectrumEnd): boolean {
    const count = counts[end];
    const pairs = judge.outermost(end, count);
    if (pairs.length < count || !pairs.every((i) => judge.isSettled(i))) return false;
    if (!this.known || count === 0) return true;
    const i = this.outermostNew(judge, end);
    if (i === undefined || judge.isSettled(i)) return true;
    const last = judge.values[pairs[count - 1] as number] as number;
    const value = judge.values[i] as number;
    const isInside = judge.isInside(value, last, end);
    return isInside && (judge.residuals[i] as number) <= CLEARLY_INSIDE * Math.abs(last - value);
  }

  /** True if an eigenvalue beyond the last wanted one may be missing, or a copy of it if there are fewer than `copies`. */
  private isOpen({ judge, counts }: Look, end: SpectrumEnd, copies: number): boolean {
    const count = counts[end];
    if (count === 0) return false;
    const wanted = judge.outermost(end, count);
    if (wanted.length < count) return true;
    const lastIndex = wanted[count - 1] as number;
    const i = this.outermostNew(judge, end);
    if (i === undefined) return false;
    const [last, extreme] = [judge.values[lastIndex] as number, judge.values[i] as number];
    if (judge.isInside(extreme, last, end)) return false;
    return judge.isInside(last, extreme, end) || judge.multiplicity(lastIndex) < copies;
  }

  /** The outermost pair whose value is not one of the known ones, counted with their copies. */
  private outermostNew(judge: RitzJudge, end: SpectrumEnd): number | undefined {
    const known = this.known ?? [];
    return judge.outermost(end, judge.values.length).find((i, k) => {
      const before = known[end === "top" ? known.length - 1 - k : k];
      return before === undefined || judge.isInside(before, judge.values[i] as number, end);
    });
  }
}

/** Settled pairs from the outermost to the last wanted one and its copies. */
function reachedPairs(judge: RitzJudge, end: SpectrumEnd, count: number): number[] {
  if (count === 0) return [];
  const all = judge.outermost(end, judge.values.length);
  const last = judge.values[all[Math.min(count, all.length) - 1] as number] as number;
  return all.filter((i) => !judge.isInside(judge.values[i] as number, last, end) && judge.isSettled(i));
}

/** Vectors that a restart needs room for: what it keeps, and as many again to grow into. */
export function leastBasis({ top, bottom }: EndCounts): number {
  return 2 * (2 * (top + bottom) + 8);
}

/** For a restart: the pairs that are sought and as many again beside them, which carry what has been learnt there. */
export function keptIndices(k: number, sought: EndCounts): number[] {
  const half = Math.floor(k / 2);
  const low = Math.min(half - 1, 2 * sought.bottom + 4);
  const high = Math.min(half - 1, 2 * sought.top + 4);
  return Array.from({ length: k }, (_, i) => i).filter((i) => i < low || i >= k - high);
}

/** Sees that the sought pairs have not become better for long, with estimates already below the products' error. */
class Stagnation {
  private best = Number.POSITIVE_INFINITY;
  private since = 0;
  private static readonly PATIENCE = 40;

  isStuck(f: LanczosFactorization, worst: number): boolean {
    if (worst < this.best / 2) {
      this.best = worst;
      this.since = f.products;
    }
    return worst < f.productError && f.products - this.since > Stagnation.PATIENCE;
  }
}
