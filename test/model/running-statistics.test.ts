import { expect, test } from "vitest";
import { separateStatistics } from "../../src/model/running-statistics.ts";
import { decodeModel } from "../../src/onnx/index.ts";
import { bytesOf, floats, info, node, smallModel } from "../onnx/protos.ts";

const graphOf = (variance: string) =>
  decodeModel(
    bytesOf(
      smallModel({
        input: [info("x", ["n", 2])],
        initializer: [
          floats("scale", [2], [1, 1]),
          floats("mean", [2], [0.5, 0.25]),
          floats("var", [2], [2, 3]),
        ],
        node: [
          node("Identity", ["scale"], ["running_var"]),
          node("BatchNormalization", ["x", "scale", "mean", "mean", variance], ["y"]),
        ],
        output: [info("y")],
      }),
    ),
  ).graph;

test("a running variance that was merged with a scale is a constant of its own again", () => {
  const graph = separateStatistics(graphOf("running_var"));
  const norm = graph.nodes.find((n) => n.op === "BatchNormalization");
  const [, scale, , mean, variance] = norm?.inputs ?? [];
  expect(scale?.name).toBe("scale");
  expect(mean?.name).toBe("mean");
  expect(variance).toMatchObject({ name: "running_var", kind: "initializer", fromConstant: true });
  expect(variance?.tensor?.data).toEqual(Float32Array.of(1, 1));
});

test("separate statistics stay as they are", () => {
  const graph = graphOf("var");
  expect(separateStatistics(graph)).toBe(graph);
});
