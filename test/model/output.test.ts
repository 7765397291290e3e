import { describe, expect, test } from "vitest";
import { chooseOutput, inputsOf } from "../../src/model/output.ts";
import { decodeModel } from "../../src/onnx/index.ts";
import {
  bytesOf,
  floats,
  type GraphProto,
  info,
  intAttribute,
  longs,
  type NodeProto,
  node,
  smallModel,
} from "../onnx/protos.ts";

const ml = (op: string, input: string[], output: string[]): NodeProto =>
  node(op, input, output, [], { domain: "ai.onnx.ml" });

function graphOf(parts: GraphProto) {
  const opset = [
    { domain: "", version: 18 as never },
    { domain: "ai.onnx.ml", version: 3 as never },
  ];
  return decodeModel(bytesOf(smallModel(parts, { opset_import: opset }))).graph;
}

const network = [node("MatMul", ["x", "w"], ["h"]), node("Softmax", ["h"], ["p"])];
const mapping = {
  name: "maps",
  type: {
    sequence_type: {
      elem_type: { map_type: { key_type: 7, value_type: { tensor_type: { elem_type: 1 } } } },
    },
  },
};

/** What skl2onnx makes of an MLPRegressor of `targets` targets. */
const regressor = (targets: number): GraphProto => ({
  initializer: [
    floats("w", [2, targets], new Array<number>(2 * targets).fill(0.5)),
    floats("b", [1, targets], new Array<number>(targets).fill(0.1)),
    { name: "shape", data_type: 7, dims: longs([2]), int64_data: longs([-1, 1]) },
  ],
  node: [
    node("MatMul", ["x", "w"], ["h"]),
    node("Add", ["h", "b"], ["y"]),
    node("Reshape", ["y", "shape"], ["column"]),
  ],
  output: [info("column", ["n", 1])],
});

const rows: readonly [string, GraphProto, string | undefined, string | RegExp][] = [
  ["the only one", { node: network, output: [info("p")] }, undefined, "p"],
  ["a named one", { node: network, output: [info("p")] }, "h", "h"],
  [
    "one that there is not",
    { node: network, output: [info("p")] },
    "q",
    /unknown --output: "q"; the model's outputs are "p"/,
  ],
  [
    "two that could be",
    { node: network, output: [info("p"), info("h")] },
    undefined,
    /2 outputs: "p", "h"; expected one/,
  ],
  [
    "probabilities beside a label",
    { node: [...network, node("ArgMax", ["p"], ["label"])], output: [info("label", ["n"], 7), info("p")] },
    undefined,
    "p",
  ],
  [
    "probabilities beside a label without a type",
    {
      node: [
        ...network,
        node("ArgMax", ["p"], ["k"]),
        node("Cast", ["k"], ["label"], [intAttribute("to", 1)]),
      ],
      output: [info("label"), info("p")],
    },
    undefined,
    "p",
  ],
  [
    "probabilities in a ZipMap, the label a string",
    {
      node: [
        ...network,
        node("ArgMax", ["p"], ["k"]),
        ml("LabelEncoder", ["k"], ["label"]),
        ml("ZipMap", ["p"], ["maps"]),
      ],
      output: [info("label", ["n"], 8), mapping],
    },
    undefined,
    "p",
  ],
  [
    "a ZipMap by its name",
    { node: [...network, ml("ZipMap", ["p"], ["maps"])], output: [mapping] },
    "maps",
    "p",
  ],
  [
    "scores of a linear classifier",
    { node: [ml("LinearClassifier", ["x"], ["label", "scores"])], output: [info("label"), info("scores")] },
    undefined,
    "scores",
  ],
  [
    "probabilities of several targets, in a sequence",
    { node: [...network, node("SequenceConstruct", ["p", "h"], ["all"])], output: [info("all")] },
    undefined,
    /the output "all" is a sequence of tensors: "p", "h"\. Choose one tensor with --output NAME/,
  ],
  ["several targets in one column, as samples", regressor(3), undefined, "y"],
  ["one target", regressor(1), undefined, "column"],
];

describe("the output that the loss is taken of", () => {
  test.each(rows)("%s", (_name, parts, name, expected) => {
    const choose = () => chooseOutput(graphOf(parts), name).name;
    if (typeof expected === "string") expect(choose()).toBe(expected);
    else expect(choose).toThrow(expected);
  });
});

test("inputs that the output does not see need no data", () => {
  const graph = graphOf({
    input: [info("x", ["n", 2]), info("mask", ["n"])],
    node: [...network, node("Mul", ["x", "mask"], ["other"])],
    output: [info("p"), info("other")],
  });
  const names = (output: string) => inputsOf(graph, chooseOutput(graph, output)).map((v) => v.name);
  expect(names("p")).toEqual(["x"]);
  expect(names("other")).toEqual(["x", "mask"]);
});
