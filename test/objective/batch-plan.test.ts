import { describe, expect, it } from "vitest";
import type { Dataset, Part } from "../../src/data/index.ts";
import type { Checkpoint } from "../../src/model/checkpoint.ts";
import { planBatches } from "../../src/objective/batch-plan.ts";
import type { ProblemSpec } from "../../src/objective/problem-spec.ts";

const plan = (
  wholeBatch: boolean,
  samples: number,
  batchSize: number | null,
  asked: number | null = null,
  part?: Part,
) => {
  const checkpoint = { own: { wholeBatch } } as unknown as Checkpoint;
  const dataset = { path: "d.npz", samples, batchSize } as Dataset;
  const spec = { batch: asked, memory: 1000 } as ProblemSpec;
  return planBatches(checkpoint, dataset, spec, asked ?? 16, (n) => 10 * n, part);
};
const sizes = (found: ReturnType<typeof plan>) => found.groups.map((g) => g.map((r) => r.end - r.start));

describe("batches", () => {
  it("of a loss that splits: groups of the usual size", () => {
    expect(sizes(plan(false, 64, null))).toEqual([[16], [16], [16], [16]]);
    expect(plan(false, 64, null).warnings).toEqual([]);
  });

  it("of one that does not: all samples, while they fit into memory", () => {
    expect(sizes(plan(true, 100, null))).toEqual([[100]]);
    expect(plan(true, 100, null).warnings).toEqual([]);
  });

  it("beyond that equal parts of one group, and a warning", () => {
    const found = plan(true, 300, null);
    expect(sizes(found)).toEqual([[75, 75, 75, 75]]);
    expect(found.batch).toBe(75);
    expect(found.warnings[0]?.message).toMatch(/300 samples of "d.npz" run in batches of 75.*--memory/);
  });

  it("of a part: of its own samples only", () => {
    const middle = { index: 1, of: 3 };
    const ends = (found: ReturnType<typeof plan>) => found.groups.map((g) => [g[0]?.start, g.at(-1)?.end]);
    expect(ends(plan(false, 96, null, null, middle))).toEqual([
      [32, 48],
      [48, 64],
    ]);
    expect(ends(plan(true, 90, null, null, middle))).toEqual([[30, 60]]);
    expect(ends(plan(false, 40, 10, null, middle))).toEqual([[10, 20]]);
  });

  it("as asked for, or as the model takes them, with a warning", () => {
    expect(sizes(plan(true, 40, null, 20))).toEqual([[20, 20]]);
    expect(plan(true, 40, null, 20).warnings).toHaveLength(1);
    expect(sizes(plan(true, 30, 10))).toEqual([[10, 10, 10]]);
    expect(plan(true, 30, 10).warnings[0]?.message).toMatch(/the model takes no others/);
    expect(plan(true, 10, 10).warnings).toEqual([]);
  });
});
