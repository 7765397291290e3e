import { describe, expect, test } from "vitest";
import { gradient } from "../../src/autodiff/gradient.ts";
import { Call, type Graph, Node, type Value } from "../../src/onnx/graph.ts";
import type { Tensor } from "../../src/onnx/tensor.ts";
import { type AttributeInit, attributeMap, GraphBuilder } from "../../src/ops/builder.ts";
import { expandGraph, rewriteCalls } from "../../src/ops/expand.ts";
import { foldBatchNorm } from "../../src/ops/fold-batch-norm.ts";
import { lookup } from "../../src/ops/registry.ts";
import { rewrite } from "../../src/ops/rewrite.ts";
import { runGraph } from "../support/ort.ts";
import { draw, randomFrom } from "../support/sample.ts";
import { epsilon } from "../support/tolerance.ts";

type Layer = (b: GraphBuilder, x: Value, input: (dims: readonly number[]) => Value) => Value;

const call =
  (op: string, weights: readonly (readonly number[])[], attrs: Record<string, AttributeInit> = {}): Layer =>
  (b, x, input) =>
    b.call(op, [x, ...weights.map(input)], attrs);

/** A layer and its BatchNormalization, all tensors fed. */
function graphOf(dims: readonly number[], channels: number, layer: Layer, also = false): Graph {
  const b = new GraphBuilder(lookup);
  const inputs: Value[] = [];
  const input = (of: readonly number[]) => {
    const v = b.input(`i${inputs.length}`, { type: "float32", dims: of });
    inputs.push(v);
    return v;
  };
  const y = layer(b, input(dims), input);
  const statistics = [0, 1, 2, 3].map(() => input([channels]));
  const normalized = b.call("BatchNormalization", [y, ...statistics], { epsilon: 0.01 });
  return b.build("layer", inputs, also ? [normalized, y] : [normalized]);
}

/** The value, and the gradient of its sum of squares with respect to every input. */
function withGradient(graph: Graph): Graph {
  const b = new GraphBuilder(lookup);
  const expanded = expandGraph(graph, lookup);
  const became = rewrite(expanded, b, new Map(graph.inputs.map((v) => [v, v])));
  const y = became.get(expanded.outputs[0] as Value) as Value;
  const loss = b.reduceSum(
    b.mul(y, y),
    y.dims.map((_, i) => i),
    false,
  );
  const grads = gradient(b, loss, graph.inputs, lookup);
  return rewriteCalls(b.build("gradient", graph.inputs, [y, ...grads]), lookup, "lower");
}

function feedsOf(graph: Graph): Tensor[] {
  const random = randomFrom("fold");
  // All positive: the variance must be, and nothing else minds.
  return graph.inputs.map((v) => ({
    type: "float32",
    dims: v.dims,
    data: Float32Array.from(draw(v.dims, "positive", random)),
  }));
}

const layers: readonly [string, readonly number[], number, Layer][] = [
  ["Conv", [2, 3, 5, 5], 4, call("Conv", [[4, 3, 3, 3]], { pads: [1, 1, 1, 1] })],
  ["Conv with bias and groups", [2, 4, 6], 4, call("Conv", [[4, 2, 3], [4]], { group: 2 })],
  ["ConvTranspose", [2, 3, 3, 3], 4, call("ConvTranspose", [[3, 4, 2, 2]], { strides: [2, 2] })],
  ["ConvTranspose with groups", [2, 4, 3, 3], 6, call("ConvTranspose", [[4, 3, 2, 2], [6]], { group: 2 })],
  ["Gemm", [5, 3], 4, call("Gemm", [[3, 4], [4]], { alpha: 0.5, beta: 1.5 })],
  ["Gemm transposed, no bias", [5, 3], 4, call("Gemm", [[4, 3]], { transB: 1 })],
  ["Gemm with a scalar", [5, 3], 4, call("Gemm", [[3, 4], []])],
  ["MatMul", [5, 3], 4, call("MatMul", [[3, 4]])],
  ["MatMul and Add", [5, 3], 4, (b, x, input) => b.add(b.matmul(x, input([3, 4])), input([4]))],
  ["Add and MatMul", [5, 3], 4, (b, x, input) => b.add(input([1, 4]), b.matmul(x, input([3, 4])))],
];

describe("BatchNormalization becomes part of the linear layer before it", () => {
  test.each(layers)("%s", async (_name, dims, channels, layer) => {
    const graph = graphOf(dims, channels, layer);
    const folded = foldBatchNorm(graph, lookup);
    expect(folded.nodes.some((n) => n.op === "BatchNormalization")).toBe(false);

    const feeds = feedsOf(graph);
    const expected = await runGraph(withGradient(graph), feeds);
    const got = await runGraph(withGradient(folded), feeds);
    for (const [k, want] of expected.entries()) {
      const [a, b] = [got[k] as Tensor, want].map((t) => t.data as Float32Array) as [
        Float32Array,
        Float32Array,
      ];
      const size = Math.max(...b.map(Math.abs));
      // Sums of some hundred terms in another order.
      for (const [i, v] of a.entries())
        expect(Math.abs(v - (b[i] as number))).toBeLessThanOrEqual(64 * epsilon("float32") * size);
    }
  });

  test("no tensor of an activation's size is left but the layer itself", () => {
    const folded = foldBatchNorm(
      graphOf([2, 3, 8, 8], 4, call("Conv", [[4, 3, 3, 3]], { pads: [1, 1, 1, 1] })),
      lookup,
    );
    const large = folded.nodes.filter((n) => (n.outputs[0] as Value).dims[0] === 2);
    expect(large.map((n) => n.op)).toEqual(["Conv"]);
  });
});

describe("BatchNormalization stays where folding would be wrong or no gain", () => {
  test("another node uses the layer", () => {
    const graph = graphOf([5, 3], 4, call("MatMul", [[3, 4]]), true);
    expect(foldBatchNorm(graph, lookup)).toBe(graph);
  });

  test("an addend for each row", () => {
    const rows: Layer = (b, x, input) => b.call("Gemm", [x, input([3, 4]), input([5, 4])]);
    const graph = graphOf([5, 3], 4, rows);
    expect(foldBatchNorm(graph, lookup)).toBe(graph);
  });

  test("channels that are not the product's columns", () => {
    const graph = graphOf([5, 4, 3], 4, call("MatMul", [[3, 2]]));
    expect(foldBatchNorm(graph, lookup)).toBe(graph);
  });

  test("training mode", () => {
    const b = new GraphBuilder(lookup);
    const inputs = [[2, 3, 4], [4, 3, 1], [4], [4], [4], [4]].map((dims, i) =>
      b.input(`i${i}`, { type: "float32", dims }),
    );
    const [x, w, ...statistics] = inputs as [Value, Value, ...Value[]];
    const bn = new Call(
      "BatchNormalization",
      [b.call("Conv", [x, w]), ...statistics],
      attributeMap({ training_mode: 1 }),
    );
    const node = new Node(bn, [{ name: "y", type: "float32", shape: [2, 4, 4] }]);
    const graph = b.build("training", inputs, node.outputs);
    expect(foldBatchNorm(graph, lookup)).toBe(graph);
  });
});
