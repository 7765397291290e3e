import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import protobuf from "protobufjs/minimal.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LandscapeError } from "../../src/errors.ts";
import { decodeModel, readModel } from "../../src/onnx/index.ts";
import {
  bytesOf,
  floats,
  graphAttribute,
  holding,
  info,
  intAttribute,
  longs,
  type ModelProto,
  node,
  referenceAttribute,
  smallGraph,
  smallModel,
} from "./protos.ts";

function failure(bytes: Uint8Array): LandscapeError {
  try {
    decodeModel(bytes, { path: "bad.onnx" });
  } catch (error) {
    expect(error).toBeInstanceOf(LandscapeError);
    return error as LandscapeError;
  }
  throw new Error("expected the model to be refused");
}

/** A field of a message, by its number. */
function field(number: number, contents: Uint8Array): Uint8Array {
  return protobuf.Writer.create()
    .uint32((number << 3) | 2)
    .bytes(contents)
    .finish();
}

/** A model of graphs in attributes of nodes, `levels` deep; deeper than our own encoder writes. */
function nested(levels: number): Uint8Array {
  let graph: Uint8Array = new Uint8Array(0);
  for (let i = 0; i < levels; i++) graph = field(1, field(5, field(6, graph)));
  return Buffer.concat([bytesOf(smallModel({}, { graph: null })), field(7, graph)]);
}

const cases: [name: string, model: ModelProto | Uint8Array, message: RegExp][] = [
  ["an empty file", new Uint8Array(0), /the file is empty/],
  ["text", new TextEncoder().encode("This is a text, not a model.\n".repeat(20)), /it is not protobuf/],
  ["zeros", new Uint8Array(64), /it is not protobuf/],
  ["a zip archive", Uint8Array.of(0x50, 0x4b, 3, 4, 20, 0, 0, 0, 8, 0, 1, 2, 3, 4), /it is not protobuf/],
  ["a truncated file", bytesOf(smallModel()).slice(0, -20), /it is truncated: the file ends after \d+ bytes/],
  ["a file truncated after a tag", bytesOf(smallModel()).slice(0, 9), /it is truncated/],
  ["protobuf of another kind", Uint8Array.of(0x52, 2, 1, 1, 0x5a, 1, 7), /protobuf but no ONNX model/],
  ["a graph without versions", { graph: smallGraph() }, /protobuf but no ONNX model/],
  ["no graph", { ir_version: 8 as never, opset_import: [{ version: 18 as never }] }, /it has no graph/],
  ["no opset", { ir_version: 8 as never, graph: smallGraph() }, /states no opset version/],
  [
    "opset 6",
    smallModel({}, { opset_import: [{ version: 6 as never }] }),
    /unsupported opset version: 6; expected 7 to 26/,
  ],
  ["opset 27", smallModel({}, { opset_import: [{ version: 27 as never }] }), /unsupported opset version: 27/],
  ["IR version 2", smallModel({}, { ir_version: 2 as never }), /unsupported IR version: 2; expected 3 to 14/],
  ["IR version 99", smallModel({}, { ir_version: 99 as never }), /unsupported IR version: 99/],
  [
    "an undeclared domain",
    smallModel({ node: [node("Foo", ["x"], ["y"], [], { domain: "com.acme" })] }),
    /undeclared domain: "com.acme" of Foo "y"/,
  ],
  [
    "an undefined value",
    smallModel({ node: [node("Relu", ["nowhere"], ["y"])] }),
    /undefined value: "nowhere" used by Relu "y"/,
  ],
  ["an undefined output", smallModel({ output: [info("z")] }), /undefined value: graph output "z"/],
  [
    "a cycle",
    smallModel({
      node: [node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"]), node("Relu", ["a"], ["y"])],
      initializer: [],
    }),
    /cycle: Add "a", Relu "b" feed one another/,
  ],
  ["a node that feeds itself", smallModel({ node: [node("Relu", ["y"], ["y"])] }), /cycle: Relu "y"/],
  [
    "a duplicate output",
    smallModel({ node: [node("Relu", ["x"], ["y"]), node("Abs", ["x"], ["y"])] }),
    /duplicate output: "y" is computed by Abs "y" and by Relu "y"/,
  ],
  [
    "an output named as an initializer",
    smallModel({ node: [node("Relu", ["x"], ["w"])] }),
    /duplicate output: "w" .* an input or initializer/,
  ],
  [
    "a duplicate initializer",
    smallModel({ initializer: [floats("w", [1], [1]), floats("w", [1], [1])] }),
    /duplicate initializer: "w"/,
  ],
  ["a duplicate input", smallModel({ input: [info("x"), info("x")] }), /duplicate input: "x"/],
  [
    "an initializer without a name",
    smallModel({ initializer: [floats("", [1], [1])] }),
    /an initializer has no name/,
  ],
  ["a node without an operator", smallModel({ node: [node("", ["x"], ["y"])] }), /a node has no operator/],
  [
    "an initializer whose bytes do not match",
    holding({ name: "w", data_type: 1, dims: longs([3]), raw_data: new Uint8Array(8) }),
    /contents do not match the shape: "w"; expected 12 bytes for 3 elements of float32, got 8/,
  ],
  [
    "an unsupported initializer type",
    holding({ name: "w", data_type: 15, dims: longs([1]) }),
    /unsupported tensor type: "w".*got complex128/,
  ],
  [
    "an unsupported input type",
    smallModel({ input: [info("x", [1], 14)] }),
    /unsupported tensor type: "x".*got complex64/,
  ],
  ["a negative dimension of an initializer", holding(floats("w", [-3], [1])), /negative dimension: "w"/],
  [
    "a negative dimension of an input",
    smallModel({ input: [info("x", [-2, 2])] }),
    /negative dimension: "x"; expected a size ≥ 0, got -2/,
  ],
  ["a dimension that overflows", smallModel({ input: [info("x", [2 ** 60])] }), /dimension overflows: "x"/],
  [
    "dimensions whose product overflows",
    holding(floats("w", [2 ** 32, 2 ** 32], [1])),
    /dimensions overflow: "w"/,
  ],
  [
    "a sparse initializer",
    smallModel({ sparse_initializer: [{ values: floats("s", [1], [1]) }] }),
    /unsupported sparse tensor: initializer "s"/,
  ],
  [
    "a sparse input",
    smallModel({ input: [{ name: "x", type: { sparse_tensor_type: { elem_type: 1 } } }] }),
    /unsupported sparse tensor: input "x"/,
  ],
  [
    "a sparse constant",
    smallModel({
      node: [node("Constant", [], ["y"], [{ name: "sparse_value", type: 11, sparse_tensor: {} }])],
    }),
    /unsupported sparse tensor: attribute "sparse_value"/,
  ],
  [
    "a constant without a value",
    smallModel({ node: [node("Constant", [], ["y"])] }),
    /Constant "y" has no value/,
  ],
  [
    "an attribute without its value",
    smallModel({ node: [node("If", ["x"], ["y"], [{ name: "then_branch", type: 5 }])] }),
    /attribute "then_branch" of If "y" has no value/,
  ],
  [
    "an attribute of a kind that is not read",
    smallModel({ node: [node("Optional", [], ["y"], [{ name: "type", type: 13, tp: {} }])] }),
    /unsupported attribute "type" of Optional "y".*got TYPE_PROTO/,
  ],
  [
    "a reference outside of a function",
    smallModel({ node: [node("Relu", ["x"], ["y"], [referenceAttribute("alpha", "alpha", 1)])] }),
    /not inside a function/,
  ],
  ["deep nesting", nested(1000), /nested too deeply/],
  [
    "an undefined value in a subgraph",
    smallModel({
      node: [
        node(
          "If",
          ["x"],
          ["y"],
          [graphAttribute("then_branch", { node: [node("Relu", ["gone"], ["r"])], output: [info("r")] })],
        ),
      ],
    }),
    /undefined value: "gone" used by Relu "r"/,
  ],
  [
    "a function twice",
    smallModel(
      {},
      { functions: [0, 1].map(() => ({ domain: "d", name: "F", opset_import: [{ version: 18 as never }] })) },
    ),
    /duplicate function: "d::F"/,
  ],
  [
    "external data without a folder",
    holding({
      name: "w",
      data_type: 1,
      dims: longs([1]),
      data_location: 1,
      external_data: [{ key: "location", value: "w.bin" }],
    }),
    /external data is not available: "w.bin" of "w"/,
  ],
];

test.each(cases)("refuses %s", (_, model, message) => {
  const error = failure(model instanceof Uint8Array ? model : bytesOf(model));
  expect(error.code).toBe("INVALID_MODEL");
  expect(error.message).toMatch(/^cannot read model "bad.onnx": /);
  expect(error.message).toMatch(message);
});

test("damage inside is told from truncation", () => {
  const bytes = bytesOf(smallModel());
  const at = Buffer.from(bytes).indexOf("matmul");
  // The length of the name now runs over the end of its node.
  bytes[at - 1] = 100;
  expect(failure(bytes).message).toMatch(/it is damaged/);
});

test("long names in messages are cut", () => {
  const error = failure(bytesOf(smallModel({ node: [node("Relu", ["n".repeat(1e5)], ["y"])] })));
  expect(error.message.length).toBeLessThan(600);
});

test("the constant's integer attribute is not mistaken for its value", () => {
  const model = smallModel({ node: [node("Constant", [], ["y"], [intAttribute("other", 1)])] });
  expect(failure(bytesOf(model)).message).toMatch(/has no value/);
});

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "onnx-bad-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("no such file", async () => {
  await expect(readModel(join(folder, "none.onnx"))).rejects.toThrow(
    /none.onnx": no such file. Check the path/,
  );
});

test("a path through a file", async () => {
  writeFileSync(join(folder, "file"), "x");
  await expect(readModel(join(folder, "file", "m.onnx"))).rejects.toThrow(/no such file/);
});

test("a folder", async () => {
  await expect(readModel(folder)).rejects.toThrow(/it is a folder; expected an .onnx file/);
});

test("an empty file on disk", async () => {
  writeFileSync(join(folder, "empty.onnx"), "");
  await expect(readModel(join(folder, "empty.onnx"))).rejects.toThrow(/the file is empty/);
});
