import { expect, test } from "vitest";
import { Call, Node, Value } from "../../src/onnx/graph.ts";
import { printGraph } from "../../src/onnx/index.ts";
import { onnx } from "../../src/onnx/proto/onnx.js";
import {
  type AttributeProto,
  decode,
  floatAttribute,
  floats,
  graphAttribute,
  info,
  intAttribute,
  intsAttribute,
  longs,
  node,
  smallModel,
  stringAttribute,
} from "./protos.ts";

test("names become objects", () => {
  const { graph } = decode(smallModel());
  const [matmul, add, relu] = graph.nodes as [Node, Node, Node];
  expect(matmul.inputs[0]).toBe(graph.inputs[0]);
  expect(add.inputs[0]).toBe(matmul.outputs[0]);
  expect(relu.outputs[0]).toBe(graph.outputs[0]);
  expect(matmul.outputs[0]?.producer).toBe(matmul);
  expect(graph.inputs[0]).toMatchObject({ kind: "input", name: "x", type: "float32", shape: ["batch", 2] });
  expect(graph.initializers[0]).toMatchObject({ kind: "initializer", name: "w", shape: [2, 3] });
  expect(graph.outputs[0]).toMatchObject({ kind: "node", type: "float32", shape: ["batch", 3] });
});

test("types of inner values come from value_info, unknown axes are null", () => {
  const inner = info("h", ["batch", 3]);
  inner.type?.tensor_type?.shape?.dim?.push({});
  const { graph } = decode(smallModel({ value_info: [inner] }));
  expect(graph.nodes[0]?.outputs[0]).toMatchObject({ type: "float32", shape: ["batch", 3, null] });
  expect(graph.nodes[1]?.outputs[0]).toMatchObject({ type: undefined, shape: undefined });
});

test("a value that is no tensor has no type", () => {
  const list = { name: "y", type: { sequence_type: { elem_type: { tensor_type: { elem_type: 1 } } } } };
  const { graph } = decode(smallModel({ output: [list] }));
  expect(graph.outputs[0]).toMatchObject({ type: undefined, shape: undefined });
});

test("initializers listed as inputs are initializers", () => {
  const { graph } = decode(smallModel({ input: [info("w", [2, 3]), info("x"), info("b", [3])] }));
  expect(graph.inputs.map((v) => v.name)).toEqual(["x"]);
  expect(graph.initializers.map((v) => v.name)).toEqual(["w", "b"]);
});

test("nodes are sorted, and those in order stay in order", () => {
  const { graph } = decode(
    smallModel({
      node: [
        node("Relu", ["a"], ["y"]),
        node("Abs", ["x"], ["p"]),
        node("Add", ["h", "b"], ["a"]),
        node("MatMul", ["x", "w"], ["h"]),
        node("Neg", ["x"], ["q"]),
      ],
    }),
  );
  expect(graph.nodes.map((n) => n.op)).toEqual(["MatMul", "Add", "Relu", "Abs", "Neg"]);
});

test("a chain of 50000 nodes in reverse order is sorted", () => {
  const length = 50_000;
  const chain = Array.from({ length }, (_, i) => node("Neg", [i === 0 ? "x" : `v${i - 1}`], [`v${i}`]));
  const { graph } = decode(smallModel({ node: chain.reverse(), output: [info(`v${length - 1}`)] }));
  expect(graph.nodes[0]?.inputs[0]).toBe(graph.inputs[0]);
  expect(graph.nodes.at(-1)?.outputs[0]).toBe(graph.outputs[0]);
});

test("absent inputs are null, absent outputs have no name", () => {
  const { graph } = decode(
    smallModel({ node: [node("Clip", ["x", "", "b", ""], ["y"]), node("Foo", ["y"], ["", "z"])] }),
  );
  expect(graph.nodes[0]?.inputs).toEqual([graph.inputs[0], null, graph.initializers[1]]);
  expect(graph.nodes[1]?.outputs.map((v) => v.name)).toEqual(["", "z"]);
});

test("the two names of the standard domain are one", () => {
  const { graph, opset } = decode(
    smallModel(
      { node: [node("Relu", ["x"], ["y"], [], { domain: "ai.onnx" })] },
      { opset_import: [{ domain: "ai.onnx", version: longs([17])[0] as never }] },
    ),
  );
  expect(graph.nodes[0]?.domain).toBe("");
  expect(opset.get("")).toBe(17);
});

test("producer and metadata of model and nodes", () => {
  const entries = [{ key: "k", value: "v" }];
  const model = decode(
    smallModel(
      { node: [node("Relu", ["x"], ["y"], [], { metadata_props: entries })] },
      { producer_name: "pytorch", producer_version: "2.13", metadata_props: entries },
    ),
  );
  expect(model).toMatchObject({ producer: "pytorch 2.13", irVersion: 8, metadata: { k: "v" } });
  expect(model.graph.nodes[0]?.metadata).toEqual({ k: "v" });
});

test("all kinds of attributes, with and without their type", () => {
  const strings = ["a", "é"].map((s) => new TextEncoder().encode(s));
  const typed: AttributeProto[] = [
    floatAttribute("f", 2),
    intAttribute("i", -3),
    stringAttribute("s", "text"),
    intsAttribute("ints", [1, 2 ** 63]),
    { name: "floats", type: 6, floats: [1, 2.5] },
    { name: "strings", type: 8, strings },
    { name: "t", type: 4, t: floats("", [1], [9]) },
    { name: "empty", type: 7 },
  ];
  const untyped = typed.filter((a) => a.name !== "empty").map(({ type: _, ...rest }) => rest);
  const read = (attribute: AttributeProto[]) =>
    decode(smallModel({ node: [node("Foo", ["x"], ["y"], attribute)] })).graph.nodes[0]?.attributes;
  const expected = [
    ["f", { kind: "float", value: 2 }],
    ["i", { kind: "int", value: -3 }],
    ["s", { kind: "string", value: "text" }],
    ["ints", { kind: "ints", value: [1, 2 ** 63] }],
    ["floats", { kind: "floats", value: [1, 2.5] }],
    ["strings", { kind: "strings", value: ["a", "é"] }],
    ["t", { kind: "tensor", value: { type: "float32", dims: [1], data: Float32Array.of(9) } }],
  ];
  expect([...(read(typed) ?? [])]).toEqual([...expected, ["empty", { kind: "ints", value: [] }]]);
  expect([...(read(untyped) ?? [])]).toEqual(expected);
});

test("Constant nodes become initializers, in all their forms", () => {
  const text = new TextEncoder().encode("s");
  const forms: [string, AttributeProto][] = [
    ["a", { name: "value", type: 4, t: floats("", [2], [1, 2]) }],
    ["b", floatAttribute("value_float", 0.5)],
    ["c", intAttribute("value_int", 7)],
    ["d", intsAttribute("value_ints", [1, -1])],
    ["e", { name: "value_floats", type: 6, floats: [3] }],
    ["f", { name: "value_string", type: 3, s: text }],
    ["g", { name: "value_strings", type: 8, strings: [text] }],
  ];
  const nodes = forms.map(([name, attribute]) => node("Constant", [], [name], [attribute]));
  const { graph } = decode(smallModel({ initializer: [], node: [...nodes, node("Add", ["x", "a"], ["y"])] }));
  expect(graph.nodes.map((n) => n.op)).toEqual(["Add"]);
  expect(graph.nodes[0]?.inputs[1]).toBe(graph.initializers[0]);
  expect(graph.initializers.every((v) => v.fromConstant)).toBe(true);
  expect(graph.initializers.map((v) => v.tensor)).toEqual([
    { type: "float32", dims: [2], data: Float32Array.of(1, 2) },
    { type: "float32", dims: [], data: Float32Array.of(0.5) },
    { type: "int64", dims: [], data: BigInt64Array.of(7n) },
    { type: "int64", dims: [2], data: BigInt64Array.of(1n, -1n) },
    { type: "float32", dims: [1], data: Float32Array.of(3) },
    { type: "string", dims: [], data: ["s"] },
    { type: "string", dims: [1], data: ["s"] },
  ]);
});

test("subgraphs see the values around them, whatever the order of the file", () => {
  const branch = (name: string) => ({
    name,
    node: [node("Constant", [], ["k"], [floatAttribute("value_float", 1)]), node("Add", ["h", "k"], [name])],
    output: [info(name)],
  });
  const { graph } = decode(
    smallModel({
      input: [info("x", ["batch", 2]), info("c", [], 9)],
      node: [
        node(
          "If",
          ["c"],
          ["y"],
          [
            graphAttribute("then_branch", branch("then")),
            graphAttribute("else_branch", {
              node: [node("If", ["c"], ["i"], [graphAttribute("then_branch", branch("deep"))])],
              output: [info("i")],
            }),
          ],
        ),
        node("MatMul", ["x", "w"], ["h"]),
      ],
    }),
  );
  const [matmul, choice] = graph.nodes as [Node, Node];
  expect(choice.op).toBe("If");
  expect(choice.graph("then_branch")?.nodes[0]?.inputs[0]).toBe(matmul.outputs[0]);
  expect(choice.graph("then_branch")?.initializers[0]?.fromConstant).toBe(true);
  const inner = choice.graph("else_branch")?.nodes[0]?.graph("then_branch");
  expect(inner?.nodes[0]?.inputs[0]).toBe(matmul.outputs[0]);
});

test("an inner name hides an outer one", () => {
  const body = {
    initializer: [floats("h", [1], [5])],
    node: [node("Neg", ["h"], ["r"])],
    output: [info("r")],
  };
  const { graph } = decode(
    smallModel({
      node: [
        node("MatMul", ["x", "w"], ["h"]),
        node("If", ["h"], ["y"], [graphAttribute("then_branch", body)]),
      ],
    }),
  );
  const inner = graph.nodes[1]?.graph("then_branch");
  expect(inner?.nodes[0]?.inputs[0]).toBe(inner?.initializers[0]);
});

test("functions", () => {
  const model = decode(
    smallModel(
      { node: [node("Scaled", ["x"], ["y"], [], { domain: "own", overload: "v2" })] },
      {
        functions: [
          {
            domain: "own",
            name: "Scaled",
            overload: "v2",
            input: ["a"],
            output: ["r"],
            attribute: ["by"],
            attribute_proto: [floatAttribute("shift", 1)],
            node: [
              node(
                "Constant",
                [],
                ["k"],
                [{ name: "value_float", type: onnx.AttributeProto.AttributeType.FLOAT, ref_attr_name: "by" }],
              ),
              node("Mul", ["a", "k"], ["r"]),
            ],
            opset_import: [{ domain: "", version: longs([18])[0] as never }],
          },
        ],
      },
    ),
  );
  expect(model.graph.nodes[0]?.op).toBe("Scaled:v2");
  const [definition] = model.functions;
  expect(definition).toMatchObject({ domain: "own", name: "Scaled:v2", attributeNames: ["by"] });
  expect([...(definition?.attributeDefaults ?? [])]).toEqual([["shift", { kind: "float", value: 1 }]]);
  expect(definition && printGraph(definition.graph)).toBe(
    ["Scaled:v2(a: ?) -> (r)", "  k: ? = Constant() {value_float=@by}", "  r: ? = Mul(a, k)"].join("\n"),
  );
});

test("values made by hand have no constant's mark", () => {
  const value = new Value("input", "x", "float32", [1]);
  expect(new Node(new Call("Neg", [value]), [{ name: "y" }]).outputs[0]?.fromConstant).toBe(false);
});

test("what exporters note of initializers and of the graph is kept", () => {
  const note = (key: string, value: string) => ({ key, value });
  const { graph, metadata } = decode(
    smallModel({
      initializer: [
        { ...floats("w", [2, 3], [1, 2, 3, 4, 5, 6]), metadata_props: [note("made", "here")] },
        floats("b", [3], [0.5, -0.5, 0]),
      ],
      value_info: [{ ...info("w"), metadata_props: [note("from", "v")] }],
      metadata_props: [note("signature", "x -> y")],
    }),
  );
  expect(graph.initializers.map((v) => v.metadata)).toEqual([{ from: "v", made: "here" }, {}]);
  expect(metadata).toEqual({ signature: "x -> y" });
});

test("a size of −1 is any size", () => {
  expect(decode(smallModel({ input: [info("x", [-1, 2])] })).graph.inputs[0]?.shape).toEqual([null, 2]);
});
