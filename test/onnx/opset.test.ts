import { Tensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import type { Graph } from "../../src/onnx/graph.ts";
import { encodeModel, printGraph, toOpset18 } from "../../src/onnx/index.ts";
import {
  type AttributeProto,
  bytesOf,
  decode,
  floatAttribute,
  floats,
  graphAttribute,
  info,
  intAttribute,
  intsAttribute,
  longs,
  type ModelProto,
  node,
  smallModel,
  stringAttribute,
  type TensorProto,
} from "./protos.ts";
import { type Feeds, ramp, run } from "./run.ts";

interface Case {
  readonly op: string;
  readonly attributes?: AttributeProto[];
  /** Shape of the input x. */
  readonly x: readonly number[];
  /** Names after x in the node's inputs; constants of these names follow. */
  readonly rest?: string[];
  readonly constants?: TensorProto[];
  readonly outputs?: string[];
  /** Whether the file states shapes. */
  readonly shapes?: boolean;
  readonly elemType?: number;
}

function model(c: Case, opset: number): ModelProto {
  const outputs = c.outputs ?? ["y"];
  return smallModel(
    {
      input: [info("x", c.shapes === false ? undefined : c.x, c.elemType)],
      initializer: c.constants ?? [],
      node: [node(c.op, ["x", ...(c.rest ?? [])], outputs, c.attributes)],
      output: outputs.filter((name) => name !== "").map((name) => ({ name })),
    },
    { opset_import: [{ domain: "", version: longs([opset])[0] as never }] },
  );
}

function converted(c: Case, opset: number): Graph {
  return toOpset18(decode(model(c, opset))).graph;
}

const ints = (name: string, values: readonly number[]): TensorProto => ({
  name,
  data_type: 7,
  dims: longs([values.length]),
  int64_data: longs(values),
});

const floatsAttribute = (name: string, values: number[]): AttributeProto => ({
  name,
  type: 6,
  floats: values,
});

/** One row per changed signature: the opsets at which it is tried, and the node. */
const cases: [name: string, opsets: number[], Case][] = [
  ["Squeeze", [7, 12], { op: "Squeeze", attributes: [intsAttribute("axes", [0, 2])], x: [1, 3, 1] }],
  ["Squeeze of all", [11], { op: "Squeeze", x: [1, 3, 1] }],
  ["Unsqueeze", [9, 11], { op: "Unsqueeze", attributes: [intsAttribute("axes", [0, 3])], x: [2, 3] }],
  ["ReduceSum", [7, 11], { op: "ReduceSum", attributes: [intsAttribute("axes", [1])], x: [2, 3] }],
  ["ReduceSum of all", [11], { op: "ReduceSum", attributes: [intAttribute("keepdims", 0)], x: [2, 3] }],
  ...["L1", "L2", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare"].map(
    (kind): [string, number[], Case] => [
      `Reduce${kind}`,
      [9, 11, 13, 17],
      {
        op: `Reduce${kind}`,
        attributes: [intsAttribute("axes", [0, 2]), intAttribute("keepdims", 0)],
        x: [2, 3, 4],
      },
    ],
  ),
  [
    "Split",
    [7, 11],
    {
      op: "Split",
      attributes: [intAttribute("axis", 1), intsAttribute("split", [1, 4])],
      x: [2, 5],
      outputs: ["a", "b"],
    },
  ],
  [
    "Split in equal parts",
    [7, 13, 17],
    { op: "Split", attributes: [intAttribute("axis", 1)], x: [2, 6], outputs: ["a", "b", "c"] },
  ],
  [
    "Split with lengths as input",
    [13],
    {
      op: "Split",
      attributes: [intAttribute("axis", 1)],
      x: [2, 5],
      rest: ["n"],
      constants: [ints("n", [2, 3])],
      outputs: ["a", "b"],
    },
  ],
  ...["Softmax", "LogSoftmax", "Hardmax"].flatMap((op): [string, number[], Case][] => [
    [op, [9, 11, 12], { op, x: [2, 3, 4] }],
    [`${op} without shapes`, [11], { op, x: [2, 3, 4], shapes: false }],
    [`${op} of all`, [11], { op, attributes: [intAttribute("axis", 0)], x: [2, 3] }],
    [`${op} at the last axis`, [11], { op, attributes: [intAttribute("axis", 2)], x: [2, 3, 4] }],
    [`${op} at a negative axis`, [11], { op, attributes: [intAttribute("axis", -2)], x: [2, 3, 4] }],
    [
      `${op} at axis -1 without shapes`,
      [11],
      { op, attributes: [intAttribute("axis", -1)], x: [2, 3, 4], shapes: false },
    ],
    [`${op} as it is since 13`, [13, 17], { op, attributes: [intAttribute("axis", 1)], x: [2, 3, 4] }],
  ]),
  [
    "Clip",
    [7, 10],
    { op: "Clip", attributes: [floatAttribute("min", -0.5), floatAttribute("max", 0.25)], x: [3, 4] },
  ],
  ["Clip from below", [9], { op: "Clip", attributes: [floatAttribute("min", 0)], x: [3, 4] }],
  [
    "Pad",
    [7, 10],
    { op: "Pad", attributes: [intsAttribute("pads", [0, 1, 2, 0]), floatAttribute("value", 1.5)], x: [2, 3] },
  ],
  [
    "Pad by reflection",
    [9],
    {
      op: "Pad",
      attributes: [intsAttribute("pads", [0, 1, 0, 1]), stringAttribute("mode", "reflect")],
      x: [2, 3],
    },
  ],
  [
    "Slice",
    [7, 9],
    {
      op: "Slice",
      attributes: [
        intsAttribute("axes", [1]),
        intsAttribute("starts", [1]),
        intsAttribute("ends", [2 ** 63]),
      ],
      x: [2, 5],
    },
  ],
  [
    "Slice of the first axes",
    [9],
    {
      op: "Slice",
      attributes: [intsAttribute("starts", [0, -2]), intsAttribute("ends", [1, -1])],
      x: [2, 5],
    },
  ],
  ["Dropout", [7, 10], { op: "Dropout", attributes: [floatAttribute("ratio", 0.3)], x: [2, 3] }],
  ["TopK", [7, 9], { op: "TopK", attributes: [intAttribute("k", 2)], x: [3, 4], outputs: ["v", "i"] }],
  [
    "Scatter",
    [9, 10],
    {
      op: "Scatter",
      attributes: [intAttribute("axis", 1)],
      x: [2, 3],
      rest: ["i", "u"],
      constants: [{ ...ints("i", [2, 0]), dims: longs([2, 1]) }, floats("u", [2, 1], [7, 8])],
    },
  ],
  [
    "DynamicSlice",
    [7, 9],
    {
      op: "DynamicSlice",
      x: [3, 4],
      rest: ["s", "e", "a"],
      constants: [ints("s", [1, 0]), ints("e", [3, 2]), ints("a", [1, 0])],
    },
  ],
  [
    "Upsample",
    [7],
    { op: "Upsample", attributes: [floatsAttribute("scales", [1, 1, 2, 3])], x: [1, 2, 3, 2] },
  ],
  [
    "Upsample by an input",
    [9],
    { op: "Upsample", x: [1, 2, 3, 2], rest: ["s"], constants: [floats("s", [4], [1, 1, 2, 1.5])] },
  ],
  [
    "Upsample, linear",
    [9],
    {
      op: "Upsample",
      attributes: [stringAttribute("mode", "linear")],
      x: [1, 2, 3, 2],
      rest: ["s"],
      constants: [floats("s", [4], [1, 1, 2, 2])],
    },
  ],
  [
    "Resize 10, larger",
    [10],
    { op: "Resize", x: [1, 1, 3, 4], rest: ["s"], constants: [floats("s", [4], [1, 1, 2, 1.5])] },
  ],
  [
    "Resize 10, smaller",
    [10],
    { op: "Resize", x: [1, 1, 6, 5], rest: ["s"], constants: [floats("s", [4], [1, 1, 0.5, 0.6])] },
  ],
  [
    "Resize 10, linear",
    [10],
    {
      op: "Resize",
      attributes: [stringAttribute("mode", "linear")],
      x: [1, 1, 3, 4],
      rest: ["s"],
      constants: [floats("s", [4], [1, 1, 2, 0.5])],
    },
  ],
  [
    "Resize 11 with empty inputs",
    [11],
    {
      op: "Resize",
      attributes: [
        stringAttribute("mode", "linear"),
        stringAttribute("coordinate_transformation_mode", "half_pixel"),
      ],
      x: [1, 1, 3, 4],
      rest: ["roi", "s", "n"],
      constants: [floats("roi", [0], []), floats("s", [0], []), ints("n", [1, 1, 5, 8])],
    },
  ],
  [
    "Cast with saturation",
    [19, 21],
    { op: "Cast", attributes: [intAttribute("to", 6), intAttribute("saturate", 1)], x: [2, 3] },
  ],
  ["Reshape", [7, 13], { op: "Reshape", x: [2, 3], rest: ["n"], constants: [ints("n", [0, -1])] }],
  [
    "RoiAlign",
    [10, 15],
    {
      op: "RoiAlign",
      attributes: [intAttribute("output_height", 2), intAttribute("output_width", 2)],
      x: [1, 2, 6, 6],
      rest: ["r", "b"],
      constants: [floats("r", [1, 4], [1, 1, 4.5, 4]), ints("b", [0])],
    },
  ],
  [
    "GridSample, linear",
    [20],
    {
      op: "GridSample",
      x: [1, 2, 4, 4],
      rest: ["g"],
      constants: [floats("g", [1, 1, 3, 2], [-0.7, 0.1, 0.3, 0.9, 0, 0])],
    },
  ],
  [
    "GridSample, cubic",
    [20],
    {
      op: "GridSample",
      attributes: [stringAttribute("mode", "cubic")],
      x: [1, 2, 4, 4],
      rest: ["g"],
      constants: [floats("g", [1, 1, 3, 2], [-0.7, 0.1, 0.3, 0.9, 0, 0])],
    },
  ],
  ["ReduceMax 20", [20], { op: "ReduceMax", x: [2, 3], rest: ["a"], constants: [ints("a", [1])] }],
  [
    "BatchNormalization",
    [7, 9, 13],
    {
      op: "BatchNormalization",
      x: [3, 2, 2],
      rest: ["s", "b", "m", "v"],
      constants: [
        floats("s", [2], [1, 2]),
        floats("b", [2], [0, 1]),
        floats("m", [2], [0.1, 0.2]),
        floats("v", [2], [1, 0.5]),
      ],
    },
  ],
];

describe("the same numbers before and after", () => {
  const rows = cases.flatMap(([name, opsets, c]) => opsets.map((o): [string, number, Case] => [name, o, c]));
  test.each(rows)("%s, opset %i", async (_, opset, c) => {
    const feeds: Feeds = { x: ramp(c.x) };
    const before = await run(bytesOf(model(c, opset)), feeds);
    const after = await run(encodeModel(converted(c, opset)), feeds);
    expect(Object.keys(after)).toEqual(Object.keys(before));
    for (const [name, expected] of Object.entries(before)) {
      expect(after[name]?.dims).toEqual(expected.dims);
      // The same kernels on the same numbers: bit for bit.
      expect(after[name]?.data).toEqual(expected.data);
    }
  });
});

test.each([11, 10])("float64 bounds and paddings keep their type, float16 too", async (elemType) => {
  const c: Case = { op: "Clip", attributes: [floatAttribute("min", 0.5)], x: [2], elemType };
  const x =
    elemType === 11
      ? new Tensor("float64", Float64Array.of(0, 1), [2])
      : new Tensor("float16", Uint16Array.of(0, 0x3c00), [2]);
  const results = await run(encodeModel(converted(c, 9)), { x });
  expect(results["y"]?.type).toBe(elemType === 11 ? "float64" : "float16");
  expect(Array.from(results["y"]?.data as ArrayLike<number>)).toEqual(
    elemType === 11 ? [0.5, 1] : [0x3800, 0x3c00],
  );
});

const scaleAndBias = [floats("s", [2], [1, 2]), floats("b", [2], [0.5, -1])];

test.each([true, false])(
  "GroupNormalization's scale per group becomes one per channel (shapes stated: %s)",
  async (shapes) => {
    const c: Case = {
      op: "GroupNormalization",
      attributes: [intAttribute("num_groups", 2)],
      x: [2, 6, 3],
      rest: ["s", "b"],
      constants: scaleAndBias,
      shapes,
    };
    const graph = converted(c, 18);
    const x = ramp(c.x);
    // Its meaning is that of opset 21, and there it runs.
    const result = (await run(encodeModel(graph, { opset: 21 }), { x }))["y"] as Tensor;
    const expected = groupNorm(x.data as Float32Array, 2, 6, 3, 2, [1, 2], [0.5, -1]);
    const error = Math.max(...expected.map((v, i) => Math.abs(v - (result.data as Float32Array)[i]!)));
    // Float32 sums of nine terms of order one.
    expect(error).toBeLessThan(9 * 2 ** -23);
  },
);

/** Normalised over each group, scaled per group, in float64. */
function groupNorm(
  x: Float32Array,
  n: number,
  c: number,
  d: number,
  groups: number,
  scale: number[],
  bias: number[],
): number[] {
  const size = (c / groups) * d;
  const y: number[] = [];
  for (let k = 0; k < n * groups; k++) {
    const part = Array.from(x.subarray(k * size, (k + 1) * size));
    const mean = part.reduce((a, b) => a + b) / size;
    const variance = part.reduce((a, b) => a + (b - mean) ** 2, 0) / size;
    const g = k % groups;
    y.push(...part.map((v) => ((v - mean) / Math.sqrt(variance + 1e-5)) * scale[g]! + bias[g]!));
  }
  return y;
}

test("GroupNormalization of opset 21 stays, and converting twice changes nothing", () => {
  const c: Case = {
    op: "GroupNormalization",
    attributes: [intAttribute("num_groups", 2)],
    x: [2, 6, 3],
    rest: ["s", "b"],
    constants: scaleAndBias,
  };
  const newer = decode(model(c, 21));
  expect(toOpset18(newer).graph).toBe(newer.graph);
  const once = toOpset18(decode(model(c, 18)));
  expect(toOpset18(once).graph).toBe(once.graph);
});

test("BatchNormalization with five outputs trains", () => {
  const c: Case = {
    op: "BatchNormalization",
    x: [3, 2],
    rest: ["s", "b", "m", "v"],
    constants: ["s", "b", "m", "v"].map((n) => floats(n, [2], [1, 1])),
    outputs: ["y", "mean", "var", "saved_mean", "saved_var"],
  };
  // The saved statistics are outputs of this graph, and opset 18 has none: unchanged.
  expect(converted(c, 9).nodes[0]?.numOutputs).toBe(5);
  const proto = model(c, 9);
  const used = decode({ ...proto, graph: { ...proto.graph, output: [info("y")] } });
  const [trained] = toOpset18(used).graph.nodes;
  expect(trained?.outputs.map((v) => v.name)).toEqual(["y", "mean", "var"]);
  expect(trained?.int("training_mode", 0)).toBe(1);
});

test.each<[string, number, Case]>([
  [
    "statistics per activation",
    7,
    {
      op: "BatchNormalization",
      attributes: [intAttribute("spatial", 0)],
      x: [3, 2],
      rest: ["s", "b", "m", "v"],
      constants: ["s", "b", "m", "v"].map((n) => floats(n, [2], [1, 1])),
    },
  ],
  ["a mask", 10, { op: "Dropout", x: [2], outputs: ["y", "mask"] }],
  [
    "a nearest Resize that grows and shrinks",
    10,
    { op: "Resize", x: [1, 1, 4, 4], rest: ["s"], constants: [floats("s", [4], [1, 1, 2, 0.5])] },
  ],
])("what cannot be said in opset 18 stays unchanged: %s", (_, opset, c) => {
  const before = decode(model(c, opset));
  expect(toOpset18(before).graph).toBe(before.graph);
});

test("newer operators and other domains stay as they are", () => {
  const before = decode(
    smallModel(
      {
        node: [
          node("Gelu", ["x"], ["g"], [stringAttribute("approximate", "tanh")]),
          node("Softmax", ["g"], ["s"], [], { domain: "com.acme" }),
          node("RMSNormalization", ["s", "b"], ["y"]),
        ],
      },
      {
        opset_import: [
          { version: longs([23])[0] as never },
          { domain: "com.acme", version: longs([1])[0] as never },
        ],
      },
    ),
  );
  const after = toOpset18(before);
  expect(after.graph).toBe(before.graph);
  expect([...after.opset]).toEqual([
    ["", 18],
    ["com.acme", 1],
  ]);
});

test("subgraphs are converted, and what they see of a converted graph", () => {
  const body = {
    name: "body",
    node: [node("Squeeze", ["h"], ["s"], [intsAttribute("axes", [0])])],
    output: [info("s")],
  };
  const { graph } = toOpset18(
    decode(
      smallModel(
        {
          input: [info("x", [1, 3]), info("c", [], 9)],
          initializer: [],
          node: [
            node("ReduceMean", ["x"], ["h"], [intsAttribute("axes", [1])]),
            node("If", ["c"], ["y"], [graphAttribute("then_branch", body)]),
          ],
          output: [info("y")],
        },
        { opset_import: [{ version: longs([11])[0] as never }] },
      ),
    ),
  );
  expect(printGraph(graph)).toMatchInlineSnapshot(`
    "small(x: float32[1, 3], c: bool[]) -> (y)
      h/axes: int64[1] = [1]
      h: ? = ReduceMean(x, h/axes)
      y: float32 = If(c) {then_branch=body}
        body() -> (s)
          s/axes: int64[1] = [0]
          s: float32 = Squeeze(h, s/axes)"
  `);
});
