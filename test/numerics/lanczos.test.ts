import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { LandscapeError } from "../../src/errors.ts";
import { type LanczosFactorization, type LanczosOptions, lanczos } from "../../src/numerics/lanczos.ts";
import type { SymmetricOperator } from "../../src/numerics/operator.ts";
import { gaussian } from "../../src/numerics/random.ts";
import { axpy, dot, norm, normalize } from "../../src/numerics/vector.ts";
import { noisyOperator, sharpSpectrum, spectrumOperator } from "../support/operators.ts";

/** The factorisation after so many steps (or where it ended). */
async function run(operator: SymmetricOperator, steps: number, options: Partial<LanczosOptions> = {}) {
  let last: LanczosFactorization | undefined;
  for await (const f of lanczos(operator, { seed: 0, ...options })) {
    last = f;
    if (f.products === steps) break;
  }
  return last as LanczosFactorization;
}

function worstOverlap(f: LanczosFactorization): number {
  let worst = 0;
  for (const [i, v] of f.basis.vectors.entries()) {
    for (const w of f.basis.vectors.slice(0, i)) worst = Math.max(worst, Math.abs(dot(v, w)));
    worst = Math.max(worst, Math.abs(norm(v) - 1));
  }
  return worst;
}

describe("the factorisation", () => {
  // Without reorthogonalisation (curvlinops) the outliers' copies come back long before step 150.
  it("keeps its vectors orthonormal after everything has converged", async () => {
    const operator = spectrumOperator(sharpSpectrum(600));
    expect(worstOverlap(await run(operator, 150))).toBeLessThan(1e-14);
    // Rounded to float32: less than half a unit in the last place, 2⁻²⁴.
    expect(worstOverlap(await run(operator, 150, { precision: "float32" }))).toBeLessThan(2 ** -24);
    const copies = (values: readonly number[]) => values.filter((x) => Math.abs(x - 20.0791) < 1e-6).length;
    expect(copies([...(await run(operator, 150)).ritz().values])).toBe(1);
    expect(copies(await threeTerms(operator, 150))).toBeGreaterThan(1);
  });

  /** Eigenvalues of the tridiagonal matrix that the bare recurrence gives. */
  async function threeTerms(operator: SymmetricOperator, steps: number): Promise<number[]> {
    const t = Matrix.zeros(steps, steps);
    let previous = new Float64Array(operator.n);
    let v = new Float64Array(operator.n);
    gaussian({ seed: 0, purpose: "test", name: "start", index: 0 }, v);
    normalize(v);
    for (let k = 0, beta = 0; k < steps; k++) {
      const w = new Float64Array(operator.n);
      await operator.apply(v, w);
      axpy(-beta, previous, w);
      const alpha = dot(v, w);
      axpy(-alpha, v, w);
      t.set(k, k, alpha);
      beta = normalize(w);
      if (k + 1 < steps) t.set(k, k + 1, beta).set(k + 1, k, beta);
      [previous, v] = [v, w];
    }
    return new EigenvalueDecomposition(t, { assumeSymmetric: true }).realEigenvalues;
  }

  it("has true residuals: ‖A·u − θ·u‖ of every Ritz pair is what the recurrence says", async () => {
    const operator = spectrumOperator(sharpSpectrum(400));
    const f = await run(operator, 40);
    const { values, coefficients, residuals } = f.ritz();
    const w = new Float64Array(operator.n);
    for (const [i, s] of coefficients.entries()) {
      const u = f.basis.combine(s);
      await operator.apply(u, w);
      axpy(-values[i]!, u, w);
      expect(Math.abs(norm(w) - residuals[i]!)).toBeLessThan(1e-13 * 20);
    }
  });

  it("keeps the same relation after a restart", async () => {
    const operator = spectrumOperator(sharpSpectrum(400));
    const iteration = lanczos(operator, { seed: 0 });
    let f: LanczosFactorization | undefined;
    for await (f of iteration) {
      if (f.products === 30 || f.products === 50) f.compress(f.ritz(), [0, 1, 2, f.size - 2, f.size - 1]);
      if (f.products === 60) break;
    }
    const done = f as LanczosFactorization;
    expect(done.size).toBe(15);
    expect(worstOverlap(done)).toBeLessThan(1e-14);
    const { values, coefficients, residuals } = done.ritz();
    const w = new Float64Array(operator.n);
    for (const i of [0, 7, 14]) {
      const u = done.basis.combine(coefficients[i]!);
      await operator.apply(u, w);
      axpy(-values[i]!, u, w);
      expect(Math.abs(norm(w) - residuals[i]!)).toBeLessThan(1e-12 * 20);
    }
  });

  it("measures the noise of the products between two vectors", async () => {
    const n = 900;
    const exact = spectrumOperator(Array.from({ length: n }, (_, i) => Math.sin(i)));
    expect((await run(exact, 30)).noise()).toBeLessThan(1e-14);
    const f = await run(noisyOperator(exact, 1e-3), 30);
    // Isotropic noise of norm 1e-3 has 1e-3/√n in any direction; 435 samples give it to 5 %.
    expect(f.noise() / (1e-3 / Math.sqrt(n))).toBeGreaterThan(0.8);
    expect(f.noise() / (1e-3 / Math.sqrt(n))).toBeLessThan(1.2);
    expect(f.productError).toBeCloseTo(1e-3, 10);
  });

  it("ends when the space is all of ℝⁿ", async () => {
    const f = await run(spectrumOperator([1, 2, 4]), 100);
    expect(f.complete).toBe(true);
    expect(f.products).toBe(3);
    const { values } = f.ritz();
    [1, 2, 4].forEach((value, i) => {
      expect(values[i]).toBeCloseTo(value, 13);
    });
  });

  it("goes on after an exact breakdown and finds the copies", async () => {
    const f = await run(spectrumOperator([1, 1, 1, -1, -1, 0, 0, 0]), 100);
    expect(f.products).toBe(8);
    [-1, -1, 0, 0, 0, 1, 1, 1].forEach((value, i) => {
      expect(f.ritz().values[i]).toBeCloseTo(value, 12);
    });
  });

  it("takes a start vector of any length, and a zero one for none", async () => {
    const operator = spectrumOperator([3, 1, -2]);
    const f = await run(operator, 1, { start: operator.vector(0).map((x) => 7 * x) });
    expect(f.ritz().values[0]).toBeCloseTo(3, 13);
    expect((await run(operator, 3, { start: new Float64Array(3) })).complete).toBe(true);
  });

  it("has no steps for n = 0", async () => {
    expect(await run(spectrumOperator([]), 1)).toBeUndefined();
  });

  it("refuses products that are not finite", async () => {
    const broken: SymmetricOperator = {
      n: 3,
      apply: async (_, out) => {
        out.fill(Number.NaN);
        return { error: 0 };
      },
    };
    await expect(run(broken, 1)).rejects.toThrow(/product 1 holds a value that is not finite/);
    await expect(run(broken, 1)).rejects.toBeInstanceOf(LandscapeError);
  });

  it("stops for a signal", async () => {
    const stop = new AbortController();
    stop.abort(new Error("enough"));
    await expect(run(spectrumOperator([1, 2]), 2, { signal: stop.signal })).rejects.toThrow("enough");
  });
});
