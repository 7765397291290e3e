import { describe, expect, it } from "vitest";
import { curvatureByScale, probeDeterminism, summarizeGradient } from "../../src/curvature/index.ts";
import { dot } from "../../src/numerics/vector.ts";
import type { Displacement, GradientEvaluation } from "../../src/objective/types.ts";
import { float32Objective } from "../support/float32-objective.ts";
import { ToyObjective } from "../support/toy-objective.ts";

const spectrum = [8, 2, -1, ...new Array(97).fill(0.1)];

describe("summarizeGradient", () => {
  it("knows the gradient and the standard error of its length", async () => {
    const { objective, vector } = float32Objective({ spectrum, slope: 0.5, spread: 0.2 });
    const { gradient, norm, noise, groups } = await summarizeGradient(objective);
    // Four groups, ± 0.2 about 0.5 along v₁.
    expect(groups).toBe(4);
    expect(norm).toBeCloseTo(0.5, 6);
    expect(dot(gradient, vector(1))).toBeCloseTo(0.5, 6);
    expect(noise).toBeCloseTo(0.2 / Math.sqrt(3), 6);
  });

  it("weights unequal groups by their samples", async () => {
    const group = (samples: number, value: number): GradientEvaluation => ({
      loss: 0,
      accuracy: null,
      samples,
      gradient: Float64Array.of(value, 0),
    });
    class Unequal extends ToyObjective {
      override groupGradients = async () => [group(30, 1), group(10, 5)];
    }
    const { norm, noise } = await summarizeGradient(new Unequal({ curvatures: [1, 1] }));
    expect(norm).toBe(2);
    // ¾·1² + ¼·3², divided by K − 1 = 1.
    expect(noise).toBeCloseTo(Math.sqrt(3), 14);
  });

  it("has no noise to show for a single group", async () => {
    class Single extends ToyObjective {
      override groupGradients = async () => [await this.gradient()];
    }
    expect((await summarizeGradient(new Single({ curvatures: [1, 1] }))).noise).toBeNull();
  });
});

describe("curvatureByScale", () => {
  const kink = { at: 3e-3, jump: 0.05 };
  const { objective, vector } = float32Objective({ spectrum, kink, cancellation: 0.01 });
  const direction = { id: "v", vector: vector(0) };

  it("is the Hessian's below a kink, and shows the kink beyond", async () => {
    const noise = 2 ** -24 * 0.01 * Math.sqrt(spectrum.length);
    const { relativeStep, curvature, error } = await curvatureByScale(objective, direction, {
      noise,
      points: 9,
    });
    expect(relativeStep).toHaveLength(9);
    expect(relativeStep[0]).toBeCloseTo(1e-5, 12);
    expect(relativeStep[8]).toBeCloseTo(1e-1, 8);
    for (const [k, c] of curvature.entries()) {
      const step = relativeStep[k]! * objective.thetaNorm;
      const expected = 8 + (step > kink.at ? kink.jump / (2 * step) : 0);
      // θ ± step is rounded to float32 too: 2⁻²⁴ of ‖θ‖ times the curvature.
      const rounding = error[k]! + (8 * 2 ** -24 * objective.thetaNorm) / step;
      expect(Math.abs(c - expected)).toBeLessThan(3 * rounding);
    }
    expect(error[0]! / error[8]!).toBeCloseTo(1e4, 4);
  });
});

describe("probeDeterminism", () => {
  it("finds equal bits equal", async () => {
    expect(await probeDeterminism(new ToyObjective({ curvatures: [1, 2] }))).toEqual({
      identical: true,
      loss: 0,
      gradient: 0,
    });
  });

  it("finds one bit in a gradient", async () => {
    let calls = 0;
    class Random extends ToyObjective {
      override async gradient(at?: Displacement): Promise<GradientEvaluation> {
        const exact = await super.gradient(at);
        exact.gradient[1] = 1 + (calls++ % 2) * 2 ** -23;
        return exact;
      }
    }
    const probe = await probeDeterminism(new Random({ curvatures: [1, 2], slope: [0, 1] }));
    expect(probe.identical).toBe(false);
    expect(probe.gradient).toBeCloseTo(2 ** -23, 10);
  });
});
