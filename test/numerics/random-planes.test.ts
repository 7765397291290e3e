import { describe, expect, it } from "vitest";
import { gaussian } from "../../src/numerics/random.ts";
import {
  drawRandomPlanes,
  effectiveCount,
  ensembleConvergence,
  isSaddle,
  type PlaneForm,
  principalCurvatures,
  type SpectrumNode,
  saddleLimit,
  summarizePlanes,
} from "../../src/numerics/random-planes.ts";
import { RandomStream } from "../../src/numerics/random-stream.ts";
import { sampleStats } from "../../src/numerics/stats.ts";

const PLANES = 6000;
const toy = (positive: number): SpectrumNode[] => [
  { value: 1, count: positive },
  { value: -1, count: 1000 - positive },
  { value: 0, count: 1 },
];

/** A, B, C with every component of η and δ drawn. */
function bruteForce(values: readonly number[], planes: number): PlaneForm[] {
  return Array.from({ length: planes }, (_, k) => {
    const [eta, delta] = [0, 1].map((d) => {
      const vector = new Float64Array(values.length);
      gaussian({ seed: 5, purpose: "brute force", name: "", index: 2 * k + d }, vector);
      return vector;
    }) as [Float64Array, Float64Array];
    const form = (x: Float64Array, y: Float64Array) =>
      values.reduce((sum, value, i) => sum + value * x[i]! * y[i]!, 0);
    return { a: form(eta, eta), b: form(eta, delta), c: form(delta, delta) };
  });
}

describe("principal curvatures", () => {
  it("are the eigenvalues of [[a, b], [b, c]]", () => {
    for (const form of [
      { a: 3, b: -2, c: -1 },
      { a: 0, b: 0, c: 0 },
      { a: 5, b: 0, c: 5 },
    ]) {
      const { plus, minus } = principalCurvatures(form);
      expect(plus + minus).toBeCloseTo(form.a + form.c, 12);
      expect(plus * minus).toBeCloseTo(form.a * form.c - form.b ** 2, 12);
      expect(plus).toBeGreaterThanOrEqual(minus);
    }
  });

  it("of both signs are a saddle; a flat or one-signed plane is none", () => {
    expect(isSaddle({ a: 1, b: 2, c: 1 })).toBe(true);
    expect(isSaddle({ a: 1, b: 0.5, c: 1 })).toBe(false);
    expect(isSaddle({ a: -1, b: 0, c: -2 })).toBe(false);
    expect(isSaddle({ a: 0, b: 0, c: 0 })).toBe(false);
  });
});

describe("random numbers of a gamma distribution", () => {
  it.each([0.2, 0.5, 1, 3.7, 250])("shape %d: mean, variance, and no others below a quantile", (shape) => {
    const stream = new RandomStream({ seed: 0, purpose: "gamma", name: "", index: 0 });
    const found = sampleStats(Array.from({ length: 20_000 }, () => stream.gamma(shape)));
    expect(Math.abs(found.mean - shape)).toBeLessThan(4 * found.standardError);
    // The variance of a sample variance is (excess kurtosis 6/shape + 2)/count of its square.
    const spread = Math.sqrt((6 / shape + 2) / 20_000);
    expect(Math.abs(found.variance / shape - 1)).toBeLessThan(4 * spread);
  });

  it("come in the same order for the same key", () => {
    const key = { seed: 3, purpose: "order", name: "", index: 7 };
    const numbers = () => {
      const stream = new RandomStream(key);
      return Array.from({ length: 200 }, () => [stream.normal(), stream.gamma(2), stream.uniform()]);
    };
    expect(numbers()).toEqual(numbers());
    const [first] = numbers();
    const other = new RandomStream({ ...key, index: 8 });
    expect(other.normal()).not.toBe(first?.[0]);
  });
});

describe("random planes over a spectrum", () => {
  // The closed forms of method.md §2; its limit in 1000 eigenvalues is off by some tenths.
  it.each([
    [500, 0.701],
    [510, 0.65],
    [520, 0.467],
    [550, 0.059],
    [800, 0],
  ])("T2 with ñ = %d: means of κ± and share of saddles", (positive, share) => {
    const found = summarizePlanes(drawRandomPlanes(toy(positive), { seed: 0, planes: PLANES }));
    const trace = 2 * (positive - 500);
    const frobenius = Math.sqrt(1000);
    const half = Math.sqrt(Math.PI / 2) * frobenius;
    expect(Math.abs(found.kappaPlus.mean - (trace + half))).toBeLessThan(
      4 * found.kappaPlus.standardError + 0.5,
    );
    expect(Math.abs(found.kappaMinus.mean - (trace - half))).toBeLessThan(
      4 * found.kappaMinus.standardError + 0.5,
    );
    expect(Math.abs(found.meanCurvature.mean - trace)).toBeLessThan(4 * found.meanCurvature.standardError);
    // Both the table's share and this one are of 6,000 planes.
    const error = Math.sqrt((2 * share * (1 - share)) / PLANES);
    expect(Math.abs(found.saddleShare - share)).toBeLessThan(4 * error + 1e-9);
    expect(Math.abs(found.saddleShare - saddleLimit(trace, frobenius))).toBeLessThan(0.03);
  });

  it("has the moments that many comparable eigenvalues have: Var A = 2‖H‖², Var B = ‖H‖²", () => {
    const forms = drawRandomPlanes(toy(520), { seed: 1, planes: PLANES });
    for (const [of, expected] of [
      [(f: PlaneForm) => f.a, 2000],
      [(f: PlaneForm) => f.b, 1000],
      [(f: PlaneForm) => f.c, 2000],
    ] as const) {
      // A sample variance of normal numbers is off by √(2/count) of itself.
      expect(Math.abs(sampleStats(forms.map(of)).variance / expected - 1)).toBeLessThan(
        4 * Math.sqrt(2 / PLANES),
      );
    }
  });

  it("agrees with planes whose every component is drawn, also where outliers dominate", () => {
    const values = [90, 40, 25, -3, -2, ...Array.from({ length: 60 }, (_, k) => 0.2 * Math.sin(k))];
    const exact = values.map((value) => ({ value, count: 1 }));
    const grouped = [...exact.slice(0, 5), { value: 0.1, count: 30.5 }, { value: -0.1, count: 29.5 }];
    const brute = summarizePlanes(bruteForce(values, PLANES));
    for (const spectrum of [exact, grouped]) {
      const found = summarizePlanes(drawRandomPlanes(spectrum, { seed: 2, planes: PLANES }));
      for (const key of ["kappaPlus", "kappaMinus"] as const) {
        const error = Math.hypot(found[key].standardError, brute[key].standardError);
        expect(Math.abs(found[key].mean - brute[key].mean)).toBeLessThan(4 * error + 0.1);
      }
      const error = Math.sqrt((brute.saddleShare * (1 - brute.saddleShare) * 2) / PLANES);
      expect(Math.abs(found.saddleShare - brute.saddleShare)).toBeLessThan(4 * error);
    }
    // The limit of many comparable eigenvalues is far off here, and the effective count says so.
    const [trace, frobenius] = [1, 2].map((k) => values.reduce((sum, v) => sum + v ** k, 0)) as [
      number,
      number,
    ];
    expect(saddleLimit(trace, Math.sqrt(frobenius))).toBeGreaterThan(3 * brute.saddleShare);
    expect(effectiveCount(exact)).toBeLessThan(5);
    expect(effectiveCount(toy(500))).toBeCloseTo(1000, 9);
  });

  it("plane k is the same however many there are", () => {
    const many = drawRandomPlanes(toy(510), { seed: 4, planes: 20 });
    expect(drawRandomPlanes(toy(510), { seed: 4, planes: 5 })).toEqual(many.slice(0, 5));
  });
});

describe("an ensemble of planes", () => {
  const forms = drawRandomPlanes(toy(500), { seed: 0, planes: 230 });

  it("has two averages: curvatures first, or A, B, C first", () => {
    const found = summarizePlanes(forms);
    // E[κ±] = ±39.6, but the expected plane is flat: its A, B, C are 0 within their errors.
    expect(found.kappaPlus.mean - found.kappaMinus.mean).toBeGreaterThan(70);
    expect(found.meanPlane.plus - found.meanPlane.minus).toBeLessThan(20);
    expect(found.interval.low).toBeLessThan(found.saddleShare);
    expect(found.interval.high).toBeGreaterThan(found.saddleShare);
  });

  it("settles: means after 1, 2, 5, … planes", () => {
    const means = ensembleConvergence(forms);
    expect(means.map((m) => m.planes)).toEqual([1, 2, 5, 10, 20, 50, 100, 200, 230]);
    const last = summarizePlanes(forms);
    expect(means.at(-1)).toMatchObject({ kappaPlus: last.kappaPlus.mean, saddleShare: last.saddleShare });
    expect(means[0]?.kappaPlus).toBe(principalCurvatures(forms[0] as PlaneForm).plus);
  });
});
