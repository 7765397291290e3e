import { errorText, numberText, withError } from "../analysis/number-text.ts";
import { writeNpz } from "../data/npz.ts";
import { readVector } from "../data/vector.ts";
import { gaussian } from "../numerics/random.ts";
import { dot, norm } from "../numerics/vector.ts";
import { type Command, defineCommand } from "./command.ts";
import {
  kinksOption,
  type MatrixName,
  npzOption,
  operatorOption,
  type ProblemOptions,
  problemOptions,
  productMethod,
  seedOption,
  type WhereOptions,
  whereOptions,
} from "./groups.ts";
import { choice, text } from "./options.ts";
import { requireParameters, withProblem } from "./problem.ts";
import { fieldLines } from "./table.ts";

interface HvpCommandOptions extends ProblemOptions, WhereOptions {
  readonly vector: string;
  readonly method: "fd" | "exact";
  readonly operator: MatrixName;
  readonly kinks: "frozen" | "moving";
  readonly seed: number;
  readonly npz: string | null;
}

export const hvp: Command = defineCommand<HvpCommandOptions>({
  name: "hvp",
  purpose: "Product of the Hessian with one vector, with its error",
  takesModel: true,
  examples: [
    "hvp model.onnx --data train.npz --vector random",
    "hvp model.onnx --data train.npz --vector eigs.npz:vectors:0",
    "hvp model.onnx --data train.npz --method exact --npz hv.npz",
  ],
  options: {
    ...problemOptions,
    vector: text<string>({
      group: "What:",
      describe: "F.npz:KEY, F.npz:KEY:ROW, random (standard normal) or ones [default random]",
      fallback: "random",
    }),
    method: choice<"fd" | "exact">(
      {
        group: "What:",
        describe: "fd (difference of gradients) or exact (the graph of ∇⟨∇L, v⟩) [default fd]",
        fallback: "fd",
      },
      ["fd", "exact"],
    ),
    operator: operatorOption,
    kinks: kinksOption,
    seed: seedOption,
    ...whereOptions,
    npz: npzOption,
  },
  run: (model, options, context) =>
    withProblem(model, options, context, async (problem) => {
      await requireParameters(problem);
      const { train } = problem;
      const v = await makeVector(options, train.n);
      const { kinks, operator } = options;
      const method = productMethod(operator, options.method);
      const { hv, step, error } = await train.hvp(v, { method, kinks }, context.io.signal);
      if (options.npz) writeNpz(options.npz, { hv: array(hv), v: array(v) });
      const size = norm(hv);
      const rayleigh = dot(v, hv) / dot(v, v);
      const errorEstimate = size > 0 ? error / size : null;
      return {
        json: { operator, method, kinks, norm: size, rayleigh, step, errorEstimate, samples: train.samples },
        lines: fieldLines([
          ["‖Hv‖", withError(size, error)],
          // |vᵀ(Hv − error)|/‖v‖² is off by at most the error's norm over ‖v‖.
          ["vᵀHv / vᵀv", withError(rayleigh, error / norm(v))],
          ["error", `${errorEstimate === null ? "unknown" : errorText(errorEstimate)} of ‖Hv‖ (estimate)`],
          ["step", step === null ? "none (exact product)" : `‖Δθ‖ = ${numberText(step, 3)}`],
          ["method", `${method}, branches ${method === "fd" ? kinks : "as at θ₀"}`],
          ["samples", String(train.samples)],
          ...(options.npz ? ([["written", options.npz]] as const) : []),
        ]),
      };
    }),
});

async function makeVector(options: HvpCommandOptions, n: number): Promise<Float64Array> {
  const v = new Float64Array(n);
  switch (options.vector) {
    case "ones":
      return v.fill(1);
    case "random":
      gaussian({ seed: options.seed, purpose: "hvp", name: "", index: 0 }, v);
      return v;
    default:
      return readVector(options.vector, n, "--vector");
  }
}

function array(data: Float64Array): { shape: number[]; data: Float64Array } {
  return { shape: [data.length], data };
}
