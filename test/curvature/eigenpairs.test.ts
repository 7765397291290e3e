import { describe, expect, it } from "vitest";
import { type EigenpairOptions, hessianEigenpairs } from "../../src/curvature/index.ts";
import { cosine, dot } from "../../src/numerics/vector.ts";
import { float32Objective } from "../support/float32-objective.ts";
import { sharpSpectrum } from "../support/operators.ts";

const spectrum = sharpSpectrum(800);
const net = { spectrum, fourth: 2e3, cancellation: 0.01 };
const options: EigenpairOptions = { top: 3, bottom: 3, method: "fd", kinks: "frozen", seed: 0 };

describe("eigenpairs of a Hessian", () => {
  it.each(["fd", "exact"] as const)(
    "%s: both ends, gap 1e-4 below 20, with true residuals",
    async (method) => {
      const { objective, vector } = float32Objective(net);
      const { pairs, info } = await hessianEigenpairs(objective, { ...options, method });
      expect(info.converged).toBe(true);
      expect(pairs.map((p) => p.end)).toEqual(["top", "top", "top", "bottom", "bottom", "bottom"]);
      const expected = [20.0791, 17.02607, 12, -0.01134371, -0.01121915, -0.01111879];
      expected.forEach((value, i) => {
        const pair = pairs[i]!;
        expect(Math.abs(pair.value - value)).toBeLessThan(pair.residual);
        expect(Math.abs(pair.value / value - 1)).toBeLessThan(method === "exact" ? 1e-4 : 1e-3);
        expect(pair.residual).toBeLessThan(1e-3 * 20);
      });
      expect(Math.abs(cosine(pairs[0]!.vector, vector(0)))).toBeGreaterThan(0.9999);
      expect(Math.abs(cosine(pairs[3]!.vector, vector(2)))).toBeGreaterThan(0.999);
      expect(info.relativeStep === null).toBe(method === "exact");
    },
  );

  it("takes smaller steps where third derivatives are larger", async () => {
    const step = async (fourth: number) => {
      const { objective } = float32Objective({ ...net, fourth });
      return (await hessianEigenpairs(objective, options)).info.relativeStep as number;
    };
    const [smooth, sharp] = [await step(1), await step(1e7)];
    expect(smooth).toBeLessThanOrEqual(1e-4);
    expect(sharp).toBeLessThan(smooth / 3);
  });

  it("gives the same bits again", async () => {
    const run = () => hessianEigenpairs(float32Objective(net).objective, options);
    expect(await run()).toEqual(await run());
  });

  it.each(["fd", "exact"] as const)("%s: annihilation finds the same, to the residuals", async (method) => {
    const solve = (solver: "lanczos" | "annihilation") =>
      hessianEigenpairs(float32Objective(net).objective, { ...options, method, solver });
    const [one, two] = [await solve("lanczos"), await solve("annihilation")];
    expect(two.info.converged).toBe(true);
    one.pairs.forEach((pair, i) => {
      const other = two.pairs[i]!;
      expect(other.end).toBe(pair.end);
      expect(Math.abs(other.value - pair.value)).toBeLessThan(Math.hypot(pair.residual, other.residual));
      expect(other.residual).toBeLessThan(1e-3 * 20);
    });
    expect(two.info.products).toBeGreaterThan(one.info.products);
  });

  // T1 of the paper at its critical point, n = 100: +1 and −1 n-fold, and 0.
  it.each(["fd", "exact"] as const)("%s: ten copies of the toy's +1 and −1", async (method) => {
    const copies = (value: number) => new Array<number>(100).fill(value);
    const toy = { spectrum: [...copies(1), ...copies(-1), 0] };
    const { pairs, info } = await hessianEigenpairs(float32Objective(toy).objective, {
      ...options,
      // The loss is quadratic: a long step keeps the rounding of θ ± step out of the products.
      ...{ method, top: 1, bottom: 1, relativeStep: 1e-2 },
    });
    expect(pairs.map((p) => p.multiplicity)).toEqual([10, 10]);
    pairs.forEach((p, i) => {
      expect(Math.abs(p.value - [1, -1][i]!)).toBeLessThan(1e-6);
    });
    expect(info.steps).toBeLessThan(60);
  });

  it("restarts see a double eigenvalue through the noise of differences", async () => {
    // Without the fourth derivative, which makes differences along one of the two vectors larger.
    const double = { spectrum: [spectrum[0]!, ...spectrum], cancellation: 0.01 };
    const solve = (multiplicity: number) =>
      hessianEigenpairs(float32Objective(double).objective, { ...options, top: 1, bottom: 0, multiplicity });
    expect((await solve(1)).pairs[0]!.multiplicity).toBe(1);
    expect((await solve(3)).pairs[0]!.multiplicity).toBe(2);
  });

  it("with branches moving: one fixed step, and the curvature of that scale", async () => {
    const kink = { at: 1e-4, jump: 0.02 };
    const { objective } = float32Objective({ ...net, kink });
    const { pairs, info } = await hessianEigenpairs(objective, {
      ...options,
      kinks: "moving",
      top: 1,
      bottom: 0,
    });
    expect(info.relativeStep).toBe(1e-3);
    // The kink adds jump/2ε along v₊, ε = 1e-3·‖θ‖, to every vector that reaches it, however slanted.
    const added = kink.jump / (2 * 1e-3 * objective.thetaNorm);
    expect(pairs[0]!.value).toBeGreaterThan(20.0791 + 0.1 * added);
    // What is reported is the Rayleigh quotient of plain differences with that very step.
    const vector = pairs[0]!.vector;
    const plain = await objective.hvp(vector, { method: "fd", kinks: "moving", relativeStep: 1e-3 });
    expect(Math.abs(dot(vector, plain.hv) - pairs[0]!.value)).toBeLessThan(1e-3 * added);
  });

  it("counts what it costs", async () => {
    const { objective, runs } = float32Objective(net);
    const { info } = await hessianEigenpairs(objective, options);
    // 8 products and one choice find the step; the six choices at the end take five to nine quotients each.
    expect(info.products).toBe(info.steps + 6 + 9);
    expect(runs()).toBeLessThan(info.steps + 8 + 7 * 9);
    const given = await hessianEigenpairs(objective, { ...options, relativeStep: 1e-4 });
    expect(given.info.products).toBe(given.info.steps + 6);
  });
});
