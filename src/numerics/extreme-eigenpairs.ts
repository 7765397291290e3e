import { LandscapeError } from "../errors.ts";
import type { ExtremeInfo, ExtremeOptions, ExtremePair, SpectrumEnd } from "./eigenpair-types.ts";
import { type KrylovSpace, type Selection, searchKrylov } from "./krylov-search.ts";
import type { SymmetricOperator } from "./operator.ts";
import { rayleighRitz } from "./rayleigh-ritz.ts";
import { leastBasis } from "./search-block.ts";

export interface ExtremeEigenpairs {
  readonly pairs: ExtremePair[];
  readonly info: ExtremeInfo;
}

/**
 * Largest and smallest eigenpairs of a symmetric operator from one Lanczos run with full reorthogonalisation.
 * `pairs`: top descending, then bottom ascending; min(top, n) and min(bottom, n) of them, overlapping if top + bottom > n.
 * Not converging is information (`converged`, `info`), not an error: values are then inside the spectrum and residuals
 * still true. Copies of a multiple eigenvalue are found after an exact breakdown, and by restarts orthogonal to what
 * is found (`multiplicity`); else such a value comes once. `multiplicity` of a pair is a lower bound in any case.
 * Deterministic for a given seed. Memory: one vector per product, or `maxBasis`.
 * Source: Parlett, The Symmetric Eigenvalue Problem; angles: sin θ ≤ residual/gap (Davis & Kahan 1970).
 */
export async function extremeEigenpairs(
  operator: SymmetricOperator,
  options: ExtremeOptions,
): Promise<ExtremeEigenpairs> {
  assertOptions(operator, options);
  return selectedEigenpairs(operator, options, { counts: () => options, shift: 0 });
}

/**
 * The pairs of `selection` from one Lanczos run, each with a product of its own by `refine` (or the operator): of
 * A itself where the operator is A − shift·I.
 */
export async function selectedEigenpairs(
  operator: SymmetricOperator,
  options: ExtremeOptions,
  selection: Selection,
): Promise<ExtremeEigenpairs> {
  const space = await searchKrylov(operator, options, selection);
  if (!space)
    return { pairs: [], info: { products: 0, steps: 0, converged: true, stopped: "complete", noise: 0 } };
  const { factorization: f, stopped } = space;
  // Counted first: the vectors' own products are not the iteration's.
  const steps = f.products;
  const pairs = await refinedPairs(space, options.refine ?? operator, options.signal);
  const products = steps + new Set([...space.wanted.top, ...space.wanted.bottom]).size;
  const converged = pairs.every((p) => p.converged);
  return { pairs, info: { products, steps, converged, stopped, noise: f.noise() } };
}

async function refinedPairs(
  { factorization: f, ritz, judge, wanted }: KrylovSpace,
  operator: SymmetricOperator,
  signal: AbortSignal | undefined,
): Promise<ExtremePair[]> {
  // Ascending, as the refined pairs are: the k-th stays the k-th.
  const indices = [...new Set([...wanted.top, ...wanted.bottom])].sort((a, b) => a - b);
  const vectors = indices.map((i) => f.basis.combine(ritz.coefficients[i] as Float64Array));
  const refined = await rayleighRitz(operator, vectors, signal);
  const pairOf =
    (end: SpectrumEnd) =>
    (index: number): ExtremePair => {
      const pair = refined[indices.indexOf(index)]!;
      const residual = Math.hypot(pair.residual, pair.productError);
      // What the recurrence believes must be borne out by the true residual, as far as either product can tell.
      const believed = judge.limit(index) + 3 * Math.hypot(pair.productError, f.productError);
      const converged = judge.isSettled(index) && residual <= 3 * believed;
      return { ...pair, end, residual, converged, multiplicity: converged ? judge.multiplicity(index) : 1 };
    };
  return [...wanted.top.map(pairOf("top")), ...wanted.bottom.map(pairOf("bottom"))];
}

/** Throws INVALID_OPTION on counts and limits that make no sense. */
export function assertOptions({ n }: SymmetricOperator, options: ExtremeOptions): void {
  const { top, bottom, maxBasis, multiplicity = 1 } = options;
  for (const [name, count] of Object.entries({ top, bottom })) {
    if (Number.isInteger(count) && count >= 0) continue;
    throw new LandscapeError("INVALID_OPTION", `eigenpairs: ${name} ${count}; expected an integer ≥ 0`);
  }
  if (top + bottom === 0)
    throw new LandscapeError("INVALID_OPTION", "eigenpairs: none asked for; expected top or bottom ≥ 1");
  if (!Number.isInteger(multiplicity) || multiplicity < 1) {
    throw new LandscapeError(
      "INVALID_OPTION",
      `eigenpairs: multiplicity ${multiplicity}; expected an integer ≥ 1`,
    );
  }
  const least = Math.min(n, leastBasis(options));
  if (maxBasis !== undefined && maxBasis < least) {
    throw new LandscapeError(
      "INVALID_OPTION",
      `eigenpairs: room for ${maxBasis} vectors; expected at least ${least} for ${top} + ${bottom} pairs. raise --max-basis or ask for fewer pairs`,
    );
  }
}
