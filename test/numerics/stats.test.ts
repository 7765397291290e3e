import { describe, expect, it } from "vitest";
import { sampleStats, studentCdf, studentQuantile, wilsonInterval } from "../../src/numerics/stats.ts";

describe("sampleStats", () => {
  it("knows mean, variance and standard error", () => {
    expect(sampleStats([1, 2, 3, 4])).toEqual({
      count: 4,
      mean: 2.5,
      variance: 5 / 3,
      standardError: Math.sqrt(5 / 12),
    });
  });

  it("has no spread for a single value, and does not cancel at large means", () => {
    expect(sampleStats([3]).standardError).toBeNaN();
    expect(sampleStats([1e9 + 1, 1e9 + 2, 1e9 + 3]).variance).toBe(1);
  });
});

describe("Student's t", () => {
  // SciPy 1.17, scipy.stats.t.ppf.
  it.each([
    [0.975, 1, 12.7062047361747],
    [0.975, 2, 4.30265272974946],
    [0.975, 9, 2.26215716279821],
    [0.995, 30, 2.74999565356722],
    [0.84, 5, 1.10366827295606],
    [0.9, 1000, 1.28239872146092],
  ])("quantile of %f with %i degrees of freedom", (p, freedom, expected) => {
    expect(Math.abs(studentQuantile(p, freedom) / expected - 1)).toBeLessThan(1e-9);
    expect(studentQuantile(1 - p, freedom)).toBeCloseTo(-expected, 8);
    expect(studentCdf(expected, freedom)).toBeCloseTo(p, 10);
  });

  it("is Cauchy's for one degree, symmetric, and refuses nonsense", () => {
    expect(studentCdf(1, 1)).toBeCloseTo(0.75, 12);
    expect(studentCdf(0, 7)).toBeCloseTo(0.5, 12);
    expect(studentQuantile(0.5, 3)).toBeCloseTo(0, 9);
    expect(() => studentQuantile(1, 3)).toThrow(/0 < p < 1/);
  });
});

describe("Wilson's interval", () => {
  it("agrees with the published example: 10 of 100", () => {
    const { low, high } = wilsonInterval(10, 100);
    expect(low).toBeCloseTo(0.0552, 4);
    expect(high).toBeCloseTo(0.1744, 4);
  });

  it("stays within 0…1 and is not empty at the ends", () => {
    expect(wilsonInterval(0, 50).low).toBe(0);
    // z²/(n + z²) in closed form.
    expect(wilsonInterval(0, 50).high).toBeCloseTo(1.959964 ** 2 / (50 + 1.959964 ** 2), 14);
    expect(wilsonInterval(50, 50).high).toBeCloseTo(1, 15);
    expect(wilsonInterval(0, 0)).toEqual({ low: 0, high: 1 });
  });
});
