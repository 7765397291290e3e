import { expect, it } from "vitest";
import type { RefinedPlane } from "../../src/analysis/analysis-report.ts";
import { runJson } from "../support/cli.ts";
import { describeWithFixtures } from "../support/fixtures.ts";
import { paperArgs, paperFile, reference, referenceVector } from "./paper.ts";

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

interface Surface {
  readonly x: number[];
  readonly y: number[];
  readonly train: Split;
  readonly minimum: { readonly x: number; readonly y: number; readonly loss: number };
  readonly range: string | null;
  readonly refined: RefinedPlane | null;
}

/** θ₀ is one of the points, to the bit; the lowest cell and θ₀ both have cells on all sides. */
function assertInside({ x, y, minimum }: Surface): void {
  for (const [axis, lowest] of [
    [x, minimum.x],
    [y, minimum.y],
  ] as const) {
    for (const at of [axis.indexOf(0), axis.indexOf(lowest)]) {
      expect(at).toBeGreaterThanOrEqual(2);
      expect(at).toBeLessThanOrEqual(axis.length - 3);
    }
  }
}

describeWithFixtures("ranges that are chosen", () => {
  it("show the minimum of fcnn2's Hessian plane and the rise around it", { timeout: 300_000 }, async () => {
    const vectors = [
      "--x",
      `${paperFile("ref.npz")}:fcnn2/top1`,
      "--y",
      `${paperFile("ref.npz")}:fcnn2/bottom1`,
    ];
    const found = (await runJson([
      "surface",
      ...paperArgs("fcnn2"),
      ...vectors,
      "--range",
      "auto",
    ])) as unknown as Surface;
    const { x, y, train, minimum, range } = found;
    assertInside(found);
    const known = reference("fcnn2", "improve", "plane") as { a: number; b: number; loss: number };
    const stepOf = (axis: number[]) => (axis[1] as number) - (axis[0] as number);
    // On the grid: within a cell of the float64 minimum, and above it by less than the parabola rises over half a cell.
    expect(Math.abs(minimum.x - known.a)).toBeLessThan(stepOf(x));
    expect(Math.abs(minimum.y - known.b)).toBeLessThan(stepOf(y));
    expect(minimum.loss / known.loss).toBeGreaterThan(1 - 3e-4);
    expect(minimum.loss - known.loss).toBeLessThan(0.5 * 20.08 * (stepOf(x) / 2) ** 2 + 0.01 * known.loss);
    // Around it once more: three times nearer, no higher, and known as well as it says.
    const { train: around, error } = found.refined!;
    expect(error.x).toBeCloseTo(stepOf(x) / 3, 12);
    expect(error.y).toBeCloseTo(stepOf(y) / 3, 12);
    expect(Math.abs(around.minimum.x - known.a)).toBeLessThan(error.x);
    expect(Math.abs(around.minimum.y - known.b)).toBeLessThan(error.y);
    expect(around.minimum.loss).toBeLessThanOrEqual(minimum.loss);
    // What the parabolas would gain leads to the float64 minimum, as near as float32 resolves this loss.
    expect(Math.abs((around.minimum.loss - error.loss!) / known.loss - 1)).toBeLessThan(3e-4);
    // The rise: on every side of the lowest cell the loss comes to twice that of θ₀, at the border at the latest.
    const loss0 = reference("fcnn2", "loss") as number;
    const [i, j] = [y.indexOf(minimum.y), x.indexOf(minimum.x)];
    const row = train.loss[i] as number[];
    const column = train.loss.map((r) => r[j] as number);
    for (const line of [row, column]) {
      // The axis moves by up to half a step so that θ₀ is a point of it.
      expect(Math.min(line[0] as number, line.at(-1) as number)).toBeGreaterThan(1.6 * loss0);
      expect(Math.max(...line)).toBeLessThan(6 * loss0);
    }
    // λ₊/|λ₋| = 1770, of which the root is 42; where the loss leaves the parabola, less.
    const ratio = (y.at(-1)! - y[0]!) / (x.at(-1)! - x[0]!);
    expect(ratio).toBeGreaterThan(15);
    expect(ratio).toBeLessThan(60);
    expect(range).toMatch(
      /^x from .* to .*, y from .*: from the lowest point found, at \(3\.\d*e−4, .*above L\(0\)$/,
    );
  });

  it("profile: fcnn2's minimum along v₋", { timeout: 300_000 }, async () => {
    const line = ["--direction", `${paperFile("ref.npz")}:fcnn2/bottom1`];
    const out = await runJson(["profile", ...paperArgs("fcnn2"), ...line]);
    const { t, minimum, range } = out as { t: number[]; minimum: { t: number; loss: number }; range: string };
    const known = reference("fcnn2", "improve", "line") as { b: number; loss: number };
    expect(t).toContain(0);
    expect(Math.abs(minimum.t - known.b)).toBeLessThan((t[1] as number) - (t[0] as number));
    expect(minimum.loss / known.loss - 1).toBeLessThan(3e-3);
    expect(t.at(-1)! - t[0]!).toBeLessThan(0.1);
    expect(range).toContain("from the lowest point found");
  });

  it.each(["hessian", "random"])("tiny: %s plane", { timeout: 300_000 }, async (directions) => {
    const data = ["--data", paperFile("tiny-train.npz")];
    const found = (await runJson([
      "surface",
      paperFile("tiny.onnx"),
      ...data,
      "--directions",
      directions,
    ])) as unknown as Surface;
    assertInside(found);
    const { loss } = found.train;
    const loss0 = reference("tiny", "loss") as number;
    const border = [...loss[0]!, ...loss.at(-1)!, ...loss.map((r) => r[0]!), ...loss.map((r) => r.at(-1)!)];
    // The rise is at least 15 times a depth of 1 %.
    expect(Math.max(...border)).toBeGreaterThan(1.15 * loss0);
    expect(found.minimum.loss).toBeLessThanOrEqual(loss[found.y.indexOf(0)]![found.x.indexOf(0)]!);
    expect(found.range).toContain("above L(0)");
  });
});
