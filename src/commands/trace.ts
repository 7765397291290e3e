import { numberText, plural, withError } from "../analysis/number-text.ts";
import { traceStep } from "../analysis/steps/trace.ts";
import { LandscapeError } from "../errors.ts";
import { type Command, defineCommand } from "./command.ts";
import { stepContext } from "./ends.ts";
import {
  hvpOption,
  kinksOption,
  type ProblemOptions,
  problemOptions,
  type RunOptions,
  runOptions,
} from "./groups.ts";
import { choice, integer, positive } from "./options.ts";
import { requireParameters, withProblem } from "./problem.ts";
import { openRun } from "./run.ts";
import { cutMiddle, fieldLines, firstLines, tableLines } from "./table.ts";

interface TraceOptions extends ProblemOptions, RunOptions {
  readonly probes: number | null;
  readonly tolerance: number | null;
  readonly estimator: "hutchinson";
  readonly hvp: "fd" | "exact";
  readonly kinks: "frozen" | "moving";
}

const what = "What:";

export const trace: Command = defineCommand<TraceOptions>({
  name: "trace",
  purpose: "Trace of the Hessian with its standard error, and each tensor's share",
  takesModel: true,
  examples: [
    "trace model.onnx --data train.npz",
    "trace model.onnx --data train.npz --tolerance 0.05",
    "trace model.onnx --data train.npz --probes 200 --json",
  ],
  options: {
    ...problemOptions,
    probes: integer<null>({ group: what, describe: "N: random vectors [default 64]", fallback: null }, 2),
    tolerance: positive<null>(
      {
        group: what,
        describe: "R: stop at this relative standard error, instead of --probes",
        fallback: null,
      },
      1,
    ),
    estimator: choice<"hutchinson">(
      { group: what, describe: "hutchinson [default hutchinson]", fallback: "hutchinson", advanced: true },
      ["hutchinson"],
    ),
    hvp: hvpOption,
    kinks: kinksOption,
    ...runOptions,
  },
  run: (model, options, context) =>
    withProblem(model, options, context, async (problem) => {
      await requireParameters(problem);
      if (options.probes !== null && options.tolerance !== null) {
        throw new LandscapeError(
          "INVALID_OPTION",
          "both --probes and --tolerance are given; expected one of them",
        );
      }
      const { kinks, seed, hvp: method } = options;
      const request = {
        ...{ method, kinks, seed },
        probes: options.tolerance === null ? (options.probes ?? 64) : undefined,
        tolerance: options.tolerance ?? undefined,
      };
      using run = await openRun("trace", problem, options, request, options.out, context);
      const { info, perTensor } = await traceStep(stepContext(run, context), request, problem.train);
      const { value, standardError, probes, meanCurvature, frobeniusNorm, frobeniusStandardError } = info;
      const largest = [...perTensor].sort((a, b) => Math.abs(b.trace) - Math.abs(a.trace));
      return {
        json: { trace: value, standardError, probes, meanCurvature, frobeniusNorm, perTensor },
        lines: [
          ...fieldLines([
            ["trace", `${withError(value, standardError)} (1 standard error, ${plural(probes, "probe")})`],
            ["mean curvature", `${numberText(meanCurvature, 3)} (trace / parameters)`],
            ["Frobenius norm", withError(frobeniusNorm, frobeniusStandardError)],
          ]),
          "",
          ...firstLines(
            tableLines(
              largest.map((t) => [`  ${cutMiddle(t.name, 48)}`, withError(t.trace, t.standardError)]),
              "<>",
            ),
            10,
            "tensors",
          ),
        ],
      };
    }),
});
