import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeNpz } from "../../src/data/index.ts";
import { distance, norm } from "../../src/numerics/vector.ts";
import { type Objective, openProblem, type Problem } from "../../src/objective/index.ts";
import { bytesOf, floats, info, node, smallModel } from "../onnx/protos.ts";
import { bundled } from "../support/fixtures.ts";
import { type TanhNet, writeTanhNet } from "../support/tanh-net.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "subsets-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** 20 samples for a model whose outputs mix the 4 samples of a batch: no other size will do. */
function mixingModel(): Pick<TanhNet, "model" | "data"> {
  const [model, data] = [join(folder, "mixing.onnx"), join(folder, "mixing.npz")];
  const mixing = Array.from({ length: 16 }, (_, i) => Math.sin(i));
  const graph = {
    input: [info("x", [4, 2])],
    initializer: [floats("m", [4, 4], mixing), floats("w", [2, 3], [1, 2, 3, 4, 5, 6])],
    node: [node("MatMul", ["m", "x"], ["h"]), node("MatMul", ["h", "w"], ["y"])],
    output: [info("y", [4, 3])],
  };
  writeFileSync(model, bytesOf(smallModel(graph)));
  const array = (columns: number) => ({
    shape: [20, columns],
    data: new Float32Array(20 * columns).fill(0.5),
  });
  writeNpz(data, { x: array(2), y: array(3) });
  return { model, data };
}

function open({ model, data }: Pick<TanhNet, "model" | "data">): Promise<Problem> {
  return openProblem({
    model,
    params: [],
    freeze: [],
    train: { path: data, split: "train", samples: null, target: "y", normalization: undefined },
    test: null,
    loss: { loss: "auto", logits: "auto", ignoreIndex: null, classAxis: null },
    device: "cpu",
    threads: 1,
    workers: 1,
    memory: 2 ** 26,
    batch: 5,
  });
}

// Float32 evaluation of a few hundred terms, relative to the vector's length.
const FLOAT32 = 1e-5;
const borders = [0, 7, 15, 23];

describe("losses on subsets of the data", () => {
  it("have the loss, gradient and Hessian of their own samples, unequal as they are", async () => {
    const net = writeTanhNet(folder, 23);
    const problem = await open(net);
    try {
      const parts = problem.subsets(3);
      expect(parts.map((p) => p.samples)).toEqual([7, 8, 8]);
      for (const [k, part] of parts.entries()) {
        const { loss, gradient, hessian } = net.exact(borders[k] as number, borders[k + 1] as number);
        const found = await part.gradient();
        expect(Math.abs(found.loss - loss)).toBeLessThan(FLOAT32 * loss);
        expect(found.samples).toBe(part.samples);
        expect(distance(found.gradient, gradient)).toBeLessThan(FLOAT32 * norm(gradient));
        for (const [i, column] of hessian.entries()) {
          const e = new Float64Array(part.n);
          e[i] = 1;
          const { hv } = await part.hvp(e, { method: "exact", kinks: "frozen" });
          expect(distance(hv, column)).toBeLessThan(FLOAT32 * Math.max(1, norm(column)));
        }
      }
    } finally {
      await problem.close();
    }
  });

  it("weighted by their samples have the mean of all data, to float64", async () => {
    const problem = await open(writeTanhNet(folder, 23));
    try {
      const v = Float64Array.from({ length: problem.train.n }, (_, i) => Math.cos(i));
      const whole = (await problem.train.hvp(v, { method: "exact", kinks: "frozen" })).hv;
      const mean = new Float64Array(v.length);
      for (const part of problem.subsets(4)) {
        const { hv } = await part.hvp(v, { method: "exact", kinks: "frozen" });
        for (let i = 0; i < mean.length; i++) mean[i]! += (part.samples / 23) * hv[i]!;
      }
      // The batches differ in size, and with them the last bits of float32.
      expect(distance(mean, whole)).toBeLessThan(1e-6 * norm(whole));
    } finally {
      await problem.close();
    }
  });

  it("freeze the branches of their own samples, in whatever order they are asked", async () => {
    const problem = await open({ model: bundled("fcnn2.onnx"), data: bundled("fcnn-train.npz") });
    try {
      const v = Float64Array.from({ length: problem.train.n }, (_, i) => Math.cos(i * i));
      for (const method of ["exact", "fd"] as const) {
        const options = { method, kinks: "frozen", relativeStep: 1e-4 } as const;
        const product = async (o: Objective) => (await o.hvp(v, options)).hv;
        const whole = await product(problem.train);
        const mean = new Float64Array(v.length);
        for (const part of problem.subsets(3).toReversed()) {
          const hv = await product(part);
          for (let i = 0; i < mean.length; i++) mean[i]! += (part.samples / 50) * hv[i]!;
          // All data in between: the branches kept for the part are not theirs.
          expect(distance(await product(problem.train), whole)).toBe(0);
        }
        // Differences of float32 gradients at this step are good to about 1e-3 of ‖Hv‖ for such a vector.
        expect(distance(mean, whole)).toBeLessThan((method === "fd" ? 1e-2 : 1e-5) * norm(whole));
      }
    } finally {
      await problem.close();
    }
  });

  it("hold whole batches where the model takes one size only", async () => {
    const problem = await open(mixingModel());
    try {
      expect(problem.mostSubsets).toBe(5);
      expect(problem.subsets(2).map((p) => p.samples)).toEqual([8, 12]);
      expect(() => problem.subsets(6)).toThrow(/--subsets: 6; expected from 2 to 5 .* in batches of 4/);
    } finally {
      await problem.close();
    }
  });

  it.each([1, 24, 2.5, -2])("there are not %d of 23 samples", async (count) => {
    const problem = await open(writeTanhNet(folder, 23));
    try {
      expect(() => problem.subsets(count)).toThrow(
        /^invalid --subsets: .*; expected from 2 to 23 of the 23 samples in ".*tanh-23.npz"$/,
      );
    } finally {
      await problem.close();
    }
  });
});
