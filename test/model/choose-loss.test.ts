import { describe, expect, test } from "vitest";
import { resolveLoss } from "../../src/model/choose-loss.ts";
import { type Attribute, Call, Node, type Value } from "../../src/onnx/graph.ts";
import type { TensorType } from "../../src/onnx/tensor.ts";
import { GraphBuilder } from "../../src/ops/builder.ts";
import { lookup } from "../../src/ops/registry.ts";

const b = new GraphBuilder(lookup);
const x = b.input("x", { type: "float32", dims: [4, 3] });
const p = b.unary("Sigmoid", b.input("z", { type: "float32", dims: [4, 1] }));
const positive = b.unary("Exp", x);
const sum = (v: Value) => b.reduceSum(v, [1], true);

const square: TensorType = { type: "float32", dims: [3, 3] };
const named = (name: string, { producer }: Value): Value => {
  const node = producer as Node;
  return new Node(
    node,
    node.outputs.map((v) => ({ name, type: v.type, shape: v.shape })),
  ).outputs.at(-1) as Value;
};
const classified = (post_transform: string): Value => {
  const call = {
    classlabels_ints: [0, 1, 2],
    coefficients: { kind: "floats", value: new Array(9).fill(0.5) },
    post_transform,
  } as const;
  return b.calls("LinearClassifier", [x], call, { domain: "ai.onnx.ml", outputs: 2 })[1] as Value;
};

const weight = b.input("w", square);
/** Scores of an operator that is not known here. */
const supported = (attributes: Readonly<Record<string, Attribute>>): Value => {
  const call = new Call("SVMClassifier", [x], new Map(Object.entries(attributes)), "ai.onnx.ml", 2);
  const hints = ["label", "scores"].map((name) => ({ name, type: "float32" as const, shape: [4, 3] }));
  return new Node(call, hints).outputs[1] as Value;
};

const scales: readonly (readonly [string, Value, string])[] = [
  ["numbers", x, "logits"],
  ["a Softmax", b.call("Softmax", [x], { axis: 1 }), "probabilities"],
  ["a LogSoftmax", b.call("LogSoftmax", [x], { axis: 1 }), "log-probabilities"],
  ["a Softmax written out", b.div(positive, sum(positive)), "probabilities"],
  [
    "a Softmax written out with its sum repeated, as by JAX",
    b.div(positive, b.expand(b.reshape(b.reduceSum(positive, [1], false), [4, 1]), [4, 3])),
    "probabilities",
  ],
  ["what is divided by the sum of its magnitudes", b.div(x, sum(b.unary("Abs", x))), "probabilities"],
  [
    "what is divided by the sum of its magnitudes, or by 1",
    b.div(positive, b.where(b.equal(sum(b.unary("Abs", positive)), 0), 1, sum(b.unary("Abs", positive)))),
    "probabilities",
  ],
  ["what is divided by another sum", b.div(x, sum(positive)), "logits"],
  ["p and 1 − p", b.concat([b.sub(1, p), p], 1), "probabilities"],
  ["what is less a probability", b.sub(x, p), "logits"],
  ["features beside p", b.concat([x, p], 1), "logits"],
  [
    "a Softmax with the classes moved",
    b.transpose(b.call("Softmax", [b.transpose(x, [1, 0])], { axis: 0 }), [1, 0]),
    "probabilities",
  ],
  ["a Sigmoid without its axis of 1", b.reshape(p, [4]), "probabilities"],
  ["what skl2onnx names so", b.input("probabilities", { type: "float32", dims: [4, 3] }), "probabilities"],
  ["a product with that name", named("probabilities", b.matmul(x, weight)), "logits"],
  ["a LogSoftmax with that name", named("probability", b.call("LogSoftmax", [x])), "log-probabilities"],
  [
    "an expanded mean of probabilities with that name",
    named("probabilities", b.add(b.mul(b.unary("Exp", x), 0.5), b.mul(b.unary("Exp", x), 0.5))),
    "probabilities",
  ],
  [
    "scores and their negatives with that name",
    named("probabilities", b.concat([b.neg(b.matmul(x, weight)), b.matmul(x, weight)], 1)),
    "logits",
  ],
  [
    "votes of support vectors with that name",
    named("probabilities", b.add(supported({}), b.cast(b.greater(x, 0), "float32"))),
    "logits",
  ],
  [
    "probabilities that support vectors were fitted with",
    named("probabilities", supported({ prob_a: { kind: "floats", value: [1, 1, 1] } })),
    "probabilities",
  ],
  ["raw scores with that name", named("probabilities", classified("NONE")), "logits"],
  ["what a classifier made of them", named("probabilities", classified("SOFTMAX")), "probabilities"],
];

describe("what an output holds", () => {
  test.each(scales)("%s", (_name, output, scale) => {
    const options = { loss: "auto", logits: "auto", ignoreIndex: null, classAxis: null } as const;
    expect(
      resolveLoss(options, { output, name: output.name, own: null }, { type: "int64", dims: [4] }),
    ).toMatchObject({
      scale,
    });
  });
});

const image = b.input("image", { type: "float32", dims: [2, 5, 5, 5] });
const axes: readonly (readonly [string, Value, number])[] = [
  ["first, where nothing tells", image, 1],
  ["where the Softmax runs", b.call("Softmax", [image], { axis: -1 }), 3],
  ["where the LogSoftmax runs", b.call("LogSoftmax", [image], { axis: 3 }), 3],
  ["first, where the Softmax runs there", b.call("Softmax", [image], { axis: 1 }), 1],
];

describe("the class axis where two fit", () => {
  test.each(axes)("%s", (_name, output, classAxis) => {
    const options = { loss: "auto", logits: "auto", ignoreIndex: null, classAxis: null } as const;
    const target: TensorType = { type: "int64", dims: [2, 5, 5] };
    expect(resolveLoss(options, { output, name: output.name, own: null }, target)).toMatchObject({
      classAxis,
    });
  });
});
