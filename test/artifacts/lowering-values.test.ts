import { describe, expect, it } from "vitest";
import type { Value } from "../../src/onnx/graph.ts";
import { int64Tensor, type Tensor } from "../../src/onnx/tensor.ts";
import { type AttributeInit, float, GraphBuilder, ONNX_TYPE_CODES } from "../../src/ops/builder.ts";
import { expandGraph } from "../../src/ops/expand.ts";
import { lookup } from "../../src/ops/registry.ts";
import { runGraph } from "../support/ort.ts";
import { lowered } from "./lowering-check.ts";

/** Operators of the forward pass, and of shapes: numbers that follow from their definitions by hand. */

function floats(dims: readonly number[], ...values: number[]): Tensor {
  return { type: "float32", dims, data: Float32Array.from(values) };
}

function ints(...values: number[]): Tensor {
  return int64Tensor([values.length], values);
}

/** The outputs' numbers; floats are fed, the rest are constants. */
async function valuesOf(
  op: string,
  inputs: readonly (Tensor | null)[],
  attrs: Readonly<Record<string, AttributeInit>> = {},
  outputs = 1,
): Promise<number[][]> {
  const b = new GraphBuilder(lookup);
  const fed: Value[] = [];
  const feeds: Tensor[] = [];
  const values = inputs.map((t, i) => {
    if (t === null || t.type !== "float32") return t && b.constant(t);
    const x = b.input(`x${i}`, t);
    fed.push(x);
    feeds.push(t);
    return x;
  });
  const results = lowered(b, op, values, attrs, outputs).slice(0, outputs);
  const graph = expandGraph(b.build("values", fed, results), lookup);
  const found = await runGraph(graph, feeds);
  return found.map((t) => Array.from(t.data as Float32Array, (v) => Number(Number(v).toPrecision(6))));
}

const ms = (op: string) => `com.microsoft::${op}`;
const TRUE: Tensor = { type: "bool", dims: [], data: Uint8Array.of(1) };
const x = floats([2, 2], 1, 2, 3, 4);

describe("lowered operators", () => {
  it("scale up and down, by integers too", async () => {
    expect(await valuesOf(ms("Scale"), [x, floats([], 2)])).toEqual([[2, 4, 6, 8]]);
    expect(await valuesOf(ms("Scale"), [x, ints(2)], { scale_down: 1 })).toEqual([[0.5, 1, 1.5, 2]]);
    const scales = { scale_0: float(2), scale_1: float(-1), scale_2: float(0.5) };
    expect(await valuesOf(ms("ScaledSum"), [x, floats([2], 1, 0)], scales)).toEqual([[1, 4, 5, 8]]);
    expect(await valuesOf(ms("ScaledSum"), [x, x, x], scales)).toEqual([[1.5, 3, 4.5, 6]]);
    expect(await valuesOf(ms("BatchScale"), [x], scales, 3)).toEqual([
      [2, 4, 6, 8],
      [-1, -2, -3, -4],
      [0.5, 1, 1.5, 2],
    ]);
  });

  it("join with the parts' lengths, and part by them", async () => {
    expect(await valuesOf(ms("ConcatTraining"), [x, floats([2, 1], 5, 6)], { axis: -1 }, 2)).toEqual([
      [1, 2, 5, 3, 4, 6],
      [2, 1],
    ]);
    expect(await valuesOf(ms("SplitTraining"), [floats([3], 1, 2, 3), ints(2, 1)], { axis: 0 }, 2)).toEqual([
      [1, 2],
      [3],
    ]);
  });

  it.each([
    [[2, 3], [2, 3], [], []],
    [[2, 3], [3], [], [0]],
    [[1, 3], [2, 1], [0], [1]],
    [[], [2, 3], [0, 1], []],
    [[1], [1], [], []],
    [[4, 1, 1], [3, 1], [1], [0]],
  ])("tell over which axes shapes [%s] and [%s] broadcast", async (a, c, first, second) => {
    expect(await valuesOf(ms("BroadcastGradientArgs"), [ints(...a), ints(...c)], {}, 2)).toEqual([
      first,
      second,
    ]);
  });

  it("reduce as ReduceSum 13, and keep triangles", async () => {
    expect(await valuesOf(ms("ReduceSumTraining"), [x, ints(0)], { keepdims: 0 })).toEqual([[4, 6]]);
    expect(await valuesOf(ms("ReduceSumTraining"), [x, ints()], { noop_with_empty_axes: 1 })).toEqual([
      [1, 2, 3, 4],
    ]);
    expect(await valuesOf(ms("Trilu"), [x], { upper: 0 })).toEqual([[1, 0, 3, 4]]);
  });

  it("drop nothing, whatever the ratio", async () => {
    for (const op of ["Dropout", ms("BitmaskDropout")])
      expect(await valuesOf(op, [x, floats([], 0.5), TRUE], {}, 2)).toEqual([
        [1, 2, 3, 4],
        [1, 1, 1, 1],
      ]);
    for (const op of [ms("BiasDropout"), ms("BitmaskBiasDropout")]) {
      expect(await valuesOf(op, [x, floats([2], 1, -1), null, floats([], 0.5), TRUE])).toEqual([
        [2, 1, 4, 3],
      ]);
      expect(await valuesOf(op, [x, floats([2], 1, -1), x, floats([], 0.5), TRUE])).toEqual([[3, 3, 7, 7]]);
    }
    const [y, mask, softmax] = await valuesOf(
      ms("BiasSoftmaxDropout"),
      [floats([1, 2], 0, Math.log(3)), floats([2], Math.log(2), 0), floats([], 0.5)],
      { axis: 1 },
      3,
    );
    expect(y).toEqual([0.4, 0.6]);
    expect(mask).toEqual([1, 1]);
    expect(softmax).toEqual(y);
  });

  it("normalise by the statistics of the batch", async () => {
    // Mean 2 and variance 1 over the batch.
    const inputs = [floats([2, 1], 1, 3), floats([1], 5), floats([1], 7), floats([1], 10), floats([1], 4)];
    const attrs = { training_mode: 1, epsilon: float(0), momentum: float(0.75) };
    expect(await valuesOf(ms("BatchNormInternal"), inputs, attrs, 5)).toEqual([
      [2, 12],
      [8],
      [3.25],
      [2],
      [1],
    ]);
    expect(await valuesOf("BatchNormalization", inputs, attrs, 3)).toEqual([[2, 12], [8], [3.25]]);
    await expect(valuesOf("BatchNormalization", inputs, { epsilon: float(0) })).rejects.toThrow(
      "left as it is",
    );
  });

  it("give the older losses", async () => {
    // Probabilities ¼, ¾ in both rows.
    const logits = floats([2, 2], 0, Math.log(3), Math.log(3), 0);
    const [low, high] = [Math.log(4), Math.log(4 / 3)];
    const rounded = (v: number) => Number(v.toPrecision(6));
    const labels = ints(0, 0);
    const loss = async (op: string, inputs: Tensor[], reduction: string) =>
      (await valuesOf(op, [logits, ...inputs], { reduction }, 2))[0];
    expect(await loss("SparseSoftmaxCrossEntropy", [labels], "mean")).toEqual([rounded((low + high) / 2)]);
    expect(await loss("SparseSoftmaxCrossEntropy", [labels], "sum")).toEqual([rounded(low + high)]);
    const weights = floats([2], 3, 1);
    expect(await loss("SparseSoftmaxCrossEntropy", [labels, weights], "mean")).toEqual([
      rounded((3 * low + high) / 4),
    ]);
    const dense = floats([2, 2], 0.5, 0.5, 1, 0);
    expect(await loss("SoftmaxCrossEntropy", [dense], "sum")).toEqual([rounded(0.5 * (low + high) + high)]);
    expect(await loss(ms("SoftmaxCrossEntropy"), [dense], "mean")).toEqual([
      rounded(0.25 * (low + high) + high / 2),
    ]);
  });

  it("add a bias to the gradient of the loss, and cast what is asked for", async () => {
    const inputs = [floats([], 2), floats([1, 2], Math.log(0.25), Math.log(0.75)), ints(1)];
    const bias = floats([1, 2], 10, 20);
    const grad = ms("SoftmaxCrossEntropyLossGrad");
    expect(await valuesOf(grad, inputs)).toEqual([[0.5, -0.5]]);
    expect(await valuesOf(grad, [...inputs, null, bias])).toEqual([[10.5, 19.5]]);
    const internal = ms("SoftmaxCrossEntropyLossInternalGrad");
    expect(await valuesOf(internal, [...inputs, null, null, bias])).toEqual([[10.5, 19.5]]);

    const b = new GraphBuilder(lookup);
    const values = inputs.map((t, i) => (t.type === "int64" ? b.constant(t) : b.input(`x${i}`, t)));
    const to = { output_type: ONNX_TYPE_CODES.float64 };
    expect(lowered(b, internal, values, to)[0]?.type).toBe("float64");
  });
});
