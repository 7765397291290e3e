import { describe, expect, it } from "vitest";
import { sampleStats } from "../../src/numerics/stats.ts";
import { hutchinsonTrace, type ProbeResult, type TraceOptions } from "../../src/numerics/trace.ts";
import { noisyOperator, spectrumOperator } from "../support/operators.ts";

const spectrum = [30, 20, 10, ...Array.from({ length: 197 }, (_, k) => Math.sin(k) + 0.2)];
const exact = spectrum.reduce((sum, x) => sum + x, 0);
const frobenius = Math.hypot(...spectrum);
const blocks = [
  { name: "a", offset: 0, size: 50 },
  { name: "b", offset: 50, size: 150 },
];

const run = (options: Partial<TraceOptions> = {}) =>
  hutchinsonTrace(spectrumOperator(spectrum), { seed: 0, blocks, ...options });

describe("Hutchinson's trace", () => {
  it.each(["rademacher", "gaussian"] as const)(
    "%s: unbiased, with an honest error over 40 seeds",
    async (distribution) => {
      const runs = [];
      for (let seed = 0; seed < 40; seed++) runs.push((await run({ seed, probes: 30, distribution })).result);
      const z = sampleStats(runs.map((r) => (r.trace - exact) / r.standardError));
      // z follows Student's t with 29 degrees of freedom: variance 1.07; mean of 40 within 4/√40, variance by χ²(39) within 0.4…2.0.
      expect(Math.abs(z.mean)).toBeLessThan(4 / Math.sqrt(40));
      expect(z.variance).toBeGreaterThan(0.4);
      expect(z.variance).toBeLessThan(2.0);
      const norms = sampleStats(runs.map((r) => (r.frobeniusNorm - frobenius) / r.frobeniusStandardError));
      expect(Math.abs(norms.mean)).toBeLessThan(1);
      expect(norms.variance).toBeLessThan(2.5);
    },
  );

  it("has the known variance: 2‖A‖² for Gaussian probes", async () => {
    const { result } = await run({ probes: 800, distribution: "gaussian" });
    // The spread of a χ²-like sample of 800 is known to about 10 %.
    expect(Math.abs(result.standardError / Math.sqrt((2 * frobenius ** 2) / 800) - 1)).toBeLessThan(0.2);
  });

  it("splits over blocks that add up", async () => {
    const { result } = await run({ probes: 20 });
    expect(result.blocks.map((b) => b.name)).toEqual(["a", "b"]);
    expect(result.blocks.reduce((sum, b) => sum + b.trace, 0)).toBeCloseTo(result.trace, 10);
    expect(result.mean).toBe(result.trace / spectrum.length);
  });

  it("is exact for a diagonal matrix with signs, and owns up to rounding and the products' error", async () => {
    const diagonal = (error: number) => ({
      n: 3,
      apply: async (x: Float64Array, out: Float64Array) => {
        out.set([x[0]!, 2 * x[1]!, -4 * x[2]!]);
        return { error };
      },
    });
    const { result, info } = await hutchinsonTrace(diagonal(0), { seed: 0, tolerance: 0.01 });
    expect(result.trace).toBe(-1);
    // 2⁻⁵³·‖z‖·‖A·z‖, with ‖A·z‖ = √21.
    expect(result.standardError).toBeCloseTo(2 ** -53 * Math.sqrt(3 * 21), 24);
    expect(info).toMatchObject({ probes: 10, converged: true });
    const rough = await hutchinsonTrace(diagonal(0.5), { seed: 0, probes: 10 });
    expect(rough.result.standardError).toBeCloseTo(0.5, 12);
    expect(rough.result.frobeniusStandardError).toBeCloseTo(0.5, 12);
    expect(rough.result.blocks[0]?.standardError).toBeCloseTo(0.5, 12);
  });

  // PyHessian stops when two running means agree within 1e-3: 15 % wrong in one run of ten.
  it("stops by its standard error only, and is then as good as it says", async () => {
    const errors: number[] = [];
    for (let seed = 0; seed < 40; seed++) {
      const { result, info } = await run({ seed, tolerance: 0.05 });
      expect(info.converged).toBe(true);
      expect(info.probes).toBeGreaterThanOrEqual(10);
      expect(result.standardError / result.trace).toBeLessThan(0.05);
      errors.push(Math.abs(result.trace / exact - 1));
    }
    // 68 % lie within the tolerance: of 40, fewer than 18 would be a chance of 0.1 %.
    expect(errors.filter((e) => e < 0.05).length).toBeGreaterThanOrEqual(18);
    expect(errors.filter((e) => e < 0.15).length).toBeGreaterThanOrEqual(38);
    const others = await Promise.all(errors.map((_, seed) => agreeingMeans(seed)));
    // More than ten times the tolerance of 1e-3 in most runs.
    expect(others.filter((e) => e > 0.01).length).toBeGreaterThan(20);
  });

  /** Relative error of the mean of probes at which it moved by less than 1e-3. */
  async function agreeingMeans(seed: number): Promise<number> {
    const probes: number[] = [];
    await run({
      seed,
      probes: 100,
      onProbe: (_, { blocks }) => probes.push(blocks.reduce((sum, x) => sum + x, 0)),
    });
    let mean = 0;
    for (const [k, probe] of probes.entries()) {
      const next = (mean * k + probe) / (k + 1);
      if (Math.abs(next - mean) / (Math.abs(mean) + 1e-6) < 1e-3) break;
      mean = next;
    }
    return Math.abs(mean / exact - 1);
  }

  it("says that a tolerance was not met", async () => {
    const { info } = await run({ tolerance: 1e-6, maxProbes: 12 });
    expect(info).toMatchObject({ probes: 12, converged: false });
    expect(info.relativeError).toBeGreaterThan(1e-6);
  });

  it("continues from known probes with the same numbers and less work", async () => {
    const store = new Map<number, ProbeResult>();
    const whole = await run({ probes: 12, onProbe: (index, probe) => store.set(index, probe) });
    for (const index of [7, 8, 9, 10, 11]) store.delete(index);
    // Through JSON, as a journal keeps it.
    const known = (index: number) => {
      const probe = store.get(index);
      return probe && (JSON.parse(JSON.stringify(probe)) as ProbeResult);
    };
    const resumed = await run({ probes: 12, known });
    expect(resumed.result).toEqual(whole.result);
    expect(resumed.info.products).toBe(5);
    expect(whole.info.products).toBe(12);
  });

  it("gives each probe the same numbers however many there are, others for another seed", async () => {
    const probes: ProbeResult[][] = [[], [], []];
    await run({ probes: 3, onProbe: (_, p) => probes[0]!.push(p) });
    await run({ probes: 5, onProbe: (_, p) => probes[1]!.push(p) });
    await run({ probes: 3, seed: 1, onProbe: (_, p) => probes[2]!.push(p) });
    expect(probes[1]!.slice(0, 3)).toEqual(probes[0]);
    expect(probes[2]).not.toEqual(probes[0]);
  });

  it("passes on the error of the products", async () => {
    const noisy = noisyOperator(spectrumOperator(spectrum), 1e-3);
    const { info } = await hutchinsonTrace(noisy, { seed: 0, probes: 16 });
    // Each product of a probe of norm √n is off by 1e-3·√n, its projection on the probe by no more; it may be the same in all.
    expect(info.productError).toBeCloseTo(1e-3 * Math.sqrt(spectrum.length), 10);
  });

  it("refuses a single probe, and stops for a signal", async () => {
    await expect(run({ probes: 1 })).rejects.toThrow(/1 probes; expected at least 2/);
    const stop = new AbortController();
    stop.abort(new Error("enough"));
    await expect(run({ signal: stop.signal })).rejects.toThrow("enough");
  });
});
