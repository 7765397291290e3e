import type { LossValue, Plane, RefinedPlane } from "./analysis-report.ts";

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
  const grid = plane.refined ?? plane;
  const { x, y, loss } = grid.train.minimum;
  const [i, j] = [grid.y.indexOf(y), grid.x.indexOf(x)];
  const values = (split: "train" | "test"): LossValue => ({
    loss: grid[split]?.loss[i]?.[j] ?? Number.NaN,
    accuracy: grid[split]?.accuracy?.[i]?.[j] ?? null,
  });
  const test = grid.test ? values("test") : null;
  return { x, y, loss, train: values("train"), test, error: plane.refined?.error ?? null };
}
