import { describe, expect, test } from "vitest";
import { resolveLoss } from "../../src/model/choose-loss.ts";
import type { Value } from "../../src/onnx/graph.ts";
import { GraphBuilder } from "../../src/ops/builder.ts";
import { lookup } from "../../src/ops/registry.ts";

const b = new GraphBuilder(lookup);
const x = b.input("x", { type: "float32", dims: [4, 3] });
const p = b.unary("Sigmoid", b.input("z", { type: "float32", dims: [4, 1] }));
const positive = b.unary("Exp", x);
const sum = (v: Value) => b.reduceSum(v, [1], true);

const scales: readonly (readonly [string, Value, string])[] = [
  ["numbers", x, "logits"],
  ["a Softmax", b.call("Softmax", [x], { axis: 1 }), "probabilities"],
  ["a LogSoftmax", b.call("LogSoftmax", [x], { axis: 1 }), "log-probabilities"],
  ["a Softmax written out", b.div(positive, sum(positive)), "probabilities"],
  ["what is divided by the sum of its magnitudes", b.div(x, sum(b.unary("Abs", x))), "probabilities"],
  ["what is divided by another sum", b.div(x, sum(positive)), "logits"],
  ["p and 1 − p", b.concat([b.sub(1, p), p], 1), "probabilities"],
  ["what is less a probability", b.sub(x, p), "logits"],
  ["features beside p", b.concat([x, p], 1), "logits"],
  ["what skl2onnx names so", b.input("probabilities", { type: "float32", dims: [4, 3] }), "probabilities"],
];

describe("what an output holds", () => {
  test.each(scales)("%s", (_name, output, scale) => {
    const options = { loss: "auto", logits: "auto", ignoreIndex: null, classAxis: null } as const;
    expect(resolveLoss(options, { output, own: null }, { type: "int64", dims: [4] })).toMatchObject({
      kind: "cross-entropy",
      scale,
    });
  });
});
