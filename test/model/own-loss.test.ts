import { describe, expect, it } from "vitest";
import { emitOwnLoss } from "../../src/model/own-loss.ts";
import { int64Tensor } from "../../src/onnx/tensor.ts";
import { GraphBuilder } from "../../src/ops/builder.ts";
import { lookup } from "../../src/ops/registry.ts";
import { runGraph } from "../support/ort.ts";

// Two samples of three positions, classes on axis 1: [2, 2, 3].
const scores = Float32Array.of(1, 0, 1, 0, 1, 0, 0, 0, 1, 1, 1, 0);
const best = [0, 1, 0, 1, 1, 0];

async function values(labels: readonly number[], ignoreIndex: number | null): Promise<number[]> {
  const b = new GraphBuilder(lookup);
  const x = b.input("x", { type: "float32", dims: [2, 2, 3] });
  const y = b.input("y", { type: "int64", dims: [2, 3] });
  const mean = b.input("mean", { type: "float32", dims: [] });
  const found = emitOwnLoss(b, mean, { value: x, labels: y, classAxis: 1, ignoreIndex }, 2).values;
  const outputs = [found.loss, found.correct, found.count].filter((v) => v !== null);
  const results = await runGraph(b.build("own", [x, y, mean], outputs), [
    { type: "float32", dims: [2, 2, 3], data: scores },
    int64Tensor([2, 3], labels),
    { type: "float32", dims: [], data: Float32Array.of(0.5) },
  ]);
  return results.map((t) => Number(t.data[0]));
}

describe("the values of a loss inside a model", () => {
  it("count every position, and those whose largest score is the label's", async () => {
    expect(await values(best, null)).toEqual([3, 6, 6]);
    expect(await values([0, 0, 0, 0, 0, 0], null)).toEqual([3, 3, 6]);
  });

  it("leave out positions with the ignored label", async () => {
    const [first, ...rest] = best;
    expect(await values([-100, ...rest], -100)).toEqual([2.5, 5, 5]);
    expect(await values([-100, -100, ...best.slice(2, 5), 1 - (first ?? 0)], -100)).toEqual([2, 3, 4]);
  });
});
