import { describe, expect, it } from "vitest";
import type { ExtremeOptions, ExtremePair, LanczosProgress } from "../../src/numerics/eigenpair-types.ts";
import { extremeEigenpairs } from "../../src/numerics/extreme-eigenpairs.ts";
import { lanczos } from "../../src/numerics/lanczos.ts";
import type { SymmetricOperator } from "../../src/numerics/operator.ts";
import { gaussian } from "../../src/numerics/random.ts";
import { axpy, cosine, dot, norm, normalize } from "../../src/numerics/vector.ts";
import { denseOperator } from "../support/dense-operator.ts";
import { checkPairs, expectClose, valuesOf } from "../support/eigenpairs.ts";
import { noisyOperator, sharpSpectrum, spectrumOperator } from "../support/operators.ts";

const solve = (operator: SymmetricOperator, options: Partial<ExtremeOptions> = {}) =>
  extremeEigenpairs(operator, { top: 3, bottom: 3, seed: 0, ...options });

describe("dense matrices", () => {
  it.each([7, 30, 120])("agrees with ml-matrix, n = %i", async (n) => {
    const { operator, spectrum } = denseOperator(n, 3);
    const { pairs, info } = await solve(operator);
    expect(info.converged).toBe(true);
    // Residual 1e-4 of the value: the value's own error is its square over the gap.
    const within = 1e-6 * n;
    expectClose(valuesOf(pairs, "top"), spectrum.slice(-3).reverse(), within);
    expectClose(valuesOf(pairs, "bottom"), spectrum.slice(0, 3), within);
    await checkPairs(operator, pairs, spectrum);
  });
});

describe("hard spectra", () => {
  const spectrum = sharpSpectrum(3000);
  const operator = spectrumOperator(spectrum);

  it("finds both ends of a sharp net's spectrum, gap 1e-4 below 20", async () => {
    const { pairs, info } = await solve(operator);
    expect(info.converged).toBe(true);
    expectClose(valuesOf(pairs, "top"), [20.0791, 17.02607, 12], 1e-9);
    expectClose(valuesOf(pairs, "bottom"), [-0.01134371, -0.01121915, -0.01111879], 1e-9);
    [0, 1].forEach((k) => {
      expect(Math.abs(cosine(pairs[k]!.vector, operator.vector(k)))).toBeGreaterThan(0.9999);
    });
    [2, 3, 4].forEach((k) => {
      expect(Math.abs(cosine(pairs[k + 1]!.vector, operator.vector(k)))).toBeGreaterThan(0.9999);
    });
    await checkPairs(operator, pairs, spectrum);
    // Both ends from one run: about what the bottom alone needs.
    expect(info.steps).toBeLessThan(150);
    const alone = await solve(operator, { top: 0, bottom: 1 });
    expect(info.steps).toBeLessThan(alone.info.steps + 30);
  });

  it("gives the same bits again, and others with another seed", async () => {
    const [a, b, c] = [await solve(operator), await solve(operator), await solve(operator, { seed: 1 })];
    expect(a.pairs).toEqual(b.pairs);
    expect(a.pairs[0]!.vector).not.toEqual(c.pairs[0]!.vector);
    a.pairs.forEach((pair, i) => {
      expect(Math.abs(c.pairs[i]!.value - pair.value)).toBeLessThan(1e-8);
      // Signs are normalised: the vectors agree, not only their lines.
      expect(dot(c.pairs[i]!.vector, pair.vector)).toBeGreaterThan(0.9999);
    });
  });

  it("goes on to leastProducts where noise would end it, and no further", async () => {
    const noisy = () => noisyOperator(spectrumOperator(sharpSpectrum(500)), 1);
    const ends = { top: 1, bottom: 1, maxProducts: 90 };
    const [soon, late] = [await solve(noisy(), ends), await solve(noisy(), { ...ends, leastProducts: 70 })];
    expect(soon.info.steps).toBeLessThan(70);
    expect(late.info.steps).toBeGreaterThanOrEqual(70);
    expect(late.info.steps).toBeLessThanOrEqual(90);
  });

  it("keeps its promise when products are noisy, and does not run for ever", async () => {
    for (const error of [1e-6, 5e-5]) {
      const noisy = noisyOperator(operator, error);
      const { pairs, info } = await solve(noisy, { precision: "float32" });
      expect(info.steps).toBeLessThan(200);
      expect(info.converged).toBe(true);
      expect(Math.abs(cosine(pairs[0]!.vector, operator.vector(0)))).toBeGreaterThan(0.9999);
      expect(Math.abs(cosine(pairs[3]!.vector, operator.vector(2)))).toBeGreaterThan(0.999);
      for (const p of pairs) {
        // The product's own error is part of the residual.
        expect(p.residual).toBeGreaterThan(error);
        expect(p.residual).toBeLessThan(5 * error + 1e-5);
        const nearest = Math.min(...spectrum.map((s) => Math.abs(s - p.value)));
        expect(nearest).toBeLessThan(p.residual);
      }
    }
  });

  // hessian-eigenthings takes the recurrence's residual, |β·s|, for the true one: it falls below any error of the products.
  it("reports true residuals where the recurrence promises more", async () => {
    const error = 1e-3;
    const rough = () => noisyOperator(operator, error);
    let promised = Number.POSITIVE_INFINITY;
    for await (const f of lanczos(rough(), { seed: 0 })) {
      const { residuals } = f.ritz();
      promised = residuals.at(-1)!;
      if (f.products === 60) break;
    }
    const { pairs } = await solve(rough(), { maxProducts: 60 });
    for (const { value, vector, residual } of pairs) {
      const w = new Float64Array(operator.n);
      await operator.apply(vector, w);
      axpy(-value, vector, w);
      // Of two products, the iteration's and the last; either is off by `error`.
      expect(norm(w)).toBeLessThan(residual + 2 * error);
      expect(residual).toBeGreaterThan(error);
    }
    expect(promised).toBeLessThan(1e-3 * error);
  });

  it("uses better products for the last step", async () => {
    const exact = [20.0791, 17.02607, 12, -0.01134371, -0.01121915, -0.01111879];
    const error = (pairs: readonly ExtremePair[]) =>
      Math.max(...pairs.map((p, i) => Math.abs(p.value - exact[i]!)));
    const rough = await solve(noisyOperator(operator, 1e-4));
    const fine = await solve(noisyOperator(operator, 1e-4), { refine: operator });
    // A rough product is off by 1e-4/√n along its own vector; an exact one's error is the vector's, squared.
    expect(error(fine.pairs)).toBeLessThan(error(rough.pairs));
    expect(fine.pairs[3]!.productError).toBe(0);
  });

  it("does with few vectors kept", async () => {
    const { pairs, info } = await solve(operator, { maxBasis: 60, maxProducts: 1000 });
    expect(info.converged).toBe(true);
    expectClose(valuesOf(pairs, "top"), [20.0791, 17.02607, 12], 1e-9);
    expectClose(valuesOf(pairs, "bottom"), [-0.01134371, -0.01121915, -0.01111879], 1e-8);
    await checkPairs(operator, pairs, spectrum);
  });

  it("says so when it has not converged, with residuals that are true", async () => {
    const { pairs, info } = await solve(operator, { maxProducts: 20 });
    expect(info).toMatchObject({ steps: 20, products: 26, converged: false, stopped: "limit" });
    expect(pairs.filter((p) => p.end === "bottom").some((p) => p.converged)).toBe(false);
    await checkPairs(operator, pairs, spectrum);
  });

  // PyHessian's power iteration returns the previous iterate and fails (34 % median error) where λ ≈ −λ.
  it("tells λ from −λ", async () => {
    const values = [10, -9.9999, ...Array.from({ length: 300 }, (_, k) => 9 * Math.sin(k))];
    const turned = spectrumOperator(values);
    const { pairs, info } = await solve(turned, { top: 1, bottom: 1, tolerance: 1e-6 });
    expect(info.converged).toBe(true);
    expectClose([pairs[0]!.value, pairs[1]!.value], [10, -9.9999], 1e-8);

    // At most 100 iterations, until two quotients agree to 1e-3.
    const v = new Float64Array(turned.n);
    gaussian({ seed: 0, purpose: "test", name: "power", index: 0 }, v);
    const w = new Float64Array(turned.n);
    let found = Number.NaN;
    for (let k = 0; k < 100; k++) {
      normalize(v);
      await turned.apply(v, w);
      const quotient = dot(v, w);
      if (Math.abs(found - quotient) / (Math.abs(found) + 1e-6) < 1e-3) break;
      found = quotient;
      v.set(w);
    }
    expect(Math.min(Math.abs(found - 10), Math.abs(found + 9.9999))).toBeGreaterThan(0.1 * 10);
  });

  // hessian-eigenthings stops after 2k steps whatever the residual: with k = 3, half way.
  it("goes on until its residuals are small", async () => {
    const soon = await solve(operator, { bottom: 0, maxProducts: 6 });
    expect(soon.info).toMatchObject({ steps: 6, converged: false });
    const done = await solve(operator, { bottom: 0 });
    expect(done.info.converged).toBe(true);
    expect(done.info.steps).toBeGreaterThan(6);
    const error = ({ pairs }: typeof done) => Math.abs(pairs[2]!.value - 12);
    expect(error(soon)).toBeGreaterThan(1e3 * error(done));
  });

  it("counts its products", async () => {
    const counted = spectrumOperator(spectrum);
    const seen: LanczosProgress[] = [];
    const { info } = await solve(counted, { onStep: (step) => seen.push(step) });
    expect(counted.products()).toBe(info.products);
    expect(info.products).toBe(info.steps + 6);
    expect(seen.at(-1)).toMatchObject({ products: info.steps });
    expect(seen.at(-1)!.top.map((p) => p.value)).toHaveLength(3);
  });
});

describe("repeated values", () => {
  // T1 of the paper: +1 and −1 n-fold, and 0.
  it("finds as many copies as are asked for", async () => {
    const n = 100;
    const spectrum = [...new Array(n).fill(1), ...new Array(n).fill(-1), 0];
    const operator = spectrumOperator(spectrum);
    const { pairs, info } = await solve(operator);
    expect(info.converged).toBe(true);
    expectClose(valuesOf(pairs, "top"), [1, 1, 1], 1e-12);
    expectClose(valuesOf(pairs, "bottom"), [-1, -1, -1], 1e-12);
    // Three steps, then two for each further copy of both; ten of each are looked for.
    expect(info).toMatchObject({ steps: 3 + 2 * 9, stopped: "converged" });
    expect(pairs.map((p) => p.multiplicity)).toEqual(new Array(6).fill(10));
    expect(Math.abs(dot(pairs[0]!.vector, pairs[1]!.vector))).toBeLessThan(1e-12);
    await checkPairs(operator, pairs, spectrum);
  });

  it("finds a single value beyond a multiple one", async () => {
    const spectrum = [5, ...new Array(50).fill(2), -3, ...new Array(50).fill(-1)];
    const { pairs } = await solve(spectrumOperator(spectrum));
    expectClose(valuesOf(pairs, "top"), [5, 2, 2], 1e-12);
    expectClose(valuesOf(pairs, "bottom"), [-3, -1, -1], 1e-12);
  });

  it("treats values closer than the tolerance as one cluster, with true vectors of its space", async () => {
    const bulk = Array.from({ length: 300 }, (_, k) => 3 * Math.cos(k));
    const operator = spectrumOperator([10, 10 - 1e-6, 10 - 2e-6, ...bulk]);
    const { pairs, info } = await solve(operator, { bottom: 0, tolerance: 1e-5 });
    expect(info.converged).toBe(true);
    const share = [0, 1, 2].reduce((sum, k) => sum + dot(pairs[0]!.vector, operator.vector(k)) ** 2, 0);
    expect(share).toBeGreaterThan(0.9999);
  });
});

describe("small and empty", () => {
  it("gives what there is when fewer pairs exist than are asked for", async () => {
    const { pairs, info } = await solve(spectrumOperator([2, -1]));
    expect(info).toMatchObject({ converged: true, stopped: "complete" });
    expectClose(valuesOf(pairs, "top"), [2, -1], 1e-14);
    expectClose(valuesOf(pairs, "bottom"), [-1, 2], 1e-14);
    const one = await solve(spectrumOperator([-4]));
    expect(one.pairs.map((p) => [p.end, p.value])).toEqual([
      ["top", -4],
      ["bottom", -4],
    ]);
    expect((await solve(spectrumOperator([]))).pairs).toEqual([]);
  });

  it("takes the zero operator", async () => {
    const { pairs, info } = await solve(spectrumOperator(new Array(20).fill(0)), { top: 2, bottom: 1 });
    expect(info.converged).toBe(true);
    expect(pairs.map((p) => [p.value, p.residual])).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
  });

  it("gives the smallest values of a positive spectrum as its bottom", async () => {
    const values = Array.from({ length: 50 }, (_, k) => 1 + k * k);
    const { pairs } = await solve(spectrumOperator(values), { top: 1, bottom: 2 });
    expectClose(valuesOf(pairs, "bottom"), [1, 2], 1e-3);
  });

  it("refuses counts that make no sense", async () => {
    const operator = spectrumOperator([1, 2, 3]);
    await expect(solve(operator, { top: 0, bottom: 0 })).rejects.toThrow(/none asked for/);
    await expect(solve(operator, { top: -1 })).rejects.toThrow(/top -1; expected an integer ≥ 0/);
    await expect(solve(spectrumOperator(new Array(99).fill(1)), { maxBasis: 5 })).rejects.toThrow(
      /at least 40/,
    );
  });
});
