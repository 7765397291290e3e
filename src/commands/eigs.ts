import type { Eigenpair } from "../analysis/analysis-report.ts";
import { numberText, plural, withError } from "../analysis/number-text.ts";
import { type EigenStep, eigenStep } from "../analysis/steps/eigenpairs.ts";
import { writeNpz } from "../data/npz.ts";
import { LandscapeError } from "../errors.ts";
import { type Command, defineCommand } from "./command.ts";
import { stepContext } from "./ends.ts";
import {
  hvpOption,
  kinksOption,
  npzOption,
  outOption,
  type ProblemOptions,
  problemOptions,
  seedOption,
  type WhereOptions,
  whereOptions,
} from "./groups.ts";
import { integer, positive } from "./options.ts";
import { requireParameters, withProblem } from "./problem.ts";
import { openRun } from "./run.ts";
import { tableLines } from "./table.ts";

interface EigsOptions extends ProblemOptions, WhereOptions {
  readonly top: number;
  readonly bottom: number;
  readonly tol: number;
  readonly maxProducts: number;
  readonly hvp: "fd" | "exact";
  readonly kinks: "frozen" | "moving";
  readonly seed: number;
  readonly out: string | null;
  readonly npz: string | null;
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
    hvp: hvpOption,
    kinks: kinksOption,
    seed: seedOption,
    ...whereOptions,
    out: outOption,
    npz: npzOption,
  },
  run: (model, options, context) =>
    withProblem(model, options, context, async (problem) => {
      await requireParameters(problem);
      assertCounts(options, problem.train.n);
      const { top, bottom, maxProducts, hvp, kinks, seed } = options;
      const request = { top, bottom, tolerance: options.tol, maxProducts, hvp, kinks, seed };
      using run = await openRun("eigs", problem, options, request, options.out, context);
      const step = await eigenStep(stepContext(run, context), request, null);
      if (options.npz) writeEigenpairs(options.npz, step, run.train.n);
      const { info } = step;
      const eigenvalues = info.pairs.map(({ value, residual, converged, end }) => ({
        value,
        residual,
        converged,
        end,
      }));
      const json = {
        eigenvalues,
        products: info.products,
        samples: run.train.samples,
        hvp,
        kinks,
        step: info.step,
      };
      return {
        json,
        lines: [
          ...tableLines(eigenvalues.map(pairRow), "<>"),
          "",
          `${plural(info.products, "product")}${info.step === null ? "" : `, step ‖Δθ‖ = ${numberText(info.step, 3)}`}`,
          ...(options.npz ? [`written: ${options.npz}`] : []),
        ],
      };
    }),
});

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

function pairRow({ value, residual, converged, end }: Omit<Eigenpair, "slope">): string[] {
  return [end, withError(value, residual), converged ? "" : "not converged: raise --max-products"];
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
