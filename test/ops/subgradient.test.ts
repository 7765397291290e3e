import { describe, expect, test } from "vitest";
import { decide, smooth } from "../../src/autodiff/freeze.ts";
import { gradient } from "../../src/autodiff/gradient.ts";
import type { Node, Value } from "../../src/onnx/graph.ts";
import { float32Tensor, int64Tensor, type Tensor } from "../../src/onnx/tensor.ts";
import { type AttributeInit, GraphBuilder } from "../../src/ops/builder.ts";
import { expandGraph } from "../../src/ops/expand.ts";
import { lookup } from "../../src/ops/registry.ts";
import { runGraph } from "../support/ort.ts";

type Row = readonly [
  op: string,
  inputs: readonly (readonly number[] | Tensor)[],
  attrs: Record<string, AttributeInit>,
  expected: readonly (readonly number[])[],
];

const number = (x: number) => float32Tensor([], [x]);

/** Gradients of the sum at kinks and ties; the numbers are PyTorch's. */
const rows: readonly Row[] = [
  ["Relu", [[0, 1, -1]], {}, [[0, 1, 0]]],
  ["Abs", [[0, 1, -1]], {}, [[0, 1, -1]]],
  ["LeakyRelu", [[0, 1, -1]], { alpha: 0.25 }, [[0.25, 1, 0.25]]],
  [
    "PRelu",
    [
      [0, 1, -1],
      [0.5, 0.5, 0.5],
    ],
    {},
    [
      [0.5, 1, 0.5],
      [0, 0, -1],
    ],
  ],
  [
    "Max",
    [
      [1, 2, 0],
      [1, 0, 3],
    ],
    {},
    [
      [0.5, 1, 0],
      [0.5, 0, 1],
    ],
  ],
  [
    "Min",
    [
      [1, 2, 0],
      [1, 0, 3],
    ],
    {},
    [
      [0.5, 0, 1],
      [0.5, 1, 0],
    ],
  ],
  ["ReduceMax", [[3, 3, 1, 3]], {}, [[1 / 3, 1 / 3, 0, 1 / 3].map(Math.fround)]],
  ["ReduceMin", [[2, 1, 1]], {}, [[0, 0.5, 0.5]]],
  ["Clip", [[-2, -1, 0, 1, 2], number(-1), number(1)], {}, [[0, 1, 1, 1, 0]]],
  ["ReduceL1", [[0, 2, -3]], {}, [[0, 1, -1]]],
  ["ReduceL2", [[0, 0]], {}, [[0, 0]]],
  ["ReduceL2", [[3, -4]], {}, [[0.6, -0.8].map(Math.fround)]],
  ["Sign", [[0, 2, -3]], {}, [[0, 0, 0]]],
  ["Floor", [[0, 2.5]], {}, [[0, 0]]],
  ["TopK", [[1, 3, 2], int64Tensor([1], [2])], {}, [[0, 1, 1]]],
  ["Pow", [[0, 2, -3], number(2)], {}, [[0, 4, -6]]],
  [
    "Pow",
    [
      [0, 2],
      [0, 1],
    ],
    {},
    [
      [0, 1],
      [0, Math.fround(2 * Math.log(2))],
    ],
  ],
  ["ReduceProd", [[2, 0, 3]], {}, [[0, 6, 0]]],
];

describe("attention that may see nothing", () => {
  test("a Softmax of −∞ alone, replaced by zeros, has a gradient of zeros", async () => {
    const b = new GraphBuilder(lookup);
    const x = b.input("x", { type: "float32", dims: [2, 3] });
    const mask = b.constant(float32Tensor([2, 3], [0, -Infinity, 0, -Infinity, -Infinity, -Infinity]));
    const y = b.call("Softmax", [b.add(x, mask)], { axis: -1 });
    const guarded = b.where(b.unary("IsNaN", y), 0, y);
    const weighted = b.mul(guarded, b.constant(float32Tensor([3], [1, 2, 4])));
    const graph = expandGraph(b.build("guarded", [x], [b.reduceSum(weighted, [0, 1], false)]), lookup);
    const builder = new GraphBuilder(lookup);
    const [loss] = graph.outputs as [Value];
    const grads = gradient(builder, loss, [x], lookup);
    const out = await runGraph(builder.build("gradient", [x], [loss, ...grads]), [
      float32Tensor([2, 3], [0, 1, 0, 1, 2, 3]),
    ]);
    // Two equal scores: probabilities ½ and ½, whose slopes are ±¼·(4 − 1).
    expect(out.map((t) => Array.from(t.data as Float32Array, (v) => v + 0))).toEqual([
      [2.5],
      [-0.75, 0, 0.75, 0, 0, 0],
    ]);
  });
});

/** What exporters compose, where it is 0 or cut off: the gradient is 0, where ∞·0 would be no number. x has two rows. */
const composed: readonly (readonly [
  name: string,
  y: (b: GraphBuilder, x: Value) => Value,
  x: readonly number[],
  dx: readonly number[],
])[] = [
  ["norm", (b, x) => b.unary("Sqrt", b.reduceSum(b.mul(x, x), [1])), [0, 0, 3, -4], [0, 0, 0.6, -0.8]],
  ["norm of Pow", (b, x) => b.unary("Sqrt", b.reduceSum(b.pow(x, 2), [1])), [0, 0, 3, -4], [0, 0, 0.6, -0.8]],
  [
    "p-norm",
    (b, x) => b.pow(b.reduceSum(b.pow(b.unary("Abs", x), 3), [1]), 1 / 3),
    [0, 0, 0, 2],
    [0, 0, 0, 1],
  ],
  [
    "standard deviation",
    (b, x) => {
      const centred = b.sub(x, b.call("ReduceMean", [x, b.ints([1])], { keepdims: 1 }));
      const mean = b.call("ReduceMean", [b.mul(centred, centred), b.ints([1])], { keepdims: 0 });
      return b.unary("Sqrt", b.div(b.mul(mean, 2), 1.5));
    },
    [3, 3, 1, 5],
    [0, 0, -Math.sqrt(1 / 3), Math.sqrt(1 / 3)],
  ],
  [
    "product of two norms",
    (b, x) => {
      const squares = b.reduceSum(b.mul(x, x), [1]);
      return b.unary("Sqrt", b.mul(squares, b.call("ReduceSumSquare", [x], { keepdims: 0 })));
    },
    [0, 0, 3, 0],
    // ‖row‖·‖x‖
    [0, 0, 6, 0],
  ],
  [
    "root of what is cut off, by Clip",
    (b, x) => b.unary("Sqrt", b.call("Clip", [x, b.scalar(0, "float32")])),
    [0, -1, 4, 16],
    [0, 0, 0.25, 0.125],
  ],
  [
    "root of what is cut off, by Max",
    (b, x) => b.unary("Sqrt", b.call("Max", [x, b.scalar(0, "float32")])),
    [0, -1, 4, 16],
    [0, 0, 0.25, 0.125],
  ],
  ["root of Relu", (b, x) => b.pow(b.unary("Relu", x), 0.5), [0, -1, 4, 16], [0, 0, 0.25, 0.125]],
  [
    "quotient that is replaced where its divisor is 0",
    (b, x) => b.where(b.equal(x, 0), 1, b.div(b.unary("Sin", x), x)),
    [0, 0, Math.PI, -Math.PI / 2],
    [0, 0, -1 / Math.PI, 4 / Math.PI ** 2],
  ],
  [
    "arc of what is cut off",
    (b, x) => b.unary("Acos", b.call("Clip", [x, b.scalar(-1, "float32"), b.scalar(1, "float32")])),
    [1.5, -1.5, 0, 0.6],
    [0, 0, -1, -1.25],
  ],
];

describe("where a composed function is 0 or cut off", () => {
  const rows = composed.flatMap((row) => [["as it is", ...row] as const, ["frozen", ...row] as const]);
  test.each(rows)("%s: %s", async (form, _name, make, x, dx) => {
    const tensor = float32Tensor([2, 2], [...x]);
    const b = new GraphBuilder(lookup);
    const operand = b.input("x", tensor);
    const graph = expandGraph(b.build("composed", [operand], [make(b, operand)]), lookup);
    const [from, result] = [graph.inputs[0] as Value, graph.outputs[0] as Value];
    const builder = new GraphBuilder(lookup);
    const input = builder.input("x", tensor);
    const at = new Map([[from, input]]);
    const decisions =
      form === "frozen" ? decide(graph, builder, at, [from], lookup) : new Map<Node, readonly Value[]>();
    const y = smooth(graph, builder, at, decisions, lookup).get(result) as Value;
    const axes = y.dims.map((_, i) => i);
    const [first] = gradient(builder, builder.reduceSum(y, axes, false), [input], lookup) as [Value];
    // The second derivative must be a number too.
    const [second] = gradient(builder, builder.reduceSum(first, [0, 1], false), [input], lookup) as [Value];
    const results = await runGraph(builder.build("gradient", [input], [first, second]), [tensor]);
    const [found, curvature] = results.map((t) => Array.from(t.data as Float32Array));
    for (const [i, value] of dx.entries()) expect(found?.[i]).toBeCloseTo(value, 5);
    expect(curvature?.every(Number.isFinite)).toBe(true);
  });
});

describe("subgradients at kinks and ties are PyTorch's", () => {
  test.each(rows)("%s (row %#)", async (op, inputs, attrs, expected) => {
    const b = new GraphBuilder(lookup);
    const feeds: Tensor[] = [];
    const values = inputs.map((spec, i) => {
      if ("data" in spec) return b.constant(spec);
      const tensor = float32Tensor([spec.length], spec);
      feeds.push(tensor);
      return b.input(`x${i}`, tensor);
    });
    const fed = values.filter((v) => v.kind === "input");
    const outputs = b.calls(op, values, attrs, { outputs: op === "TopK" ? 2 : 1 });
    const graph = expandGraph(b.build(op, fed, outputs.slice(0, 1)), lookup);
    const y = graph.outputs[0] as Value;
    const builder = new GraphBuilder(lookup);
    const loss = builder.reduceSum(
      y,
      y.dims.map((_, i) => i),
      false,
    );
    const grads = gradient(builder, loss, fed, lookup);
    const results = await runGraph(builder.build("gradient", fed, grads), feeds);
    // 0 and −0 are one value.
    expect(results.map((t) => Array.from(t.data as Float32Array, (v) => v + 0))).toEqual(expected);
  });
});
