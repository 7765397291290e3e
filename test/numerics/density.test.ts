import { describe, expect, it } from "vitest";
import { massBelow, moment, type SpectralQuadrature, spectralDensity } from "../../src/numerics/density.ts";
import { spectrumOperator } from "../support/operators.ts";

const spectrum = [30, 20, 10, -4, ...Array.from({ length: 196 }, (_, k) => Math.sin(k) + 0.2)];
const mean = (power: number) => spectrum.reduce((sum, x) => sum + x ** power, 0) / spectrum.length;
const run = (options = {}) =>
  spectralDensity(spectrumOperator(spectrum), { seed: 0, probes: 20, steps: 40, ...options });

describe("spectral density by Lanczos quadrature", () => {
  it("has mass 1, to rounding", async () => {
    for (const { weights } of await run()) {
      expect(Math.abs(weights.reduce((sum, w) => sum + w, 0) - 1)).toBeLessThan(1e-12);
    }
  });

  it.each([1, 2])("moment %i lies within its errors of the spectrum's", async (k) => {
    const found = moment(await run(), k);
    expect(Math.abs(found.mean - mean(k))).toBeLessThan(4 * found.standardError);
    expect(found.standardError).toBeGreaterThan(0);
  });

  it("is exact for each vector's own moments: xᵀA²x from 2 steps on", async () => {
    const short = moment(await run({ steps: 2 }), 2).mean;
    const long = moment(await run({ steps: 60 }), 2).mean;
    expect(Math.abs(short / long - 1)).toBeLessThan(1e-10);
  });

  it("gives the share of negative eigenvalues", async () => {
    const share = spectrum.filter((x) => x < 0).length / spectrum.length;
    const found = massBelow(await run({ probes: 40, steps: 60 }), 0);
    expect(Math.abs(found.mean - share)).toBeLessThan(4 * found.standardError + 0.01);
  });

  it("stops at an exact quadrature: two eigenvalues need two steps", async () => {
    const two = Array.from({ length: 100 }, (_, k) => (k < 50 ? 1 : -1));
    const operator = spectrumOperator(two);
    const density = await spectralDensity(operator, { seed: 0, probes: 3, steps: 50 });
    for (const { nodes } of density) {
      expect(nodes).toHaveLength(2);
      expect(nodes[0]).toBeCloseTo(-1, 12);
      expect(nodes[1]).toBeCloseTo(1, 12);
    }
    expect(operator.products()).toBe(6);
  });

  it("takes known quadratures instead of computing them", async () => {
    const kept: SpectralQuadrature[] = [];
    const all = await run({ onProbe: (_i: number, q: SpectralQuadrature) => kept.push(q) });
    const operator = spectrumOperator(spectrum);
    const again = await spectralDensity(operator, {
      seed: 0,
      probes: 20,
      steps: 40,
      known: (index) => kept[index],
    });
    expect(again).toEqual(all);
    expect(operator.products()).toBe(0);
  });
});

describe("the error of few probes", () => {
  it("is at least that of random directions, also of a single one", async () => {
    const one = await run({ probes: 1 });
    expect(moment(one, 1).standardError).toBeNaN();
    const spread = Math.sqrt((2 * (mean(2) - mean(1) ** 2)) / (spectrum.length + 2));
    const found = moment(one, 1, spectrum.length).standardError;
    // One vector's own second moment stands for the spectrum's: it is off by a factor of up to some χ² of few outliers.
    expect(found).toBeGreaterThan(0.2 * spread);
    expect(found).toBeLessThan(3 * spread);
    const z: number[] = [];
    for (let seed = 0; seed < 40; seed++) {
      const { mean: value, standardError } = moment(
        await run({ probes: 2, steps: 4, seed }),
        1,
        spectrum.length,
      );
      z.push((value - mean(1)) / standardError);
    }
    // Of 40 standardised errors few are beyond 3, none far.
    expect(z.filter((x) => Math.abs(x) > 3).length).toBeLessThan(4);
  });
});
