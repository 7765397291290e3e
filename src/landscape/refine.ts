import type { Direction, Evaluation } from "../objective/types.ts";
import { evaluatePlane, type GridOptions, type GridResult, type Splits } from "./grid.ts";

/** The neighbourhood of a plane's lowest training loss, on a finer grid; its `train.minimum` is the refined one. */
export interface RefinedMinimum extends Pick<GridResult, "x" | "y" | "train"> {
  /** At the minimum alone: it is the training loss that is looked for. */
  readonly test: Pick<Evaluation, "loss" | "accuracy"> | null;
  readonly error: MinimumError;
}

/** How well a minimum on a grid is known. */
export interface MinimumError {
  /** One step of the grid: between lower neighbours than these no point was looked at. */
  readonly x: number;
  readonly y: number;
  /** How much lower the parabolas through the point and its neighbours reach; null at an end of the grid or beside a loss that is not finite. */
  readonly loss: number | null;
}

/** Steps of the finer grid for one of the plane. */
export const FINER = 3;
/** Points to either side of the lowest cell: as far as the next cells. */
const REACH = FINER;
/** In a bent valley the lowest point may lie further on: the window follows it so often. */
const MOVES = 2;
/** Points of one window. */
export const WINDOW: number = (2 * REACH + 1) ** 2;

/** A point of a plane, and the training loss there. */
export type PlanePoint = GridResult["train"]["minimum"];

/**
 * Evaluates the neighbourhood of the lowest training loss of a plane again, on a grid three times finer that reaches to the
 * neighbouring cells, within the plane; its points at the plane's own are those to the bit. `known` is a point off the
 * grid: where it is lower than every cell, the window lies around it. Costs 7 × 7 training losses, of which a
 * journal knows 9, and one test loss; a few times that where the lowest point lies on the window's border again and again. Never above the
 * plane's own minimum; null without a finite loss.
 */
export async function refineMinimum(
  splits: Splits,
  directions: readonly [Direction, Direction],
  plane: Pick<GridResult, "x" | "y" | "train">,
  options: GridOptions & { readonly known?: PlanePoint } = {},
): Promise<RefinedMinimum | null> {
  const { minimum } = plane.train;
  if (!Number.isFinite(minimum.loss)) return null;
  const { known = minimum } = options;
  const around = (point: PlanePoint) => follow(splits, directions, plane, point, options);
  if (known.loss < minimum.loss) {
    const found = await around(known);
    if (found.train.minimum.loss <= minimum.loss) return found;
  }
  return around(minimum);
}

/** The window around a point, moved along while its lowest point is on its border. */
async function follow(
  splits: Splits,
  directions: readonly [Direction, Direction],
  plane: Pick<GridResult, "x" | "y">,
  from: PlanePoint,
  options: GridOptions,
): Promise<RefinedMinimum> {
  const [fineX, fineY] = [finer(plane.x), finer(plane.y)];
  let centre = from;
  for (let moves = 0; ; moves++) {
    const [x, y] = [windowOf(fineX, centre.x), windowOf(fineY, centre.y)];
    const { train } = await evaluatePlane({ ...splits, test: null }, directions, x, y, options);
    const lowest = train.minimum;
    const isDone = !isOpenEnd(x, lowest.x, fineX) && !isOpenEnd(y, lowest.y, fineY);
    // Around a point off the grid no loss may be finite.
    if (isDone || moves === MOVES || Number.isNaN(lowest.loss)) {
      return {
        x,
        y,
        train,
        test: await testAt(splits, directions, lowest, options),
        error: errorOf({ x, y, train }),
      };
    }
    centre = lowest;
  }
}

async function testAt(
  { test }: Splits,
  [dx, dy]: readonly [Direction, Direction],
  { x, y }: PlanePoint,
  { signal }: GridOptions,
): Promise<RefinedMinimum["test"]> {
  if (!test) return null;
  const { loss, accuracy } = await test.evaluate(
    [
      { coefficient: x, direction: dx },
      { coefficient: y, direction: dy },
    ],
    signal,
  );
  return { loss, accuracy };
}

/** The axis with its steps divided; its own points stay as they are. */
function finer(axis: readonly number[]): number[] {
  return axis.flatMap((value, k) => {
    const next = axis[k + 1];
    if (next === undefined) return [value];
    return Array.from({ length: FINER }, (_, r) => (r === 0 ? value : value + (r / FINER) * (next - value)));
  });
}

function windowOf(axis: readonly number[], around: number): number[] {
  const gaps = axis.map((value) => Math.abs(value - around));
  const centre = gaps.indexOf(Math.min(...gaps));
  return axis.slice(Math.max(0, centre - REACH), centre + REACH + 1);
}

/** Whether a point ends the window where the plane goes on. */
function isOpenEnd(window: readonly number[], at: number, axis: readonly number[]): boolean {
  const isEnd = at === window[0] || at === window.at(-1);
  return isEnd && at !== axis[0] && at !== axis.at(-1);
}

function errorOf({
  x,
  y,
  train: { loss: losses, minimum },
}: Pick<GridResult, "x" | "y" | "train">): MinimumError {
  const [i, j] = [y.indexOf(minimum.y), x.indexOf(minimum.x)];
  const step = (axis: readonly number[]) => (axis[1] ?? axis[0]!) - axis[0]!;
  const along = [
    x.length > 1 ? lower(losses[i]?.[j - 1], minimum.loss, losses[i]?.[j + 1]) : 0,
    y.length > 1 ? lower(losses[i - 1]?.[j], minimum.loss, losses[i + 1]?.[j]) : 0,
  ];
  const loss = along.reduce((sum, l) => sum + l);
  return { x: step(x), y: step(y), loss: Number.isFinite(loss) ? loss : null };
}

/** How far below its middle point, the lowest, the parabola through three equidistant points reaches; NaN with one missing. */
function lower(before: number | undefined, at: number, after: number | undefined): number {
  if (before === undefined || after === undefined) return Number.NaN;
  const [slope, curvature] = [(after - before) / 2, after - 2 * at + before];
  return curvature <= 0 ? 0 : slope ** 2 / (2 * curvature);
}
