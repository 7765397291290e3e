import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bestStep, chooseDifference, errorAt } from "../../src/numerics/difference-step.ts";
import { gaussian } from "../../src/numerics/random.ts";
import { distance, norm } from "../../src/numerics/vector.ts";
import { float32Objective } from "../support/float32-objective.ts";

const N = 400;

/** Products with error third·ε² + fifth·ε⁴ along fixed directions, and fresh noise of norm noise/ε. */
function quotientOf(third: number, fifth: number, noise: number, seed: number) {
  const draw = (index: number) => {
    const x = new Float64Array(N);
    gaussian({ seed, purpose: "honesty", name: "", index }, x);
    return x.map((v) => v / Math.sqrt(N));
  };
  const [truth, a, b] = [draw(0), draw(1), draw(2)] as [Float64Array, Float64Array, Float64Array];
  let calls = 3;
  const quotient = async (step: number) => {
    const error = draw(calls++);
    return truth.map(
      (x, i) => x + third * step ** 2 * a[i]! + fifth * step ** 4 * b[i]! + (noise / step) * error[i]!,
    );
  };
  return { truth, quotient };
}

const exponent = (from: number, to: number) =>
  fc.double({ min: from, max: to, noNaN: true }).map((e) => 10 ** e);

describe("the error estimate of a difference", () => {
  it("is between a third and thirty times the true error, whatever noise and derivatives", async () => {
    await fc.assert(
      fc.asyncProperty(
        exponent(-2, 9),
        exponent(-2, 3),
        exponent(-10, -5),
        fc.integer({ min: 0, max: 1e6 }),
        async (third, growth, noise, seed) => {
          // Derivatives grow geometrically: the fifth is the third's square times a factor of order one to a thousand.
          const fifth = third * Math.min(third, 1e6) * growth;
          const { truth, quotient } = quotientOf(third, fifth, noise, seed);
          const { hv, error } = await chooseDifference(quotient, { scale: 1 });
          const found = distance(hv, truth);
          expect(error).toBeGreaterThan(found / 3);
          // What float32 leaves of any product is allowed for, though this quotient has none of it.
          expect(error).toBeLessThan(30 * Math.hypot(found, 2 ** -21 * norm(truth)));
        },
      ),
      { seed: 1, numRuns: 150 },
    );
  });

  it("holds for gradients that are rounded to float32, on every kind of vector", async () => {
    const spectrum = [20, 5, -0.01, ...Array.from({ length: 297 }, (_, k) => 0.2 * Math.sin(k))];
    for (const fourth of [0, 1, 1e3, 1e6]) {
      for (const cancellation of [1e-3, 0.1]) {
        const { objective, vector } = float32Objective({ spectrum, fourth, cancellation });
        const mixed = vector(0).map((x, i) => x + vector(2)[i]! + vector(7)[i]!);
        for (const v of [vector(0), vector(2), mixed]) {
          const fd = await objective.hvp(v, { method: "fd", kinks: "frozen" });
          const { hv } = await objective.hvp(v, { method: "exact", kinks: "frozen" });
          const found = distance(fd.hv, hv);
          expect(fd.error).toBeGreaterThan(found / 3);
          expect(fd.error).toBeLessThan(30 * Math.hypot(found, 2 ** -21 * norm(hv)));
        }
      }
    }
  });

  it("needs fewer quotients when told where to begin", async () => {
    const sharp = () => quotientOf(1e7, 1e12, 1e-7, 4).quotient;
    const alone = await chooseDifference(sharp(), { scale: 1 });
    const told = await chooseDifference(sharp(), { scale: 1, model: alone.model });
    expect(told.evaluations).toBeLessThan(alone.evaluations);
    expect(told.step).toBe(alone.step);
    // What wants a step beyond the ladder begins at its end.
    const smooth = { noise: 1e-7, truncation: 0 };
    expect((await chooseDifference(sharp(), { scale: 1, model: smooth })).step).toBe(alone.step);
  });

  it("does not look below the noise that it was told of", async () => {
    const rounding = () => {
      let calls = 0;
      return async (step: number) => {
        const x = new Float64Array(N);
        gaussian({ seed: 4, purpose: "rounding", name: "", index: calls++ }, x);
        return x.map((v) => (1e-7 * v) / step / Math.sqrt(N));
      };
    };
    const alone = await chooseDifference(rounding(), { scale: 1 });
    const told = await chooseDifference(rounding(), { scale: 1, model: { noise: 1e-7, truncation: 1e-3 } });
    expect(told.evaluations).toBeLessThan(alone.evaluations);
    for (const { hv, error } of [alone, told]) expect(error).toBeGreaterThan(norm(hv) / 3);
  });

  it("takes quotients that overflow for the worst", async () => {
    const { truth, quotient } = quotientOf(10, 10, 1e-8, 2);
    const fragile = async (step: number) => (step > 3e-4 ? truth.map(() => Number.NaN) : quotient(step));
    const { hv, error } = await chooseDifference(fragile, { scale: 1 });
    expect(error).toBeGreaterThan(distance(hv, truth) / 3);
    expect(error).toBeLessThan(1e-2);
  });
});

describe("the model of a single difference", () => {
  it("has its least error at the best step", () => {
    const model = { noise: 1e-7, truncation: 300 };
    const best = bestStep(model, 1);
    for (const factor of [0.8, 1.25])
      expect(errorAt(model, factor * best)).toBeGreaterThan(errorAt(model, best));
    expect(bestStep(model, best / 2)).toBe(best / 2);
    expect(bestStep({ noise: 1e-7, truncation: 0 }, 0.1)).toBe(0.1);
    expect(bestStep({ noise: 0, truncation: 0 }, 0.1)).toBe(0.1);
  });

  it("predicts the error of single differences within a factor of five", async () => {
    for (const [third, noise] of [
      [1e2, 1e-8],
      [1e5, 1e-6],
    ] as const) {
      const { truth, quotient } = quotientOf(third, third, noise, 7);
      const { model } = await chooseDifference(quotient, { scale: 1 });
      for (const factor of [0.1, 1, 10]) {
        const step = factor * bestStep(model, 1);
        const found = distance(await quotient(step), truth);
        expect(errorAt(model, step) / found).toBeGreaterThan(1 / 5);
        expect(errorAt(model, step) / found).toBeLessThan(5);
      }
    }
  });
});
