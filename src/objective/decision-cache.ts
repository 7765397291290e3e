import type { RuntimeTensor } from "../runtime/index.ts";
import { sameContents } from "./same-contents.ts";

type Decisions = [string, RuntimeTensor][];

/**
 * Decisions of the piecewise operators per batch, kept while they fit into `budget` bytes and belong to the same base
 * point and part of the data; beyond it they are computed again each time (one more forward pass).
 */
export class DecisionCache {
  private readonly budget: number;
  private readonly kept = new Map<number, Decisions>();
  private base: Float32Array | null = null;
  private owner: object | null = null;
  private bytes = 0;

  constructor(budget: number) {
    this.budget = budget;
  }

  /** `owner` stands for the part of the data that `batch` is a batch of. */
  async get(
    owner: object,
    base: Float32Array,
    batch: number,
    compute: () => Promise<Decisions>,
  ): Promise<Decisions> {
    if (this.base === null || this.owner !== owner || !sameContents(this.base, base)) {
      this.kept.clear();
      this.bytes = 0;
      this.base = base.slice();
      this.owner = owner;
    }
    const found = this.kept.get(batch);
    if (found) return found;
    const made = await compute();
    const size = made.reduce((sum, [, t]) => sum + t.data.byteLength, 0);
    if (this.bytes + size <= this.budget) {
      this.kept.set(batch, made);
      this.bytes += size;
    }
    return made;
  }
}
