import { annihilationEigenpairs } from "../numerics/annihilation.ts";
import { bestStep } from "../numerics/difference-step.ts";
import type { ExtremeInfo, ExtremePair, LanczosProgress } from "../numerics/eigenpair-types.ts";
import { extremeEigenpairs } from "../numerics/extreme-eigenpairs.ts";
import { lanczos } from "../numerics/lanczos.ts";
import type { HvpMethod, HvpOptions, Kinks, Objective } from "../objective/types.ts";
import { AdaptiveHessianOperator, HessianOperator } from "./hessian-operator.ts";

/** One Lanczos run for both ends, or the paper's two: the second on H − λ₁I. */
export type EigenSolver = "lanczos" | "annihilation";

export interface EigenpairOptions {
  readonly top: number;
  readonly bottom: number;
  readonly method: HvpMethod;
  /** Default "lanczos". */
  readonly solver?: EigenSolver | undefined;
  readonly kinks: Kinks;
  readonly seed: number;
  /** See `ExtremeOptions`; default 1e-4. */
  readonly tolerance?: number | undefined;
  /** Default 300. */
  readonly maxProducts?: number | undefined;
  /** See `ExtremeOptions`. */
  readonly leastProducts?: number | undefined;
  /** Lanczos vectors (float32, length N) kept at most. Default: all. */
  readonly maxBasis?: number | undefined;
  /** Copies of a multiple eigenvalue to look for, see `ExtremeOptions`. */
  readonly multiplicity?: number | undefined;
  /** Step of the differences within Lanczos, ‖Δθ‖/‖θ‖. Default: chosen (frozen) or 1e-3 (moving). */
  readonly relativeStep?: number | undefined;
  readonly start?: Float64Array | undefined;
  readonly onStep?: ((step: LanczosProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface EigenpairInfo extends ExtremeInfo {
  /** ‖Δθ‖/‖θ‖ of the differences within Lanczos; null for exact products. */
  readonly relativeStep: number | null;
}

/** Curvature at a scale, as method §5 measures it. */
const MOVING_STEP = 1e-3;
/** At first, while nothing is known: it served every net of method §5. */
const FIRST_STEP = 1e-5;
/** Bounds of the chosen step: below, float32 rounding rules; above, v₋ suffers before v₊ does (method §5). */
const LEAST_STEP = 1e-6;
const LARGEST_STEP = 1e-4;
/** Lanczos steps after which the top Ritz vector is good enough to choose a step for. */
const CALIBRATION_STEPS = 8;

/**
 * Largest and smallest eigenpairs of the Hessian at θ₀, from one Lanczos run or, by annihilation, from two. Units: loss per squared unit of ‖Δθ‖.
 * By differences: one step within Lanczos, chosen for the top Ritz vector, where third derivatives are largest;
 * then a product of its own step for each pair, on which values, vectors and residuals rest (branches frozen).
 * With branches moving, both at one fixed step: the result is no Hessian's but the loss's curvature at that scale.
 * Error of the values: their residuals, which include the products' errors.
 */
export async function hessianEigenpairs(
  objective: Objective,
  options: EigenpairOptions,
): Promise<{ pairs: ExtremePair[]; info: EigenpairInfo }> {
  const { method, kinks } = options;
  const isAdaptive = method === "fd" && kinks === "frozen";
  const products = isAdaptive ? await calibrated(objective, options) : fixedProducts(options);
  const solve = options.solver === "annihilation" ? annihilationEigenpairs : extremeEigenpairs;
  const { pairs, info } = await solve(new HessianOperator(objective, products), {
    ...options,
    // Products see a vector in float32 in any case.
    precision: "float32",
    ...(isAdaptive && { refine: new AdaptiveHessianOperator(objective, products.model) }),
  });
  const calibration = isAdaptive && options.relativeStep === undefined ? CALIBRATION_STEPS + 1 : 0;
  return {
    pairs: withFloat32Floor(pairs),
    info: {
      ...info,
      products: info.products + calibration,
      relativeStep: products.relativeStep ?? null,
    },
  };
}

/**
 * Adds what float32 itself does to the Hessian: rounding in the forward pass is the same in every product, so that
 * no residual or disagreement shows it. Measured against float64: λ₋ of fcnn10 is off by 8e-9 of λ₊, fcnn2's by 2e-9;
 * half a unit in the last place of the largest eigenvalue found is taken.
 */
function withFloat32Floor(pairs: readonly ExtremePair[]): ExtremePair[] {
  const floor = 2 ** -24 * Math.max(0, ...pairs.map((p) => Math.abs(p.value)));
  return pairs.map((p) => ({
    ...p,
    residual: Math.hypot(p.residual, floor),
    productError: Math.hypot(p.productError, floor),
  }));
}

function fixedProducts({ method, kinks, relativeStep }: EigenpairOptions): HvpOptions {
  if (method !== "fd") return { method, kinks };
  return { method, kinks, relativeStep: relativeStep ?? MOVING_STEP };
}

/** A step for all products of a Lanczos run by differences with branches frozen, and what is known of their errors. */
export async function calibrated(
  objective: Objective,
  options: Pick<EigenpairOptions, "seed" | "relativeStep" | "signal" | "start">,
): Promise<HvpOptions> {
  const frozen = { method: "fd", kinks: "frozen" } as const;
  if (options.relativeStep !== undefined) return { ...frozen, relativeStep: options.relativeStep };
  const u = await topRitzVector(
    new HessianOperator(objective, { ...frozen, relativeStep: FIRST_STEP }),
    options,
  );
  const { step, model } = await objective.hvp(u, frozen, options.signal);
  if (!step || !model) return { ...frozen, relativeStep: FIRST_STEP };
  const relative = bestStep(model, step) / (objective.thetaNorm || 1);
  return { ...frozen, relativeStep: Math.min(LARGEST_STEP, Math.max(LEAST_STEP, relative)), model };
}

async function topRitzVector(
  operator: HessianOperator,
  options: Pick<EigenpairOptions, "seed" | "start" | "signal">,
): Promise<Float64Array> {
  let vector: Float64Array = new Float64Array(operator.n);
  for await (const f of lanczos(operator, { ...options, precision: "float32" })) {
    if (f.products < CALIBRATION_STEPS && !f.complete) continue;
    const { values, coefficients } = f.ritz();
    const largest = coefficients[values.length - 1];
    if (largest) vector = f.basis.combine(largest);
    break;
  }
  return vector;
}
