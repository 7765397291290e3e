import type { GridValues, LossValue, Plane, RefinedPlane } from "./analysis-report.ts";

/** Where a plane's training loss is lowest, as it is best known: both data sets there. */
export interface LowestPoint {
  readonly x: number;
  readonly y: number;
  /** The training loss; NaN without a finite one. */
  readonly loss: number;
  readonly train: LossValue;
  readonly test: LossValue | null;
  /** Of place and loss; null where the minimum is only that of the grid. */
  readonly error: RefinedPlane["error"] | null;
}

type Minimized = Pick<Plane, "x" | "y" | "train" | "test" | "refined">;

/** The lowest point of the finer grid, where there is one. */
export function lowestPoint(plane: Minimized): LowestPoint {
  const { refined } = plane;
  const grid = refined ?? plane;
  const { x, y, loss } = grid.train.minimum;
  const [i, j] = [grid.y.indexOf(y), grid.x.indexOf(x)];
  const at = ({ loss, accuracy }: GridValues): LossValue => ({
    loss: loss[i]?.[j] ?? Number.NaN,
    accuracy: accuracy?.[i]?.[j] ?? null,
  });
  const there = refined ? refined.test : plane.test && at(plane.test);
  const test = there && { loss: there.loss ?? Number.NaN, accuracy: there.accuracy };
  return { x, y, loss, train: at(grid.train), test, error: refined?.error ?? null };
}

/** Whether a point ends an axis of the plane, where the loss may be lower still outside. */
export function isOnBorder(plane: Pick<Plane, "x" | "y">, { x, y }: Pick<LowestPoint, "x" | "y">): boolean {
  return [plane.x[0], plane.x.at(-1)].includes(x) || [plane.y[0], plane.y.at(-1)].includes(y);
}
