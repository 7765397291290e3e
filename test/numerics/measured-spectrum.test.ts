import { describe, expect, it } from "vitest";
import { spectralDensity } from "../../src/numerics/density.ts";
import { measuredSpectrum } from "../../src/numerics/measured-spectrum.ts";
import { drawRandomPlanes, summarizePlanes } from "../../src/numerics/random-planes.ts";
import { spectrumOperator } from "../support/operators.ts";

const net = [90, 40, 25, -6, -3, ...Array.from({ length: 595 }, (_, k) => 0.6 * Math.sin(k) ** 3)];
const sum = (values: readonly number[]) => values.reduce((total, x) => total + x, 0);
const measure = async (spectrum: readonly number[], probes = 6) => {
  const density = await spectralDensity(spectrumOperator(spectrum), { seed: 1, probes, steps: 30 });
  const top = [...spectrum].sort((a, b) => b - a).slice(0, 3);
  const bottom = [...spectrum].sort((a, b) => a - b).slice(0, 3);
  return measuredSpectrum(density, spectrum.length, { top, bottom });
};

describe("a spectrum from outliers and density", () => {
  it("takes eigenvalues before a gap one by one, and counts all", async () => {
    const { nodes, outliers } = await measure(net);
    expect(outliers).toEqual({ top: 2, bottom: 2 });
    expect(nodes.slice(0, 4).map((x) => x.value)).toEqual([90, 40, -6, -3]);
    expect(sum(nodes.map((x) => x.count))).toBeCloseTo(net.length, 8);
    // The third outlier's weight is random, χ² of 6 probes: 25·√(2/6) of the trace, 4 times.
    expect(Math.abs(sum(nodes.map((x) => x.value * x.count)) - sum(net))).toBeLessThan(
      4 * 25 * Math.sqrt(1 / 3),
    );
  });

  it("leaves multiple eigenvalues to the density", async () => {
    const { nodes, outliers } = await measure([...Array(50).fill(1), ...Array(48).fill(-1), 0, 0]);
    expect(outliers).toEqual({ top: 0, bottom: 0 });
    expect(sum(nodes.filter((x) => x.value > 0.5).map((x) => x.count))).toBeGreaterThan(30);
  });

  it("gives the share of saddles of the true spectrum", async () => {
    const shares = [(await measure(net, 10)).nodes, net.map((value) => ({ value, count: 1 }))].map(
      (nodes) => summarizePlanes(drawRandomPlanes(nodes, { seed: 0, planes: 2000 })).saddleShare,
    ) as [number, number];
    // 4 standard deviations of two draws, and a fifth for the spectrum's own error.
    const error = Math.sqrt((2 * shares[1] * (1 - shares[1])) / 2000);
    expect(Math.abs(shares[0] - shares[1])).toBeLessThan(4 * error + 0.2 * shares[1]);
  });
});
