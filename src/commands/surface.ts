import { basename } from "node:path";
import type { RefinedPlane } from "../analysis/analysis-report.ts";
import { numberText, percentText, withError } from "../analysis/number-text.ts";
import { defaultAnalysis } from "../analysis/options.ts";
import { writeWhole } from "../analysis/run/files.ts";
import { gridValues, refinedPlane } from "../analysis/steps/planes.ts";
import { type ArrayToWrite, writeNpz } from "../data/npz.ts";
import { LandscapeError } from "../errors.ts";
import {
  evaluatePlane,
  filterDirection,
  type GridResult,
  type PlanePoint,
  type RefinedMinimum,
  type Rise,
  randomDirection,
  refineMinimum,
  WINDOW,
} from "../landscape/index.ts";
import { cosine } from "../numerics/vector.ts";
import { type Command, type Context, defineCommand, type Outcome } from "./command.ts";
import { endDirections } from "./ends.ts";
import {
  type MeshOptions,
  meshOptions,
  npzOption,
  type ProblemOptions,
  problemOptions,
  type RunOptions,
  runOptions,
} from "./groups.ts";
import { type AxisRequest, asRange, axisPoints, givenDirection, rangeHelp } from "./lines.ts";
import { choice, type Range, range, rangeOrRise, text } from "./options.ts";
import { requireParameters, withProblem } from "./problem.ts";
import { openRun, type Run } from "./run.ts";
import { fieldLines } from "./table.ts";

interface SurfaceOptions extends ProblemOptions, RunOptions, MeshOptions {
  readonly x: string | null;
  readonly y: string | null;
  readonly directions: "hessian" | "random" | "filter";
  readonly range: Range | Rise;
  readonly rangeX: Range | null;
  readonly rangeY: Range | null;
  readonly npz: string | null;
}

const what = "What:";

export const surface: Command = defineCommand<SurfaceOptions>({
  name: "surface",
  purpose: "Loss and accuracy on a plane through the checkpoint, train and test",
  takesModel: true,
  examples: [
    "surface model.onnx --data train.npz --directions random",
    "surface m.onnx --data d.npz --x e.npz:top1 --y e.npz:bottom1",
    "surface m.onnx --data d.npz --range-x -1:1:31 --range-y 0:1:5",
  ],
  options: {
    ...problemOptions,
    directions: choice<SurfaceOptions["directions"]>(
      {
        group: what,
        describe: "hessian (v₊, v₋), random or filter (filter-normalised) [default hessian]",
        fallback: "hessian",
      },
      ["hessian", "random", "filter"],
    ),
    x: text<null>({
      group: what,
      describe: "F.npz:KEY[:ROW]: direction of x, taken as it is, instead of --directions",
      fallback: null,
    }),
    y: text<null>({ group: what, describe: "F.npz:KEY[:ROW]: direction of y", fallback: null }),
    range: rangeOrRise({ group: what, describe: `${rangeHelp}, for both directions [default auto]` }),
    rangeX: range({ group: what, describe: "FROM:TO:COUNT, coefficients of x's direction" }),
    rangeY: range({ group: what, describe: "FROM:TO:COUNT, the same for y" }),
    ...runOptions,
    npz: npzOption,
    ...meshOptions,
  },
  run: (model, options, context) =>
    withProblem(model, options, context, async (problem) => {
      await requireParameters(problem);
      const { x: givenX, y: givenY, directions, seed } = options;
      const { range: both, rise } = asRange(options.range);
      const [rangeX, rangeY] = [options.rangeX ?? both, options.rangeY ?? both];
      const own = { x: givenX, y: givenY, directions, rangeX, rangeY, rise, seed };
      using run = await openRun("surface", problem, options, own, options.out, context);
      const [dx, dy] = await surfaceDirections(run, options, context);
      const { signal } = context.io;
      const requests = [
        { ...dx, name: "x", asked: rangeX },
        { ...dy, name: "y", asked: rangeY },
      ];
      const axes = await axisPoints(run.train, requests, rise, defaultAnalysis.grid, signal);
      const [x, y] = axes.points as [number[], number[]];
      const { samples } = run.train;
      const perPoint = samples + (run.test?.samples ?? 0);
      // Who asks for points gets those.
      const refines = axes.text !== null;
      const [points, more] = [x.length * y.length, refines ? WINDOW : 0];
      context.progress.start("plane");
      context.progress.expect(points * (run.test ? 2 : 1) + more, points * perPoint + more * samples);
      const plane = [dx.direction, dy.direction] as const;
      const result = await evaluatePlane(run, plane, x, y, { signal });
      const known = axes.lowest ? { known: axes.lowest } : {};
      const refined = refines ? await refineMinimum(run, plane, result, { signal, ...known }) : null;
      context.progress.finish(`${x.length}×${y.length} points`);
      if (options.npz) writeSurface(options.npz, result, refined);
      await writeMeshes(`${basename(model)}, plane of x and y: ${planeText(options)}`, result, options);
      const angle = cosine(dx.direction.vector, dy.direction.vector);
      return outcome({ result, refined, angle, range: axes.text }, options);
    }),
});

type Along = Pick<AxisRequest, "direction" | "curvature">;

async function surfaceDirections(
  run: Run,
  options: SurfaceOptions,
  context: Context,
): Promise<[Along, Along]> {
  const { n, parameters, theta } = run.train;
  if ((options.x === null) !== (options.y === null)) {
    const missing = options.x === null ? "x" : "y";
    throw new LandscapeError(
      "INVALID_OPTION",
      `--${missing} is missing; expected both --x and --y, or neither`,
      {
        option: missing,
      },
    );
  }
  if (options.x !== null && options.y !== null) {
    return [
      { direction: await givenDirection(options.x, n, "x") },
      { direction: await givenDirection(options.y, n, "y") },
    ];
  }
  const { seed } = options;
  switch (options.directions) {
    case "random":
      return [
        { direction: randomDirection(parameters, { seed, index: 0 }) },
        { direction: randomDirection(parameters, { seed, index: 1 }) },
      ];
    case "filter":
      return [
        { direction: filterDirection(parameters, theta, { seed, index: 0 }) },
        { direction: filterDirection(parameters, theta, { seed, index: 1 }) },
      ];
    case "hessian": {
      const { top, bottom } = await endDirections(run, seed, context);
      return [top, bottom];
    }
  }
}

interface Found {
  readonly result: GridResult;
  /** null where the range was asked for. */
  readonly refined: RefinedMinimum | null;
  readonly angle: number;
  readonly range: string | null;
}

function outcome({ result, refined, angle, range }: Found, options: SurfaceOptions): Outcome {
  const train = gridValues(result.train);
  const test = result.test && gridValues(result.test);
  const { minimum } = result.train;
  const around = refined && refinedPlane(refined);
  const written = [options.npz, options.vtk, options.obj].filter((path) => path !== null);
  return {
    json: { x: result.x, y: result.y, train, test, minimum, refined: around, cosine: angle, range },
    lines: fieldLines([
      ["points", `${result.x.length} × ${result.y.length}`],
      ...(range === null ? [] : ([["range", range]] as const)),
      ["lowest train loss", around ? refinedText(around) : minimumText(minimum)],
      ...(test ? ([["lowest test loss", minimumText(test.minimum)]] as const) : []),
      ["cosine of x and y", numberText(angle, 2)],
      ...(train.nonFinite > 0
        ? ([["not finite", percentText(train.nonFinite / (result.x.length * result.y.length))]] as const)
        : []),
      ...(written.length > 0
        ? ([["written", written.join(", ")]] as const)
        : [["arrays", "--npz F.npz writes them"] as const]),
    ]),
  };
}

function minimumText({ x, y, loss }: PlanePoint): string {
  return `${numberText(loss, 6)} at x ${numberText(x)}, y ${numberText(y)}`;
}

/** With its errors: a step of the finer grid, and what parabolas through the neighbours would gain. */
function refinedText({ train: { minimum }, error }: RefinedPlane): string {
  const loss = error.loss ? withError(minimum.loss, error.loss) : numberText(minimum.loss, 6);
  return `${loss} at x ${withError(minimum.x, error.x)}, y ${withError(minimum.y, error.y)}, on a grid three times finer`;
}

/** What x and y are, in the title of a file. */
function planeText({ x, y, directions }: SurfaceOptions): string {
  return x === null ? `${directions} directions` : `${x}, ${y}`;
}

async function writeMeshes(title: string, result: GridResult, { vtk, obj }: MeshOptions): Promise<void> {
  if (vtk === null && obj === null) return;
  const { coloursOf, objFile, viridis, vtkFile } = await import("../report/meshes.ts");
  const { x, y } = result;
  const plane = { x, y, train: gridValues(result.train), test: result.test && gridValues(result.test) };
  if (vtk !== null) await writeWhole(vtk, vtkFile(title, plane));
  if (obj !== null) await writeWhole(obj, objFile(title, plane, coloursOf(viridis)));
}

function writeSurface(path: string, result: GridResult, refined: RefinedMinimum | null): void {
  writeNpz(path, {
    ...gridArrays(result, ""),
    ...(refined ? gridArrays({ ...refined, test: null }, "refined_") : {}),
  });
}

function gridArrays({ x, y, train, test }: GridResult, prefix: string): Record<string, ArrayToWrite> {
  const axis = (values: readonly number[]) => ({ shape: [values.length], data: Float64Array.from(values) });
  const grid = (rows: readonly (readonly number[])[]) => ({
    shape: [y.length, x.length],
    data: Float64Array.from(rows.flat()),
  });
  return {
    [`${prefix}x`]: axis(x),
    [`${prefix}y`]: axis(y),
    [`${prefix}train_loss`]: grid(train.loss),
    ...(train.accuracy ? { [`${prefix}train_accuracy`]: grid(train.accuracy) } : {}),
    ...(test ? { [`${prefix}test_loss`]: grid(test.loss) } : {}),
    ...(test?.accuracy ? { [`${prefix}test_accuracy`]: grid(test.accuracy) } : {}),
  };
}
