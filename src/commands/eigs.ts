import type { Eigenpair } from "../analysis/analysis-report.ts";
import { convergenceRemedy } from "../analysis/convergence.ts";
import { foldText, numberText, plural, withError } from "../analysis/number-text.ts";
import { type EigenRequest, type EigenStep, eigenStep } from "../analysis/steps/eigenpairs.ts";
import { subsetStep } from "../analysis/steps/subsets.ts";
import { writeNpz } from "../data/npz.ts";
import { LandscapeError } from "../errors.ts";
import { type Command, defineCommand } from "./command.ts";
import { stepContext } from "./ends.ts";
import {
  type CurvatureOptions,
  curvatureOptions,
  eigenMethodOption,
  type MatrixName,
  operatorOption,
  type ProblemOptions,
  problemOptions,
  productMethod,
  subsetsOption,
} from "./groups.ts";
import { integer, positive } from "./options.ts";
import { requireParameters, withProblem } from "./problem.ts";
import { openRun } from "./run.ts";
import { subsetLines } from "./subset-lines.ts";
import { tableLines } from "./table.ts";

interface EigsOptions extends ProblemOptions, CurvatureOptions {
  readonly top: number;
  readonly bottom: number;
  readonly tol: number;
  readonly maxProducts: number;
  readonly method: "lanczos" | "annihilation";
  readonly multiplicity: number;
  readonly subsets: number;
  readonly maxBasis: number | null;
  readonly operator: MatrixName;
}

const what = "What:";

export const eigs: Command = defineCommand<EigsOptions>({
  name: "eigs",
  purpose: "Largest and smallest eigenvalues of the Hessian, with true residuals",
  takesModel: true,
  examples: [
    "eigs model.onnx --data train.npz --top 3 --bottom 3",
    "eigs model.onnx --data train.npz --npz eigs.npz --json",
    "eigs model.onnx --data train.npz --hvp exact --tol 1e-5",
  ],
  options: {
    ...problemOptions,
    top: integer<number>({ group: what, describe: "K: largest eigenvalues [default 1]", fallback: 1 }, 0),
    bottom: integer<number>({ group: what, describe: "K: smallest eigenvalues [default 1]", fallback: 1 }, 0),
    tol: positive<number>(
      {
        group: what,
        describe: "R: residual of a converged pair, relative to |λ| [default 1e-4]",
        fallback: 1e-4,
      },
      1,
    ),
    maxProducts: integer<number>(
      { group: what, describe: "N: Hessian products at most [default 300]", fallback: 300 },
      2,
    ),
    method: eigenMethodOption,
    multiplicity: integer<number>(
      {
        group: what,
        describe:
          "M: copies of a multiple eigenvalue to look for, by restarts [default 1; 10 where a few products show all]",
        fallback: 1,
      },
      1,
      1000,
    ),
    subsets: subsetsOption<number>(0, "0"),
    maxBasis: integer<null>(
      {
        group: what,
        describe: "N: vectors kept at most; then Lanczos restarts [default what 1 GiB holds]",
        fallback: null,
        advanced: true,
      },
      1,
    ),
    operator: operatorOption,
    ...curvatureOptions,
  },
  run: (model, options, context) =>
    withProblem(model, options, context, async (problem) => {
      await requireParameters(problem);
      assertCounts(options, problem.train.n);
      const request = eigenRequest(options);
      const own = { ...request, subsets: options.subsets };
      using run = await openRun("eigs", problem, options, own, options.out, context);
      // First of all: it refuses what the data do not allow.
      const parts = run.subsets(options.subsets);
      const steps = stepContext(run, context);
      const step = await eigenStep(steps, request, null);
      const subsets = await subsetStep(steps, parts, request, step);
      if (options.npz) writeEigenpairs(options.npz, step, run.train.n);
      const { info } = step;
      const { products, method, hvp, kinks } = info;
      const eigenvalues = info.pairs.map(({ slope: _, ...pair }) => pair);
      const json = {
        ...{
          eigenvalues,
          products,
          samples: run.train.samples,
          method,
          operator: options.operator,
          hvp,
          kinks,
        },
        step: info.step,
        stopped: info.stopped,
        ...(subsets && { subsets }),
      };
      return {
        json,
        lines: [
          ...tableLines(
            eigenvalues.map((pair) => pairRow(pair, info)),
            "<>",
          ),
          "",
          `${plural(products, "product")}${info.step === null ? "" : `, step ‖Δθ‖ = ${numberText(info.step, 3)}`}`,
          ...(subsets ? ["", ...subsetLines(subsets, hvp)] : []),
          ...(options.npz ? [`written: ${options.npz}`] : []),
        ],
      };
    }),
});

function eigenRequest(options: EigsOptions): EigenRequest {
  const { top, bottom, maxProducts, kinks, seed, method, multiplicity } = options;
  const hvp = productMethod(options.operator, options.hvp);
  const limits = { tolerance: options.tol, maxProducts, maxBasis: options.maxBasis ?? undefined };
  return { top, bottom, ...limits, method, multiplicity, hvp, kinks, seed };
}

function assertCounts({ top, bottom }: EigsOptions, n: number): void {
  if (top + bottom === 0) {
    throw new LandscapeError(
      "INVALID_OPTION",
      "no eigenvalues asked for; expected --top or --bottom of at least 1",
    );
  }
  for (const [option, count] of Object.entries({ top, bottom })) {
    if (count <= n) continue;
    throw new LandscapeError(
      "INVALID_OPTION",
      `invalid --${option}: ${count}; the Hessian has ${n} eigenvalues, one for each parameter`,
      { option },
    );
  }
}

function pairRow(
  { value, residual, converged, end, multiplicity }: Omit<Eigenpair, "slope">,
  info: EigenStep["info"],
): string[] {
  const remark = converged
    ? foldText(multiplicity).replace(/^, /, "")
    : `not converged: ${convergenceRemedy(info)}`;
  return [end, withError(value, residual), remark];
}

function writeEigenpairs(path: string, { info, vectors }: EigenStep, n: number): void {
  const all = new Float64Array(vectors.length * n);
  for (const [i, v] of vectors.entries()) all.set(v, i * n);
  const column = (values: number[]) => ({ shape: [values.length], data: Float64Array.from(values) });
  writeNpz(path, {
    values: column(info.pairs.map((p) => p.value)),
    residuals: column(info.pairs.map((p) => p.residual)),
    vectors: { shape: [vectors.length, n], data: all },
  });
}
