import { chooseDifference, errorAt } from "../numerics/difference-step.ts";
import { addGroups, type Executor } from "./tasks.ts";
import type { HvpOptions, HvpResult } from "./types.ts";

/**
 * Hessian-vector products by central differences of the gradient at θ₀ ± ε·v/‖v‖, branches frozen at θ₀
 * or moving. Without state: equal calls give equal results.
 */
export class DifferenceProducts {
  private readonly theta: Float32Array;
  private readonly thetaNorm: number;
  private readonly executor: Executor;

  constructor(theta: Float32Array, thetaNorm: number, executor: Executor) {
    this.theta = theta;
    // An all-zero checkpoint has no scale of its own: steps are then absolute.
    this.thetaNorm = thetaNorm > 0 ? thetaNorm : 1;
    this.executor = executor;
  }

  async product(v: Float64Array, options: HvpOptions, signal?: AbortSignal): Promise<HvpResult> {
    const norm = length(v);
    if (norm === 0) return { hv: new Float64Array(v.length), step: 0, error: 0, model: null };
    const unit = scale(v, 1 / norm);
    const quotient = (step: number) => this.quotient(unit, step, options.kinks, signal);
    if (options.relativeStep !== undefined) {
      const step = options.relativeStep * this.thetaNorm;
      const hv = await quotient(step);
      return { hv: scale(hv, norm), step, error: norm * this.expectedError(options, hv, step), model: null };
    }
    const { hv, step, error, model } = await chooseDifference(quotient, {
      scale: this.thetaNorm,
      model: options.model,
    });
    return { hv: scale(hv, norm), step, error: norm * error, model };
  }

  /** Error of a difference whose step was given. */
  private expectedError(options: HvpOptions, hv: Float64Array, step: number): number {
    if (options.model) return errorAt(options.model, step);
    // Nothing is known but that θ ± step is rounded to float32.
    return ((2 ** -24 * this.thetaNorm) / step) * length(hv);
  }

  /** (∇L(θ₀ + s·u) − ∇L(θ₀ − s·u)) / 2s for a unit vector u, divided by the step that rounding to float32 left. */
  private async quotient(
    unit: Float64Array,
    step: number,
    kinks: HvpOptions["kinks"],
    signal: AbortSignal | undefined,
  ): Promise<Float64Array> {
    const plus = new Float32Array(unit.length);
    const minus = new Float32Array(unit.length);
    let along = 0;
    for (let i = 0; i < unit.length; i++) {
      plus[i] = this.theta[i]! + step * unit[i]!;
      minus[i] = this.theta[i]! - step * unit[i]!;
      along += (plus[i]! - minus[i]!) * unit[i]!;
    }
    const base = kinks === "frozen" ? this.theta : null;
    const sum = addGroups(await this.executor.run({ kind: "difference", plus, minus, base }, signal));
    // Two gradients were summed: the weight is twice that of the samples.
    return scale(sum.vector as Float64Array, 2 / (sum.weight * along));
  }
}

function length(x: Float64Array): number {
  let sum = 0;
  for (const value of x) sum += value * value;
  return Math.sqrt(sum);
}

function scale(x: Float64Array, factor: number): Float64Array {
  const scaled = new Float64Array(x.length);
  for (let i = 0; i < x.length; i++) scaled[i] = x[i]! * factor;
  return scaled;
}
