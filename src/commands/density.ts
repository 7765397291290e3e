import type { DensityInfo, Measured } from "../analysis/analysis-report.ts";
import { countText, numberText, percentText, plural, withError } from "../analysis/number-text.ts";
import { type DensityRequest, densityStep } from "../analysis/steps/density.ts";
import { writeNpz } from "../data/npz.ts";
import { type Command, defineCommand, type Outcome } from "./command.ts";
import { stepContext } from "./ends.ts";
import {
  type CurvatureOptions,
  curvatureOptions,
  type MatrixName,
  matrixNames,
  operatorOption,
  type ProblemOptions,
  problemOptions,
  productMethod,
} from "./groups.ts";
import { integer } from "./options.ts";
import { requireParameters, withProblem } from "./problem.ts";
import { openRun } from "./run.ts";
import { fieldLines } from "./table.ts";

interface DensityOptions extends ProblemOptions, CurvatureOptions {
  readonly probes: number;
  readonly steps: number;
  readonly operator: MatrixName;
}

const what = "What:";

export const density: Command = defineCommand<DensityOptions>({
  name: "density",
  purpose: "Density of the Hessian's eigenvalues, by Lanczos quadrature",
  takesModel: true,
  examples: [
    "density model.onnx --data train.npz",
    "density model.onnx --data train.npz --probes 8 --steps 60",
    "density model.onnx --data train.npz --npz density.npz --json",
  ],
  options: {
    ...problemOptions,
    probes: integer<number>(
      { group: what, describe: "P: random vectors [default 4]", fallback: 4 },
      1,
      10_000,
    ),
    steps: integer<number>(
      { group: what, describe: "M: Lanczos steps, which are products, of each [default 40]", fallback: 40 },
      2,
      10_000,
    ),
    operator: operatorOption,
    ...curvatureOptions,
  },
  run: (model, options, context) =>
    withProblem(model, options, context, async (problem) => {
      await requireParameters(problem);
      const { probes, steps, kinks, seed, operator } = options;
      const method = productMethod(operator, options.hvp);
      const request: DensityRequest = { probes, steps, method, kinks, seed };
      using run = await openRun("density", problem, options, { ...request }, options.out, context);
      const info = await densityStep(stepContext(run, context), request);
      if (options.npz) writeDensity(options.npz, info);
      return outcome(info, run.train.n, options);
    }),
});

function outcome(info: DensityInfo, n: number, { operator, npz }: DensityOptions): Outcome {
  const { quadratures, steps, mass, first, second, resolution, negative, positive } = info;
  const of = (x: Measured, times = 1) => withError(times * x.value, times * x.standardError);
  const frobenius = Math.sqrt(n * second.value);
  const values = quadratures.flatMap((q) => q.nodes);
  return {
    json: {
      ...{ probes: quadratures.length, steps, operator, parameters: n, mass, first, second },
      ...{ resolution, negative, positive },
      trace: scaled(first, n),
      squaredFrobeniusNorm: scaled(second, n),
      quadratures,
    },
    lines: fieldLines([
      ...(operator === "hessian" ? [] : [["matrix", matrixNames[operator]] as const]),
      ["density", `${plural(quadratures.length, "probe")}, at most ${plural(steps, "step")} each`],
      ["nodes", `${numberText(Math.min(...values))} … ${numberText(Math.max(...values))}`],
      ["mass", mass.toFixed(9)],
      ["mean eigenvalue", `${of(first)} (tr H = ${of(first, n)})`],
      ["mean square", `${of(second)} (‖H‖ = ${numberText(frobenius, 3)})`],
      [
        "negative",
        `${percentText(negative.value, 3)} of ${countText(n)} eigenvalues, below ${numberText(-resolution, 2)}`,
      ],
      ["positive", `${percentText(positive.value, 3)}, above ${numberText(resolution, 2)}`],
      ...(npz ? [["written", npz] as const] : [["arrays", "--npz F.npz writes them"] as const]),
    ]),
  };
}

function scaled({ value, standardError }: Measured, by: number): Measured {
  return { value: by * value, standardError: by * standardError };
}

/** Rows of equal length: what a probe that ended early lacks has weight 0. */
function writeDensity(path: string, { quadratures }: DensityInfo): void {
  const width = Math.max(...quadratures.map((q) => q.nodes.length));
  const table = (of: "nodes" | "weights") => {
    const data = new Float64Array(quadratures.length * width);
    for (const [i, q] of quadratures.entries()) data.set(q[of], i * width);
    return { shape: [quadratures.length, width], data };
  };
  writeNpz(path, { nodes: table("nodes"), weights: table("weights") });
}
