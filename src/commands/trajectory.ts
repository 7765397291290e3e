import { defaultTrajectory, type TrajectoryOptions } from "../analysis/trajectory/options.ts";
import type { Rise } from "../landscape/index.ts";
import { type Command, defineCommand } from "./command.ts";
import {
  estimatorOption,
  hvpOption,
  npzOption,
  type ProblemOptions,
  problemOptions,
  type RunOptions,
  runOptions,
} from "./groups.ts";
import { choice, flag, integer, type Option, oddInteger, rise, text } from "./options.ts";
import { remakeTrajectoryPage, runTrajectory } from "./trajectory-run.ts";

interface Options extends ProblemOptions, RunOptions {
  readonly plane: "pca" | "hessian";
  readonly follow: boolean;
  readonly steps: string | null;
  readonly maxProducts: number;
  readonly hvp: "fd" | "exact";
  readonly probes: number;
  readonly estimator: TrajectoryOptions["estimator"];
  readonly grid: number;
  readonly frames: number;
  readonly frameGrid: number;
  readonly range: Rise;
  readonly npz: string | null;
}

const what = "What:";
const d = defaultTrajectory;

export const trajectory: Command = defineCommand<Options>({
  name: "trajectory",
  purpose: "Path, losses and curvatures of the checkpoints of one training run",
  takesModel: true,
  takesMore: true,
  examples: [
    "trajectory epoch-1.onnx epoch-2.onnx epoch-9.onnx --data d.npz",
    "trajectory checkpoints --data d.npz --test-data t.npz",
    "trajectory checkpoints --data d.npz --plane hessian --follow",
  ],
  options: {
    ...problemOptions,
    plane: choice<Options["plane"]>(
      {
        group: what,
        describe: "pca (principal axes of the path) or hessian (v₊, v₋ of the last) [default pca]",
        fallback: d.plane,
      },
      ["pca", "hessian"],
    ),
    follow: flag(what, "animate along each checkpoint's own v₊ and v₋, not the last one's"),
    steps: text<null>({
      group: what,
      describe: "S1,S2,…: step or epoch of each checkpoint [default the number in its name]",
      fallback: null,
    }),
    maxProducts: integer<number>(
      {
        group: what,
        describe: `N: Hessian products for each checkpoint's eigenpairs [default ${d.analysis.maxProducts}]`,
        fallback: d.analysis.maxProducts,
      },
      2,
    ),
    hvp: hvpOption,
    probes: integer<number>(
      {
        group: what,
        describe: `N: random vectors for each trace; 0: no trace [default ${d.analysis.probes}]`,
        fallback: d.analysis.probes,
      },
      0,
    ),
    estimator: { ...estimatorOption, describe: `of the traces: ${estimatorOption.describe}`, advanced: true },
    grid: odd("points on each axis of the surface", d.analysis.grid),
    frames: integer<number>(
      {
        group: what,
        describe: `N: checkpoints in the animation at most; 0: none [default ${d.frames}]`,
        fallback: d.frames,
      },
      0,
      100,
    ),
    frameGrid: odd("points on each axis of a frame", d.frameGrid),
    range: rise({
      group: what,
      describe: "of frames: auto, or R: to a rise of R times the loss [default auto]",
    }),
    ...runOptions,
    out: {
      ...runOptions.out,
      describe: "DIR: run folder; the same command continues it [default landscape-trajectory]",
    },
    npz: npzOption,
  },
  async run(model, options, context, more) {
    const words = [model, ...more];
    const remade = await remakeTrajectoryPage(words, options.npz, context);
    if (remade) return remade;
    const out = options.out ?? "landscape-trajectory";
    return runTrajectory(words, { ...options, out }, chosen(options), context);
  },
});

function odd(of: string, fallback: number): Option<number> {
  const describe = `N: ${of}, odd [default ${fallback}]`;
  return oddInteger({ group: what, describe, fallback, advanced: true }, 3, 1001);
}

function chosen(options: Options): TrajectoryOptions {
  const { seed, maxProducts, hvp, probes, grid, range: rise, ...others } = options;
  const { estimator, plane, follow, frames, frameGrid } = others;
  const analysis = { ...d.analysis, seed, maxProducts, hvp, probes, grid, rise };
  return { analysis, estimator, plane, follow, frames, frameGrid };
}
