import { describe, expect, it } from "vitest";
import { annihilationEigenpairs } from "../../src/numerics/annihilation.ts";
import type { ExtremeOptions } from "../../src/numerics/eigenpair-types.ts";
import { extremeEigenpairs } from "../../src/numerics/extreme-eigenpairs.ts";
import type { SymmetricOperator } from "../../src/numerics/operator.ts";
import { cosine } from "../../src/numerics/vector.ts";
import { denseOperator } from "../support/dense-operator.ts";
import { checkPairs, expectClose, valuesOf } from "../support/eigenpairs.ts";
import { noisyOperator, sharpSpectrum, spectrumOperator } from "../support/operators.ts";

const solve = (operator: SymmetricOperator, options: Partial<ExtremeOptions> = {}) =>
  annihilationEigenpairs(operator, { top: 3, bottom: 3, seed: 0, ...options });

describe("dense matrices", () => {
  // The end of largest magnitude is looked for first: by the shift it is the top, the bottom, or the sign of chance.
  it.each([
    [40, 5],
    [40, -5],
    [80, 0],
    [3, 0],
  ])("agrees with ml-matrix, n = %i, shifted by %i", async (n, shift) => {
    const { operator, spectrum } = denseOperator(n, 4, shift);
    const { pairs, info } = await solve(operator);
    expect(info.converged).toBe(true);
    // Residual 1e-4 of the value: the value's own error is its square over the gap.
    const within = 1e-6 * n;
    expectClose(valuesOf(pairs, "top"), spectrum.slice(-3).reverse(), within);
    expectClose(valuesOf(pairs, "bottom"), spectrum.slice(0, 3), within);
    expect(pairs.map((p) => p.end)).toEqual(["top", "top", "top", "bottom", "bottom", "bottom"]);
    await checkPairs(operator, pairs, spectrum);
  });

  it.each([5, 6, 7, 8])("agrees with the single run within the residuals, seed %i", async (seed) => {
    const { operator } = denseOperator(60, seed);
    const [two, one] = [
      await solve(operator),
      await extremeEigenpairs(operator, { top: 3, bottom: 3, seed: 0 }),
    ];
    two.pairs.forEach((pair, i) => {
      const other = one.pairs[i]!;
      expect(Math.abs(pair.value - other.value)).toBeLessThanOrEqual(pair.residual + other.residual);
      expect(pair.end).toBe(other.end);
      expect(cosine(pair.vector, other.vector)).toBeGreaterThan(0.9999);
    });
  });
});

describe("either order of the ends", () => {
  it.each([1, -1])(
    "%i times a sharp net's spectrum: the small end is judged by its own size",
    async (sign) => {
      const spectrum = sharpSpectrum(1000).map((value) => sign * value);
      const operator = spectrumOperator(spectrum);
      const { pairs, info } = await solve(operator);
      expect(info).toMatchObject({ converged: true, stopped: "converged" });
      const [large, small] = [
        [20.0791, 17.02607, 12],
        [-0.01134371, -0.01121915, -0.01111879],
      ].map((values) => values.map((value) => sign * value)) as [number[], number[]];
      // A residual of tolerance·|λ₁| would be a fifth of the small end; tolerance·|λ| it is, squared over the gap.
      expectClose(valuesOf(pairs, sign > 0 ? "top" : "bottom"), large, 2e-3 ** 2 / 3);
      expectClose(valuesOf(pairs, sign > 0 ? "bottom" : "top"), small, 1.2e-6 ** 2 / 8e-5);
      await checkPairs(operator, pairs, spectrum);
      expect(operator.products()).toBeGreaterThanOrEqual(info.products);
    },
  );

  it.each(["top", "bottom"] as const)("gives the %s alone, whichever end is larger", async (end) => {
    for (const shift of [8, -8]) {
      const { operator, spectrum } = denseOperator(30, 2, shift);
      const { pairs } = await solve(operator, { top: 0, bottom: 0, [end]: 2 });
      expect(pairs.map((p) => p.end)).toEqual([end, end]);
      const expected = end === "top" ? spectrum.slice(-2).reverse() : spectrum.slice(0, 2);
      expectClose(valuesOf(pairs, end), expected, 1e-5);
    }
  });

  it("tells λ from −λ", async () => {
    const values = [10, -10, ...Array.from({ length: 300 }, (_, k) => 9 * Math.sin(k))];
    const { pairs } = await solve(spectrumOperator(values), { top: 1, bottom: 1, tolerance: 1e-6 });
    expectClose([pairs[0]!.value, pairs[1]!.value], [10, -10], 1e-8);
  });
});

describe("what it says of itself", () => {
  it("counts the products of both runs, and costs more than the single one", async () => {
    const operator = spectrumOperator(sharpSpectrum(800));
    const { info } = await solve(operator);
    expect(operator.products()).toBe(info.products);
    expect(info.products).toBe(info.steps + 6);
    const one = await extremeEigenpairs(operator, { top: 3, bottom: 3, seed: 0 });
    expect(info.steps).toBeGreaterThan(one.info.steps);
  });

  it("says so when it has not converged, with residuals that are true", async () => {
    const spectrum = sharpSpectrum(800);
    const operator = spectrumOperator(spectrum);
    const { pairs, info } = await solve(operator, { maxProducts: 30 });
    expect(info).toMatchObject({ converged: false, stopped: "limit" });
    expect(info.steps).toBeLessThanOrEqual(30);
    expect(pairs.filter((p) => p.end === "top").every((p) => p.converged)).toBe(true);
    expect(pairs.filter((p) => p.end === "bottom").some((p) => p.converged)).toBe(false);
    await checkPairs(operator, pairs, spectrum);
  });

  it("keeps its promise when products are noisy", async () => {
    const spectrum = sharpSpectrum(1500);
    const exact = spectrumOperator(spectrum);
    const { pairs, info } = await solve(noisyOperator(exact, 5e-5), { precision: "float32" });
    expect(info.converged).toBe(true);
    for (const p of pairs) {
      expect(p.residual).toBeGreaterThan(5e-5);
      expect(Math.min(...spectrum.map((s) => Math.abs(s - p.value)))).toBeLessThan(p.residual);
    }
  });

  it("gives the same bits again", async () => {
    const { operator } = denseOperator(50, 9);
    expect(await solve(operator)).toEqual(await solve(operator));
  });

  it("recognises multiple eigenvalues, takes one dimension and none, refuses what makes no sense", async () => {
    const toy = [...new Array(40).fill(1), ...new Array(40).fill(-1), 0];
    const { pairs } = await solve(spectrumOperator(toy), { top: 1, bottom: 1 });
    expect(pairs.map((p) => p.multiplicity)).toEqual([10, 10]);
    expect((await solve(spectrumOperator([-4]))).pairs.map((p) => [p.end, p.value])).toEqual([
      ["top", -4],
      ["bottom", -4],
    ]);
    expect((await solve(spectrumOperator([]))).pairs).toEqual([]);
    await expect(solve(spectrumOperator([1]), { top: 0, bottom: 0 })).rejects.toThrow(/none asked for/);
  });
});
