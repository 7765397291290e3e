import { type EigenSolver, hessianEigenpairs } from "../../curvature/index.ts";
import { leastBasis } from "../../numerics/index.ts";
import { cosine, dot } from "../../numerics/vector.ts";
import type { HvpMethod, Objective } from "../../objective/types.ts";
import type { EigenInfo } from "../analysis-report.ts";
import { numberText, plural, withError } from "../number-text.ts";
import { relativeCost } from "../progress.ts";
import type { Vectors } from "../run/unit-store.ts";
import { keepStep, type StepContext } from "./context.ts";

/** What decides the eigenpairs and their accuracy. */
export interface EigenRequest {
  readonly top: number;
  readonly bottom: number;
  readonly tolerance: number;
  readonly maxProducts: number;
  /** Default 0: as few as the tolerance allows. */
  readonly leastProducts?: number | undefined;
  readonly hvp: HvpMethod;
  readonly kinks: "frozen" | "moving";
  readonly seed: number;
  /** Default "lanczos". */
  readonly method?: EigenSolver | undefined;
  /** Copies of a multiple eigenvalue to look for. Default 1: where they cost little. */
  readonly multiplicity?: number | undefined;
  /** Lanczos vectors kept at most. Default: what a gigabyte holds. */
  readonly maxBasis?: number | undefined;
}

export interface EigenStep {
  readonly info: Omit<EigenInfo, "moving">;
  /** Unit eigenvectors, in the order of `info.pairs`. */
  readonly vectors: readonly Float64Array[];
  /** Largest estimated error of the pairs' own products, relative to ‖Hv‖. */
  readonly productError: number;
}

/** Lanczos vectors (float32) that are kept in memory before the iteration restarts. */
const BASIS_BYTES = 2 ** 30;

/** Largest and smallest eigenpairs; `gradient` (if known) gives the slope along each. */
export async function eigenStep(
  context: StepContext,
  request: EigenRequest,
  gradient: Float64Array | null,
): Promise<EigenStep> {
  context.progress.start("eigenpairs");
  const step = await eigenpairs(context, "eigenpairs", request, gradient);
  const { pairs, products } = step.info;
  const first = (end: "top" | "bottom") => pairs.find((p) => p.end === end);
  const shown = [
    ["λ₊", first("top")],
    ["λ₋", first("bottom")],
  ].flatMap(([name, p]) => (typeof p === "object" ? [`${name} ${withError(p.value, p.residual)}`] : []));
  context.progress.finish([...shown, plural(products, "product")].join("   "));
  return step;
}

/** The ends of plain differences, whose branches move, beside those of the Hessian. */
export async function movingStep(
  context: StepContext,
  request: EigenRequest,
  maxProducts: number,
  frozen: EigenStep,
): Promise<EigenInfo["moving"]> {
  if (maxProducts === 0) return null;
  context.progress.start("kinks");
  const moving: EigenRequest = { ...request, top: 1, bottom: 1, hvp: "fd", kinks: "moving", maxProducts };
  const { info, vectors } = await eigenpairs(context, "moving", moving, null);
  const [top, bottom] = info.pairs;
  const angle = (end: "top" | "bottom", other: Float64Array | undefined) => {
    const v = frozen.vectors[frozen.info.pairs.findIndex((p) => p.end === end)];
    return v && other ? Math.abs(cosine(v, other)) : 0;
  };
  if (!top || !bottom || info.step === null) return null;
  const found = {
    top: top.value,
    bottom: bottom.value,
    cosTop: angle("top", vectors[0]),
    cosBottom: angle("bottom", vectors[1]),
    relativeStep: info.step / (context.train.thetaNorm || 1),
  };
  context.progress.finish(
    `plain differences: λ₊ ${numberText(found.top, 3)} (|cos| ${numberText(found.cosTop, 3)})   λ₋ ${numberText(found.bottom, 3)} (|cos| ${numberText(found.cosBottom, 3)})`,
  );
  return found;
}

async function eigenpairs(
  context: StepContext,
  name: string,
  request: EigenRequest,
  gradient: Float64Array | null,
): Promise<EigenStep> {
  const { result, vectors } = await keepStep(context, name, { ...request }, () =>
    computeEigenpairs(context, request, gradient),
  );
  return { ...result, vectors: result.info.pairs.map((_, i) => vectors[`v${i}`] as Float64Array) };
}

async function computeEigenpairs(
  { train, progress, signal }: StepContext,
  request: EigenRequest,
  gradient: Float64Array | null,
): Promise<{ result: Omit<EigenStep, "vectors">; vectors: Vectors }> {
  const { hvp, kinks, top, bottom, tolerance, maxProducts, seed, method = "lanczos", multiplicity } = request;
  progress.expect(maxProducts + top + bottom, maxProducts * relativeCost[hvp] * train.samples);
  const { pairs, info } = await hessianEigenpairs(train, {
    ...{ top, bottom, tolerance, maxProducts, seed, kinks, signal, multiplicity },
    method: hvp,
    solver: method,
    leastProducts: request.leastProducts,
    maxBasis: request.maxBasis ?? basisLimit(train, request),
  });
  const step = info.relativeStep === null ? null : info.relativeStep * (train.thetaNorm || 1);
  return {
    result: {
      info: {
        pairs: pairs.map(({ value, residual, converged, end, multiplicity, vector }) => ({
          ...{ value, residual, converged, end, multiplicity },
          slope: gradient ? dot(gradient, vector) : 0,
        })),
        ...{ products: info.products, method, hvp, kinks, step, stopped: info.stopped },
      },
      productError: Math.max(...pairs.map((p) => p.productError / Math.abs(p.value))),
    },
    vectors: Object.fromEntries(pairs.map((p, i) => [`v${i}`, p.vector])),
  };
}

/** All vectors where they fit; else as many as do, but enough for the solver to restart with. */
export function basisLimit(
  { n }: Objective,
  request: Pick<EigenRequest, "top" | "bottom" | "maxProducts" | "multiplicity">,
): number | undefined {
  const fits = Math.floor(BASIS_BYTES / (4 * n));
  if (fits > request.maxProducts) return undefined;
  return Math.max(fits, Math.min(n, leastBasis(request)));
}
