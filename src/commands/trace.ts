import type { TraceInfo } from "../analysis/analysis-report.ts";
import { numberText, percentText, plural, withError } from "../analysis/number-text.ts";
import { defaultProbes, type TraceRequest, type TraceStep, traceStep } from "../analysis/steps/trace.ts";
import type { LossTraceInfo } from "../curvature/index.ts";
import { writeNpz } from "../data/npz.ts";
import { LandscapeError } from "../errors.ts";
import { traceInterval } from "../numerics/trace.ts";
import { type Command, defineCommand, type Outcome } from "./command.ts";
import { stepContext } from "./ends.ts";
import {
  type CurvatureOptions,
  curvatureOptions,
  estimatorOption,
  type MatrixName,
  matrixNames,
  operatorOption,
  type ProblemOptions,
  pointsOption,
  problemOptions,
  productMethod,
} from "./groups.ts";
import { flag, integer, positive } from "./options.ts";
import { requireParameters, withProblem } from "./problem.ts";
import { openRun } from "./run.ts";
import { cutMiddle, fieldLines, firstLines, tableLines } from "./table.ts";

type Estimator = TraceInfo["estimator"];

interface TraceOptions extends ProblemOptions, CurvatureOptions {
  readonly probes: number | null;
  readonly tolerance: number | null;
  readonly estimator: Estimator;
  readonly points: number | null;
  readonly compare: boolean;
  readonly operator: MatrixName;
}

const what = "What:";

export const trace: Command = defineCommand<TraceOptions>({
  name: "trace",
  purpose: "Trace of the Hessian with its standard error, and each tensor's share",
  takesModel: true,
  examples: [
    "trace model.onnx --data train.npz",
    "trace model.onnx --data train.npz --tolerance 0.05",
    "trace m.onnx --data d.npz --estimator curvature --compare",
  ],
  options: {
    ...problemOptions,
    probes: integer<null>(
      {
        group: what,
        describe: "N: random vectors; of hutch++ and xtrace: products [default 64]",
        fallback: null,
      },
      2,
    ),
    tolerance: positive<null>(
      {
        group: what,
        describe: "R: stop at this relative standard error, instead of --probes",
        fallback: null,
      },
      1,
    ),
    estimator: estimatorOption,
    points: pointsOption,
    compare: flag(what, "curvature: Hutchinson's estimate on the same directions too", true),
    operator: operatorOption,
    ...curvatureOptions,
  },
  async run(model, options, context) {
    assertTogether(options);
    return withProblem(model, options, context, async (problem) => {
      await requireParameters(problem);
      const { compare } = options;
      const request = traceRequest(options);
      using run = await openRun("trace", problem, options, { ...request, compare }, options.out, context);
      const steps = stepContext(run, context);
      const step = await traceStep(steps, request, problem.train);
      const same = {
        ...request,
        estimator: "hutchinson",
        distribution: "gaussian",
        points: undefined,
      } as const;
      const twin = compare ? await traceStep(steps, same, problem.train) : null;
      if (options.npz) writeTrace(options.npz, step, twin);
      return outcome(step, twin, run.train.thetaNorm, options);
    });
  },
});

function traceRequest({ estimator, kinks, seed, ...options }: TraceOptions): TraceRequest {
  const method = productMethod(options.operator, options.hvp);
  return {
    ...{ estimator, method, kinks, seed },
    probes: options.tolerance === null ? (options.probes ?? defaultProbes) : undefined,
    tolerance: options.tolerance ?? undefined,
    points: options.points ?? undefined,
  };
}

/** Options that mean nothing without, or beside, another. */
function assertTogether({ estimator, probes, tolerance, points, compare, operator }: TraceOptions): void {
  const refuse = (text: string) => {
    throw new LandscapeError("INVALID_OPTION", text);
  };
  if (probes !== null && tolerance !== null)
    refuse("both --probes and --tolerance are given; expected one of them");
  if (tolerance !== null && estimator !== "hutchinson")
    refuse(`--tolerance is of --estimator hutchinson; expected --probes with ${estimator}`);
  if (points !== null && estimator !== "curvature")
    refuse("--points is of --estimator curvature; leave it out, or choose that");
  if (operator !== "hessian" && estimator === "curvature")
    refuse(
      `--operator ${operator} needs products, which --estimator curvature does without; leave one of them out`,
    );
  if (compare && estimator !== "curvature")
    refuse("--compare is of --estimator curvature; leave it out, or choose that");
}

function outcome(
  step: TraceStep,
  twin: TraceStep | null,
  thetaNorm: number,
  { operator, npz }: TraceOptions,
): Outcome {
  const { info, perTensor, lines, curvatures } = step;
  const { value, standardError, probes, meanCurvature, frobeniusNorm, frobeniusStandardError } = info;
  const { estimator } = info;
  const largest = [...perTensor].sort((a, b) => Math.abs(b.trace) - Math.abs(a.trace));
  const interval = traceInterval({ trace: value, standardError }, probes);
  const scale = lines && scaleOf(lines, thetaNorm);
  return {
    json: {
      ...{
        trace: value,
        standardError,
        interval,
        probes,
        estimator,
        operator,
        meanCurvature,
        frobeniusNorm,
        perTensor,
      },
      ...(scale && { scale, curvatures }),
      ...(twin && { hutchinson: hutchinsonOf(twin) }),
    },
    lines: [
      ...fieldLines([
        ...(operator === "hessian" ? [] : [["matrix", matrixNames[operator]] as const]),
        [
          "trace",
          `${withError(value, standardError)} (1 standard error, ${plural(probes, "probe")}${estimator === "hutch++" ? " beside the sketch" : ""})`,
        ],
        ["95 % interval", `${numberText(interval.low)} … ${numberText(interval.high)} (Student's t)`],
        ["mean curvature", `${numberText(meanCurvature, 3)} (trace / parameters)`],
        ["Frobenius norm", withError(frobeniusNorm, frobeniusStandardError)],
        ...(twin
          ? [
              [
                "Hutchinson",
                `${withError(twin.info.value, twin.info.standardError)} (same directions)`,
              ] as const,
            ]
          : []),
        ...(scale ? [["measured over", scaleText(scale)] as const] : []),
        ...(npz ? [["written", npz] as const] : []),
      ]),
      ...(scale ? ["", scaleNote] : ["", ...tensorLines(largest)]),
    ],
  };
}

/** What losses at a distance show is not the Hessian's where branches change on the way. */
export const scaleNote =
  "On a net with kinks (ReLU, max-pool, …) this is the loss's curvature at that scale, not the Hessian's.";

function scaleOf({ fit, displacement, bias }: LossTraceInfo, thetaNorm: number) {
  return {
    points: fit.points,
    halfWidth: fit.halfWidth,
    displacement,
    relative: displacement / (thetaNorm || 1),
    lossNoise: fit.noise,
    bias,
  };
}

function scaleText({ points, displacement, relative }: ReturnType<typeof scaleOf>): string {
  return `${points} losses up to ‖Δθ‖ = ${numberText(displacement, 3)} (${percentText(relative)} of ‖θ‖) either way`;
}

function hutchinsonOf({ info, curvatures }: TraceStep) {
  const { value: trace, standardError, frobeniusNorm } = info;
  return { trace, standardError, frobeniusNorm, curvatures };
}

function tensorLines(largest: TraceStep["perTensor"]): string[] {
  const rows = largest.map((t) => [`  ${cutMiddle(t.name, 48)}`, withError(t.trace, t.standardError)]);
  return firstLines(tableLines(rows, "<>"), 10, "tensors");
}

function writeTrace(path: string, { info, curvatures }: TraceStep, twin: TraceStep | null): void {
  const column = (values: readonly number[]) => ({ shape: [values.length], data: Float64Array.from(values) });
  writeNpz(path, {
    trace: column([info.value, info.standardError]),
    ...(curvatures && { curvatures: column(curvatures) }),
    ...(twin?.curvatures && { hutchinson: column(twin.curvatures) }),
  });
}
