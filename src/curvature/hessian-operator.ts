import type { DifferenceModel } from "../numerics/difference-step.ts";
import type { ProductInfo, SymmetricOperator } from "../numerics/operator.ts";
import type { HvpOptions, Objective } from "../objective/types.ts";

/** The Hessian of an objective as a symmetric operator of order N, by products of the given kind. */
export class HessianOperator implements SymmetricOperator {
  readonly n: number;
  private readonly objective: Objective;
  private readonly options: HvpOptions;

  constructor(objective: Objective, options: HvpOptions) {
    this.n = objective.n;
    this.objective = objective;
    this.options = options;
  }

  async apply(x: Float64Array, out: Float64Array, signal?: AbortSignal): Promise<ProductInfo> {
    const { hv, error } = await this.objective.hvp(x, this.options, signal);
    out.set(hv);
    return { error };
  }
}

/** The Hessian by differences with branches frozen, a step of its own for each product, looked for from where the last one was found. */
export class AdaptiveHessianOperator implements SymmetricOperator {
  readonly n: number;
  private readonly objective: Objective;
  private known: DifferenceModel | undefined;

  constructor(objective: Objective, hint?: DifferenceModel) {
    this.n = objective.n;
    this.objective = objective;
    this.known = hint;
  }

  async apply(x: Float64Array, out: Float64Array, signal?: AbortSignal): Promise<ProductInfo> {
    const options: HvpOptions = {
      method: "fd",
      kinks: "frozen",
      ...(this.known && { model: this.known }),
    };
    const { hv, error, model } = await this.objective.hvp(x, options, signal);
    out.set(hv);
    this.known = model ?? this.known;
    return { error };
  }
}
