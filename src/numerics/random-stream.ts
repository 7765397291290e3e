import { gaussian, type RandomKey, uniform } from "./random.ts";

/** Numbers made ahead: few at first, since many streams are short. */
const FIRST = 16;
const MOST = 1024;

/** The numbers of one key one after the other, for whoever does not know beforehand how many are needed. */
export class RandomStream {
  private readonly normals: Supply;
  private readonly uniforms: Supply;

  constructor(key: RandomKey) {
    this.normals = new Supply({ ...key, purpose: `${key.purpose}/normal` }, gaussian);
    this.uniforms = new Supply({ ...key, purpose: `${key.purpose}/uniform` }, uniform);
  }

  /** N(0, 1). */
  normal(): number {
    return this.normals.next();
  }

  /** Uniform in (0, 1]. */
  uniform(): number {
    return this.uniforms.next();
  }

  /**
   * Gamma with `shape` > 0 and scale 1, by rejection from a cubed normal; below shape 1 from shape + 1 times U^(1/shape).
   * Source: Marsaglia & Tsang 2000.
   */
  gamma(shape: number): number {
    if (shape < 1) return this.gamma(shape + 1) * this.uniform() ** (1 / shape);
    const d = shape - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = this.normal();
      const v = (1 + c * x) ** 3;
      if (v > 0 && Math.log(this.uniform()) < x * x * 0.5 + d * (1 - v + Math.log(v))) return d * v;
    }
  }

  /** χ² with `freedom` ≥ 0 degrees, not necessarily whole. */
  chiSquare(freedom: number): number {
    return freedom === 0 ? 0 : 2 * this.gamma(freedom / 2);
  }
}

class Supply {
  private readonly key: RandomKey;
  private readonly fill: typeof gaussian;
  private made: Float64Array = new Float64Array(0);
  private start = 0;
  private at = 0;

  constructor(key: RandomKey, fill: typeof gaussian) {
    this.key = key;
    this.fill = fill;
  }

  next(): number {
    if (this.at === this.made.length) this.refill();
    return this.made[this.at++]!;
  }

  private refill(): void {
    this.start += this.made.length;
    this.made = new Float64Array(Math.min(MOST, 2 * this.made.length || FIRST));
    this.fill(this.key, this.made, this.start);
    this.at = 0;
  }
}
