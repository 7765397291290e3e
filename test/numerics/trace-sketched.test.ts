import { describe, expect, it } from "vitest";
import { hutchPlusPlus } from "../../src/numerics/hutch-plus-plus.ts";
import { sampleStats } from "../../src/numerics/stats.ts";
import { hutchinsonTrace } from "../../src/numerics/trace.ts";
import { xTrace } from "../../src/numerics/xtrace.ts";
import { spectrumOperator } from "../support/operators.ts";

// A few large eigenvalues over a small bulk of both signs, as nets have.
const spectrum = [90, 40, 25, 12, -3, ...Array.from({ length: 195 }, (_, k) => 0.3 * Math.sin(k) + 0.05)];
const exact = spectrum.reduce((sum, x) => sum + x, 0);
const frobenius = Math.hypot(...spectrum);
const blocks = [
  { name: "a", offset: 0, size: 50 },
  { name: "b", offset: 50, size: 150 },
];

describe.each([
  ["hutch++", hutchPlusPlus],
  ["xtrace", xTrace],
] as const)("%s", (_, estimator) => {
  const run = (options = {}) =>
    estimator(spectrumOperator(spectrum), { seed: 0, products: 60, blocks, ...options });

  it("is unbiased, with an honest error over 60 seeds", async () => {
    const z = [];
    for (let seed = 0; seed < 60; seed++) {
      const { result } = await run({ seed });
      z.push((result.trace - exact) / result.standardError);
    }
    const { mean, variance } = sampleStats(z);
    // Student's t with 19 degrees of freedom has variance 1.12; 60 draws: mean within 4/√60, variance by χ²(59) within 0.5…1.9.
    expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(60));
    expect(variance).toBeGreaterThan(0.4);
    expect(variance).toBeLessThan(2);
  });

  it("beats Hutchinson's estimator by far where few eigenvalues dominate", async () => {
    const { result } = await run();
    const plain = await hutchinsonTrace(spectrumOperator(spectrum), { seed: 0, probes: 60 });
    expect(result.standardError).toBeLessThan(0.2 * plain.result.standardError);
  });

  it("counts its products", async () => {
    const operator = spectrumOperator(spectrum);
    const { info } = await estimator(operator, { seed: 0, products: 60 });
    expect(info.products).toBe(60);
    expect(operator.products()).toBe(60);
  });

  it("is exact for an operator of low rank, and for one smaller than the sketch", async () => {
    const low = await estimator(spectrumOperator([5, -2, 1, ...Array(97).fill(0)]), {
      seed: 0,
      products: 30,
    });
    expect(low.result.trace).toBeCloseTo(4, 9);
    expect(low.result.standardError).toBeLessThan(1e-9);
    const small = await estimator(spectrumOperator([5, -2, 1]), { seed: 0, products: 30 });
    expect(small.result.trace).toBeCloseTo(4, 9);
    expect(small.result.standardError).toBeLessThan(1e-9);
  });

  it("gives shares and a Frobenius norm within their errors", async () => {
    const operator = spectrumOperator(spectrum);
    const diagonal = await Promise.all(
      spectrum.map(async (_x, i) => {
        const e = new Float64Array(spectrum.length);
        e[i] = 1;
        const out = new Float64Array(spectrum.length);
        await operator.apply(e, out);
        return out[i] as number;
      }),
    );
    const want = [0, 50, 200]
      .slice(0, 2)
      .map((start, b) => diagonal.slice(start, b === 0 ? 50 : 200).reduce((s, x) => s + x, 0));
    const { result } = await run({ products: 90 });
    for (const [b, share] of result.blocks.entries()) {
      expect(Math.abs(share.trace - (want[b] as number))).toBeLessThan(4.5 * share.standardError + 1e-9);
    }
    expect(Math.abs(result.frobeniusNorm - frobenius)).toBeLessThan(
      4.5 * result.frobeniusStandardError + 1e-9,
    );
  });

  it("refuses too few products", async () => {
    await expect(run({ products: 3 })).rejects.toThrow(
      /3 products for (hutch\+\+|xtrace).*expected at least/,
    );
  });
});
