import { basename } from "node:path";
import { type AnalysisOptions, defaultAnalysis, fittingSubsets } from "../analysis/options.ts";
import type { Rise } from "../landscape/index.ts";
import { isToy } from "../model/toy-address.ts";
import type { Problem } from "../objective/index.ts";
import { remakePage, runAnalysis } from "./analysis-run.ts";
import { type Command, defineCommand } from "./command.ts";
import {
  eigenMethodOption,
  hvpOption,
  type ProblemOptions,
  problemOptions,
  type RunOptions,
  runOptions,
  subsetsOption,
} from "./groups.ts";
import { integer, type Option, oddInteger, positive, rise } from "./options.ts";

interface ReportOptions extends ProblemOptions, RunOptions {
  readonly top: number | null;
  readonly bottom: number | null;
  readonly tol: number;
  readonly maxProducts: number;
  readonly method: "lanczos" | "annihilation";
  readonly hvp: "fd" | "exact";
  readonly probes: number;
  readonly densityProbes: number;
  readonly densitySteps: number;
  readonly subsets: number | null;
  readonly grid: number;
  readonly points: number;
  readonly range: Rise;
}

const what = "What:";
const d = defaultAnalysis;

export const report: Command = defineCommand<ReportOptions>({
  name: "report",
  purpose: "The whole analysis of one checkpoint, as one HTML file",
  takesModel: true,
  examples: [
    "report model.onnx --data train.npz --test-data test.npz",
    "report m.onnx --data d.npz --normalize 0.286,0.353",
    "report landscape-model",
  ],
  options: {
    ...problemOptions,
    top: pairs("largest", d.top),
    bottom: pairs("smallest", d.bottom),
    tol: positive<number>(
      {
        group: what,
        describe: `R: relative residual of converged pairs [default ${d.tolerance}]`,
        fallback: d.tolerance,
        advanced: true,
      },
      1,
    ),
    maxProducts: integer<number>(
      {
        group: what,
        describe: `N: Hessian products for the eigenpairs [default ${d.maxProducts}]`,
        fallback: d.maxProducts,
      },
      2,
    ),
    method: { ...eigenMethodOption, advanced: true },
    hvp: hvpOption,
    probes: integer<number>(
      { group: what, describe: `N: random vectors for the trace [default ${d.probes}]`, fallback: d.probes },
      2,
    ),
    densityProbes: integer<number>(
      {
        group: what,
        describe: `N: random vectors for the density, 0 leaves it out [default ${d.densityProbes}]`,
        fallback: d.densityProbes,
        advanced: true,
      },
      0,
      10_000,
    ),
    densitySteps: integer<number>(
      {
        group: what,
        describe: `N: products for each of them [default ${d.densitySteps}]`,
        fallback: d.densitySteps,
        advanced: true,
      },
      2,
      10_000,
    ),
    subsets: subsetsOption<null>(null, `${d.subsets}, fewer for few samples`),
    grid: odd("points on each axis of a plane", d.grid),
    points: odd("points of a profile", d.profilePoints),
    range: rise({
      group: what,
      describe: "auto (by curvature and loss), or R: to a rise of R times the loss [default auto]",
    }),
    ...runOptions,
    out: {
      ...runOptions.out,
      describe: "DIR: run folder; the same command continues it [default landscape-NAME]",
    },
  },
  async run(model, options, context) {
    const remade = await remakePage(model, context);
    if (remade) return remade;
    // The name of a toy loss has signs in it that file systems dislike.
    const name = isToy(model) ? model.replace(/[:,=]/g, "-") : basename(model).replace(/\.onnx$/i, "");
    const out = options.out ?? `landscape-${name}`;
    return runAnalysis("report", model, { ...options, out }, (p) => analysisOf(options, p), context);
  },
});

function pairs(which: string, fallback: number): Option<number | null> {
  return integer<null>(
    { group: what, describe: `K: ${which} eigenvalues [default ${fallback}]`, fallback: null },
    1,
  );
}

function odd(of: string, fallback: number): Option<number> {
  const describe = `N: ${of}, odd [default ${fallback}]`;
  return oddInteger({ group: what, describe, fallback, advanced: true }, 3, 1001);
}

function analysisOf(options: ReportOptions, { train, mostSubsets }: Problem): AnalysisOptions {
  // A tiny model has fewer eigenvalues than the default asks for; what was asked for by name is refused later.
  const most = Math.max(1, Math.floor(train.n / 2));
  return {
    ...defaultAnalysis,
    seed: options.seed,
    top: options.top ?? Math.min(defaultAnalysis.top, most),
    bottom: options.bottom ?? Math.min(defaultAnalysis.bottom, most),
    tolerance: options.tol,
    maxProducts: options.maxProducts,
    method: options.method,
    hvp: options.hvp,
    probes: options.probes,
    densityProbes: options.densityProbes,
    densitySteps: options.densitySteps,
    subsets: options.subsets ?? fittingSubsets(train.samples, mostSubsets),
    grid: options.grid,
    profilePoints: options.points,
    rise: options.range,
  };
}
