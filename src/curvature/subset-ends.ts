import type { ExtremeInfo, ExtremePair } from "../numerics/eigenpair-types.ts";
import type { SymmetricOperator } from "../numerics/operator.ts";
import { gaussian } from "../numerics/random.ts";
import { axpy, cosine, dot, norm } from "../numerics/vector.ts";
import type { Objective } from "../objective/types.ts";
import { type EigenpairOptions, hessianEigenpairs } from "./eigenpairs.ts";
import { AdaptiveHessianOperator, HessianOperator } from "./hessian-operator.ts";

/** One end of the spectrum of a part of the data, beside the eigenvector v of all data. */
export interface SubsetEnd {
  readonly value: number;
  readonly residual: number;
  readonly converged: boolean;
  /** Unit eigenvector of the part. */
  readonly vector: Float64Array;
  /** Its |cos| to v. */
  readonly cosine: number;
  /** vᵀHv on the part, and the estimated error of that product. */
  readonly along: number;
  readonly alongError: number;
}

export interface SubsetEnds {
  /** null for an end whose v is not given. */
  readonly top: SubsetEnd | null;
  readonly bottom: SubsetEnd | null;
  readonly products: number;
  /** What ended the iteration; null where there was none. */
  readonly stopped: ExtremeInfo["stopped"] | null;
}

/** Unit eigenvectors of all data. */
export interface KnownEnds {
  readonly top: Float64Array | null;
  readonly bottom: Float64Array | null;
}

/** Share of the start vector's length that is random, so that no eigenvector of the part is left out of the search. */
const RANDOM_SHARE = 0.3;

/**
 * Largest and smallest eigenpair of the Hessian on a part of the data, by Lanczos started from those of all data, and the
 * curvature along the latter. Units: loss per squared unit of ‖Δθ‖. With parts of equal size the mean over parts of `along`
 * is the eigenvalue of all data; that of `value` lies beyond it (λ₊ is a convex function of the matrix, λ₋ a concave one),
 * the more so the smaller the parts.
 */
export async function subsetEnds(
  part: Objective,
  known: KnownEnds,
  options: Omit<EigenpairOptions, "top" | "bottom" | "start" | "solver" | "multiplicity">,
): Promise<SubsetEnds> {
  const vectors = [known.top, known.bottom].filter((v) => v !== null);
  if (vectors.length === 0) return { top: null, bottom: null, products: 0, stopped: null };
  const { pairs, info } = await hessianEigenpairs(part, {
    ...options,
    top: known.top ? 1 : 0,
    bottom: known.bottom ? 1 : 0,
    start: startFrom(vectors, options.seed),
  });
  const operator = operatorFor(part, options);
  const end = async (name: "top" | "bottom"): Promise<SubsetEnd | null> => {
    const v = known[name];
    const pair = pairs.find((p) => p.end === name);
    return v && pair ? beside(operator, v, pair, options.signal) : null;
  };
  const top = await end("top");
  const products = info.products + vectors.length;
  return { top, bottom: await end("bottom"), products, stopped: info.stopped };
}

/** With branches frozen every difference has a step of its own; moving ones are measured at the scale that is asked for. */
function operatorFor(
  part: Objective,
  { method, kinks, relativeStep }: Pick<EigenpairOptions, "method" | "kinks" | "relativeStep">,
): SymmetricOperator {
  if (method === "fd" && kinks === "frozen") return new AdaptiveHessianOperator(part);
  return new HessianOperator(part, { method, kinks, ...(relativeStep !== undefined && { relativeStep }) });
}

async function beside(
  operator: SymmetricOperator,
  v: Float64Array,
  { value, residual, converged, vector }: ExtremePair,
  signal: AbortSignal | undefined,
): Promise<SubsetEnd> {
  const hv = new Float64Array(v.length);
  const { error } = await operator.apply(v, hv, signal);
  const numbers = { value, residual, converged, vector };
  return { ...numbers, cosine: Math.abs(cosine(v, vector)), along: dot(v, hv), alongError: error };
}

function startFrom(vectors: readonly Float64Array[], seed: number): Float64Array {
  const start = new Float64Array(vectors[0]?.length ?? 0);
  gaussian({ seed, purpose: "subsets", name: "", index: 0 }, start);
  const size = (RANDOM_SHARE * Math.sqrt(vectors.length)) / norm(start);
  for (let i = 0; i < start.length; i++) start[i]! *= size;
  for (const v of vectors) axpy(1, v, start);
  return start;
}
