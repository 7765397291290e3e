import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { bindModel } from "../../src/model/bind.ts";
import { loadCheckpoint } from "../../src/model/load-checkpoint.ts";
import {
  bytesOf,
  floats,
  type GraphProto,
  info,
  intAttribute,
  intsAttribute,
  longs,
  node,
  smallModel,
  stringAttribute,
  type TensorProto,
} from "../onnx/protos.ts";

const folder = mkdtempSync(join(tmpdir(), "landscape-free-batch-"));

const ints = (name: string, values: number[]): TensorProto => ({
  name,
  data_type: 7,
  dims: longs([values.length]),
  int64_data: longs(values),
});
const ramp = (n: number) => Array.from({ length: n }, (_, i) => 0.3 + 0.17 * i);
const W = floats("w", [6, 3], ramp(18));

const equation = (text: string) => stringAttribute("equation", text);

/** Models exported for 4 samples of [2, 3]; whether they can take any number. */
const rows: readonly [string, boolean, Pick<GraphProto, "node" | "initializer">][] = [
  [
    "flattened by −1",
    true,
    {
      initializer: [W, ints("s", [0, -1])],
      node: [node("Reshape", ["x", "s"], ["f"]), node("MatMul", ["f", "w"], ["y"])],
    },
  ],
  [
    "flattened with the batch in the shape",
    false,
    {
      initializer: [W, ints("s", [4, 6])],
      node: [node("Reshape", ["x", "s"], ["f"]), node("MatMul", ["f", "w"], ["y"])],
    },
  ],
  [
    "flattened to −1 rows",
    true,
    {
      initializer: [W, ints("s", [-1, 6])],
      node: [node("Reshape", ["x", "s"], ["f"]), node("MatMul", ["f", "w"], ["y"])],
    },
  ],
  [
    "a softmax over features",
    true,
    {
      initializer: [W],
      node: [
        node("Flatten", ["x"], ["f"]),
        node("MatMul", ["f", "w"], ["h"]),
        node("Softmax", ["h"], ["y"], [intAttribute("axis", 1)]),
      ],
    },
  ],
  [
    "a softmax over samples",
    false,
    {
      initializer: [W],
      node: [
        node("Flatten", ["x"], ["f"]),
        node("MatMul", ["f", "w"], ["h"]),
        node("Softmax", ["h"], ["y"], [intAttribute("axis", 0)]),
      ],
    },
  ],
  [
    "centred over samples",
    false,
    {
      initializer: [W, ints("a", [0])],
      node: [
        node("Flatten", ["x"], ["f"]),
        node("ReduceMean", ["f", "a"], ["m"]),
        node("Sub", ["f", "m"], ["c"]),
        node("MatMul", ["c", "w"], ["y"]),
      ],
    },
  ],
  [
    "similarities between samples",
    false,
    {
      initializer: [W],
      node: [
        node("Flatten", ["x"], ["f"]),
        node("MatMul", ["f", "w"], ["h"]),
        node("Transpose", ["h"], ["t"], [intsAttribute("perm", [1, 0])]),
        node("MatMul", ["h", "t"], ["y"]),
      ],
    },
  ],
  [
    "samples turned round",
    false,
    {
      initializer: [W, ints("from", [-1]), ints("to", [-99]), ints("axis", [0]), ints("step", [-1])],
      node: [
        node("Flatten", ["x"], ["f"]),
        node("Slice", ["f", "from", "to", "axis", "step"], ["r"]),
        node("MatMul", ["r", "w"], ["y"]),
      ],
    },
  ],
  [
    "attention within samples",
    true,
    {
      initializer: [floats("w", [3, 3], ramp(9))],
      node: [
        node("MatMul", ["x", "w"], ["q"]),
        node("Transpose", ["x"], ["k"], [intsAttribute("perm", [0, 2, 1])]),
        node("MatMul", ["q", "k"], ["a"]),
        node("Softmax", ["a"], ["p"]),
        node("MatMul", ["p", "x"], ["y"]),
      ],
    },
  ],
  [
    "attention within samples, as sums over named axes",
    true,
    {
      initializer: [],
      node: [
        node("Einsum", ["x", "x"], ["a"], [equation("bqd,bkd->bqk")]),
        node("Einsum", ["a", "x"], ["y"], [equation("bqk,bkd->bqd")]),
      ],
    },
  ],
  [
    "attention between samples, as sums over named axes",
    false,
    { initializer: [], node: [node("Einsum", ["x", "x"], ["y"], [equation("bqd,ckd->bcqk")])] },
  ],
  [
    "a batch of similarities that weights samples",
    false,
    {
      initializer: [W],
      node: [
        node("Flatten", ["x"], ["f"]),
        node("Mul", ["f", "f"], ["g"]),
        node("Einsum", ["f", "g"], ["s"], [equation("bi,ci->bc")]),
        node("MatMul", ["s", "f"], ["h"]),
        node("MatMul", ["h", "w"], ["y"]),
      ],
    },
  ],
  [
    "an operator that nobody knows",
    false,
    {
      initializer: [W],
      node: [node("Flatten", ["x"], ["f"]), node("Strange", ["f"], ["g"]), node("MatMul", ["g", "w"], ["y"])],
    },
  ],
];

describe("the batch of a static export", () => {
  test.each(rows)("%s", async (_name, free, graph) => {
    const path = join(folder, "model.onnx");
    writeFileSync(
      path,
      bytesOf(smallModel({ input: [info("x", [4, 2, 3])], output: [info("y")], ...graph })),
    );
    const checkpoint = await loadCheckpoint(path);
    expect(checkpoint.inputs[0]?.shape).toEqual([free ? null : 4, 2, 3]);
    expect(checkpoint.warnings.map((w) => w.code)).toEqual(free ? [] : ["STATIC_BATCH"]);
    if (!free) return;
    const bound = bindModel(checkpoint, new Map([["x", { type: "float32", dims: [5, 2, 3] }]]));
    expect(bound.output.dims[0]).toBe(5);
  });

  test.each([
    ["of four samples in its shapes", [4, 6], true],
    ["of no number in its shapes", [-1, 6], false],
  ])("a dynamic one, traced with the sizes %s", async (_name, shape, traced) => {
    const path = join(folder, "traced.onnx");
    const graph = {
      input: [info("x", ["batch", 2, 3])],
      output: [info("y", [4, 3])],
      initializer: [W, ints("s", shape)],
      node: [node("Reshape", ["x", "s"], ["f"]), node("MatMul", ["f", "w"], ["y"])],
    };
    writeFileSync(path, bytesOf(smallModel(graph)));
    const checkpoint = await loadCheckpoint(path);
    expect(checkpoint.inputs[0]?.shape).toEqual([traced ? 4 : "batch", 2, 3]);
    expect(checkpoint.warnings.map((w) => w.code)).toEqual(traced ? ["STATIC_BATCH"] : []);
  });

  test.each([
    ["the only one that fits", [4, 4], 4],
    ["none that fits", [4, 5], "batch"],
    ["any", [1, 1], "batch"],
  ])("a dynamic one that compares its samples with a constant: %s", async (_name, dims, found) => {
    const path = join(folder, "pairs.onnx");
    const graph = {
      input: [info("x", ["batch", 6])],
      output: [info("y", ["batch", "batch2"])],
      initializer: [W, floats("c", dims, ramp(dims[0]! * dims[1]!))],
      node: [
        node("MatMul", ["x", "w"], ["f"]),
        node("Transpose", ["f"], ["g"]),
        node("MatMul", ["f", "g"], ["s"]),
        node("Sub", ["s", "c"], ["y"]),
      ],
    };
    writeFileSync(path, bytesOf(smallModel(graph)));
    const checkpoint = await loadCheckpoint(path);
    expect(checkpoint.inputs[0]?.shape).toEqual([found, 6]);
    expect(checkpoint.warnings.map((w) => w.code)).toEqual(found === 4 ? ["STATIC_BATCH"] : []);
  });

  test("a dynamic one whose shapes fit several sizes is not guessed", async () => {
    const path = join(folder, "several.onnx");
    const graph = {
      input: [info("x", ["batch", 6])],
      output: [info("y", ["rows", 3])],
      initializer: [floats("w", [3, 3], ramp(9)), ints("s", [4, -1, 3])],
      node: [node("Reshape", ["x", "s"], ["f"]), node("MatMul", ["f", "w"], ["y"])],
    };
    writeFileSync(path, bytesOf(smallModel(graph)));
    const { inputs, warnings } = await loadCheckpoint(path);
    expect(inputs[0]?.shape).toEqual(["batch", 6]);
    expect(warnings).toEqual([]);
  });

  test("a dynamic one whose output has a first axis that is not the batch's is not bound to it", async () => {
    const path = join(folder, "columns.onnx");
    const graph = {
      input: [info("x", ["batch", 6])],
      output: [info("y", [3, "batch"])],
      initializer: [floats("w", [3, 6], ramp(18))],
      node: [node("Transpose", ["x"], ["t"]), node("MatMul", ["w", "t"], ["y"])],
    };
    writeFileSync(path, bytesOf(smallModel(graph)));
    const { inputs, warnings } = await loadCheckpoint(path);
    expect(inputs[0]?.shape).toEqual(["batch", 6]);
    expect(warnings).toEqual([]);
  });

  test.each([
    ["100 samples in its shapes", [100, 6]],
    ["100 samples in pairs", [50, 12]],
  ])("a dynamic one whose output names no size, traced with %s", async (_name, shape) => {
    const path = join(folder, "large.onnx");
    const graph = {
      input: [info("x", ["batch", 2, 3])],
      output: [info("y", ["rows", "columns"])],
      initializer: [ints("s", shape), ints("a", [1]), floats("w", [3, 3], ramp(9))],
      node: [
        node("MatMul", ["x", "w"], ["h"]),
        node("Reshape", ["h", "s"], ["f"]),
        node("ReduceSum", ["f", "a"], ["y"]),
      ],
    };
    writeFileSync(path, bytesOf(smallModel(graph)));
    const { inputs } = await loadCheckpoint(path);
    expect(inputs[0]?.shape?.[0]).toBe(100);
  });

  test("a dynamic one with an edge to its 15th node may have more nodes", async () => {
    const path = join(folder, "edges.onnx");
    const graph = {
      input: [info("x", ["nodes", 6])],
      output: [info("y", ["nodes", 3])],
      initializer: [W, ints("from", [14, 2, 0]), ints("to", [1, 14, 2])],
      node: [
        node("MatMul", ["x", "w"], ["h"]),
        node("Gather", ["h", "from"], ["m"]),
        node("Unsqueeze", ["to", "one"], ["i"]),
        node("ScatterND", ["h", "i", "m"], ["y"]),
      ],
    };
    graph.initializer.push(ints("one", [1]));
    writeFileSync(path, bytesOf(smallModel(graph)));
    const { inputs, warnings } = await loadCheckpoint(path);
    expect(inputs[0]?.shape).toEqual(["nodes", 6]);
    expect(warnings).toEqual([]);
  });

  test("a dynamic one is as it was", async () => {
    const path = join(folder, "dynamic.onnx");
    writeFileSync(path, bytesOf(smallModel()));
    const { inputs, warnings } = await loadCheckpoint(path);
    expect(inputs[0]?.shape).toEqual(["batch", 2]);
    expect(warnings).toEqual([]);
  });
});
