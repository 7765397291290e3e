import { describe, expect, it } from "vitest";
import { chooseRange } from "../../src/landscape/index.ts";
import { ToyObjective, type ToyOptions } from "../support/toy-objective.ts";

const direction = { id: "e0", vector: Float64Array.of(1, 0, 0, 0) };
const toy = (options: Partial<ToyOptions> & { curvature: number }) =>
  new ToyObjective({ curvatures: [options.curvature, 1, 1, 1], offset: 0.1, ...options });

/** The higher of the two losses at the ends, as a multiple of the loss at θ₀. */
async function growth(objective: ToyObjective, halfWidth: number): Promise<number> {
  const at = async (coefficient: number) => (await objective.evaluate([{ coefficient, direction }])).loss;
  return Math.max(await at(halfWidth), await at(-halfWidth)) / (await objective.evaluate()).loss;
}

describe("chooseRange", () => {
  it.each([
    ["a parabola whose curvature is known", { curvature: 300 }, { curvature: 300 }],
    ["a parabola of which nothing is known", { curvature: 300 }, {}],
    ["a curvature that is wrong by far", { curvature: 300 }, { curvature: 0.01 }],
    ["negative curvature under a quartic wall", { curvature: -4, quartic: 50 }, { curvature: -4 }],
    ["a slope", { curvature: 2, slope: [3, 0, 0, 0] }, { curvature: 2, slope: 3 }],
  ])("goes to where the loss has grown tenfold: %s", async (_, loss, known) => {
    const objective = toy(loss);
    const { halfWidth, text } = await chooseRange(objective, direction, { factor: 10, ...known });
    // To within a quarter of the distance; the wall is of fourth order: 1.25⁴ = 2.4.
    expect(await growth(objective, halfWidth)).toBeGreaterThanOrEqual(10);
    expect(await growth(objective, halfWidth / 1.25)).toBeLessThan(10.001);
    expect(text).toContain("grown 10-fold");
  });

  it("takes few evaluations where slope and curvature say where", async () => {
    const objective = toy({ curvature: 300 });
    await chooseRange(objective, direction, { factor: 10, curvature: 300, slope: 0, loss: 0.1 });
    expect(objective.calls["evaluate"]).toBeLessThanOrEqual(14);
  });

  it("stops at twice ‖θ‖ where nothing grows, and says so", async () => {
    const objective = toy({ curvature: 0 });
    const { halfWidth, text } = await chooseRange(objective, direction, { factor: 10 });
    expect(halfWidth).toBeCloseTo(2 * objective.thetaNorm, 12);
    expect(text).toContain("does not grow");
  });

  it("takes a loss that is not finite for one that has risen", async () => {
    const objective = toy({ curvature: 300 });
    const whole = objective.evaluate.bind(objective);
    objective.evaluate = async (at, signal) => {
      const e = await whole(at, signal);
      return { ...e, loss: Math.abs(at?.[0]?.coefficient ?? 0) > 0.01 ? Number.NaN : e.loss };
    };
    const { halfWidth } = await chooseRange(objective, direction, { factor: 10 });
    expect(halfWidth).toBeGreaterThan(0.01);
    expect(halfWidth).toBeLessThan(0.0126);
  });

  it("takes a tenth of ‖θ‖ where the loss is 0", async () => {
    const objective = toy({ curvature: 300, offset: 0 });
    const { halfWidth, text } = await chooseRange(objective, direction, { factor: 10 });
    expect(halfWidth).toBeCloseTo(0.1 * objective.thetaNorm, 12);
    expect(text).toContain("the loss is 0");
  });

  it("goes up from a loss below zero", async () => {
    const objective = toy({ curvature: 300, offset: -2 });
    const { halfWidth } = await chooseRange(objective, direction, { factor: 4 });
    // −2 + 150·t² = −2 + 3·2.
    expect(halfWidth).toBeGreaterThanOrEqual(0.2);
    expect(halfWidth).toBeLessThan(0.25);
  });
});
