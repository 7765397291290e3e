import {
  type ChosenRange,
  chooseRange,
  type Extent,
  evaluatePlane,
  originAxis,
} from "../../landscape/index.ts";
import type { Direction } from "../../objective/types.ts";
import type { Eigenpair } from "../analysis-report.ts";
import { numberText } from "../number-text.ts";
import type { Frame } from "../trajectory/report.ts";
import type { StepContext } from "./context.ts";
import { gridValues } from "./planes.ts";

/**
 * How far a frame would go by itself, by curvature and loss (`chooseRange`). `pairs` are the eigenpairs of its
 * directions; none where these are another checkpoint's.
 */
export async function frameRange(
  context: StepContext,
  directions: readonly [Direction, Direction],
  pairs: readonly Eigenpair[],
): Promise<ChosenRange> {
  const { train, signal, options, progress } = context;
  progress.start("range");
  const facts = pairs.map(({ value, residual, slope }) => ({
    slope,
    // A curvature that is not told from 0 says nothing of the distance.
    curvature: Math.abs(value) > residual ? value : undefined,
  }));
  const chosen = await chooseRange(train, directions, { rise: options.rise, facts }, signal);
  progress.finish("");
  return chosen;
}

/** The loss around a checkpoint, train and test. */
export async function frameStep(
  context: StepContext,
  directions: readonly [Direction, Direction],
  extents: readonly Extent[],
  checkpoint: number,
  count: number,
): Promise<Frame> {
  context.progress.start("frame");
  const [x, y] = extents.map((e) => originAxis(e, count)) as [number[], number[]];
  const { train, test } = await evaluatePlane(context, directions, x, y, { signal: context.signal });
  context.progress.finish(`min ${numberText(train.minimum.loss, 3)}`);
  return { checkpoint, x, y, train: gridValues(train), test: test && gridValues(test) };
}

/**
 * One symmetric range for all frames: for each axis the geometric mean of how far each would go by itself. Over a run these
 * differ a hundredfold: the widest would leave late frames one cell for their valley, the narrowest would show early
 * ones flat.
 */
export function commonExtents(ranges: readonly ChosenRange[]): Extent[] {
  return [0, 1].map((axis) => {
    const reaches = ranges.map(({ extents }) => {
      const { from, to } = extents[axis] as Extent;
      return Math.log(Math.max(-from, to));
    });
    const to = Math.exp(reaches.reduce((sum, r) => sum + r, 0) / reaches.length);
    return { from: -to, to };
  });
}
