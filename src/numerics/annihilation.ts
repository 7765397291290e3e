import type { EndCounts, ExtremeInfo, ExtremeOptions, ExtremePair, SpectrumEnd } from "./eigenpair-types.ts";
import { assertOptions, type ExtremeEigenpairs, selectedEigenpairs } from "./extreme-eigenpairs.ts";
import { DEFAULT_MAX_PRODUCTS } from "./krylov-search.ts";
import type { SymmetricOperator } from "./operator.ts";
import { gaussian } from "./random.ts";
import { axpy } from "./vector.ts";

/** Ends of one magnitude do not take turns by rounding; whichever is first, A − λ₁I has its spectrum on one side. */
const CLEARLY = 1.01;

/**
 * Largest and smallest eigenpairs from one Lanczos run for each end, by annihilation: first the eigenvalue λ₁ of
 * largest magnitude and its neighbours, then, on A − λ₁I, whose spectrum lies on one side of zero, the other end.
 * Same arguments and result as {@link extremeEigenpairs}, to whose single run it is the slower cross-check: the
 * second run starts from another vector and learns nothing from the first. Values and residuals are those of A
 * itself, by a product of their own, so that adding λ₁ back rounds nothing. `maxProducts` is that of both runs: the
 * first takes half at most where a second follows.
 * Source: Böttcher & Wheeler 2024, Algorithm 1 and appendix B.
 */
export async function annihilationEigenpairs(
  operator: SymmetricOperator,
  options: ExtremeOptions,
): Promise<ExtremeEigenpairs> {
  assertOptions(operator, options);
  const first = await dominantPairs(operator, options);
  const [dominant] = first.pairs;
  if (!dominant) return first;
  const other: SpectrumEnd = dominant.end === "top" ? "bottom" : "top";
  if (options[other] === 0) return first;
  const second = await otherPairs(operator, options, dominant.value, other, first.info.steps);
  const wanted = options[dominant.end] === 0 ? [] : first.pairs;
  const pairs = other === "bottom" ? [...wanted, ...second.pairs] : [...second.pairs, ...wanted];
  return { pairs, info: both(first.info, second.info, pairs) };
}

/** The pairs at the end of largest magnitude; one pair of it even where none is asked for. */
function dominantPairs(operator: SymmetricOperator, options: ExtremeOptions): Promise<ExtremeEigenpairs> {
  const isAlone = options.top === 0 || options.bottom === 0;
  const limit = isAlone ? maxProducts(options) - 1 : Math.ceil(maxProducts(options) / 2);
  let end: SpectrumEnd = "top";
  const counts = (values: Float64Array): EndCounts => {
    const size = { top: values[values.length - 1] ?? 0, bottom: -(values[0] ?? 0) };
    const other = end === "top" ? "bottom" : "top";
    if (size[other] > CLEARLY * size[end]) end = other;
    return { top: 0, bottom: 0, [end]: Math.max(1, options[end]) };
  };
  return selectedEigenpairs(operator, { ...options, maxProducts: limit }, { counts, shift: 0 });
}

function otherPairs(
  operator: SymmetricOperator,
  options: ExtremeOptions,
  shift: number,
  end: SpectrumEnd,
  spent: number,
): Promise<ExtremeEigenpairs> {
  const wanted = { top: 0, bottom: 0, [end]: options[end] };
  const start = new Float64Array(operator.n);
  gaussian({ seed: options.seed, purpose: "annihilation", name: "", index: 0 }, start);
  return selectedEigenpairs(
    shifted(operator, shift),
    {
      ...options,
      start,
      maxProducts: Math.max(1, maxProducts(options) - spent),
      refine: options.refine ?? operator,
    },
    { counts: () => wanted, shift },
  );
}

/** A − shift·I. */
function shifted(operator: SymmetricOperator, shift: number): SymmetricOperator {
  return {
    n: operator.n,
    async apply(x, out, signal) {
      const product = await operator.apply(x, out, signal);
      axpy(-shift, x, out);
      return product;
    },
  };
}

function maxProducts(options: ExtremeOptions): number {
  return options.maxProducts ?? DEFAULT_MAX_PRODUCTS;
}

/** What ended an iteration, the worst first. */
const REASONS = ["limit", "noise", "converged", "complete"] as const;

function both(first: ExtremeInfo, second: ExtremeInfo, pairs: readonly ExtremePair[]): ExtremeInfo {
  const stopped = [first.stopped, second.stopped];
  return {
    products: first.products + second.products,
    steps: first.steps + second.steps,
    converged: pairs.every((p) => p.converged),
    stopped: REASONS.find((reason) => stopped.includes(reason)) ?? "limit",
    noise: Math.max(first.noise, second.noise),
  };
}
