import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { groupsFor, sampleBatches } from "../../src/data/batches.ts";

const sizes = (groups: ReturnType<typeof sampleBatches>): number[][] =>
  groups.map((g) => g.map((r) => r.end - r.start));

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
