import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentProgress } from "../../../src/analysis/progress.ts";
import { FolderStore } from "../../../src/analysis/run/folder-store.ts";
import { JournaledObjective } from "../../../src/analysis/run/journaled-objective.ts";
import { RunFolder } from "../../../src/analysis/run/run-folder.ts";
import { evaluatePlane } from "../../../src/landscape/index.ts";
import type { Displacement, Evaluation, Objective } from "../../../src/objective/types.ts";
import { ToyObjective } from "../../support/toy-objective.ts";

let parent: string;
let folder: RunFolder | undefined;
beforeEach(async () => {
  folder = undefined;
  parent = await mkdtemp(join(tmpdir(), "units-"));
});
afterEach(() => rm(parent, { recursive: true }));

const toy = () => new ToyObjective({ curvatures: [3, 1, -1], slope: [0.1, 0, 0], classes: true });

async function journaled(inner: Objective, split: "train" | "test" = "train"): Promise<JournaledObjective> {
  const identity = { command: "test", inputs: {}, options: {}, versions: {} };
  // Each stands for a process of its own, one after the other.
  folder?.[Symbol.dispose]();
  folder = await RunFolder.open(join(parent, "out"), identity);
  return new JournaledObjective(inner, split, new FolderStore(folder), silentProgress);
}

const direction = (id: string, ...vector: number[]) => ({ id, vector: Float64Array.from(vector) });

describe("JournaledObjective", () => {
  it("gives from the journal, to the last bit, what another process computed", async () => {
    const at = [{ coefficient: 0.3, direction: direction("x", 1, 0, 0) }];
    const options = { method: "fd", kinks: "frozen" } as const;
    const v = Float64Array.from([1, 1 / 3, 0]);
    const ask = async (o: Objective) => [
      await o.evaluate(at),
      await o.gradient(at),
      await o.groupGradients(),
      await o.hvp(v, options),
      await o.hvp(v, { ...options, relativeStep: 1e-3 }),
    ];
    const first = await ask(await journaled(toy()));
    const inner = toy();
    expect(await ask(await journaled(inner))).toEqual(first);
    expect(inner.calls).toEqual({});
  });

  it("tells points, vectors, options and data sets apart", async () => {
    const inner = toy();
    const train = await journaled(inner);
    const x = direction("x", 1, 0, 0);
    await train.evaluate([{ coefficient: 0.1, direction: x }]);
    await train.evaluate([{ coefficient: 0.2, direction: x }]);
    await train.evaluate([{ coefficient: 0.1, direction: direction("y", 0, 1, 0) }]);
    const test = await journaled(inner, "test");
    await test.evaluate([{ coefficient: 0.1, direction: x }]);
    expect(inner.calls["evaluate"]).toBe(4);
    const v = Float64Array.from([1, 0, 0]);
    await train.hvp(v, { method: "fd", kinks: "frozen" });
    await train.hvp(v, { method: "fd", kinks: "moving" });
    await train.hvp(
      v.map((y) => -y),
      { method: "fd", kinks: "frozen" },
    );
    expect(inner.calls["hvp"]).toBe(3);
  });

  it("tells parts of a data set apart, and from all of it", async () => {
    const inner = toy();
    const whole = await journaled(inner);
    const store = new FolderStore(folder as RunFolder);
    const part = (index: number, of: number) =>
      new JournaledObjective(inner, "train", store, silentProgress, { index, of });
    const all = [whole, part(0, 2), part(1, 2), part(0, 3)];
    for (const objective of [...all, ...all]) await objective.evaluate();
    expect(inner.calls["evaluate"]).toBe(4);
  });

  it("knows θ₀ by any name: a zero displacement is none", async () => {
    const inner = toy();
    const objective = await journaled(inner);
    await objective.evaluate();
    await objective.evaluate([{ coefficient: 0, direction: direction("x", 1, 0, 0) }]);
    await objective.evaluate([{ coefficient: -0, direction: direction("y", 0, 1, 0) }]);
    expect(inner.calls["evaluate"]).toBe(1);
  });

  // loss-landscape marks what is not computed by −1, and computes anew whatever is ≤ 0.
  it("keeps losses of any sign, 0, −1 and NaN among them", async () => {
    class Broken extends ToyObjective {
      override async evaluate(at?: Displacement): Promise<Evaluation> {
        const found = await super.evaluate(at);
        return (at?.[0]?.coefficient ?? 0) > 1 ? { ...found, loss: Number.NaN } : found;
      }
    }
    const saddle = () => new Broken({ curvatures: [2, -2, 0], offset: 0 });
    const directions = [direction("x", 1, 0, 0), direction("y", 0, 1, 0)] as const;
    const plane = async (inner: Objective) =>
      evaluatePlane({ train: await journaled(inner), test: null }, directions, [0, 1, 2], [-1, 0, 1]);
    const first = await plane(saddle());
    expect(first.train.loss).toEqual([
      [-1, 0, Number.NaN],
      [0, 1, Number.NaN],
      [-1, 0, Number.NaN],
    ]);
    const again = saddle();
    expect(await plane(again)).toEqual(first);
    expect(again.calls).toEqual({});
  });

  it("keeps nothing of a piece that failed", async () => {
    const failing = new ToyObjective({
      curvatures: [1, 1, 1],
      before: () => {
        throw new Error("no");
      },
    });
    await expect((await journaled(failing)).evaluate()).rejects.toThrow("no");
    const inner = toy();
    await (await journaled(inner)).evaluate();
    expect(inner.calls["evaluate"]).toBe(1);
  });
});
