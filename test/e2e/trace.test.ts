import { expect, it } from "vitest";
import { runJson } from "../support/cli.ts";
import { describeWithFixtures } from "../support/fixtures.ts";
import { paperArgs, reference } from "./paper.ts";

describeWithFixtures("trace of real checkpoints", () => {
  it.each(["fcnn2", "fcnn10"] as const)("%s: within three standard errors of the exact one", async (name) => {
    const out = await runJson(["trace", ...paperArgs(name), "--probes", "40"]);
    const exact = (reference(name, "exact") as { trace: number }).trace;
    expect(Math.abs((out["trace"] as number) - exact)).toBeLessThan(3 * (out["standardError"] as number));
    const shares = out["perTensor"] as { trace: number }[];
    expect(shares.reduce((sum, s) => sum + s.trace, 0)).toBeCloseTo(out["trace"] as number, 6);
  });

  it("fcnn2: the standard error is honest over 20 seeds", { timeout: 500_000 }, async () => {
    const exact = (reference("fcnn2", "exact") as { trace: number }).trace;
    const z: number[] = [];
    for (let seed = 0; seed < 20; seed++) {
      const out = await runJson(["trace", ...paperArgs("fcnn2"), "--probes", "16", "--seed", String(seed)]);
      z.push(((out["trace"] as number) - exact) / (out["standardError"] as number));
    }
    // Student's t with 15 degrees of freedom has variance 1.15; over 20 runs chi-square (0.1 %…99.9 %) gives 0.27…2.6 of it.
    const variance = z.reduce((sum, x) => sum + x * x, 0) / z.length;
    expect(variance).toBeGreaterThan(1.15 * 0.27);
    expect(variance).toBeLessThan(1.15 * 2.6);
  });

  it("resnet20: within three standard errors, both together", { timeout: 500_000 }, async () => {
    const out = await runJson(["trace", ...paperArgs("resnet20"), "--probes", "24"]);
    const expected = reference("resnet20", "hutchinson") as { trace: number; trace_se: number };
    const error = Math.hypot(out["standardError"] as number, expected.trace_se);
    expect(Math.abs((out["trace"] as number) - expected.trace)).toBeLessThan(3 * error);
  });
});
