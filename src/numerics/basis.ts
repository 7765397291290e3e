import type { RealVector } from "./vector.ts";

/** Components worked on at a time: a block of the vector stays in the cache while all basis vectors pass over it. */
const BLOCK = 4096;

/** Precision in which basis vectors are kept; arithmetic is float64 in any case. */
export type BasisPrecision = "float32" | "float64";

/**
 * Orthonormal vectors of length n. In float32 they take half the memory: rounding a unit vector adds a random
 * error of 3e-8 whose inner product with any other vector is smaller by √n, so that orthogonality hardly suffers.
 */
export class Basis {
  readonly n: number;
  readonly vectors: RealVector[] = [];
  private readonly precision: BasisPrecision;

  constructor(n: number, precision: BasisPrecision) {
    this.n = n;
    this.precision = precision;
  }

  get size(): number {
    return this.vectors.length;
  }

  /** Appends factor·x. */
  push(x: Float64Array, factor: number): void {
    const vector = this.empty();
    for (let i = 0; i < this.n; i++) vector[i] = x[i]! * factor;
    this.vectors.push(vector);
  }

  /** Vᵀx [size]. */
  project(x: Float64Array): Float64Array {
    const h = new Float64Array(this.size);
    for (let start = 0; start < this.n; start += BLOCK) {
      const end = Math.min(this.n, start + BLOCK);
      let k = 0;
      for (; k + 3 < this.size; k += 4) this.projectFour(x, h, k, start, end);
      for (; k < this.size; k++) h[k]! += partialDot(this.vectors[k]!, x, start, end);
    }
    return h;
  }

  /** x ← x − V·h; `h` may be shorter than the basis. */
  subtract(h: Float64Array, x: Float64Array): void {
    for (let start = 0; start < this.n; start += BLOCK) {
      const end = Math.min(this.n, start + BLOCK);
      let k = 0;
      for (; k + 3 < h.length; k += 4) this.subtractFour(h, x, k, start, end);
      for (; k < h.length; k++) {
        const v = this.vectors[k]!;
        const factor = h[k]!;
        for (let i = start; i < end; i++) x[i]! -= factor * v[i]!;
      }
    }
  }

  /** V·s as a new vector. */
  combine(s: ArrayLike<number>): Float64Array {
    const out = new Float64Array(this.n);
    this.subtract(
      Float64Array.from(s, (value) => -value),
      out,
    );
    return out;
  }

  /** Replaces the vectors by V·sₖ for the given columns, in place of the old ones block by block. */
  compress(columns: readonly ArrayLike<number>[]): void {
    const block = columns.map(() => new Float64Array(BLOCK));
    for (let start = 0; start < this.n; start += BLOCK) {
      const end = Math.min(this.n, start + BLOCK);
      columns.forEach((s, k) => {
        const part = block[k]!.fill(0);
        this.vectors.forEach((v, j) => {
          for (let i = start; i < end; i++) part[i - start]! += s[j]! * v[i]!;
        });
      });
      block.forEach((part, k) => {
        this.vectors[k]!.set(part.subarray(0, end - start), start);
      });
    }
    this.vectors.length = columns.length;
  }

  private empty(): RealVector {
    return this.precision === "float32" ? new Float32Array(this.n) : new Float64Array(this.n);
  }

  // Four vectors at once: x is read once for four products, and the sums do not wait for each other.
  private projectFour(x: Float64Array, h: Float64Array, k: number, start: number, end: number): void {
    const [p, q, r, t] = this.four(k);
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    for (let i = start; i < end; i++) {
      const value = x[i]!;
      a += p[i]! * value;
      b += q[i]! * value;
      c += r[i]! * value;
      d += t[i]! * value;
    }
    h[k]! += a;
    h[k + 1]! += b;
    h[k + 2]! += c;
    h[k + 3]! += d;
  }

  private subtractFour(h: Float64Array, x: Float64Array, k: number, start: number, end: number): void {
    const [p, q, r, t] = this.four(k);
    const a = h[k]!;
    const b = h[k + 1]!;
    const c = h[k + 2]!;
    const d = h[k + 3]!;
    for (let i = start; i < end; i++) x[i]! -= a * p[i]! + b * q[i]! + (c * r[i]! + d * t[i]!);
  }

  private four(k: number): [RealVector, RealVector, RealVector, RealVector] {
    const v = this.vectors;
    return [v[k]!, v[k + 1]!, v[k + 2]!, v[k + 3]!];
  }
}

function partialDot(x: RealVector, y: RealVector, start: number, end: number): number {
  let sum = 0;
  for (let i = start; i < end; i++) sum += x[i]! * y[i]!;
  return sum;
}
