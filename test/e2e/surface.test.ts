import { expect, it } from "vitest";
import { runJson } from "../support/cli.ts";
import { describeWithFixtures } from "../support/fixtures.ts";
import { paperArgs, paperFile, referenceVector } from "./paper.ts";

// fcnn: what float32 can resolve of a loss of 1e-6 (fixtures' README, profile noise).
const cases = [
  { name: "fcnn2", goal: 3e-4 },
  { name: "fcnn10", goal: 3e-4 },
  { name: "resnet20", goal: 2e-5 },
];

interface Split {
  readonly loss: number[][];
}

describeWithFixtures("surfaces of real checkpoints against float64", () => {
  it.each(cases)("$name", { timeout: 500_000 }, async ({ name, goal }) => {
    const [a, b] = [await referenceVector(`${name}/surface_a`), await referenceVector(`${name}/surface_b`)];
    const range = (x: Float64Array) => `${x[0]}:${x[x.length - 1]}:${x.length}`;
    const vectors = [
      "--x",
      `${paperFile("ref.npz")}:${name}/top1`,
      "--y",
      `${paperFile("ref.npz")}:${name}/bottom1`,
    ];
    const ranges = ["--range-x", range(a), "--range-y", range(b)];
    const out = await runJson(["surface", ...paperArgs(name), ...vectors, ...ranges]);
    for (const split of ["train", "test"] as const) {
      const { loss } = out[split] as Split;
      const expected = await referenceVector(`${name}/surface_${split}`);
      // The reference is indexed [top1, bottom1], ours [y = bottom1][x = top1].
      let worst = 0;
      for (let i = 0; i < a.length; i++) {
        for (let j = 0; j < b.length; j++) {
          const want = expected[i * b.length + j] as number;
          worst = Math.max(worst, Math.abs((loss[j]?.[i] as number) / want - 1));
        }
      }
      expect(worst).toBeLessThan(goal);
      if (split === "train") {
        const lowest = expected.indexOf(Math.min(...expected));
        const minimum = out["minimum"] as { x: number; y: number };
        expect(minimum.x).toBeCloseTo(a[Math.floor(lowest / b.length)] as number, 9);
        expect(minimum.y).toBeCloseTo(b[lowest % b.length] as number, 9);
      }
    }
  });
});
