import { describe, expect, test } from "vitest";
import { toEvalMode, trainingMode } from "../../src/model/eval-mode.ts";
import type { Graph } from "../../src/onnx/graph.ts";
import { decodeModel, toOpset18 } from "../../src/onnx/index.ts";
import { bytesOf, floats, type GraphProto, info, intAttribute, node, smallModel } from "../onnx/protos.ts";
import { runGraph } from "../support/ort.ts";

const X = Float32Array.of(0.5, -1, 2, 0.25, 1.5, -0.75);
const statistics = [
  floats("g", [3], [1.5, 0.5, 2]),
  floats("b", [3], [0.1, -0.2, 0.3]),
  floats("m", [3], [0.2, 0.4, -0.6]),
  floats("v", [3], [0.5, 1.5, 2.5]),
];
const bool = (name: string, value: boolean) => ({ name, data_type: 9, int32_data: [Number(value)] });

function graphOf(parts: GraphProto, opset = 18): Graph {
  const model = smallModel(
    { input: [info("x", [2, 3])], ...parts },
    { opset_import: [{ domain: "", version: opset as never }] },
  );
  return toOpset18(decodeModel(bytesOf(model))).graph;
}

const values = async (graph: Graph) =>
  (await runGraph(graph, [{ type: "float32", dims: [2, 3], data: X }])).map((t) =>
    Array.from(t.data as Float32Array),
  );

const normed = (training: boolean, outputs: string[]) =>
  graphOf({
    initializer: statistics,
    node: [
      node(
        "BatchNormalization",
        ["x", "g", "b", "m", "v"],
        outputs,
        training ? [intAttribute("training_mode", 1)] : [],
      ),
    ],
    output: outputs.map((name) => info(name)),
  });

describe("training-mode exports in evaluation mode", () => {
  test("BatchNormalization takes its running statistics", async () => {
    const training = normed(true, ["y", "m2", "v2"]);
    expect(trainingMode(training)).toHaveLength(1);
    const evaluation = toEvalMode(training);
    expect(trainingMode(evaluation)).toEqual([]);
    const [y, mean, variance] = await values(evaluation);
    expect(y).toEqual((await values(normed(false, ["y"])))[0]);
    expect(y).not.toEqual((await values(training))[0]);
    // The statistics are not updated.
    expect([mean, variance]).toEqual(
      [statistics[2], statistics[3]].map((t) => Array.from(Float32Array.from(t?.float_data ?? []))),
    );
  });

  test("Dropout, in a branch too, hands its input on", async () => {
    const inner = (name: string): GraphProto => ({
      name,
      node: [node("Dropout", ["x", "ratio", "on"], [name])],
      output: [info(name)],
    });
    const graph = graphOf({
      initializer: [floats("ratio", [], [0.5]), bool("on", true)],
      node: [
        node("Dropout", ["x", "ratio", "on"], ["h", "kept"]),
        node(
          "If",
          ["on"],
          ["i"],
          [
            { name: "then_branch", type: 5, g: inner("t") },
            { name: "else_branch", type: 5, g: inner("e") },
          ],
        ),
        node("Add", ["h", "i"], ["y"]),
      ],
      output: [info("y")],
    });
    expect(trainingMode(graph)).toHaveLength(3);
    expect((await values(toEvalMode(graph)))[0]).toEqual(Array.from(X, (v) => 2 * v));
  });

  test("what is in evaluation mode stays the same object", () => {
    const graph = normed(false, ["y"]);
    expect(toEvalMode(graph)).toBe(graph);
  });
});
