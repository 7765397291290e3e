import { numberText } from "../analysis/number-text.ts";
import { defaultAnalysis } from "../analysis/options.ts";
import { writeNpz } from "../data/npz.ts";
import {
  evaluateProfile,
  filterDirection,
  type ProfileResult,
  type Rise,
  randomDirection,
} from "../landscape/index.ts";
import { norm } from "../numerics/vector.ts";
import { type Command, type Context, defineCommand } from "./command.ts";
import { endDirections } from "./ends.ts";
import { npzOption, type ProblemOptions, problemOptions, type RunOptions, runOptions } from "./groups.ts";
import { type AxisRequest, asRange, axisPoints, givenDirection, rangeHelp } from "./lines.ts";
import { type Range, rangeOrRise, text } from "./options.ts";
import { requireParameters, withProblem } from "./problem.ts";
import { openRun, type Run } from "./run.ts";
import { fieldLines } from "./table.ts";

interface ProfileOptions extends ProblemOptions, RunOptions {
  readonly direction: string;
  readonly range: Range | Rise;
  readonly npz: string | null;
}

export const profile: Command = defineCommand<ProfileOptions>({
  name: "profile",
  purpose: "Loss and accuracy along one direction through the checkpoint, train and test",
  takesModel: true,
  examples: [
    "profile model.onnx --data train.npz --direction bottom",
    "profile m.onnx --data d.npz --direction e.npz:vectors:0",
    "profile m.onnx --data d.npz --direction random --range -1:1:41",
  ],
  options: {
    ...problemOptions,
    direction: text<string>({
      group: "What:",
      describe: "top, bottom, random, filter or F.npz:KEY[:ROW], taken as it is [default bottom]",
      fallback: "bottom",
    }),
    range: rangeOrRise({ group: "What:", describe: `${rangeHelp} [default auto]` }),
    ...runOptions,
    npz: npzOption,
  },
  run: (model, options, context) =>
    withProblem(model, options, context, async (problem) => {
      await requireParameters(problem);
      const own = { direction: options.direction, range: options.range, seed: options.seed };
      using run = await openRun("profile", problem, options, own, options.out, context);
      const along = await profileDirection(run, options, context);
      const { direction } = along;
      const { signal } = context.io;
      const { range: asked, rise } = asRange(options.range);
      const request = { ...along, name: "t", asked };
      const axis = await axisPoints(run.train, [request], rise, defaultAnalysis.profilePoints, signal);
      const [t] = axis.points as [number[]];
      context.progress.start("profile");
      context.progress.expect(
        t.length * (run.test ? 2 : 1),
        t.length * (run.train.samples + (run.test?.samples ?? 0)),
      );
      const result = await evaluateProfile(run, direction, t, { signal });
      context.progress.finish(`${t.length} points`);
      if (options.npz) writeProfile(options.npz, result);
      const { train, test, minimum } = result;
      return {
        json: { t, train: finite(train), test: test && finite(test), minimum, range: axis.text },
        lines: fieldLines([
          ["points", `${t.length} from ${numberText(t[0] ?? 0)} to ${numberText(t.at(-1) ?? 0)}`],
          ...(axis.text === null ? [] : ([["range", axis.text]] as const)),
          ["length", `‖d‖ = ${numberText(norm(direction.vector))}`],
          ["lowest train loss", `${numberText(minimum.loss, 6)} at t = ${numberText(minimum.t)}`],
          ...(minimum.testLoss === null
            ? []
            : ([["test loss there", numberText(minimum.testLoss, 6)]] as const)),
          ...(options.npz ? ([["written", options.npz]] as const) : []),
        ]),
      };
    }),
});

async function profileDirection(
  run: Run,
  options: ProfileOptions,
  context: Context,
): Promise<Pick<AxisRequest, "direction" | "curvature">> {
  const { n, parameters, theta } = run.train;
  const draw = { seed: options.seed, index: 0 };
  switch (options.direction) {
    case "random":
      return { direction: randomDirection(parameters, draw) };
    case "filter":
      return { direction: filterDirection(parameters, theta, draw) };
    case "top":
    case "bottom":
      return (await endDirections(run, options.seed, context))[options.direction];
    default:
      return { direction: await givenDirection(options.direction, n, "direction") };
  }
}

interface Losses {
  readonly loss: readonly number[];
  readonly accuracy: readonly number[] | null;
}

/** Not finite is null in JSON. */
function finite({ loss, accuracy }: Losses): { loss: (number | null)[]; accuracy: (number | null)[] | null } {
  const clean = (values: readonly number[]) => values.map((v) => (Number.isFinite(v) ? v : null));
  return { loss: clean(loss), accuracy: accuracy && clean(accuracy) };
}

function writeProfile(path: string, { t, train, test }: ProfileResult): void {
  const line = (values: readonly number[]) => ({ shape: [values.length], data: Float64Array.from(values) });
  writeNpz(path, {
    t: line(t),
    train_loss: line(train.loss),
    ...(train.accuracy ? { train_accuracy: line(train.accuracy) } : {}),
    ...(test ? { test_loss: line(test.loss) } : {}),
    ...(test?.accuracy ? { test_accuracy: line(test.accuracy) } : {}),
  });
}
