import { describe, expect, it } from "vitest";
import {
  evaluatePlane,
  type GridResult,
  originAxis,
  type RefinedMinimum,
  refineMinimum,
  WINDOW,
} from "../../src/landscape/index.ts";
import type { Displacement, Evaluation, Objective } from "../../src/objective/types.ts";
import { ToyObjective } from "../support/toy-objective.ts";

const unit = (k: number) => ({ id: `e${k}`, vector: Float64Array.from([k === 0 ? 1 : 0, k === 1 ? 1 : 0]) });
const directions = [unit(0), unit(1)] as const;
const extent = { from: -1, to: 1.5 };
const count = 13;
const axis = originAxis(extent, count);
const step = axis[1]! - axis[0]!;

/** 3 + ½(a(x − x₀)² + b(y − y₀)²): the lowest loss is 3, at (x₀, y₀). */
function quadratic(a: number, b: number, [x0, y0]: readonly [number, number]): ToyObjective {
  const offset = 3 + 0.5 * (a * x0 * x0 + b * y0 * y0);
  return new ToyObjective({ curvatures: [a, b], slope: [-a * x0, -b * y0], offset });
}

/** Any function of the two coefficients. */
function objectiveOf(f: (x: number, y: number) => number): Objective {
  const toy = quadratic(1, 1, [0, 0]);
  toy.evaluate = async (at: Displacement = []): Promise<Evaluation> => {
    const c = (k: number) => at.find((d) => d.direction === directions[k])?.coefficient ?? 0;
    return { loss: f(c(0), c(1)), accuracy: null, samples: toy.samples };
  };
  return toy;
}

async function refinedOf(
  train: Objective,
  test: Objective | null = null,
  known?: { x: number; y: number; loss: number },
): Promise<{ coarse: GridResult; refined: RefinedMinimum }> {
  const coarse = await evaluatePlane({ train, test }, directions, axis, axis);
  const refined = await refineMinimum({ train, test }, directions, coarse, known ? { known } : {});
  return { coarse, refined: refined! };
}

describe("a minimum is refined", () => {
  it.each([
    ["between cells", [0.37, -0.42]],
    ["on a cell", [axis[4]!, axis[7]!]],
    ["next to the border", [-0.95, 1.44]],
  ] as const)("%s: to a third of a cell and less of the loss, within the stated errors", async (_, place) => {
    const train = quadratic(4, 0.7, place);
    const { coarse, refined } = await refinedOf(train);
    const { minimum } = refined.train;
    expect(minimum.loss).toBeLessThanOrEqual(coarse.train.minimum.loss);
    expect(refined.error.x).toBeCloseTo(step / 3, 12);
    expect(refined.error.y).toBeCloseTo(step / 3, 12);
    // The nearest point of the finer grid is at most half of its step away, the stated error is a whole one.
    expect(Math.abs(minimum.x - place[0])).toBeLessThanOrEqual(step / 6 + 1e-12);
    expect(Math.abs(minimum.y - place[1])).toBeLessThanOrEqual(step / 6 + 1e-12);
    // Parabolas are what the loss is: the stated error is the true one, to the rounding of losses of about 3.
    if (refined.error.loss !== null) {
      expect(minimum.loss - refined.error.loss).toBeCloseTo(3, 12);
      expect(minimum.loss - 3).toBeLessThanOrEqual(0.5 * (4 + 0.7) * (step / 6) ** 2 + 1e-12);
    }
  });

  it("has the plane's own points to the bit, so that a journal knows them", async () => {
    const train = quadratic(4, 0.7, [0.37, -0.42]);
    const { coarse, refined } = await refinedOf(train, quadratic(2, 1, [0, 0]));
    expect(refined.x).toHaveLength(7);
    expect(refined.y).toHaveLength(7);
    expect(refined.x.filter((x) => axis.includes(x))).toHaveLength(3);
    expect(refined.y.filter((y) => axis.includes(y))).toHaveLength(3);
    const [i, j] = [coarse.y.indexOf(refined.y[3]!), coarse.x.indexOf(refined.x[3]!)];
    expect(refined.train.loss[3]![3]).toBe(coarse.train.loss[i]![j]);
    expect(refined.train.loss.flat()).toHaveLength(WINDOW);
    // The test loss is told where the training loss is lowest.
    const { x, y } = refined.train.minimum;
    expect(refined.test).toEqual({ loss: 3 + x * x + 0.5 * y * y, accuracy: null });
  });

  it("follows a bent valley, and no further than that", async () => {
    // Along the diagonal the loss falls slowly, across it steeply: the lowest cell is not the nearest one.
    const valley = (x: number, y: number) => 50 * (y - 0.9 * x - 0.11) ** 2 + 0.3 * (x - 0.4) ** 2;
    const { coarse, refined } = await refinedOf(objectiveOf(valley));
    const far = Math.abs(coarse.train.minimum.x - 0.4);
    expect(far).toBeGreaterThan(step);
    expect(Math.abs(refined.train.minimum.x - 0.4)).toBeLessThan(far);
    expect(refined.train.minimum.loss).toBeLessThan(coarse.train.minimum.loss);
    let points = 0;
    const slope = objectiveOf((x, y) => {
      points++;
      return -x - y;
    });
    // Where the loss falls to the corner, the window ends there.
    const corner = await refinedOf(slope);
    expect(corner.refined.train.minimum).toMatchObject({ x: axis.at(-1), y: axis.at(-1) });
    expect(corner.refined.x).toHaveLength(4);
    expect(corner.refined.error.loss).toBeNull();
    expect(points).toBe(count * count + 4 * 4);
  });

  it("begins at a lower point that is known, and comes back if nothing there is lower", async () => {
    const two = (x: number, y: number) =>
      Math.min(1 + (x - axis[3]!) ** 2 + (y - axis[3]!) ** 2, 0.9 + 30 * ((x - 0.95) ** 2 + (y - 0.95) ** 2));
    const train = objectiveOf(two);
    const known = { x: 0.95, y: 0.95, loss: two(0.95, 0.95) };
    const { coarse, refined } = await refinedOf(train, null, known);
    expect(coarse.train.minimum).toMatchObject({ x: axis[3], y: axis[3] });
    expect(refined.train.minimum.loss).toBeLessThan(1);
    expect(Math.abs(refined.train.minimum.x - 0.95)).toBeLessThan(step / 6 + 1e-12);
    // A pit too narrow for the finer grid.
    const narrow = (x: number, y: number) =>
      x === 0.95 && y === 0.95 ? 0.5 : 1 + (x - axis[3]!) ** 2 + (y - axis[3]!) ** 2;
    const missed = await refinedOf(objectiveOf(narrow), null, { ...known, loss: 0.5 });
    expect(missed.refined.train.minimum).toEqual(missed.coarse.train.minimum);
  });

  it("is not looked for where no loss is finite, and minds holes beside it", async () => {
    const nothing = objectiveOf(() => Number.NaN);
    const coarse = await evaluatePlane({ train: nothing, test: null }, directions, axis, axis);
    expect(await refineMinimum({ train: nothing, test: null }, directions, coarse)).toBeNull();
    const holed = objectiveOf((x, y) => (x > 0.3 ? Number.NaN : (x - 0.3) ** 2 + y * y));
    const { refined } = await refinedOf(holed);
    const { x } = refined.train.minimum;
    expect(x).toBeLessThanOrEqual(0.3);
    expect(x + step / 3).toBeGreaterThan(0.3);
    expect(refined.error.loss).toBeNull();
  });
});
