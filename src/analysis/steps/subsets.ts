import { type SubsetEnd, subsetEnds } from "../../curvature/index.ts";
import { cosine } from "../../numerics/vector.ts";
import type { Objective } from "../../objective/types.ts";
import type { SubsetInfo } from "../analysis-report.ts";
import { numberText } from "../number-text.ts";
import { relativeCost } from "../progress.ts";
import type { Vectors } from "../run/unit-store.ts";
import { keepStep, type StepContext } from "./context.ts";
import { basisLimit, type EigenRequest, type EigenStep } from "./eigenpairs.ts";

export type SubsetRequest = Pick<EigenRequest, "maxProducts" | "maxBasis" | "hvp" | "kinks" | "seed">;

/** Looser than for all data, since subsets differ by far more; at 1e-2 λ₋ of fcnn2 and fcnn10 was not the lowest yet. */
const TOLERANCE = 3e-3;

interface Found {
  readonly info: SubsetInfo["subsets"][number];
  readonly products: number;
}

/**
 * The outermost eigenpairs of `eigen` on each of `parts`, which are disjoint parts of the training data. null without parts
 * or pairs. Every part is a step of its own, so that a killed run goes on with the next.
 */
export async function subsetStep(
  context: StepContext,
  parts: readonly Objective[],
  request: SubsetRequest,
  eigen: EigenStep,
): Promise<SubsetInfo | null> {
  if (parts.length === 0 || eigen.info.pairs.length === 0) return null;
  const { progress } = context;
  progress.start("subsets");
  const all = {
    units: parts.length * request.maxProducts,
    samples: parts.reduce((s, p) => s + p.samples, 0),
  };
  progress.expect(all.units, request.maxProducts * relativeCost[request.hvp] * all.samples);
  const found: { result: Found; vectors: Vectors }[] = [];
  for (const [index, part] of parts.entries()) {
    const { hvp, kinks, seed, maxProducts, maxBasis } = request;
    const limits = { tolerance: TOLERANCE, maxProducts, maxBasis };
    const options = { hvp, kinks, seed, ...limits, index, of: parts.length };
    found.push(await keepStep(context, "subset", options, () => onPart(context, part, request, eigen)));
  }
  const info: SubsetInfo = {
    subsets: found.map((f) => f.result.info),
    between: { top: between(found, "top"), bottom: between(found, "bottom") },
    products: found.reduce((sum, f) => sum + f.result.products, 0),
  };
  progress.finish([rangeOf("λ₊", info, "top"), rangeOf("λ₋", info, "bottom")].filter(Boolean).join("   "));
  return info;
}

async function onPart(
  { train, signal }: StepContext,
  part: Objective,
  { hvp, kinks, maxProducts, seed, maxBasis }: SubsetRequest,
  { info, vectors }: EigenStep,
): Promise<{ result: Found; vectors: Vectors }> {
  const of = (end: "top" | "bottom") => vectors[info.pairs.findIndex((p) => p.end === end)] ?? null;
  const limits = { top: 1, bottom: 1, maxProducts };
  const { top, bottom, products, stopped } = await subsetEnds(
    part,
    { top: of("top"), bottom: of("bottom") },
    {
      ...{ method: hvp, kinks, seed, signal, maxProducts, tolerance: TOLERANCE },
      maxBasis: maxBasis ?? basisLimit(part, limits),
      // The step that served Lanczos on all data.
      relativeStep: info.step === null ? undefined : info.step / (train.thetaNorm || 1),
    },
  );
  return {
    result: { info: { ...numbersOf(part.samples, top, bottom), ...(stopped && { stopped }) }, products },
    vectors: { ...(top && { top: top.vector }), ...(bottom && { bottom: bottom.vector }) },
  };
}

function numbersOf(samples: number, top: SubsetEnd | null, bottom: SubsetEnd | null): Found["info"] {
  return {
    samples,
    top: top?.value ?? null,
    topResidual: top?.residual ?? null,
    topConverged: top?.converged ?? null,
    bottom: bottom?.value ?? null,
    bottomResidual: bottom?.residual ?? null,
    bottomConverged: bottom?.converged ?? null,
    cosTop: top?.cosine ?? null,
    cosBottom: bottom?.cosine ?? null,
    alongTop: top?.along ?? null,
    alongTopError: top?.alongError ?? null,
    alongBottom: bottom?.along ?? null,
    alongBottomError: bottom?.alongError ?? null,
  };
}

/** Mean |cos| over all pairs of parts. */
function between(found: readonly { readonly vectors: Vectors }[], end: "top" | "bottom"): number | null {
  const vectors = found.map((f) => f.vectors[end]).filter((v) => v !== undefined);
  const cosines = vectors.flatMap((v, i) => vectors.slice(i + 1).map((u) => Math.abs(cosine(u, v))));
  return cosines.length === 0 ? null : cosines.reduce((sum, c) => sum + c, 0) / cosines.length;
}

function rangeOf(name: string, { subsets }: SubsetInfo, end: "top" | "bottom"): string {
  const values = subsets.map((s) => s[end]).filter((v) => v !== null);
  if (values.length === 0) return "";
  return `${name} ${numberText(Math.min(...values), 3)} … ${numberText(Math.max(...values), 3)}`;
}
