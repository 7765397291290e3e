import { LandscapeError } from "../errors.ts";
import { Basis, type BasisPrecision } from "./basis.ts";
import { symmetricEigen } from "./dense-symmetric.ts";
import type { SymmetricOperator } from "./operator.ts";
import { gaussian } from "./random.ts";
import { isFiniteVector, norm } from "./vector.ts";

export interface LanczosOptions {
  /** Seed of the start vector, and of those that follow an exact breakdown. */
  readonly seed: number;
  /** Start vector (any norm) instead of the random one: a warm start. */
  readonly start?: Float64Array | undefined;
  /** Precision of the kept vectors, default float64. */
  readonly precision?: BasisPrecision | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Ritz pairs of a factorisation: values ascending, `residuals[i]` the recurrence's estimate of ‖A·u − θ·u‖. */
export interface RitzPairs {
  readonly values: Float64Array;
  /** `coefficients[i]`: the Ritz vector is V·coefficients[i]. */
  readonly coefficients: readonly Float64Array[];
  readonly residuals: Float64Array;
}

/**
 * A·V = V·B + β·v_next·eᵀ with orthonormal V. B is kept as it was measured; (B + Bᵀ)/2 is the projected matrix.
 * For an exact operator B is symmetric. For noisy products its asymmetry is a measurement of their noise, and the
 * symmetric part halves the noise's variance in every entry.
 */
export class LanczosFactorization {
  readonly basis: Basis;
  /** Columns of B; entries beyond a column's length are zero. */
  private columns: Float64Array[] = [];
  /** Coupling of each column to the next basis vector. */
  private couplings: number[] = [];
  /** Number of products so far. */
  products = 0;
  /** Root mean square of the products' estimated errors. */
  productError = 0;
  /** True once the space cannot grow: it is all of ℝⁿ. */
  complete = false;
  /** Relative error of a Ritz value by rounding alone. */
  readonly rounding: number;
  /** The first columns are what a restart kept: known exactly or in part, not measured entry by entry. */
  private kept = 0;
  /** Squared differences of entries that symmetry makes equal, measured before the last restart. */
  private asymmetry: Asymmetry = { sum: 0, count: 0 };

  constructor(n: number, precision: BasisPrecision) {
    this.basis = new Basis(n, precision);
    this.rounding = ROUNDING[precision];
  }

  /** Number k of vectors that have been multiplied. */
  get size(): number {
    return this.columns.length;
  }

  /** Takes in A·v_k = V·h + β·v_{k+1}. */
  append(h: Float64Array, beta: number, error: number): void {
    this.columns.push(Float64Array.of(...h, beta));
    // A restarted factorisation couples all kept vectors to the next one; a plain one only the last.
    this.couplings = [...this.couplings.fill(0), beta];
    this.productError = Math.sqrt(
      (this.productError ** 2 * this.products + error ** 2) / (this.products + 1),
    );
    this.products++;
  }

  ritz(): RitzPairs {
    const { values, vectors } = symmetricEigen(this.projected());
    const residuals = Float64Array.from(vectors, (s) =>
      Math.abs(s.reduce((sum, value, j) => sum + value * (this.couplings[j] as number), 0)),
    );
    return { values, coefficients: vectors, residuals };
  }

  /**
   * The products' noise between two unit vectors, measured: vᵢᵀA·vⱼ − vⱼᵀA·vᵢ is zero for a symmetric operator, and
   * √2 times the noise of one of them for noisy products. 0 while there is one vector only.
   */
  noise(): number {
    const { sum, count } = this.measuredAsymmetry();
    return count === 0 ? 0 : Math.sqrt(sum / count / 2);
  }

  /**
   * Thick restart: keeps the given Ritz vectors and the next basis vector, forgets the rest.
   * Source: Wu & Simon 2000.
   */
  compress(ritz: RitzPairs, kept: readonly number[]): void {
    this.asymmetry = this.measuredAsymmetry();
    this.kept = kept.length;
    const next = this.basis.vectors[this.size];
    const couplings = kept.map((i) =>
      (ritz.coefficients[i] as Float64Array).reduce(
        (sum, s, j) => sum + s * (this.couplings[j] as number),
        0,
      ),
    );
    this.basis.vectors.length = this.size;
    this.basis.compress(kept.map((i) => ritz.coefficients[i] as Float64Array));
    if (next) this.basis.vectors.push(next);
    this.columns = kept.map((index, i) => {
      const column = new Float64Array(kept.length + 1);
      column[i] = ritz.values[index] as number;
      column[kept.length] = couplings[i] as number;
      return column;
    });
    this.couplings = couplings;
  }

  /**
   * Restart orthogonal to what is found: keeps the given Ritz vectors as if they were exact and forgets the rest, so
   * that the iteration goes on from a new random vector. What follows is a Lanczos run on A restricted to their
   * complement, whose eigenvalues are A's others up to residual²/gap: further copies of a multiple one among them.
   * Source: Parlett, The Symmetric Eigenvalue Problem, §5.1 (deflation by restriction).
   */
  lock(ritz: RitzPairs, found: readonly number[]): void {
    this.compress(ritz, found);
    this.basis.vectors.length = found.length;
    this.columns = this.columns.map((column) => column.slice(0, found.length));
    this.couplings.fill(0);
  }

  /** ‖A·V − V·B‖: what ties the space to the rest, and no Ritz pair's residual exceeds. */
  get coupling(): number {
    return Math.hypot(...this.couplings);
  }

  /** True if A·V lies in the span of V. */
  get isInvariant(): boolean {
    return this.couplings.every((c) => c === 0);
  }

  private measuredAsymmetry(): Asymmetry {
    let { sum, count } = this.asymmetry;
    for (let j = this.kept; j < this.size; j++) {
      for (let i = this.kept; i < j; i++) sum += (this.entry(i, j) - this.entry(j, i)) ** 2;
      count += j - this.kept;
    }
    return { sum, count };
  }

  private entry(i: number, j: number): number {
    return this.columns[j]?.[i] ?? 0;
  }

  private projected(): Float64Array[] {
    return Array.from({ length: this.size }, (_, i) =>
      Float64Array.from({ length: this.size }, (_, j) => this.entry(i, j)),
    );
  }
}

interface Asymmetry {
  readonly sum: number;
  readonly count: number;
}

// A few thousand roundings of float64; of float32 the vectors' own, which enter in first order.
const ROUNDING = { float64: 1e-12, float32: 2 ** -22 } as const;

// A remainder below this times the product's size is rounding: the space is invariant.
const BREAKDOWN = { float64: 1e-13, float32: 1e-6 } as const;

/**
 * Lanczos with full reorthogonalisation, one product per step; yields the same growing factorisation after each.
 * The consumer owns the stopping rule and may compress or lock it between steps. On an exact breakdown (an invariant
 * space), and after a lock, the iteration goes on with a new random vector orthogonal to what there is, so that
 * further copies of multiple eigenvalues are found; it ends when the space is all of ℝⁿ.
 * Orthogonality of V: 1e-15 in float64, better than 2⁻²⁴ in float32.
 * Throws RUNTIME_FAILED on a product that is not finite.
 * Source: Golub & Van Loan §10.3; reorthogonalisation: Daniel, Gragg, Kaufman & Stewart 1976.
 */
export async function* lanczos(
  operator: SymmetricOperator,
  options: LanczosOptions,
): AsyncGenerator<LanczosFactorization> {
  const { n } = operator;
  const precision = options.precision ?? "float64";
  const f = new LanczosFactorization(n, precision);
  if (!pushStart(f.basis, options)) return;
  const x = new Float64Array(n);
  const w = new Float64Array(n);
  for (;;) {
    options.signal?.throwIfAborted();
    x.set(f.basis.vectors[f.size] as Float64Array);
    const { error } = await operator.apply(x, w, options.signal);
    assertFinite(w, f.products);
    const before = norm(w);
    const h = orthogonalize(f.basis, w);
    const beta = norm(w);
    const isInvariant = beta <= BREAKDOWN[precision] * Math.max(before, norm(h));
    f.append(h, isInvariant ? 0 : beta, error);
    if (!isInvariant) f.basis.push(w, 1 / beta);
    f.complete = f.size >= n || (isInvariant && !pushRandom(f.basis, options.seed, f.products));
    yield f;
    if (f.complete) return;
    if (f.basis.size === f.size && !pushRandom(f.basis, options.seed, f.products)) return;
  }
}

function assertFinite(w: Float64Array, product: number): void {
  if (isFiniteVector(w)) return;
  throw new LandscapeError(
    "RUNTIME_FAILED",
    `Lanczos: product ${product + 1} holds a value that is not finite; the curvature cannot be computed at this point. check the weights and the data for extreme values`,
  );
}

/**
 * w ← (I − VVᵀ)w, returning Vᵀw. Repeated until a pass leaves the norm ("twice is enough"): a pass that
 * cancels much of w leaves rounding errors along V.
 */
function orthogonalize(basis: Basis, w: Float64Array): Float64Array {
  const total = new Float64Array(basis.size);
  let size = norm(w);
  for (let pass = 0; pass < 4; pass++) {
    const h = basis.project(w);
    basis.subtract(h, w);
    for (let i = 0; i < h.length; i++) total[i]! += h[i]!;
    const left = norm(w);
    if (pass > 0 && left > 0.7 * size) break;
    size = left;
  }
  return total;
}

/** False if the start vector is zero: then a random one is taken; false only if n is 0. */
function pushStart(basis: Basis, options: LanczosOptions): boolean {
  const size = options.start ? norm(options.start) : 0;
  if (options.start && size > 0) {
    basis.push(options.start, 1 / size);
    return true;
  }
  return pushRandom(basis, options.seed, 0);
}

/** Appends a random unit vector orthogonal to the basis; false if there is none left. */
function pushRandom(basis: Basis, seed: number, index: number): boolean {
  if (basis.size >= basis.n) return false;
  const x = new Float64Array(basis.n);
  gaussian({ seed, purpose: "lanczos", name: "", index }, x);
  const before = norm(x);
  orthogonalize(basis, x);
  const size = norm(x);
  if (!(size > 1e-8 * before)) return false;
  basis.push(x, 1 / size);
  return true;
}
