import fc from "fast-check";
import { expect, test } from "vitest";
import { changeScale, lossScale, positionOf, type Scale, valueAt } from "../../src/report/scales.ts";
import { fittingTicks, linearTicks, logTicks, symlogTicks } from "../../src/report/ticks.ts";

const scales: readonly Scale[] = [
  { kind: "linear", domain: [-3, 7] },
  { kind: "log", domain: [1e-6, 40] },
  { kind: "symlog", domain: [-5, 5], constant: 0.01 },
];

test("positions and values are inverse, from 0 to 1 over the domain", () => {
  for (const scale of scales) {
    expect(positionOf(scale, scale.domain[0])).toBeCloseTo(0, 12);
    expect(positionOf(scale, scale.domain[1])).toBeCloseTo(1, 12);
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (p) => {
        expect(positionOf(scale, valueAt(scale, p))).toBeCloseTo(p, 9);
      }),
    );
  }
});

test("losses are logarithmic only if all are positive and span a factor of 8", () => {
  expect(lossScale([1, 2, 7]).scale.kind).toBe("linear");
  expect(lossScale([1, 2, 9, 9]).scale.kind).toBe("log");
  expect(lossScale([0, 2, 3000, 3000]).scale.kind).toBe("linear");
  expect(lossScale([-1, 2, 3000, 3000]).scale.kind).toBe("linear");
});

test("a few extreme cells do not take the scale; they are counted", () => {
  const losses = [...Array.from({ length: 98 }, (_, k) => 1 + k / 98), 1e6, 2e6];
  const { scale, beyond } = lossScale(losses);
  expect(scale.domain[1]).toBeLessThan(2.01);
  expect(beyond).toBe(2);
  expect(lossScale(Array.from({ length: 100 }, (_, k) => k)).beyond).toBe(0);
});

test("equal or missing losses still give a domain", () => {
  for (const losses of [[], [0, 0], [2, 2], [-1, -1]]) {
    const [low, high] = lossScale(losses).scale.domain;
    expect(high).toBeGreaterThan(low);
  }
});

test("changes are on a symmetric scale with white at 0", () => {
  const scale = changeScale([-0.02, 3], 0.02);
  expect(scale.domain).toEqual([-3, 3]);
  expect(positionOf(scale, 0)).toBeCloseTo(0.5, 12);
  expect(positionOf(scale, -0.02)).toBeLessThan(0.35);
  expect(changeScale([0, 0], 0).domain[1]).toBeGreaterThan(0);
});

test("ticks lie in the domain and are round", () => {
  fc.assert(
    fc.property(
      fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
      (low, width) => {
        const { values } = linearTicks([low, low + width], 5);
        const slack = 1e-8 * Math.max(Math.abs(low), width);
        expect(values.length).toBeGreaterThanOrEqual(2);
        expect(values.length).toBeLessThanOrEqual(9);
        for (const v of values) {
          expect(v).toBeGreaterThanOrEqual(low - slack);
          expect(v).toBeLessThanOrEqual(low + width + slack);
        }
      },
    ),
  );
  expect(linearTicks([-0.11, 0.11], 5)).toEqual({ values: [-0.1, -0.05, 0, 0.05, 0.1], format: ",.2f" });
  expect(logTicks([0.08, 4.9], 6).values).toEqual([0.1, 0.2, 0.5, 1, 2]);
  expect(logTicks([8e-6, 0.12], 6)).toEqual({ values: [1e-5, 1e-4, 1e-3, 1e-2, 1e-1], format: "~e" });
  expect(symlogTicks({ kind: "symlog", domain: [-20, 400], constant: 0.1 }, 0.1).values).toEqual([
    -10, -1, 0, 1, 10, 100,
  ]);
});

test("labels keep apart on a short axis", () => {
  const scale: Scale = { kind: "linear", domain: [-0.018, 0.018] };
  expect(fittingTicks(scale, 6, 600).values.length).toBeGreaterThan(
    fittingTicks(scale, 6, 200).values.length,
  );
});
