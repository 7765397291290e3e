import type { SpectrumEnd } from "./eigenpair-types.ts";
import type { LanczosFactorization, RitzPairs } from "./lanczos.ts";

// A Ritz vector whose angle to the eigenvector is 30·1e-4 has |cos| = 1 − 4.5e-6.
const ANGLE_PER_TOLERANCE = 30;

/** Judges the Ritz pairs of a factorisation: which are converged, and which have the same eigenvalue. */
export class RitzJudge {
  /** Ascending, in the units of the eigenvalues that are asked for. */
  readonly values: Float64Array;
  readonly residuals: Float64Array;
  private readonly tolerance: number;
  /** What the products' noise alone makes of a residual. */
  private readonly noise: number;
  /** Largest |value|: ‖A‖ as far as it is known. */
  private readonly size: number;
  /** Largest |value − shift|: the same of A − shift·I. */
  private readonly shiftedSize: number;
  private readonly rounding: number;

  /** The factorisation is of A − shift·I. */
  constructor(f: LanczosFactorization, ritz: RitzPairs, tolerance: number, shift: number) {
    this.values = ritz.values.map((value) => value + shift);
    this.residuals = ritz.residuals;
    this.tolerance = tolerance;
    this.noise = f.noise();
    const ends = [this.values[0] ?? 0, this.values[this.values.length - 1] ?? 0];
    this.size = Math.max(...ends.map(Math.abs));
    this.shiftedSize = Math.max(...ends.map((value) => Math.abs(value - shift)));
    this.rounding = f.rounding * Math.max(this.size, this.shiftedSize);
  }

  /** The largest residual at which Ritz pair i counts as converged. */
  limit(i: number): number {
    return this.limitAt(this.values[i] as number);
  }

  /** True if the whole space is invariant to within the tolerance: every Ritz pair is nearly exact. */
  isInvariant({ coupling }: LanczosFactorization): boolean {
    return coupling <= this.tolerance * this.shiftedSize;
  }

  isSettled(i: number): boolean {
    const angle = ANGLE_PER_TOLERANCE * this.tolerance;
    const allowed = Math.min(this.limit(i), angle * this.gap(i));
    return (this.residuals[i] as number) <= Math.max(allowed, this.noise);
  }

  /** Indices of so many pairs (all, if there are fewer) from the outermost inwards. */
  outermost(end: SpectrumEnd, count: number): number[] {
    const k = this.values.length;
    return Array.from({ length: Math.min(count, k) }, (_, i) => (end === "top" ? k - 1 - i : i));
  }

  /** v lies further inside the spectrum than w by more than the error that the values of converged pairs may have. */
  isInside(v: number, w: number, end: SpectrumEnd): boolean {
    return (end === "top" ? w - v : v - w) > this.valueError(w);
  }

  /** Settled pairs whose value cannot be told from that of pair i, which is one of them; 1 if it is not settled. */
  multiplicity(i: number): number {
    if (!this.isSettled(i)) return 1;
    const value = this.values[i] as number;
    const within = this.valueError(value);
    return this.values.reduce(
      (count, other, k) => (Math.abs(other - value) <= within && this.isSettled(k) ? count + 1 : count),
      0,
    );
  }

  /**
   * How far two values of one eigenvalue may differ. A value's error is residual²/gap: at most the residual times the
   * angle. Noise enters in first order, three standard deviations of what two values have of it, and so does rounding.
   */
  private valueError(value: number): number {
    const converged = ANGLE_PER_TOLERANCE * this.tolerance * this.limitAt(value);
    return Math.max(converged, 3 * Math.SQRT2 * this.noise, this.rounding);
  }

  private limitAt(value: number): number {
    return Math.max(this.tolerance * Math.abs(value), this.tolerance ** 2 * this.size);
  }

  /** Distance to the nearest Ritz value that is not in the pair's cluster: closer ones than the limit share a space. */
  private gap(i: number): number {
    const here = this.values[i] as number;
    const within = this.limit(i);
    return this.values.reduce((least, value) => {
      const d = Math.abs(value - here);
      return d > within && d < least ? d : least;
    }, Number.POSITIVE_INFINITY);
  }
}
