import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { groupsFor, partRange, sampleBatches } from "../../src/data/batches.ts";

const sizes = (groups: ReturnType<typeof sampleBatches>): number[][] =>
  groups.map((g) => g.map((r) => r.end - r.start));

describe("parts of the samples", () => {
  it("are disjoint, together all, and differ by one batch at most", () => {
    const sample = fc.record({
      units: fc.integer({ min: 2, max: 500 }),
      unit: fc.constantFrom(null, 1, 4, 7),
    });
    fc.assert(
      fc.property(sample, fc.integer({ min: 1, max: 500 }), ({ units, unit }, asked) => {
        const of = Math.min(asked, units);
        const samples = units * (unit ?? 1);
        const parts = Array.from({ length: of }, (_, index) => partRange(samples, { index, of }, unit));
        expect(parts.map((p) => p.start)).toEqual([0, ...parts.slice(0, -1).map((p) => p.end)]);
        expect(parts.at(-1)?.end).toBe(samples);
        const lengths = parts.map((p) => p.end - p.start);
        expect(lengths.every((length) => length > 0 && length % (unit ?? 1) === 0)).toBe(true);
        expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(unit ?? 1);
      }),
    );
  });
});

describe("groups of samples", () => {
  it("are eight, fewer for small data", () => {
    expect([1, 16, 31, 32, 100, 128, 10_000].map(groupsFor)).toEqual([1, 1, 1, 2, 6, 8, 8]);
  });

  it("split evenly where they can", () => {
    expect(sizes(sampleBatches(128, 8, 64))).toEqual(Array(8).fill([16]));
    expect(sizes(sampleBatches(1000, 8, 32))).toEqual(Array(8).fill([25, 25, 25, 25, 25]));
    expect(sizes(sampleBatches(50, 3, 16))).toEqual([[16], [16, 1], [16, 1]]);
    expect(sizes(sampleBatches(16, 1, 12))).toEqual([[8, 8]]);
  });

  it("keep to the size that a model was exported for", () => {
    const groups = sizes(sampleBatches(40, 8, 100, 4));
    expect(groups).toHaveLength(8);
    expect(groups.flat()).toEqual(Array(10).fill(4));
    expect(sizes(sampleBatches(12, 8, 100, 12))).toEqual([[12]]);
  });

  it("cover every sample once, in order, in at most three sizes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 300 }), (samples, batch) => {
        const groups = sampleBatches(samples, groupsFor(samples), batch);
        expect(groups).toHaveLength(groupsFor(samples));
        let at = 0;
        for (const range of groups.flat()) {
          expect(range.start).toBe(at);
          expect(range.end - range.start).toBeGreaterThan(0);
          expect(range.end - range.start).toBeLessThanOrEqual(batch);
          at = range.end;
        }
        expect(at).toBe(samples);
        expect(new Set(sizes(groups).flat()).size).toBeLessThanOrEqual(3);
        const lengths = sizes(groups).map((g) => g.reduce((a, b) => a + b, 0));
        expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});
