import type { Direction, Displacement, Evaluation, Objective } from "../objective/types.ts";

/** The objectives that are evaluated on the same points. */
export interface Splits {
  readonly train: Objective;
  readonly test: Objective | null;
}

/** Values at `loss[i][j]`: y[i], x[j]. Not finite is kept as it is (NaN, ±Infinity). */
export interface GridLosses {
  readonly loss: number[][];
  /** null where there are no classes. */
  readonly accuracy: number[][] | null;
  /** The lowest finite loss; the first of equals. NaN if there is none. */
  readonly minimum: { readonly x: number; readonly y: number; readonly loss: number };
}

export interface GridResult {
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly train: GridLosses;
  readonly test: GridLosses | null;
}

export interface GridOptions {
  /** Called after each point with the number of points done. */
  readonly onPoint?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Loss and accuracy on θ₀ + x·d₁ + y·d₂ for all x and y, train and test on the same points, row by row.
 * Directions are taken as given: x and y are their coefficients.
 */
export async function evaluatePlane(
  splits: Splits,
  directions: readonly [Direction, Direction],
  x: readonly number[],
  y: readonly number[],
  options: GridOptions = {},
): Promise<GridResult> {
  const at = (i: number, j: number): Displacement => [
    { coefficient: x[j] as number, direction: directions[0] },
    { coefficient: y[i] as number, direction: directions[1] },
  ];
  const train: Evaluation[][] = [];
  const test: Evaluation[][] = [];
  for (let i = 0; i < y.length; i++) {
    const rows: [Evaluation[], Evaluation[]] = [[], []];
    for (let j = 0; j < x.length; j++) {
      rows[0].push(await splits.train.evaluate(at(i, j), options.signal));
      if (splits.test) rows[1].push(await splits.test.evaluate(at(i, j), options.signal));
      options.onPoint?.(i * x.length + j + 1, x.length * y.length);
    }
    train.push(rows[0]);
    test.push(rows[1]);
  }
  return { x, y, train: gridLosses(train, x, y), test: splits.test ? gridLosses(test, x, y) : null };
}

function gridLosses(
  cells: readonly (readonly Evaluation[])[],
  x: readonly number[],
  y: readonly number[],
): GridLosses {
  const loss = cells.map((row) => row.map((c) => c.loss));
  const hasClasses = cells.every((row) => row.every((c) => c.accuracy !== null));
  const accuracy = hasClasses ? cells.map((row) => row.map((c) => c.accuracy as number)) : null;
  let minimum = { x: Number.NaN, y: Number.NaN, loss: Number.NaN };
  for (const [i, row] of loss.entries()) {
    for (const [j, value] of row.entries()) {
      if (Number.isFinite(value) && !(value >= minimum.loss)) {
        minimum = { x: x[j] as number, y: y[i] as number, loss: value };
      }
    }
  }
  return { loss, accuracy, minimum };
}

export interface ProfileLosses {
  readonly loss: number[];
  readonly accuracy: number[] | null;
}

export interface ProfileResult {
  readonly t: readonly number[];
  readonly train: ProfileLosses;
  readonly test: ProfileLosses | null;
  /** The lowest finite train loss, and the test loss there. NaN if there is none. */
  readonly minimum: { readonly t: number; readonly loss: number; readonly testLoss: number | null };
}

/** Loss and accuracy on θ₀ + t·d, train and test on the same points. */
export async function evaluateProfile(
  splits: Splits,
  direction: Direction,
  t: readonly number[],
  options: GridOptions = {},
): Promise<ProfileResult> {
  const train: Evaluation[] = [];
  const test: Evaluation[] = [];
  for (const [k, coefficient] of t.entries()) {
    train.push(await splits.train.evaluate([{ coefficient, direction }], options.signal));
    if (splits.test) test.push(await splits.test.evaluate([{ coefficient, direction }], options.signal));
    options.onPoint?.(k + 1, t.length);
  }
  return {
    t,
    train: profileLosses(train),
    test: splits.test ? profileLosses(test) : null,
    minimum: lowestPoint(t, train, test),
  };
}

function lowestPoint(
  t: readonly number[],
  train: readonly Evaluation[],
  test: readonly Evaluation[],
): ProfileResult["minimum"] {
  let minimum: ProfileResult["minimum"] = { t: Number.NaN, loss: Number.NaN, testLoss: null };
  for (const [k, { loss }] of train.entries()) {
    if (Number.isFinite(loss) && !(loss >= minimum.loss)) {
      minimum = { t: t[k] as number, loss, testLoss: test[k]?.loss ?? null };
    }
  }
  return minimum;
}

function profileLosses(points: readonly Evaluation[]): ProfileLosses {
  const hasClasses = points.every((p) => p.accuracy !== null);
  return {
    loss: points.map((p) => p.loss),
    accuracy: hasClasses ? points.map((p) => p.accuracy as number) : null,
  };
}
