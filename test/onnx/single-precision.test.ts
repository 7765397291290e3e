import { describe, expect, test } from "vitest";
import type { Value } from "../../src/onnx/graph.ts";
import { decodeModel, toSinglePrecision } from "../../src/onnx/index.ts";
import {
  bytesOf,
  graphAttribute,
  info,
  intAttribute,
  longs,
  node,
  smallModel,
  type TensorProto,
} from "./protos.ts";

const [FLOAT, DOUBLE, HALF, BFLOAT] = [1, 11, 10, 16];

/** 1, −2 and 0.5 in each type's bits. */
const RAW: Readonly<Record<number, readonly number[]>> = {
  [HALF]: [0x3c00, 0xc000, 0x3800],
  [BFLOAT]: [0x3f80, 0xc000, 0x3f00],
};

function weights(type: number): TensorProto {
  const base = { name: "w", data_type: type, dims: longs([3]) };
  return type === DOUBLE
    ? { ...base, double_data: [1, -2, 0.5] }
    : { ...base, int32_data: [...(RAW[type] ?? [])] };
}

function graphOf(type: number) {
  const model = smallModel({
    input: [info("x", ["n", 3], type), { name: "c", type: { tensor_type: { elem_type: 9, shape: {} } } }],
    initializer: [weights(type)],
    node: [
      node("Cast", ["x"], ["f"], [intAttribute("to", FLOAT)]),
      node("Sqrt", ["f"], ["r"]),
      node("Cast", ["r"], ["h"], [intAttribute("to", type)]),
      node(
        "If",
        ["c"],
        ["y"],
        [
          graphAttribute("then_branch", {
            name: "t",
            node: [node("Mul", ["h", "w"], ["a"])],
            output: [info("a", undefined, type)],
          }),
          graphAttribute("else_branch", {
            name: "e",
            node: [node("Cast", ["f"], ["b"], [intAttribute("to", type)])],
            output: [info("b", undefined, type)],
          }),
        ],
      ),
    ],
    output: [info("y", undefined, type)],
  });
  return decodeModel(bytesOf(model)).graph;
}

const branch = (graph: ReturnType<typeof graphOf>, name: string) =>
  graph.nodes.find((n) => n.op === "If")?.graph(name);

describe("a model of another precision becomes one of float32", () => {
  test.each([
    ["float16", HALF],
    ["bfloat16", BFLOAT],
    ["float64", DOUBLE],
  ] as const)("%s", (name, type) => {
    const { graph, from } = toSinglePrecision(graphOf(type));
    expect(from).toEqual([name]);
    expect(graph.inputs[0]?.type).toBe("float32");
    const w = graph.initializers[0] as Value;
    expect(w.tensor).toEqual({ type: "float32", dims: [3], data: Float32Array.of(1, -2, 0.5) });
    expect(graph.nodes.filter((n) => n.op === "Cast").map((n) => n.int("to", 0))).toEqual([1, 1]);
    // The branch captures the converted values.
    expect(branch(graph, "then_branch")?.nodes[0]?.inputs).toEqual([graph.nodes[2]?.outputs[0], w]);
    expect(branch(graph, "else_branch")?.nodes[0]?.int("to", 0)).toBe(1);
  });

  test("what is in float32 stays the same object", () => {
    const { graph } = decodeModel(bytesOf(smallModel()));
    expect(toSinglePrecision(graph)).toEqual({ graph, from: [] });
    expect(toSinglePrecision(graph).graph).toBe(graph);
  });

  test("mixed precision: weights in float32, cast where they are used", () => {
    const { graph } = decodeModel(
      bytesOf(
        smallModel({
          node: [
            node("Cast", ["x"], ["h"], [intAttribute("to", HALF)]),
            node("Relu", ["h"], ["r"]),
            node("Cast", ["r"], ["y"], [intAttribute("to", 1)]),
          ],
        }),
      ),
    );
    const single = toSinglePrecision(graph);
    expect(single.from).toEqual(["float16"]);
    expect(single.graph.nodes.map((n) => n.int("to", 0))).toEqual([1, 0, 1]);
  });

  test("doubles in the arithmetic of sizes stay", () => {
    const scale: TensorProto = { name: "scale", data_type: DOUBLE, dims: [], double_data: [2] };
    const { graph } = decodeModel(
      bytesOf(
        smallModel({
          initializer: [scale],
          node: [
            node("Shape", ["x"], ["s"]),
            node("Cast", ["s"], ["d"], [intAttribute("to", DOUBLE)]),
            node("Mul", ["d", "scale"], ["m"]),
            node("Cast", ["m"], ["i"], [intAttribute("to", 7)]),
            node("Expand", ["x", "i"], ["y"]),
          ],
        }),
      ),
    );
    expect(toSinglePrecision(graph).graph).toBe(graph);
  });
});
