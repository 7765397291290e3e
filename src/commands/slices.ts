import { errorText, numberText, percentText, plural, withError } from "../analysis/number-text.ts";
import { type SliceRequest, type SliceStep, sliceStep } from "../analysis/steps/slices.ts";
import type { Slice } from "../curvature/index.ts";
import { writeNpz } from "../data/npz.ts";
import { LandscapeError } from "../errors.ts";
import type { Normalization } from "../landscape/index.ts";
import {
  ensembleConvergence,
  type PlaneEnsemble,
  principalCurvatures,
  type SampleStats,
  saddleLimit,
  sampleStats,
  summarizePlanes,
  wilsonInterval,
} from "../numerics/index.ts";
import { type Command, defineCommand, type Outcome } from "./command.ts";
import { stepContext } from "./ends.ts";
import {
  type CurvatureOptions,
  curvatureOptions,
  type ProblemOptions,
  pointsOption,
  problemOptions,
} from "./groups.ts";
import { choice, integer } from "./options.ts";
import { requireParameters, withProblem } from "./problem.ts";
import { openRun } from "./run.ts";
import { fieldLines } from "./table.ts";
import { scaleNote } from "./trace.ts";

interface SlicesOptions extends ProblemOptions, CurvatureOptions {
  readonly slices: number;
  readonly normalization: Normalization;
  readonly by: "products" | "loss";
  readonly points: number | null;
}

const what = "What:";

export const slices: Command = defineCommand<SlicesOptions>({
  name: "slices",
  purpose: "Curvatures of many random planes, and how many show a saddle",
  takesModel: true,
  examples: [
    "slices model.onnx --data train.npz",
    "slices m.onnx --data d.npz --normalization filter --slices 200",
    "slices model.onnx --data train.npz --by loss --json",
  ],
  options: {
    ...problemOptions,
    slices: integer<number>(
      { group: what, describe: "S: planes of two random directions each [default 50]", fallback: 50 },
      2,
      100_000,
    ),
    normalization: choice<Normalization>(
      {
        group: what,
        describe: "none (i.i.d. normal), unit, filter or layer (norms as in the weights) [default none]",
        fallback: "none",
      },
      ["none", "unit", "filter", "layer"],
    ),
    by: choice<SlicesOptions["by"]>(
      {
        group: what,
        describe: "products (of the Hessian) or loss (fits to losses, no gradient) [default products]",
        fallback: "products",
      },
      ["products", "loss"],
    ),
    points: pointsOption,
    ...curvatureOptions,
  },
  async run(model, options, context) {
    if (options.points !== null && options.by !== "loss") {
      throw new LandscapeError("INVALID_OPTION", "--points is of --by loss; leave it out, or choose that");
    }
    return withProblem(model, options, context, async (problem) => {
      await requireParameters(problem);
      const { slices, normalization, by, kinks, seed, hvp: method } = options;
      const request: SliceRequest = {
        ...{ slices, normalization, by, method, kinks, seed },
        points: options.points ?? undefined,
      };
      using run = await openRun("slices", problem, options, { ...request }, options.out, context);
      const step = await sliceStep(stepContext(run, context), request, problem.train);
      if (options.npz) writeSlices(options.npz, step.slices);
      return outcome(step, run.train.n, run.train.thetaNorm, options);
    });
  },
});

function outcome(
  { slices, fit }: SliceStep,
  n: number,
  thetaNorm: number,
  { normalization, by, npz }: SlicesOptions,
): Outcome {
  const ensemble = summarizePlanes(slices);
  const { kappaPlus, kappaMinus, meanPlane, saddles, saddleShare, interval } = ensemble;
  const size = sampleStats(slices.flatMap(({ lengths: [x, y] }) => [x ** 2, y ** 2])).mean;
  const isotropic = normalization === "none" || normalization === "unit" ? isotropicFacts(slices, n) : null;
  const scale = fit && {
    points: fit.points,
    halfWidth: fit.halfWidth,
    displacement: fit.halfWidth * Math.sqrt(size),
    relative: (fit.halfWidth * Math.sqrt(size)) / (thetaNorm || 1),
    lossNoise: fit.noise,
  };
  const cosine = {
    meanSize: sampleStats(slices.map((s) => Math.abs(s.cosine))).mean,
    largest: Math.max(...slices.map((s) => Math.abs(s.cosine))),
  };
  const short = ({ mean, standardError }: SampleStats) => ({ mean, standardError });
  const curvature = short(ensemble.meanCurvature);
  return {
    json: {
      ...{ slices: slices.length, normalization, by },
      ...{ kappaPlus: short(kappaPlus), kappaMinus: short(kappaMinus), meanPlane },
      saddle: { count: saddles, share: saddleShare, interval },
      meanForm: curvature,
      meanCurvature: { mean: curvature.mean / size, standardError: curvature.standardError / size },
      ...(isotropic && {
        trace: isotropic.trace,
        frobeniusNorm: isotropic.frobenius,
        limit: isotropic.limit,
      }),
      ...{ meanSquaredLength: size, cosine, error: Math.max(...slices.map((s) => s.error)) },
      ...(scale && { scale }),
      convergence: ensembleConvergence(slices),
      planes: slices.map(({ a, b, c }) => [a, b, c]),
    },
    lines: [
      ...fieldLines([
        ["planes", `${plural(slices.length, "plane")} by ${by}, normalisation ${normalization}`],
        ["saddles", `${percentText(saddleShare)} (${intervalText(interval)}, 95 %)`],
        ["mean of κ₊", withError(kappaPlus.mean, kappaPlus.standardError)],
        ["mean of κ₋", withError(kappaMinus.mean, kappaMinus.standardError)],
        ["κ± of the mean plane", `${numberText(meanPlane.plus)} and ${numberText(meanPlane.minus)}`],
        [
          "mean curvature",
          `${withError(curvature.mean / size, curvature.standardError / size)} per squared unit of ‖Δθ‖`,
        ],
        ...(isotropic ? isotropicLines(isotropic, ensemble) : []),
        [
          "|cosine| of the pairs",
          `${numberText(cosine.meanSize, 2)}, at most ${numberText(cosine.largest, 2)}`,
        ],
        ...(scale
          ? [
              [
                "measured over",
                `${scale.points} losses a line up to ‖Δθ‖ = ${numberText(scale.displacement, 3)} (${percentText(scale.relative)} of ‖θ‖) either way, each off by ${errorText(Math.max(...slices.map((s) => s.error)))} at most`,
              ] as const,
            ]
          : []),
        ...(npz ? [["written", npz] as const] : []),
      ]),
      ...(scale ? ["", scaleNote] : []),
    ],
  };
}

interface IsotropicFacts {
  readonly trace: { readonly value: number; readonly standardError: number };
  readonly frobenius: { readonly value: number; readonly standardError: number };
  /** Share of saddles for many comparable eigenvalues. */
  readonly limit: number;
}

/** What directions without preference tell of the Hessian: E[A] = tr H and E[‖Hη‖²] = E[B²] = ‖H‖², at ‖η‖² = N. */
function isotropicFacts(slices: readonly Slice[], n: number): IsotropicFacts {
  const to = ({ lengths: [x, y] }: Slice) => n / (x * y);
  const trace = sampleStats(slices.map(({ a, c, lengths: [x, y] }) => (n / 2) * (a / x ** 2 + c / y ** 2)));
  const squares = sampleStats(
    slices.map((s) => {
      const [p, q] = s.squaredNorms ?? [s.b ** 2 * to(s), s.b ** 2 * to(s)];
      return (n / 2) * (p / s.lengths[0] ** 2 + q / s.lengths[1] ** 2);
    }),
  );
  const value = Math.sqrt(squares.mean);
  return {
    trace: { value: trace.mean, standardError: trace.standardError },
    frobenius: { value, standardError: value === 0 ? 0 : squares.standardError / (2 * value) },
    limit: saddleLimit(trace.mean, value),
  };
}

function isotropicLines(
  { trace, frobenius, limit }: IsotropicFacts,
  ensemble: PlaneEnsemble,
): (readonly [string, string])[] {
  const remark = limitRemark(limit, ensemble);
  return [
    ["tr H", withError(trace.value, trace.standardError)],
    ["Frobenius norm", withError(frobenius.value, frobenius.standardError)],
    ["saddles, closed form", `${percentText(limit)} for many comparable eigenvalues${remark}`],
  ];
}

/**
 * The limit rests on many comparable eigenvalues; a few large ones make random planes more alike. One in twenty 95 %
 * intervals misses the truth, so that only a limit beyond three standard deviations is refused.
 */
function limitRemark(limit: number, { saddles, planes, interval }: PlaneEnsemble): string {
  const isOutside = ({ low, high }: PlaneEnsemble["interval"]) => limit < low || limit > high;
  if (isOutside(wilsonInterval(saddles, planes, 3))) {
    return ": not this spectrum, whose few large ones dominate";
  }
  return isOutside(interval) ? ": outside the 95 % interval, which chance alone does in 1 of 20 runs" : "";
}

function intervalText({ low, high }: { readonly low: number; readonly high: number }): string {
  return `${percentText(low)} … ${percentText(high)}`;
}

function writeSlices(path: string, slices: readonly Slice[]): void {
  const column = (of: (s: Slice) => number) => ({
    shape: [slices.length],
    data: Float64Array.from(slices, of),
  });
  writeNpz(path, {
    a: column((s) => s.a),
    b: column((s) => s.b),
    c: column((s) => s.c),
    kappa_plus: column((s) => principalCurvatures(s).plus),
    kappa_minus: column((s) => principalCurvatures(s).minus),
    cosine: column((s) => s.cosine),
  });
}
