import { type Branches, type Improvement, lowerLoss } from "../analysis/improve.ts";
import { defaultAnalysis } from "../analysis/options.ts";
import { writeNpz } from "../data/npz.ts";
import { LandscapeError } from "../errors.ts";
import { type Command, defineCommand } from "./command.ts";
import { stepContext } from "./ends.ts";
import {
  hvpOption,
  npzOption,
  type ProblemOptions,
  problemOptions,
  type RunOptions,
  runOptions,
} from "./groups.ts";
import { improvementLines } from "./improve-lines.ts";
import { choice, flag, integer, positive, text } from "./options.ts";
import { requireParameters, withProblem } from "./problem.ts";
import { openRun } from "./run.ts";

interface ImproveOptions extends ProblemOptions, RunOptions {
  readonly direction: Branches;
  readonly plane: boolean;
  readonly rounds: number;
  readonly least: number;
  readonly holdOut: number | null;
  readonly maxProducts: number;
  readonly movingProducts: number;
  readonly hvp: "fd" | "exact";
  readonly to: string | null;
  readonly npz: string | null;
}

const what = "What:";

export const improve: Command = defineCommand<ImproveOptions>({
  name: "improve",
  purpose: "Lower the training loss along the most negative curvature; write the checkpoint",
  takesModel: true,
  examples: [
    "improve m.onnx --data train.npz --to better.onnx",
    "improve m.onnx --data d.npz --hold-out 0.5 --plane",
    "improve m.onnx --data d.npz --direction moving --out run",
  ],
  options: {
    ...problemOptions,
    direction: choice<Branches>(
      {
        group: what,
        describe: "frozen: v₋ of the Hessian; moving: of plain differences, which see kinks [default frozen]",
        fallback: "frozen",
      },
      ["frozen", "moving"],
    ),
    plane: flag(what, "search the plane of v₊ and the direction, not the line alone"),
    rounds: integer<number>(
      {
        group: what,
        describe: "N: rounds at most, each from where the last one ended [default 3]",
        fallback: 3,
      },
      1,
      100,
    ),
    least: positive<number>(
      {
        group: what,
        describe: "R: a round that lowers the loss by less than this fraction is the last [default 0.01]",
        fallback: 0.01,
        advanced: true,
      },
      1,
    ),
    holdOut: positive<null>(
      {
        group: what,
        describe: "R: the last R of the training samples decide nothing and are watched, as test data are",
        fallback: null,
      },
      0.9,
    ),
    maxProducts: integer<number>(
      {
        group: what,
        describe: `N: Hessian products of a round at most [default ${defaultAnalysis.maxProducts}]`,
        fallback: defaultAnalysis.maxProducts,
        advanced: true,
      },
      2,
    ),
    movingProducts: integer<number>(
      {
        group: what,
        // Method §5: 60 steps on ResNet-20 gave the direction that lowers its loss by a quarter.
        describe: "N: of plain differences, which converge to nothing [default 60]",
        fallback: 60,
        advanced: true,
      },
      2,
    ),
    hvp: hvpOption,
    ...runOptions,
    to: text<null>({
      group: "Output:",
      describe: "F.onnx: write the model with the better weights, all else as it is",
      fallback: null,
    }),
    npz: { ...npzOption, describe: "F.npz: write theta (the better weights) and step (their change)" },
  },
  run(model, options, context) {
    assertOneWatched(options);
    return withProblem(model, options, context, async (problem) => {
      await requireParameters(problem);
      const { direction, plane, rounds, least, maxProducts, movingProducts, hvp, seed, holdOut } = options;
      const { asStored, planWeights, writeWeights } = await import("./write-weights.ts");
      const plan = options.to === null ? null : await planWeights(problem.checkpoint, options.to);
      const search = { direction, plane, rounds, least, maxProducts, movingProducts, hvp, seed };
      const request = { ...search, tolerance: defaultAnalysis.tolerance };
      // Where the file holds halves, each round begins at what it can hold.
      const roundsToHalves =
        plan !== null && [...plan.stored.values()].some((type) => type.endsWith("float16"));
      const own = { ...request, holdOut, roundsToHalves };
      using run = await openRun("improve", problem, options, own, options.out, context);
      const theta = problem.checkpoint.theta;
      const found = await lowerLoss(theta, request, {
        around: (at) => stepContext({ ...run, ...run.around(at) }, context),
        asStored: (at) => (plan === null ? at : asStored(problem.checkpoint, plan, at)),
      });
      const isBetter = found.rounds.length > 0;
      if (isBetter && plan) await writeWeights(problem.checkpoint, plan, found.theta);
      if (options.npz) writeResult(options.npz, theta, found.theta);
      const { theta: _, ...numbers } = found;
      const watched = problem.test && (holdOut === null ? ("test" as const) : ("held out" as const));
      const json = {
        ...numbers,
        gain: { train: gainOf(found, "train"), watched: gainOf(found, "watched") },
        samples: { train: problem.train.samples, watched: problem.test?.samples ?? null },
        watched,
        written: isBetter && plan ? plan.to : null,
      };
      return { json, lines: improvementLines(json, options) };
    });
  },
});

function assertOneWatched({ holdOut, testData }: ImproveOptions): void {
  if (holdOut === null || testData === null) return;
  throw new LandscapeError(
    "INVALID_OPTION",
    "both --hold-out and --test-data are given; expected one of them: test data are held out already",
    { option: "hold-out" },
  );
}

function gainOf({ before, after }: Improvement, split: "train" | "watched"): number | null {
  const [from, to] = [before[split]?.loss, after[split]?.loss];
  return from === undefined || to === undefined || !(from > 0) ? null : 1 - to / from;
}

function writeResult(path: string, before: Float32Array, after: Float32Array): void {
  const step = Float64Array.from(after, (x, i) => x - (before[i] as number));
  writeNpz(path, {
    theta: { shape: [after.length], data: after },
    step: { shape: [step.length], data: step },
  });
}
