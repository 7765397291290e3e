import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openNpz } from "../../src/data/npz.ts";
import { run, runJson } from "../support/cli.ts";
import { describeWithFixtures } from "../support/fixtures.ts";
import { paperArgs, paperFile, reference } from "./paper.ts";

interface Slices {
  readonly saddle: { count: number; share: number; interval: { low: number; high: number } };
  readonly kappaPlus: { mean: number; standardError: number };
  readonly kappaMinus: { mean: number; standardError: number };
  readonly meanPlane: { plus: number; minus: number };
  readonly trace: { value: number; standardError: number };
  readonly frobeniusNorm: { value: number; standardError: number };
  readonly meanCurvature: { mean: number; standardError: number };
  readonly planes: readonly [number, number, number][];
  readonly convergence: readonly { planes: number; saddleShare: number }[];
  readonly scale?: { displacement: number };
}

const slicesOf = async (args: readonly string[]) => (await runJson(["slices", ...args])) as unknown as Slices;
const tiny = () => [paperFile("tiny.onnx"), "--data", paperFile("tiny-train.npz")];

describe("random slices of the toy losses", () => {
  // method.md §2, 6,000 planes each; here 1,000.
  it.each([
    ["toy:T1", 0.701, 39.4, -39.0],
    ["toy:T2,tilde=510", 0.65, 59.5, -19.8],
    ["toy:T2,tilde=520", 0.467, 80.3, 0.06],
    ["toy:T2,tilde=550", 0.059, 139.6, 60],
    ["toy:T2,tilde=800", 0, 640, 560],
  ])("%s: means of κ± and saddles", async (toy, share, plus, minus) => {
    const found = await slicesOf([toy, "--slices", "1000"]);
    // Both are samples; the table's is six times as large, and has its last digit.
    const within = (error: number) => 4 * error * Math.sqrt(7 / 6) + 0.1;
    expect(Math.abs(found.kappaPlus.mean - plus)).toBeLessThan(within(found.kappaPlus.standardError));
    expect(Math.abs(found.kappaMinus.mean - minus)).toBeLessThan(within(found.kappaMinus.standardError));
    expect(Math.abs(found.saddle.share - share)).toBeLessThan(
      4 * Math.sqrt((share * (1 - share)) / 1000) + 1e-3,
    );
    expect(Math.abs(found.frobeniusNorm.value - Math.sqrt(1000))).toBeLessThan(0.01);
  });
});

describe("the closed form beside random slices", () => {
  it("T1, whose share misses it by chance, is not said to have a few large eigenvalues", async () => {
    const { out } = await run(["slices", "toy:T1", "--slices", "1000"]);
    expect(out).toMatch(/closed form +71 % .*which chance alone does in 1 of 20 runs/);
    expect(out).not.toContain("not this spectrum");
  });

  it("a spectrum of two eigenvalues, of which every plane shows the saddle, is told apart", async () => {
    // AC − B² of rank two with one eigenvalue of either sign is never positive; the limit says 71 %.
    const { out } = await run(["slices", "toy:T1,n=1", "--slices", "1000"]);
    expect(out).toContain("not this spectrum, whose few large ones dominate");
  });
});

describeWithFixtures("random slices of real checkpoints", () => {
  it("fcnn2: trace and Frobenius norm within three standard errors; both ways of averaging", async () => {
    const found = await slicesOf([...paperArgs("fcnn2"), "--slices", "60"]);
    const exact = reference("fcnn2", "exact") as { trace: number; frobenius: number };
    expect(Math.abs(found.trace.value - exact.trace)).toBeLessThan(3 * found.trace.standardError);
    const { value, standardError } = found.frobeniusNorm;
    expect(Math.abs(value - exact.frobenius)).toBeLessThan(3 * standardError);
    expect(Math.abs(found.meanCurvature.mean - exact.trace / 20_501)).toBeLessThan(
      3 * found.meanCurvature.standardError,
    );
    // Of each plane its own curvatures, or one pair of the mean plane: the trace, twice.
    expect(found.kappaPlus.mean).toBeGreaterThan(found.meanPlane.plus);
    expect(found.kappaMinus.mean).toBeLessThan(found.meanPlane.minus);
    expect(found.planes).toHaveLength(60);
    expect(found.convergence.at(-1)).toMatchObject({ planes: 60, saddleShare: found.saddle.share });
  });

  it("tiny: losses alone give the same planes", async () => {
    const [products, losses] = [
      await slicesOf([...tiny(), "--slices", "10"]),
      await slicesOf([...tiny(), "--slices", "10", "--by", "loss"]),
    ];
    for (const [k, plane] of losses.planes.entries()) {
      for (const [i, value] of plane.entries()) {
        // Noise and bias of the losses are some hundredths of curvatures of 10 to 70.
        expect(Math.abs(value - products.planes[k]![i]!)).toBeLessThan(0.3);
      }
    }
    expect(losses.scale?.displacement).toBeGreaterThan(0);
  });

  it.each(["unit", "filter", "layer"])("tiny: normalisation %s", async (normalization) => {
    const found = await slicesOf([...tiny(), "--slices", "6", "--normalization", normalization]);
    expect(found.planes).toHaveLength(6);
    // Only directions without preference tell the trace.
    expect(found.trace === undefined).toBe(normalization !== "unit");
    expect(found.meanCurvature.mean).toBeGreaterThan(0);
  });

  it("writes arrays, and continues in its folder", async () => {
    const folder = await mkdtemp(join(tmpdir(), "slices-"));
    try {
      const args = [...tiny(), "--slices", "4", "--out", join(folder, "run")];
      const first = await slicesOf([...args, "--npz", join(folder, "s.npz")]);
      expect(await slicesOf(args)).toEqual(first);
      const store = await openNpz(join(folder, "s.npz"));
      expect([...(await store.read("a")).data]).toEqual(first.planes.map(([a]) => a));
      await store.close();
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("refuses points without losses", async () => {
    const { status, err } = await run(["slices", ...tiny(), "--points", "9"]);
    expect(status).toBe(2);
    expect(err).toContain("--points is of --by loss");
  });
});
