import { describe, expect, it } from "vitest";
import { chooseLossFit, gaussianProbe, lossCurvature, lossTrace } from "../../src/curvature/index.ts";
import { traceInterval } from "../../src/numerics/trace.ts";
import { dot } from "../../src/numerics/vector.ts";
import type { Evaluation, Objective } from "../../src/objective/types.ts";
import { ToyObjective } from "../support/toy-objective.ts";

const curvatures = [20, 9, -4, ...Array.from({ length: 60 }, (_, k) => Math.sin(k))];
const exact = curvatures.reduce((sum, x) => sum + x, 0);
const slope = curvatures.map((_, i) => 0.1 * Math.cos(i));

/** Losses in float32, as nets have them. */
function rounded(toy: ToyObjective): Objective {
  return Object.assign(Object.create(toy) as ToyObjective, {
    evaluate: async (...args: Parameters<ToyObjective["evaluate"]>): Promise<Evaluation> => {
      const found = await toy.evaluate(...args);
      return { ...found, loss: Math.fround(found.loss) };
    },
  });
}

const net = (quartic = 0.3) => rounded(new ToyObjective({ curvatures, slope, quartic }));

describe("curvature along a line from losses", () => {
  it.each([3, 5, 50])("%d points: right within noise and bias", async (points) => {
    const objective = net();
    const draw = (index: number) => gaussianProbe(objective, 3, index);
    const fit = await chooseLossFit(objective, draw, { points });
    expect(fit.noise).toBeGreaterThan(0);
    expect(fit.fourth).toBeGreaterThan(0);
    for (let index = 0; index < 6; index++) {
      const { vector } = draw(index);
      const { curvature, noiseError, bias } = await lossCurvature(objective, draw(index), fit);
      const { hv } = await objective.hvp(vector, { method: "exact", kinks: "frozen" });
      // The half-width balances the two.
      const error = 4 * noiseError + 2 * Math.abs(bias);
      expect(Math.abs(curvature - dot(vector, hv))).toBeLessThan(error);
      expect(error).toBeLessThan(0.1 * Math.abs(exact));
    }
  });

  it("without a fourth derivative the width goes as far as it may", async () => {
    const objective = rounded(new ToyObjective({ curvatures, slope }));
    const fit = await chooseLossFit(objective, (index) => gaussianProbe(objective, 0, index));
    expect(fit.fourth).toBeNull();
    const reach = fit.halfWidth * Math.sqrt(objective.n);
    expect(reach).toBeGreaterThan(0.1 * objective.thetaNorm);
  });
});

describe("trace from losses", () => {
  it("asks for no gradient, and holds the exact value in its interval", async () => {
    const toy = new ToyObjective({ curvatures, slope, quartic: 0.3 });
    const { result, info } = await lossTrace(rounded(toy), { seed: 0, probes: 60 });
    expect(Object.keys(toy.calls)).toEqual(["evaluate"]);
    expect(Math.abs(result.trace - exact)).toBeLessThan(3 * result.standardError);
    expect(info.curvatures).toHaveLength(60);
    expect(Math.abs(info.bias)).toBeLessThan(0.2 * result.standardError);
    const frobenius = Math.hypot(...curvatures);
    expect(Math.abs(result.frobeniusNorm - frobenius)).toBeLessThan(4 * result.frobeniusStandardError);
  });

  it("is repeatable, and says over what displacement", async () => {
    const toy = new ToyObjective({ curvatures, slope, quartic: 0.3 });
    const first = await lossTrace(toy, { seed: 2, probes: 5 });
    expect(await lossTrace(toy, { seed: 2, probes: 5 })).toEqual(first);
    expect(first.info.displacement).toBeGreaterThan(0);
  });

  it("has 95 % intervals that hold the exact value in 90 to 99 of 100", async () => {
    let held = 0;
    for (let seed = 0; seed < 100; seed++) {
      const { result } = await lossTrace(net(), { seed, probes: 20 });
      const { low, high } = traceInterval(result, 20);
      if (low <= exact && exact <= high) held++;
    }
    expect(held).toBeGreaterThanOrEqual(90);
    expect(held).toBeLessThanOrEqual(99);
  });
});
