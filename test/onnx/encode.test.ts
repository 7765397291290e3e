import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { InferenceSession } from "onnxruntime-node";
import { expect, test } from "vitest";
import {
  type Attribute,
  Call,
  type Graph,
  intsAttribute,
  Node,
  type OnnxModel,
  Value,
} from "../../src/onnx/graph.ts";
import { decodeModel, encodeModel, readModel } from "../../src/onnx/index.ts";
import { onnx } from "../../src/onnx/proto/onnx.js";
import { float32Tensor, int64Tensor } from "../../src/onnx/tensor.ts";
import { decode, graphAttribute, info, node, smallModel } from "./protos.ts";
import { ramp, run, runEncoded, tensor } from "./run.ts";

function input(name: string, dims: readonly number[]): Value {
  return new Value("input", name, "float32", dims);
}

function weight(name: string, dims: readonly number[], data: readonly number[]): Value {
  return new Value("initializer", name, "float32", dims, { tensor: float32Tensor(dims, data) });
}

function apply(
  op: string,
  inputs: readonly Value[],
  name: string,
  attributes: [string, Attribute][] = [],
): Value {
  const made = new Node(new Call(op, inputs, new Map(attributes)), [
    { name, type: "float32", shape: [2, 2] },
  ]);
  return made.outputs[0] as Value;
}

/** The graph that values are computed by. */
function graphOf(inputs: readonly Value[], outputs: readonly Value[]): Graph {
  const nodes: Node[] = [];
  const initializers = new Set<Value>();
  const visit = (value: Value) => {
    if (value.kind === "initializer") initializers.add(value);
    const { producer } = value;
    if (producer === undefined || nodes.includes(producer)) return;
    for (const v of producer.inputs) if (v !== null) visit(v);
    nodes.push(producer);
  };
  for (const value of outputs) visit(value);
  return { name: "g", inputs, outputs, initializers: [...initializers], nodes };
}

test("all names unique; inputs and outputs keep theirs", () => {
  const x = input("x", [2, 2]);
  const w = weight("x", [2, 2], [1, 2, 3, 4]);
  const inner = apply("Add", [x, w], "y");
  const unnamed = apply("Neg", [inner], "");
  const y = apply("Mul", [unnamed, inner], "y");
  const proto = onnx.ModelProto.decode(encodeModel(graphOf([x], [y])));
  expect(proto.graph?.input?.map((v) => v.name)).toEqual(["x"]);
  expect(proto.graph?.output?.map((v) => v.name)).toEqual(["y"]);
  expect(proto.graph?.initializer?.map((v) => v.name)).toEqual(["x_1"]);
  expect(proto.graph?.node?.map((n) => n.output?.[0])).toEqual(["y_1", "Neg", "y"]);
});

test("a repeated output, an input and a constant as outputs run", async () => {
  const x = input("x", [2, 2]);
  const w = weight("w", [2, 2], [1, 2, 3, 4]);
  const y = apply("Add", [x, w], "y");
  const results = await runEncoded(graphOf([x], [y, y, w, x]), { x: tensor([2, 2], [1, 1, 1, 1]) });
  expect(Object.values(results).map((t) => [...(t.data as Float32Array)])).toEqual([
    [2, 3, 4, 5],
    [2, 3, 4, 5],
    [1, 2, 3, 4],
    [1, 1, 1, 1],
  ]);
  expect(Object.keys(results)).toEqual(["y", "y_1", "w", "x"]);
});

test("node names are unique too", () => {
  const x = input("x", [2, 2]);
  const names = ["n", "n_1", "n", ""];
  const nodes = names.map((n) => new Node(new Call("Neg", [x]), [{ name: "y" }], n));
  const graph: Graph = { name: "g", inputs: [x], outputs: [], initializers: [], nodes };
  const proto = onnx.ModelProto.decode(encodeModel(graph));
  expect(proto.graph?.node?.map((n) => n.name)).toEqual(["n", "n_1", "n_2", ""]);
});

test("equal graphs give equal bytes", () => {
  const make = () => {
    const x = input("x", [2, 2]);
    return graphOf([x], [apply("Add", [apply("Neg", [x], "n"), weight("w", [1], [1])], "n")]);
  };
  expect(encodeModel(make())).toEqual(encodeModel(make()));
});

test("a float attribute with a whole value stays a float", async () => {
  const x = input("x", [2, 2]);
  const y = apply("LeakyRelu", [x], "y", [["alpha", { kind: "float", value: 2 }]]);
  const graph = graphOf([x], [y]);
  const [node] = onnx.ModelProto.decode(encodeModel(graph)).graph?.node ?? [];
  expect(node?.attribute?.[0]).toMatchObject({ type: onnx.AttributeProto.AttributeType.FLOAT, f: 2 });
  const results = await runEncoded(graph, { x: tensor([2, 2], [-1, 1, -2, 3]) });
  expect(results["y"]?.data).toEqual(Float32Array.of(-2, 1, -4, 3));
});

test("versions, producer and metadata", () => {
  const x = input("x", [2, 2]);
  const custom = new Node(new Call("FusedMatMul", [x, x], new Map(), "com.microsoft"), [{ name: "y" }]);
  const model = decodeModel(
    encodeModel(graphOf([x], [custom.outputs[0] as Value]), {
      opset: 17,
      irVersion: 9,
      producer: "me",
      metadata: { a: "b" },
      domains: new Map([["com.microsoft", 1]]),
    }),
  );
  expect(model).toMatchObject({ irVersion: 9, producer: "me", metadata: { a: "b" } });
  expect([...model.opset]).toEqual([
    ["", 17],
    ["com.microsoft", 1],
  ]);
});

test("defaults: opset 18, IR 8", () => {
  const x = input("x", [2, 2]);
  const model = decodeModel(encodeModel(graphOf([x], [apply("Neg", [x], "y")])));
  expect(model).toMatchObject({ irVersion: 8, producer: "onnx-landscape" });
  expect([...model.opset]).toEqual([["", 18]]);
});

test("parameters as external data: no bytes in the file, read by onnxruntime from memory", async () => {
  const theta = Float32Array.of(9, 1, 2, 3, 4, 10, 20);
  const x = input("x", [2, 2]);
  const w = new Value("initializer", "w", "float32", [2, 2], {
    tensor: float32Tensor([2, 2], theta.subarray(1, 5)),
  });
  const b = new Value("initializer", "b", "float32", [2], { tensor: float32Tensor([2], theta.subarray(5)) });
  const inside = weight("one", [1], [1]);
  const y = apply("Add", [apply("Add", [apply("MatMul", [x, w], "h"), b], "a"), inside], "y");
  const offsets = new Map([
    [w, 4],
    [b, 20],
  ]);
  const bytes = encodeModel(graphOf([x], [y]), {
    external: { location: "theta.bin", offsetOf: (v) => offsets.get(v) },
  });
  expect(onnx.ModelProto.decode(bytes).graph?.initializer?.map((t) => t.raw_data?.length)).toEqual([0, 0, 4]);

  const data = new Uint8Array(theta.buffer);
  const session = await InferenceSession.create(bytes, {
    externalData: [{ path: "theta.bin", data }],
  } as InferenceSession.SessionOptions);
  const results = await session.run({ x: tensor([2, 2], [1, 0, 0, 1]) });
  await session.release();
  expect(results["y"]?.data).toEqual(Float32Array.of(12, 23, 14, 25));

  const folder = mkdtempSync(join(tmpdir(), "onnx-encode-"));
  try {
    writeFileSync(join(folder, "theta.bin"), data);
    writeFileSync(join(folder, "m.onnx"), bytes);
    const { model } = await readModel(join(folder, "m.onnx"));
    expect(model.graph.initializers.map((v) => v.tensor?.data)).toEqual([
      Float32Array.of(1, 2, 3, 4),
      Float32Array.of(10, 20),
      Float32Array.of(1),
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("subgraphs keep what they see of the graph around, under clashing names", async () => {
  const branch = (op: string) => ({
    name: op,
    node: [node(op, ["h"], ["y"])],
    output: [info("y")],
  });
  const { graph } = decode(
    smallModel({
      input: [info("x", [1, 2]), info("c", [], 9)],
      node: [
        node("MatMul", ["x", "w"], ["h"]),
        node(
          "If",
          ["c"],
          ["chosen"],
          [graphAttribute("then_branch", branch("Neg")), graphAttribute("else_branch", branch("Relu"))],
        ),
        node("Identity", ["chosen"], ["y"]),
      ],
      output: [info("y", [1, 3])],
    }),
  );
  const { Tensor } = await import("onnxruntime-node");
  const feeds = (c: boolean) => ({ x: tensor([1, 2], [1, 1]), c: new Tensor("bool", [c], []) });
  const bytes = encodeModel(graph);
  expect((await run(bytes, feeds(true)))["y"]?.data).toEqual(Float32Array.of(-5, -7, -9));
  expect((await run(bytes, feeds(false)))["y"]?.data).toEqual(Float32Array.of(5, 7, 9));
});

test("a value used before it exists is our own fault, and said", () => {
  const x = input("x", [2, 2]);
  const y = apply("Neg", [apply("Abs", [x], "a")], "y");
  const graph: Graph = {
    name: "g",
    inputs: [x],
    outputs: [y],
    initializers: [],
    nodes: [y.producer as Node],
  };
  expect(() => encodeModel(graph)).toThrow(/internal: "a", used by Neg "", is not defined before it/);
});

// Random graphs: what is encoded and decoded is the same, and encoding that gives the same bytes.

const attribute: fc.Arbitrary<Attribute> = fc.oneof(
  fc.maxSafeInteger().map((value): Attribute => ({ kind: "int", value })),
  fc.float({ noNaN: true }).map((value): Attribute => ({ kind: "float", value })),
  fc.string({ unit: "grapheme" }).map((value): Attribute => ({ kind: "string", value })),
  fc.array(fc.maxSafeInteger()).map((value) => intsAttribute(value)),
  fc.array(fc.float({ noNaN: true })).map((value): Attribute => ({ kind: "floats", value })),
  fc.array(fc.string()).map((value): Attribute => ({ kind: "strings", value })),
  fc
    .array(fc.maxSafeInteger())
    .map((value): Attribute => ({ kind: "tensor", value: int64Tensor([value.length], value) })),
);

const dim = fc.oneof(fc.nat(1000), fc.constantFrom("batch", "n"), fc.constant(null));
const name = fc.constantFrom("", "x", "y", "x_1", "h", "weights/0");

const randomGraph: fc.Arbitrary<Graph> = fc
  .record({
    inputs: fc.array(fc.tuple(name, fc.array(dim, { maxLength: 3 })), { minLength: 1, maxLength: 3 }),
    weights: fc.array(fc.tuple(name, fc.array(fc.float({ noNaN: true }), { maxLength: 4 })), {
      maxLength: 3,
    }),
    nodes: fc.array(
      fc.record({
        op: fc.constantFrom("Add", "Conv", "Foo"),
        domain: fc.constantFrom("", "com.acme"),
        from: fc.array(fc.option(fc.nat(20)), { maxLength: 4 }),
        attributes: fc.dictionary(fc.string({ minLength: 1 }), attribute, {
          maxKeys: 3,
          noNullPrototype: true,
        }),
        outputs: fc.array(fc.tuple(name, fc.option(fc.array(dim, { maxLength: 3 }))), {
          minLength: 1,
          maxLength: 3,
        }),
      }),
      { maxLength: 8 },
    ),
    outputs: fc.array(fc.nat(20), { maxLength: 3 }),
  })
  .map(({ inputs, weights, nodes, outputs }) => {
    const ins = inputs.map(([n, shape]) => new Value("input", n, "float32", shape));
    const initializers = weights.map(([n, data]) => weight(n, [data.length], data));
    const values = [...ins, ...initializers];
    const pick = (i: number | null) => (i === null ? null : (values[i % values.length] as Value));
    const made = nodes.map((spec) => {
      const call = new Call(
        spec.op,
        spec.from.map(pick),
        new Map(Object.entries(spec.attributes)),
        spec.domain,
      );
      const hints = spec.outputs.map(([n, shape]) => ({
        name: n,
        // Without a name it may be an absent output, which has no type.
        ...(n !== "" && shape && { type: "float64" as const, shape }),
      }));
      const built = new Node(call, hints, "", { note: spec.op });
      values.push(...built.outputs);
      return built;
    });
    const ends = outputs.map((i) => pick(i) as Value);
    return { name: "random", inputs: ins, outputs: ends, initializers, nodes: made };
  });

test("random graphs survive", () => {
  fc.assert(
    fc.property(randomGraph, (graph) => {
      const bytes = encodeModel(graph);
      const model: OnnxModel = decodeModel(bytes);
      expect(encodeModel(model.graph)).toEqual(bytes);
      expect(structure(model.graph)).toEqual(structure(graph));
    }),
    { numRuns: 200 },
  );
});

/** A graph without its names. */
function structure(graph: Graph): unknown {
  const ids = new Map<Value, number>();
  const id = (value: Value | null) => {
    if (value === null) return null;
    if (!ids.has(value)) ids.set(value, ids.size);
    return ids.get(value);
  };
  const typed = (v: Value) => [id(v), v.type, v.shape];
  const trimmed = (values: readonly (Value | null)[]) => {
    const end = values.findLastIndex((v) => v !== null);
    return values.slice(0, end + 1).map(id);
  };
  // Encoding adds Identity nodes for outputs that repeat.
  const copies = new Map<Value, Value>();
  for (const n of graph.nodes) {
    if (n.op === "Identity") copies.set(n.outputs[0] as Value, n.inputs[0] as Value);
  }
  return {
    inputs: graph.inputs.map(typed),
    initializers: graph.initializers.map((v) => [...typed(v), v.tensor]),
    nodes: graph.nodes
      .filter((n) => n.op !== "Identity")
      .map((n) => [n.op, n.domain, trimmed(n.inputs), [...n.attributes], n.outputs.map(typed), n.metadata]),
    outputs: graph.outputs.map((v) => id(copies.get(v) ?? v)),
  };
}

test("a random input through a decoded and encoded model gives the same numbers", async () => {
  const { bytesOf } = await import("./protos.ts");
  const file = bytesOf(smallModel());
  const feeds = { x: ramp([5, 2]) };
  const before = await run(file, feeds);
  const after = await runEncoded(decodeModel(file).graph, feeds);
  expect(after["y"]?.data).toEqual(before["y"]?.data);
});
