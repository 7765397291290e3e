import { gaussian } from "../../src/numerics/random.ts";
import { axpy, dot, norm } from "../../src/numerics/vector.ts";
import { DatasetObjective } from "../../src/objective/dataset-objective.ts";
import type { Executor, GroupResult, Task } from "../../src/objective/tasks.ts";
import type { Objective } from "../../src/objective/types.ts";
import { spectrumOperator } from "./operators.ts";

export interface Float32Options {
  /** Eigenvalues of the Hessian at θ₀; eigenvectors are not the axes. */
  readonly spectrum: readonly number[];
  /** Fourth derivative along eigenvector 0: differences with step ε are off by a sixth of it times ε². */
  readonly fourth?: number;
  /** Size of the numbers that cancel in each gradient component: rounding is 2⁻²⁴ of it. */
  readonly cancellation?: number;
  /** A kink along eigenvector 0 at this distance, where the slope jumps by `jump`, while branches move. */
  readonly kink?: { readonly at: number; readonly jump: number };
  /** The groups' gradients differ by ± this along eigenvector 1. */
  readonly spread?: number;
  /** ∇L at θ₀ along eigenvector 1. */
  readonly slope?: number;
}

const GROUPS = 4;

/**
 * The real objective over a loss in closed form whose gradients are rounded as float32 nets round them:
 * differences, steps and their errors are those of the product, and everything true is known.
 */
export function float32Objective(options: Float32Options): {
  objective: Objective;
  vector: (k: number) => Float64Array;
  runs: () => number;
} {
  const n = options.spectrum.length;
  const hessian = spectrumOperator(options.spectrum);
  const theta = new Float64Array(n);
  gaussian({ seed: 9, purpose: "theta", name: "", index: 0 }, theta);
  const theta32 = Float32Array.from(theta);
  const offsets = new Float64Array(n);
  gaussian({ seed: 9, purpose: "offsets", name: "", index: 0 }, offsets);
  const [first, second] = [hessian.vector(0), hessian.vector(Math.min(1, n - 1))];
  let runs = 0;

  const gradient = async (at: Float32Array, moving: boolean, group: number): Promise<Float64Array> => {
    const d = Float64Array.from(at, (x, i) => x - theta32[i]!);
    const g = new Float64Array(n);
    await hessian.apply(d, g);
    const s = dot(first, d);
    const kink = moving && options.kink && s > options.kink.at ? options.kink.jump : 0;
    axpy(((options.fourth ?? 0) / 6) * s ** 3 + kink, first, g);
    axpy((options.slope ?? 0) + (options.spread ?? 0) * (group % 2 === 0 ? 1 : -1), second, g);
    const size = options.cancellation ?? 0;
    return g.map((x, i) => Math.fround(x + size * offsets[i]!) - Math.fround(size * offsets[i]!));
  };

  const vectorOf = async (task: Task, group: number): Promise<Float64Array | null> => {
    if (task.kind === "evaluate") return null;
    if (task.kind === "gradient") return gradient(task.theta, true, group);
    if (task.kind === "difference") {
      const [plus, minus] = await Promise.all(
        [task.plus, task.minus].map((at) => gradient(at, task.base === null, group)),
      );
      return plus!.map((x, i) => x - minus![i]!);
    }
    const hv = new Float64Array(n);
    await hessian.apply(Float64Array.from(task.v), hv);
    return hv;
  };

  const executor: Executor = {
    async run(task, signal) {
      signal?.throwIfAborted();
      runs++;
      const count = 10;
      const results: GroupResult[] = [];
      for (let group = 0; group < GROUPS; group++) {
        const vector = await vectorOf(task, group);
        // A difference is of two gradients: its count is twice that of the samples.
        const samples = task.kind === "difference" ? 2 * count : count;
        results.push({
          loss: 0,
          correct: null,
          count: samples,
          weight: samples,
          vector: vector?.map((x) => x * count) ?? null,
        });
      }
      return results;
    },
    close: async () => {},
  };
  const half = Math.ceil(n / 2);
  const parameters = [
    { name: "first", shape: [half], offset: 0, size: half },
    { name: "second", shape: [n - half], offset: half, size: n - half },
  ];
  const objective = new DatasetObjective(parameters, theta32, 10 * GROUPS, executor);
  return { objective, vector: (k) => hessian.vector(k), runs: () => runs };
}

/** ‖a − b‖/‖b‖. */
export function relativeError(a: Float64Array, b: Float64Array): number {
  return norm(a.map((x, i) => x - b[i]!)) / norm(b);
}
