import { describe, expect, it } from "vitest";
import { bestHalfWidth, fittedCurvature, parabolaFit } from "../../src/numerics/parabola.ts";

describe("a least-squares parabola on equidistant points", () => {
  it.each([3, 5, 8, 50])("%d points: exact for a cubic, whatever slope and height", (points) => {
    const fit = parabolaFit(points, 0.3);
    // By symmetry the odd terms drop out.
    const losses = fit.at.map((x) => 7 - 2 * x + 0.5 * 4.5 * x * x + 3 * x ** 3);
    expect(fittedCurvature(fit, losses)).toBeCloseTo(4.5, 10);
  });

  // method.md §3: 1/12, 18; .0923, 22.9; and for many points 1/14, 45.
  it.each([
    [3, 1 / 12, 18, 1e-12],
    [5, 0.0923, 22.9, 5e-3],
    [4001, 1 / 14, 45, 5e-3],
  ])("%d points: bias and noise as the closed forms say", (points, bias, noise, within) => {
    const fit = parabolaFit(points, 1);
    expect(Math.abs(fit.biasGain / bias - 1)).toBeLessThan(within);
    expect(Math.abs((fit.noiseGain ** 2 * points) / noise - 1)).toBeLessThan(within);
    const quartic = fit.at.map((x) => x ** 4 / 24);
    expect(fittedCurvature(fit, quartic)).toBeCloseTo(fit.biasGain, 12);
  });

  it.each([
    [3, 2592],
    [5, 2685],
    [4001, 8820],
  ])("%d points: the best half-width balances both", (points, constant) => {
    const [noise, fourth] = [1e-7, 30];
    const best = bestHalfWidth(points, noise, fourth);
    // The constants of method.md have three to four digits.
    expect(Math.abs((best ** 8 * points * fourth ** 2) / (constant * noise ** 2) - 1)).toBeLessThan(0.01);
    const error = (a: number) => {
      const fit = parabolaFit(points, a);
      return Math.hypot(fit.noiseGain * noise, fit.biasGain * fourth);
    };
    expect(error(best)).toBeLessThan(error(1.1 * best));
    expect(error(best)).toBeLessThan(error(best / 1.1));
  });
});
