import { describe, expect, it } from "vitest";
import { hessianTrace } from "../../src/curvature/index.ts";
import { float32Objective } from "../support/float32-objective.ts";

const spectrum = [20, 15, -3, ...Array.from({ length: 297 }, (_, k) => 0.3 * Math.sin(k) + 0.1)];
const exact = spectrum.reduce((sum, x) => sum + x, 0);
const net = { spectrum, fourth: 100, cancellation: 0.01 };

describe("trace of a Hessian", () => {
  it.each(["fd", "exact"] as const)("%s: within three standard errors, split by tensor", async (method) => {
    const { objective } = float32Objective(net);
    const { result, info } = await hessianTrace(objective, { method, kinks: "frozen", seed: 0, probes: 40 });
    expect(Math.abs(result.trace - exact)).toBeLessThan(3 * result.standardError);
    expect(result.blocks.map((b) => b.name)).toEqual(["first", "second"]);
    expect(result.blocks.reduce((sum, b) => sum + b.trace, 0)).toBeCloseTo(result.trace, 9);
    expect(info).toMatchObject({ probes: 40, products: 40, converged: true });
    // The products' own errors must not matter beside the sampling.
    expect(info.productError).toBeLessThan(0.05 * result.standardError);
  });

  it("differences agree with exact products probe by probe", async () => {
    const { objective } = float32Objective(net);
    const [fd, ex] = [
      await hessianTrace(objective, { method: "fd", kinks: "frozen", seed: 3, probes: 8 }),
      await hessianTrace(objective, { method: "exact", kinks: "frozen", seed: 3, probes: 8 }),
    ];
    expect(Math.abs(fd.result.trace - ex.result.trace)).toBeLessThan(3 * fd.info.productError + 1e-3);
    expect(fd.info.relativeStep).toBeGreaterThan(0);
    expect(ex.info.relativeStep).toBeNull();
  });

  it("with branches moving: a fixed step", async () => {
    const { objective } = float32Objective(net);
    const { info } = await hessianTrace(objective, { method: "fd", kinks: "moving", seed: 0, probes: 2 });
    expect(info.relativeStep).toBe(1e-3);
  });
});
