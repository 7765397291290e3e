import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openNpz } from "../../src/data/npz.ts";
import { runJson } from "../support/cli.ts";
import { describeWithFixtures } from "../support/fixtures.ts";
import { paperArgs, paperFile, reference, referenceVector } from "./paper.ts";

interface Measured {
  readonly value: number;
  readonly standardError: number;
}

interface Density {
  readonly mass: number;
  readonly trace: Measured;
  readonly squaredFrobeniusNorm: Measured;
  readonly negative: Measured;
  readonly resolution: number;
  readonly quadratures: readonly { nodes: number[]; weights: number[] }[];
}

const densityOf = async (args: readonly string[]) =>
  (await runJson(["density", ...args])) as unknown as Density;

describe("density of a toy loss", () => {
  it("has its three eigenvalues and their shares", async () => {
    const { quadratures, mass, negative } = await densityOf(["toy:T2,tilde=550", "--probes", "20"]);
    for (const { nodes, weights } of quadratures) {
      // Float32 products never end in an exact invariant space; the nodes that carry weight are the eigenvalues.
      const far = nodes.filter(
        (t, i) => weights[i]! > 1e-6 && Math.min(...[-1, 0, 1].map((v) => Math.abs(t - v))) > 1e-3,
      );
      expect(far).toEqual([]);
    }
    expect(Math.abs(mass - 1)).toBeLessThan(1e-6);
    expect(Math.abs(negative.value - 450 / 1001)).toBeLessThan(4 * negative.standardError);
  });
});

describeWithFixtures("density of real checkpoints", () => {
  it("fcnn2: mass 1, moments within their errors of tr/N and ‖H‖²/N", async () => {
    const { mass, trace, squaredFrobeniusNorm } = await densityOf(paperArgs("fcnn2"));
    const exact = reference("fcnn2", "exact") as { trace: number; frobenius: number };
    expect(Math.abs(mass - 1)).toBeLessThan(1e-6);
    expect(Math.abs(trace.value - exact.trace)).toBeLessThan(3 * trace.standardError);
    expect(Math.abs(squaredFrobeniusNorm.value - exact.frobenius ** 2)).toBeLessThan(
      3 * squaredFrobeniusNorm.standardError,
    );
  });

  it("tiny: the share of negative eigenvalues, arrays, and the same again from its folder", async () => {
    const folder = await mkdtemp(join(tmpdir(), "density-"));
    try {
      const model = [paperFile("tiny.onnx"), "--data", paperFile("tiny-train.npz"), "--hvp", "exact"];
      const args = [...model, "--probes", "10", "--steps", "80", "--out", join(folder, "run")];
      const first = await densityOf([...args, "--npz", join(folder, "d.npz")]);
      const exact = await referenceVector("tiny/H_eigenvalues");
      const share = exact.filter((value) => value < -first.resolution).length / exact.length;
      // A quadrature tells a share up to the weight of the nodes next to the limit, where the bulk is dense.
      expect(Math.abs(first.negative.value - share)).toBeLessThan(4 * first.negative.standardError + 0.05);
      expect(await densityOf(args)).toEqual(first);
      const store = await openNpz(join(folder, "d.npz"));
      const { shape, data } = await store.read("weights");
      await store.close();
      expect(shape[0]).toBe(10);
      expect(Float64Array.from(data as Float64Array).reduce((sum, w) => sum + w, 0)).toBeCloseTo(10, 9);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
