import { describe, expect, it } from "vitest";
import { distance, norm } from "../../src/numerics/vector.ts";
import { float32Objective, relativeError } from "../support/float32-objective.ts";

const spectrum = [20, 5, -0.01, ...Array.from({ length: 297 }, (_, k) => 0.2 * Math.sin(k))];
const { objective, vector } = float32Objective({ spectrum, fourth: 100, cancellation: 0.1 });
const mixed = vector(0).map((x, i) => x + vector(2)[i]! + vector(7)[i]!);

// hessian-eigenthings takes ε = 5e-3 whatever ‖v‖: (∇L(θ + εv) − ∇L(θ − εv))/2ε.
async function unscaled(v: Float64Array): Promise<Float64Array> {
  const epsilon = 5e-3;
  const at = (coefficient: number) =>
    objective.gradient([{ coefficient, direction: { id: "v", vector: v } }]);
  const [plus, minus] = [(await at(epsilon)).gradient, (await at(-epsilon)).gradient];
  return plus.map((x, i) => (x - minus[i]!) / (2 * epsilon));
}

describe("a product by differences", () => {
  it("is linear in v over eight decades of ‖v‖, its error with it", async () => {
    const { hv: exact } = await objective.hvp(mixed, { method: "exact", kinks: "frozen" });
    const one = await objective.hvp(mixed, { method: "fd", kinks: "frozen" });
    expect(relativeError(one.hv, exact)).toBeLessThan(1e-3);
    let worst = 0;
    for (let decade = -4; decade <= 4; decade++) {
      const size = 10 ** decade;
      const v = mixed.map((x) => size * x);
      const { hv, step, error } = await objective.hvp(v, { method: "fd", kinks: "frozen" });
      // v/‖v‖ is the same up to the last bits of float64, which rounding to float32 may turn into another θ ± step.
      const scaled = hv.map((x) => x / size);
      expect(distance(scaled, one.hv)).toBeLessThan(2 * one.error);
      expect(distance(scaled, exact)).toBeLessThan(3 * one.error);
      expect(step! / one.step!).toBeCloseTo(1, 6);
      expect(error / (size * one.error)).toBeGreaterThan(0.5);
      expect(error / (size * one.error)).toBeLessThan(2);
      const other = (await unscaled(v)).map((x) => x / size);
      worst = Math.max(worst, distance(other, exact) / norm(exact));
    }
    expect(worst).toBeGreaterThan(0.1);
  });

  it("of a zero vector is zero", async () => {
    const { hv, error } = await objective.hvp(new Float64Array(objective.n), {
      method: "fd",
      kinks: "frozen",
    });
    expect([norm(hv), error]).toEqual([0, 0]);
  });
});
