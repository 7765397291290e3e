import { LandscapeError } from "../../errors.ts";
import { distance, dot, norm } from "../../numerics/vector.ts";
import type { Objective } from "../../objective/types.ts";
import { errorText } from "../number-text.ts";
import { keepStep, type StepContext } from "./context.ts";
import type { NamedDirection } from "./directions.ts";

/** Products along v₊ or v₋ by both methods. */
export interface EndProduct {
  /** vᵀHv by differences with branches frozen, and its error. */
  readonly curvature: number;
  readonly error: number;
  /** Noise of the gradient as choosing the difference's step has shown it. */
  readonly noise: number;
  /** ‖difference − exact product‖/‖exact product‖; null where there is no exact product. */
  readonly exactDifference: number | null;
}

/** Checks the differences along v₊ and v₋ against exact products; by the id of the direction in the report. */
export async function endProductsStep(
  context: StepContext,
  directions: readonly NamedDirection[],
): Promise<ReadonlyMap<string, EndProduct>> {
  context.progress.start("check");
  const found = new Map<string, EndProduct>();
  for (const { info, direction } of directions) {
    if (info.role !== "top" && info.role !== "bottom") continue;
    const { result } = await keepStep(context, "check", { direction: direction.id }, async () => {
      const { train, signal } = context;
      const frozen = await train.hvp(direction.vector, { method: "fd", kinks: "frozen" }, signal);
      const exact = await exactProduct(train, direction.vector, signal);
      const result: EndProduct = {
        curvature: dot(direction.vector, frozen.hv),
        error: frozen.error,
        noise: frozen.model?.noise ?? frozen.error * (frozen.step ?? 0),
        exactDifference: exact && distance(frozen.hv, exact) / norm(exact),
      };
      return { result, vectors: {} };
    });
    found.set(info.id, result);
  }
  const shown = [...found.values()].map((p) => p.exactDifference).filter((d) => d !== null);
  context.progress.finish(
    shown.length > 0 ? `differences off by ${shown.map(errorText).join(", ")}` : "no exact products",
  );
  return found;
}

/** Exact where the graph can be differentiated twice. */
async function exactProduct(
  train: Objective,
  v: Float64Array,
  signal: AbortSignal,
): Promise<Float64Array | null> {
  try {
    return (await train.hvp(v, { method: "exact", kinks: "frozen" }, signal)).hv;
  } catch (error) {
    if (error instanceof LandscapeError && error.code === "UNSUPPORTED_OP") return null;
    throw error;
  }
}
