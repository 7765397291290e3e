import { expect, test } from "vitest";
import { decodeModel, locateWeights, type OnnxModel, replaceWeights } from "../../src/onnx/index.ts";
import { onnx } from "../../src/onnx/proto/onnx.js";
import {
  bytesOf,
  floats,
  type GraphProto,
  graphAttribute,
  info,
  longs,
  type ModelProto,
  node,
  smallModel,
  type TensorProto,
} from "./protos.ts";

const path = "m.onnx";
const moved = (location: string) => `new/${location}`;

function raw(name: string, dims: readonly number[], values: readonly number[]): TensorProto {
  return { name, data_type: 1, dims: longs(dims), raw_data: bytes(values) };
}

function bytes(values: readonly number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

function replaced(file: Uint8Array, contents: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const { model } = replaceWeights(file, new Map(Object.entries(contents)), moved, path);
  return Buffer.concat(model);
}

function valuesOf(model: OnnxModel, name: string): unknown {
  return model.graph.initializers.find((v) => v.name === name)?.tensor?.data;
}

/** Where two files of one length differ. */
function differences(a: Uint8Array, b: Uint8Array): number[] {
  expect(a.length).toBe(b.length);
  return [...a.keys()].filter((i) => a[i] !== b[i]);
}

test("raw elements are replaced in place, and no other byte changes", () => {
  const file = bytesOf(
    smallModel(
      { initializer: [raw("w", [2, 3], [1, 2, 3, 4, 5, 6]), raw("b", [3], [7, 8, 9])], doc_string: "kept" },
      { producer_name: "someone", metadata_props: [{ key: "k", value: "v" }] },
    ),
  );
  const other = [-1.5, 2.5, -3.5];
  const result = replaced(file, { b: bytes(other) });
  const at = Buffer.from(file).indexOf(bytes([7, 8, 9]));
  for (const i of differences(file, result)) {
    expect(i).toBeGreaterThanOrEqual(at);
    expect(i).toBeLessThan(at + 12);
  }
  const model = decodeModel(result);
  expect(valuesOf(model, "b")).toEqual(Float32Array.from(other));
  expect(valuesOf(model, "w")).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
});

test("the same elements give the same file", () => {
  const file = bytesOf(
    smallModel({ initializer: [raw("w", [2, 3], [1, 2, 3, 4, 5, 6]), floats("b", [3], [0, 1, 2])] }),
  );
  expect(replaced(file, { w: bytes([1, 2, 3, 4, 5, 6]) })).toEqual(Buffer.from(file));
  expect(replaced(file, {})).toEqual(Buffer.from(file));
});

test("fields that this reader does not know stay", () => {
  // Field 1999 with a text, at the end of the model.
  const unknown = Uint8Array.of(0xfa, 0x7c, 3, 0x61, 0x62, 0x63);
  const known = bytesOf(
    smallModel({ initializer: [raw("w", [2, 3], [1, 2, 3, 4, 5, 6]), raw("b", [3], [7, 8, 9])] }),
  );
  const result = replaced(Buffer.concat([known, unknown]), { b: bytes([1, 1, 1]) });
  expect(result.subarray(known.length)).toEqual(Buffer.from(unknown));
});

test("elements in typed fields become raw ones", () => {
  const file = bytesOf(smallModel());
  const model = decodeModel(replaced(file, { w: bytes([6, 5, 4, 3, 2, 1]) }));
  expect(valuesOf(model, "w")).toEqual(Float32Array.of(6, 5, 4, 3, 2, 1));
  expect(valuesOf(model, "b")).toEqual(Float32Array.of(0.5, -0.5, 0));
});

test("half-precision bits in int32_data", () => {
  const half: TensorProto = { name: "b", data_type: 10, dims: longs([3]), int32_data: [0x3c00, 0x4000, 0] };
  const file = bytesOf(smallModel({ initializer: [floats("w", [2, 3], [1, 2, 3, 4, 5, 6]), half] }));
  expect(locateWeights(file, ["b", "w"], path).stored).toEqual(
    new Map([
      ["w", "float32"],
      ["b", "float16"],
    ]),
  );
  const contents = new Uint8Array(Uint16Array.of(0xbc00, 0, 0x3c00).buffer);
  expect(valuesOf(decodeModel(replaced(file, { b: contents })), "b")).toEqual(
    Uint16Array.of(0xbc00, 0, 0x3c00),
  );
});

test("weights in Constant nodes and in subgraphs", () => {
  const constant = (name: string, values: readonly number[]) =>
    node(
      "Constant",
      [],
      [name],
      [{ name: "value", type: onnx.AttributeProto.AttributeType.TENSOR, t: raw("inner name", [3], values) }],
    );
  const branch = (name: string, values: readonly number[]): GraphProto => ({
    name,
    initializer: [raw(name, [3], values)],
    node: [node("Add", ["h", name], [`${name}_out`])],
    output: [info(`${name}_out`, ["batch", 3])],
  });
  const file = bytesOf(
    smallModel({
      input: [info("x", ["batch", 2]), info("c", [], 9)],
      initializer: [floats("w", [2, 3], [1, 2, 3, 4, 5, 6])],
      node: [
        constant("k", [9, 2, 3]),
        node("MatMul", ["x", "w"], ["m"]),
        node("Add", ["m", "k"], ["h"]),
        node(
          "If",
          ["c"],
          ["y"],
          [
            graphAttribute("then_branch", branch("p", [1, 1, 1])),
            graphAttribute("else_branch", branch("q", [2, 2, 2])),
          ],
        ),
      ],
    }),
  );
  const result = replaced(file, { k: bytes([7, 7, 7]), q: bytes([8, 8, 8]) });
  const find = (values: readonly number[]) => Buffer.from(result).indexOf(bytes(values));
  expect([find([9, 2, 3]), find([2, 2, 2])]).toEqual([-1, -1]);
  expect([find([1, 1, 1]), find([7, 7, 7]), find([8, 8, 8])].every((i) => i > 0)).toBe(true);
  expect(valuesOf(decodeModel(result), "k")).toEqual(Float32Array.of(7, 7, 7));
});

/** Two floats at each offset of one external file. */
function external(...tensors: readonly (readonly [name: string, offset: number])[]): ModelProto {
  const tensor = (name: string, offset: number): TensorProto => ({
    name,
    data_type: 1,
    dims: longs([2]),
    data_location: 1,
    external_data: Object.entries({
      location: "w.bin",
      offset: `${offset}`,
      length: "8",
      checksum: "abc",
    }).map(([key, value]) => ({ key, value })),
  });
  return smallModel({ input: [], node: [], output: [], initializer: tensors.map((t) => tensor(...t)) });
}

test("external data are patched and move to another file, with those that stay as they are", () => {
  const file = bytesOf(external(["a", 0], ["b", 16]));
  const { model, data } = replaceWeights(file, new Map([["b", bytes([5, 6])]]), moved, path);
  expect(data).toEqual([
    { location: "w.bin", to: "new/w.bin", patches: [{ offset: 16, bytes: bytes([5, 6]) }] },
  ]);
  const tensors = onnx.ModelProto.decode(Buffer.concat(model)).graph?.initializer ?? [];
  const entries = tensors.map((t) =>
    Object.fromEntries((t.external_data ?? []).map((e) => [e.key, e.value])),
  );
  expect(entries).toEqual([
    { location: "new/w.bin", offset: "0", length: "8", checksum: "abc" },
    { location: "new/w.bin", offset: "16", length: "8" },
  ]);
  expect(locateWeights(file, ["a"], path).locations).toEqual(["w.bin"]);
});

test.each<[string, ModelProto, string, RegExp]>([
  ["a name that is not there", smallModel(), "v", /"v" is no initializer or Constant tensor/],
  [
    "tensors that share bytes",
    external(["a", 0], ["b", 4]),
    "b",
    /"a" and "b" share bytes of the external data/,
  ],
  [
    "a name that is there twice",
    smallModel({
      node: [
        node(
          "If",
          ["x"],
          ["y"],
          [graphAttribute("then_branch", { initializer: [raw("w", [1], [1])], output: [info("w")] })],
        ),
      ],
    }),
    "w",
    /several tensors have the name "w"/,
  ],
])("%s is refused before anything is written", (_, model, name, message) => {
  expect(() => locateWeights(bytesOf(model), [name], path)).toThrow(message);
  expect(() => locateWeights(bytesOf(model), [name], path)).toThrow(/cannot replace the weights of "m.onnx"/);
});

test("bytes that two weights share may stay shared while neither changes", () => {
  const file = bytesOf(external(["a", 0], ["b", 0], ["c", 8]));
  expect(locateWeights(file, ["c"], path).stored.get("c")).toBe("float32");
});
