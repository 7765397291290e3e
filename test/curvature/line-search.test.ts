import { describe, expect, test } from "vitest";
import { decreaseOf, localModel, lowestAlong } from "../../src/curvature/index.ts";
import type { Direction } from "../../src/objective/types.ts";
import { ToyObjective, type ToyOptions } from "../support/toy-objective.ts";

/** The unit direction of parameter `i`. */
function axis(i: number, n = 4): Direction {
  const vector = new Float64Array(n);
  vector[i] = 1;
  return { id: `axis:${i}`, vector };
}

/** Of the search's position: it is accurate to a thousandth, and the loss at its minimum is flat. */
const POSITION = 2e-3;

function objective(options: Partial<ToyOptions>): ToyObjective {
  return new ToyObjective({ curvatures: [1, 2, 3, 4], ...options });
}

describe("along a line", () => {
  test("a quartic double well: x² = |κ|/4q, depth κ²/16q", async () => {
    const [kappa, quartic] = [0.5, 2];
    const well = objective({ curvatures: [-kappa, 1, 1, 1], quartic });
    const { at, loss, isOpen, evaluations } = await lowestAlong(well, [axis(0)], { loss: 1, noise: 1e-15 });
    const exact = Math.sqrt(kappa / (4 * quartic));
    expect(Math.abs(Math.abs(at[0] as number) / exact - 1)).toBeLessThan(POSITION);
    expect(1 - loss).toBeCloseTo(kappa ** 2 / (16 * quartic), 6);
    expect(isOpen).toEqual([false]);
    expect(evaluations).toBeLessThanOrEqual(72);
  });

  test.each([1, -1])("the deeper of two wells, on the side where the slope (%i) leads", async (side) => {
    const well = objective({ curvatures: [-0.5, 1, 1, 1], slope: [side * 0.02, 0, 0, 0], quartic: 2 });
    const { at } = await lowestAlong(well, [axis(0)], { loss: 1, noise: 1e-15 });
    expect(Math.sign(at[0] as number)).toBe(-side);
    // The root of κx + 4qx³ + s = 0.
    const x = at[0] as number;
    const derivative = -0.5 * x + 8 * x ** 3 + side * 0.02;
    expect(Math.abs(derivative)).toBeLessThan(POSITION * Math.abs(x) * (24 * x * x));
  });

  test("a parabola with a slope: its minimum, over eight orders of magnitude of the distance", async () => {
    for (const distance of [1e-5, 1e-3, 0.1, 1]) {
      const bowl = objective({ curvatures: [1, 1, 1, 1], slope: [-distance, 0, 0, 0] });
      const { at } = await lowestAlong(bowl, [axis(0)], { loss: 1, noise: 0 });
      expect(Math.abs((at[0] as number) / distance - 1)).toBeLessThan(POSITION);
    }
  });

  test("at a minimum nothing is lower", async () => {
    const found = await lowestAlong(objective({}), [axis(2)], { loss: 1, noise: 0 });
    expect(found).toMatchObject({ at: [0], loss: 1 });
  });

  test("where the loss falls without end, the search ends at its limit and says so", async () => {
    const slide = objective({ curvatures: [-1, 1, 1, 1] });
    const found = await lowestAlong(slide, [axis(0)], { loss: 1, noise: 0, limit: 3 });
    expect(found.isOpen).toEqual([true]);
    expect(Math.abs(found.at[0] as number)).toBe(3);
    expect(found.loss).toBeCloseTo(1 - 4.5, 12);
  });

  test("a loss that is not finite is a wall", async () => {
    const walled = objective({ curvatures: [-1, 1, 1, 1] });
    const evaluate = walled.evaluate.bind(walled);
    walled.evaluate = async (at, signal) => {
      const found = await evaluate(at, signal);
      return Math.abs(at?.[0]?.coefficient ?? 0) > 0.5 ? { ...found, loss: Number.NaN } : found;
    };
    const { at, isOpen } = await lowestAlong(walled, [axis(0)], { loss: 1, noise: 0 });
    expect(isOpen).toEqual([false]);
    expect(Math.abs(at[0] as number)).toBeGreaterThan(0.49);
    expect(Math.abs(at[0] as number)).toBeLessThanOrEqual(0.5);
  });
});

test("in a plane of two, both minima are found, whatever their scales", async () => {
  const [kappa, quartic] = [0.5, 2];
  const saddle = objective({ curvatures: [400, -kappa, 1, 1], slope: [-0.4, 0, 0, 0], quartic });
  const { at, loss } = await lowestAlong(saddle, [axis(0), axis(1)], { loss: 1, noise: 1e-15 });
  expect(Math.abs((at[0] as number) / 1e-3 - 1)).toBeLessThan(POSITION);
  expect(Math.abs(Math.abs(at[1] as number) / Math.sqrt(kappa / (4 * quartic)) - 1)).toBeLessThan(POSITION);
  expect(1 - loss).toBeCloseTo(0.5 * 400 * 1e-6 + kappa ** 2 / (16 * quartic), 6);
});

describe("a step's decrease", () => {
  const options = { curvatures: [3, -0.5, 1, 1], slope: [0.1, -0.2, 0, 0], quartic: 2 };

  test("is told apart into slope, curvature and the rest", async () => {
    const model = await localModel(objective(options), [axis(0), axis(1)], "exact");
    expect(model).toMatchObject({ loss: 1, slopes: [0.1, -0.2] });
    expect(model.curvatures).toEqual([
      [3, 0],
      [0, -0.5],
    ]);
    const [x, y] = [-0.03, 0.4];
    const there = 1 + 0.1 * x - 0.2 * y + 1.5 * x * x - 0.25 * y * y + 2 * (x ** 4 + y ** 4);
    const decrease = decreaseOf(model, [x, y], there);
    expect(decrease.whole).toBeCloseTo(1 - there, 14);
    expect(decrease.slope).toBeCloseTo(-0.1 * x + 0.2 * y, 14);
    expect(decrease.curvature).toBeCloseTo(-1.5 * x * x + 0.25 * y * y, 14);
    expect(decrease.rest).toBeCloseTo(-2 * (x ** 4 + y ** 4), 14);
  });

  test("along directions that are not conjugate, mixed curvature counts", async () => {
    const diagonal = { id: "diagonal", vector: Float64Array.of(Math.SQRT1_2, Math.SQRT1_2, 0, 0) };
    const model = await localModel(objective({ ...options, quartic: 0 }), [axis(0), diagonal], "exact");
    const [a, b] = [0.2, 0.3];
    const { loss } = await objective({ ...options, quartic: 0 }).evaluate([
      { coefficient: a, direction: axis(0) },
      { coefficient: b, direction: diagonal },
    ]);
    expect(decreaseOf(model, [a, b], loss).rest).toBeCloseTo(0, 14);
  });
});
