import { describe, expect, it } from "vitest";
import type { ExtremeOptions } from "../../src/numerics/eigenpair-types.ts";
import { extremeEigenpairs } from "../../src/numerics/extreme-eigenpairs.ts";
import type { SymmetricOperator } from "../../src/numerics/operator.ts";
import { gaussian } from "../../src/numerics/random.ts";
import { norm } from "../../src/numerics/vector.ts";
import { checkPairs, expectClose, valuesOf } from "../support/eigenpairs.ts";
import { noisyOperator, sharpSpectrum, spectrumOperator } from "../support/operators.ts";

const solve = (operator: SymmetricOperator, options: Partial<ExtremeOptions> = {}) =>
  extremeEigenpairs(operator, { top: 1, bottom: 1, seed: 0, ...options });

const times = (count: number, value: number): number[] => new Array(count).fill(value);
const bulk = (n: number): number[] => Array.from({ length: n }, (_, k) => 3 * Math.cos(k));

/** T1 of the paper at its critical point: +1 and −1 n-fold, and 0. */
const toy = (n: number): number[] => [...times(n, 1), ...times(n, -1), 0];

describe("the paper's toy, n = 500", () => {
  it("ten copies of +1 and −1 for a few products, as diag and turned", async () => {
    const spectrum = toy(500);
    const diagonal: SymmetricOperator = {
      n: spectrum.length,
      apply: async (x, out) => {
        spectrum.forEach((value, i) => {
          out[i] = value * x[i]!;
        });
        return { error: 0 };
      },
    };
    for (const operator of [diagonal, spectrumOperator(spectrum)]) {
      for (const precision of ["float64", "float32"] as const) {
        const { pairs, info } = await solve(operator, { precision });
        expect(info).toMatchObject({ converged: true, stopped: "converged" });
        expect(info.steps).toBeLessThanOrEqual(3 * 10);
        expect(pairs.map((p) => [p.end, p.multiplicity])).toEqual([
          ["top", 10],
          ["bottom", 10],
        ]);
        // The vectors' rounding enters a value in second order, its product in first.
        expectClose(
          pairs.map((p) => p.value),
          [1, -1],
          precision === "float64" ? 1e-12 : 1e-7,
        );
      }
    }
  });

  it("as many as are asked for, and no more than are there", async () => {
    const operator = spectrumOperator(toy(500));
    const many = await solve(operator, { multiplicity: 40 });
    expect(many.pairs.map((p) => p.multiplicity)).toEqual([40, 40]);
    const all = await solve(spectrumOperator(toy(6)), { multiplicity: 40 });
    expect(all.pairs.map((p) => p.multiplicity)).toEqual([6, 6]);
    expect(all.info.stopped).toBe("complete");
  });

  it("by products rounded to float32", async () => {
    const exact = spectrumOperator(toy(500));
    const rounded: SymmetricOperator = {
      n: exact.n,
      apply: async (x, out) => {
        await exact.apply(x, out);
        for (let i = 0; i < out.length; i++) out[i] = Math.fround(out[i]!);
        return { error: norm(out) * 2 ** -25 };
      },
    };
    const { pairs } = await solve(rounded, { precision: "float32" });
    expect(pairs.map((p) => p.multiplicity)).toEqual([10, 10]);
    expectClose(
      pairs.map((p) => p.value),
      [1, -1],
      1e-6,
    );
  });
});

describe("restarts orthogonal to what is found", () => {
  const spectrum = [...times(4, 10), 8, ...bulk(200), ...times(2, -7)];
  const operator = spectrumOperator(spectrum);

  it("one run sees one copy, and says no more", async () => {
    const { pairs, info } = await solve(operator, { top: 2 });
    expectClose(valuesOf(pairs, "top"), [10, 8], 1e-6);
    expect(pairs.map((p) => p.multiplicity)).toEqual([1, 1, 1]);
    expect(info.converged).toBe(true);
  });

  it("find all copies, and the order that they make", async () => {
    const { pairs, info } = await solve(operator, { top: 5, bottom: 2, multiplicity: 6 });
    expectClose(valuesOf(pairs, "top"), [10, 10, 10, 10, 8], 1e-6);
    expectClose(valuesOf(pairs, "bottom"), [-7, -7], 1e-6);
    expect(pairs.map((p) => p.multiplicity)).toEqual([4, 4, 4, 4, 1, 2, 2]);
    expect(info).toMatchObject({ converged: true, stopped: "converged" });
    await checkPairs(operator, pairs, spectrum);
  });

  it("stop at the number asked for: at least so many", async () => {
    const { pairs } = await solve(operator, { multiplicity: 2 });
    expect(pairs.map((p) => p.multiplicity)).toEqual([2, 2]);
  });

  it("say 1 of simple values, for about twice the products", async () => {
    const sharp = spectrumOperator(sharpSpectrum(1000));
    const plain = await solve(sharp);
    const { pairs, info } = await solve(sharp, { multiplicity: 3 });
    expect(pairs.map((p) => p.multiplicity)).toEqual([1, 1]);
    expectClose(
      pairs.map((p) => p.value),
      plain.pairs.map((p) => p.value),
      1e-9,
    );
    expect(info.steps).toBeGreaterThan(1.3 * plain.info.steps);
    expect(info.steps).toBeLessThan(3 * plain.info.steps);
  });

  it("work with few vectors kept", async () => {
    const { pairs, info } = await solve(operator, {
      top: 3,
      multiplicity: 4,
      maxBasis: 60,
      maxProducts: 600,
    });
    expectClose(valuesOf(pairs, "top"), [10, 10, 10], 1e-6);
    expect(pairs.map((p) => p.multiplicity)).toEqual([4, 4, 4, 2]);
    expect(info.converged).toBe(true);
  });

  it("find what is asked for even where there is no room for more", async () => {
    // 3 + 3 pairs need room for 40 vectors; a run that sees one copy of each has 1, 0 and −1 as its top three.
    const { pairs, info } = await solve(spectrumOperator(toy(200)), { top: 3, bottom: 3, maxBasis: 40 });
    expectClose(
      pairs.map((p) => p.value),
      [1, 1, 1, -1, -1, -1],
      1e-12,
    );
    expect(pairs.every((p) => p.multiplicity >= 3)).toBe(true);
    expect(info.converged).toBe(true);
  });

  it("find copies through noise, and do not take neighbours for copies", async () => {
    const error = 1e-5;
    const noisy = await solve(noisyOperator(operator, error), { multiplicity: 6, precision: "float32" });
    expect(noisy.pairs.map((p) => p.multiplicity)).toEqual([4, 2]);
    const near = spectrumOperator([10, 10 - 3e-4, ...bulk(200)]);
    const apart = await solve(noisyOperator(near, error), { bottom: 0, multiplicity: 3 });
    expect(apart.pairs.map((p) => p.multiplicity)).toEqual([1]);
  });

  it("leave what they have found when the products run out", async () => {
    const { pairs, info } = await solve(operator, { multiplicity: 50, maxProducts: 60 });
    expect(info).toMatchObject({ steps: 60, stopped: "limit" });
    expect(pairs.every((p) => p.multiplicity >= 1 && p.multiplicity <= 4)).toBe(true);
    await checkPairs(operator, pairs, spectrum);
  });
});

describe("an honest lower bound", () => {
  it("the true multiplicity, over random degenerate spectra", async () => {
    const draws = new Float64Array(12);
    for (let index = 0; index < 12; index++) {
      gaussian({ seed: 5, purpose: "spectra", name: "", index }, draws);
      // Up to six copies of each of a dozen values.
      const copies = Array.from(draws, (d) => 1 + (Math.floor(Math.abs(d) * 1e6) % 6));
      const spectrum = copies.flatMap((count, i) => times(count, Math.round(100 * draws[i]!) / 10));
      const truth = (value: number) => spectrum.filter((s) => Math.abs(s - value) < 1e-6).length;
      const { pairs, info } = await solve(spectrumOperator(spectrum), { top: 3, bottom: 3, multiplicity: 8 });
      expect(info.converged).toBe(true);
      const sorted = [...spectrum].sort((a, b) => a - b);
      expectClose(valuesOf(pairs, "top"), sorted.slice(-3).reverse(), 1e-9);
      expectClose(valuesOf(pairs, "bottom"), sorted.slice(0, 3), 1e-9);
      for (const p of pairs) expect(p.multiplicity).toBe(truth(p.value));
    }
  });

  it("1 where the pair itself has not converged", async () => {
    const { pairs } = await solve(spectrumOperator(sharpSpectrum(800)), { maxProducts: 10 });
    expect(pairs[1]).toMatchObject({ end: "bottom", converged: false, multiplicity: 1 });
  });

  it("refuses a multiplicity below one", async () => {
    await expect(solve(spectrumOperator([1, 2]), { multiplicity: 0 })).rejects.toThrow(/multiplicity 0/);
  });
});
