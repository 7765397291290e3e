import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { gradient } from "../../src/autodiff/gradient.ts";
import { loadCheckpoint } from "../../src/model/load-checkpoint.ts";
import { unsupportedOperators } from "../../src/model/unsupported.ts";
import { GraphBuilder } from "../../src/ops/builder.ts";
import { lookup } from "../../src/ops/registry.ts";
import {
  bytesOf,
  floats,
  type GraphProto,
  graphAttribute,
  info,
  intAttribute,
  node,
  smallModel,
} from "../onnx/protos.ts";

const folder = mkdtempSync(join(tmpdir(), "landscape-unsupported-"));
const W = floats("w", [2, 2], [0.1, 0.2, 0.3, 0.4]);
const vector = (name: string) => floats(name, [2], [0.1, 0.2]);
const y = [info("y")];

async function found(graph: GraphProto, options: { evalMode?: boolean } = {}) {
  const path = join(folder, "model.onnx");
  writeFileSync(path, bytesOf(smallModel({ output: y, ...graph })));
  const checkpoint = await loadCheckpoint(path, options);
  return unsupportedOperators(checkpoint, lookup).map(({ op, nodes, reason }) => ({
    op,
    nodes,
    ...(reason && { reason }),
  }));
}

const branches = (inner: ReturnType<typeof node>) => [
  graphAttribute("then_branch", { name: "t", node: [inner], output: [info("t")] }),
  graphAttribute("else_branch", {
    name: "e",
    node: [node("MatMul", ["x", "w"], ["e"])],
    output: [info("e")],
  }),
];
const on = { name: "on", data_type: 9, int32_data: [1] };
const training = node(
  "BatchNormalization",
  ["h", "g", "b", "m", "v"],
  ["y"],
  [intAttribute("training_mode", 1)],
  { name: "bn" },
);
const batchNorm: GraphProto = {
  initializer: [W, ...["g", "b", "m", "v"].map(vector)],
  node: [node("MatMul", ["x", "w"], ["h"]), training],
};

describe("what stands in the way of a gradient, all at once", () => {
  const rows: readonly [string, GraphProto, { op: string; nodes: string[]; reason?: string }[]][] = [
    ["nothing", { initializer: [W], node: [node("MatMul", ["x", "w"], ["y"])] }, []],
    [
      "unknown operators, one before the weights",
      {
        initializer: [W],
        node: [
          node("Strange", ["x"], ["s"], [], { name: "s0" }),
          node("MatMul", ["s", "w"], ["h"]),
          node("Odd", ["h"], ["o"]),
          node("Odd", ["o"], ["y"]),
        ],
      },
      [
        { op: "Strange", nodes: ["s0"] },
        { op: "Odd", nodes: ["o", "y"] },
      ],
    ],
    [
      "an unknown operator that the output does not need",
      { initializer: [W], node: [node("MatMul", ["x", "w"], ["y"]), node("Strange", ["x"], ["s"])] },
      [],
    ],
    [
      "an unknown operator in a branch",
      { initializer: [W, on], node: [node("If", ["on"], ["y"], branches(node("Strange", ["x"], ["t"])))] },
      [{ op: "Strange", nodes: ["t"] }],
    ],
    [
      "control flow",
      { initializer: [W, on], node: [node("If", ["on"], ["y"], branches(node("Relu", ["x"], ["t"])))] },
      [],
    ],
    [
      "random numbers, though none depend on a weight",
      {
        initializer: [W],
        node: [
          node("RandomNormalLike", ["x"], ["r"], [], { name: "noise" }),
          node("Add", ["x", "r"], ["s"]),
          node("MatMul", ["s", "w"], ["y"]),
        ],
      },
      [
        {
          op: "RandomNormalLike",
          nodes: ["noise"],
          reason: expect.stringMatching(/draws random numbers.*without sampling/) as never,
        },
      ],
    ],
    [
      "training mode",
      batchNorm,
      [
        {
          op: "BatchNormalization",
          nodes: ["bn"],
          reason: expect.stringMatching(/in training mode: use --eval-mode/) as never,
        },
      ],
    ],
  ];
  test.each(rows)("%s", async (_name, graph, expected) => {
    expect(await found(graph)).toEqual(expected);
  });

  test("--eval-mode takes training mode out of the way", async () => {
    expect(await found(batchNorm, { evalMode: true })).toEqual([]);
  });

  test("regions that decide how many samples are taken", () => {
    const b = new GraphBuilder(lookup);
    const float32 = (dims: readonly number[]) => ({ type: "float32", dims }) as const;
    const [image, rois] = [b.input("image", float32([1, 2, 4, 4])), b.input("rois", float32([3, 4]))];
    const index = b.constant({ type: "int64", dims: [3], data: new BigInt64Array(3) });
    const pooled = b.call("RoiAlign", [image, rois, index], { output_height: 2, mode: "max" });
    const loss = b.reduceSum(pooled, [0, 1, 2, 3], false);
    expect(() => gradient(b, loss, [image], lookup)).toThrow(
      /no gradient rule for RoiAlign .* of mode max with sampling_ratio 0, whose number of samples depends on the regions/,
    );
  });

  test("the walker gives the same reason", () => {
    const b = new GraphBuilder(lookup);
    const inputs = ["x", "g", "b", "m", "v"].map((name, i) =>
      b.input(name, { type: "float32", dims: i === 0 ? [3, 2] : [2] }),
    );
    const h = b.call("BatchNormalization", inputs, { training_mode: 1 });
    const loss = b.reduceSum(h, [0, 1], false);
    expect(() => gradient(b, loss, [inputs[1] as never], lookup)).toThrow(
      /no gradient rule for BatchNormalization \(1 node: .*\) in training mode: use --eval-mode, or export with model\.eval\(\)/,
    );
  });
});
