import { describe, expect, test } from "vitest";
import { assertHasParameters, type Checkpoint } from "../../src/model/checkpoint.ts";
import { judgeInitializers } from "../../src/model/parameters.ts";
import { preflightWarnings } from "../../src/model/preflight.ts";
import { decodeModel, toOpset18, toSinglePrecision } from "../../src/onnx/index.ts";
import { lookup } from "../../src/ops/registry.ts";
import {
  bytesOf,
  floats,
  type GraphProto,
  info,
  intAttribute,
  longs,
  type ModelProto,
  type NodeProto,
  node,
  smallModel,
  stringAttribute,
  type TensorProto,
} from "../onnx/protos.ts";

/** A file and the codes of what is odd about it, with what the sentence must say. */
interface Row {
  readonly name: string;
  readonly producer?: string;
  readonly graph: GraphProto;
  readonly warnings: Readonly<Record<string, RegExp>>;
}

const OPSETS = [
  { domain: "", version: 18 as never },
  { domain: "ai.onnx.ml", version: 3 as never },
  { domain: "com.microsoft.nchwc", version: 1 as never },
];

function warningsOf(row: Row): Map<string, string> {
  const parts: ModelProto = { producer_name: row.producer ?? "pytorch", opset_import: OPSETS };
  const model = decodeModel(bytesOf(smallModel(row.graph, parts)));
  const { graph } = toSinglePrecision(toOpset18(model).graph);
  const verdicts = judgeInitializers(graph, graph.outputs[0] as never, lookup, { params: [], freeze: [] });
  return new Map(preflightWarnings(model, graph, verdicts).map((w) => [w.code, w.message]));
}

const ramp = (n: number, from = 0.3) => Array.from({ length: n }, (_, i) => from + 0.17 * i);
const image = info("x", ["n", 2, 4, 4]);
const rows2 = info("x", ["n", 4]);
const y = [info("y")];
const W = floats("fc.weight", [4, 3], ramp(12));
const note = (key: string, value: string) => ({ key, value });
const KIND = "pkg.torch.export.graph_signature.InputSpec.kind";
const FOLDED = "pkg.onnxscript.optimizer.folded_from";
const RULE = "pkg.onnxscript.rewriter.rule_name";

function conv(weight: string, bias: string, more: NodeProto = {}): GraphProto {
  return {
    input: [image],
    initializer: [floats(weight, [3, 2, 1, 1], ramp(6)), floats(bias, [3], ramp(3))],
    node: [node("Conv", ["x", weight, bias], ["y"], [], more)],
    output: y,
  };
}

function dense(weight: TensorProto, more: Partial<GraphProto> = {}): GraphProto {
  return {
    input: [rows2],
    initializer: [weight],
    node: [node("MatMul", ["x", weight.name as string], ["y"])],
    output: y,
    ...more,
  };
}

const norm = (rows: number, columns: number) => {
  const w = ramp(rows * columns);
  return Array.from({ length: rows }, (_, r) => Math.hypot(...w.slice(r * columns, (r + 1) * columns)));
};

const transposed = (rows: number, columns: number) => {
  const w = ramp(rows * columns);
  return Array.from(
    { length: rows * columns },
    (_, i) => w[(i % rows) * columns + Math.floor(i / rows)] as number,
  );
};

const statistics = ["g", "b", "m", "v"].map((n) => floats(n, [4], ramp(4)));

const rows: readonly Row[] = [
  { name: "an ordinary model", graph: dense(W), warnings: {} },
  {
    name: "a Conv fused by the optimiser, noted on the node",
    graph: conv("c.weight", "c.bias", {
      metadata_props: [note(RULE, "RemoveOptionalBiasFromConv, FuseBatchNormIntoConv")],
    }),
    warnings: { FUSED_BATCH_NORM: /1 of 1 convolutions and linear layers.*optimize=False/ },
  },
  {
    name: "a Gemm fused by the optimiser",
    graph: {
      input: [rows2],
      initializer: [W, floats("fc.bias", [3], ramp(3))],
      node: [
        node("Gemm", ["x", "fc.weight", "fc.bias"], ["y"], [], {
          metadata_props: [note(RULE, "FuseBatchNormIntoGemm")],
        }),
      ],
      output: y,
    },
    warnings: { FUSED_BATCH_NORM: /1 of 1/ },
  },
  {
    name: "a Conv whose bias was made by the fusion",
    graph: conv("c.weight", "c.weight_bias"),
    warnings: { FUSED_BATCH_NORM: /fused/ },
  },
  {
    name: "a Conv fused by TorchScript",
    graph: conv("onnx::Conv_25", "onnx::Conv_26"),
    warnings: { FUSED_BATCH_NORM: /fused/ },
  },
  {
    name: "a Conv whose weight TorchScript computed, as weight_norm's",
    graph: conv("onnx::Conv_25", "0.bias"),
    warnings: { FOLDED_WEIGHTS: /computed "onnx::Conv_25" from trained weights/ },
  },
  {
    name: "a Conv fused by tf2onnx",
    producer: "tf2onnx",
    graph: conv("model/c1/convolution/merged_input:0", "model/n1/batchnorm/sub:0"),
    warnings: { FUSED_BATCH_NORM: /before the exporter's optimiser/ },
  },
  { name: "a Conv that was not fused", graph: conv("c.weight", "c.bias"), warnings: {} },
  {
    name: "a weight computed from others, noted",
    graph: dense(floats("t", [4, 3], ramp(12)), {
      value_info: [{ ...info("t"), metadata_props: [note(FOLDED, "['clamp_min_1', 'w', 'val_2']")] }],
    }),
    warnings: { FOLDED_WEIGHTS: /computed "t" from trained weights/ },
  },
  {
    name: "a transposed weight is none",
    graph: dense(floats("val_3", [4, 3], ramp(12)), {
      value_info: [{ ...info("val_3"), metadata_props: [note(FOLDED, "['fc.weight']")] }],
    }),
    warnings: {},
  },
  {
    name: "a function of one weight",
    graph: dense(floats("sigmoid", [4, 3], ramp(12)), {
      value_info: [{ ...info("sigmoid"), metadata_props: [note(FOLDED, "['gates']")] }],
    }),
    warnings: { FOLDED_WEIGHTS: /computed "sigmoid" from trained weights/ },
  },
  {
    name: "a weight with the name of an operation",
    graph: dense(floats("mul_2", [4, 3], ramp(12))),
    warnings: { FOLDED_WEIGHTS: /"mul_2"/ },
  },
  {
    name: "a weight that the module itself calls so",
    graph: dense({
      ...floats("t", [4, 3], ramp(12)),
      metadata_props: [note("pkg.torch.export.graph_signature.InputSpec.kind", "PARAMETER")],
    }),
    warnings: {},
  },
  {
    name: "gates of an LSTM, set one after the other from weights",
    graph: {
      input: [info("x", [2, "n", 3])],
      initializer: [
        floats("val_1", [1, 8, 3], ramp(24)),
        floats("val_2", [1, 8, 2], ramp(16, -1.1)),
        floats("val_3", [1, 16], ramp(16, -0.2)),
      ],
      node: [node("LSTM", ["x", "val_1", "val_2", "val_3"], ["y"], [intAttribute("hidden_size", 2)])],
      output: y,
      value_info: ["val_1", "val_2", "val_3"].map((name) => ({
        ...info(name),
        metadata_props: [note(FOLDED, "['r.weight_ih_l0', 'slice_1', 'slice_2']")],
      })),
      metadata_props: [
        note("pkg.torch.export.ExportedProgram.graph_signature", "p_r: PARAMETER target='r.weight_ih_l0'\n"),
      ],
    },
    warnings: {},
  },
  {
    name: "a weight that TorchScript folded",
    graph: dense(floats("onnx::Gemm_14", [4, 3], ramp(12))),
    warnings: { FOLDED_WEIGHTS: /"onnx::Gemm_14"/ },
  },
  {
    name: "the norm of a weight beside it",
    graph: {
      input: [rows2],
      initializer: [floats("w", [4, 3], ramp(12)), floats("onnx::Clip_23", [4, 1], norm(4, 3))],
      node: [node("Div", ["w", "onnx::Clip_23"], ["u"]), node("MatMul", ["x", "u"], ["y"])],
      output: y,
    },
    warnings: { FOLDED_WEIGHTS: /computed "onnx::Clip_23" from trained weights/ },
  },
  ...[
    { how: "gone from an optimised file", notes: [note(RULE, "FuseBatchNormIntoGemm")] },
    { how: "tied or unused", notes: [] },
  ].map(({ how, notes }) => ({
    name: `parameters that are ${how}`,
    graph: dense(W, {
      node: [node("MatMul", ["x", "fc.weight"], ["y"], [], { metadata_props: notes })],
      metadata_props: [
        note(
          "pkg.torch.export.ExportedProgram.graph_signature",
          "p_fc: PARAMETER target='fc.weight'\np_bn: PARAMETER target='bn.weight'\n",
        ),
      ],
    }),
    warnings: notes.length > 0 ? { MISSING_WEIGHTS: /1 of the module's 2 parameters.*"bn.weight"/ } : {},
  })),
  {
    name: "a weight that nothing uses",
    graph: dense(W, { initializer: [W, floats("aux.weight", [4, 4], ramp(16))] }),
    warnings: { UNUSED_WEIGHTS: /1 tensor .*"aux.weight"/ },
  },
  {
    name: "a tied weight stored twice, once transposed",
    graph: {
      input: [rows2],
      initializer: [
        floats("e.weight", [4, 5], ramp(20)),
        floats("onnx::MatMul_12", [5, 4], transposed(4, 5)),
      ],
      node: [node("MatMul", ["x", "e.weight"], ["h"]), node("MatMul", ["h", "onnx::MatMul_12"], ["y"])],
      output: y,
    },
    warnings: { TIED_WEIGHT_STORED_TWICE: /"e.weight" and "onnx::MatMul_12"/ },
  },
  {
    name: "a matrix written once for every use",
    graph: {
      input: [rows2],
      initializer: ["const_1", "const_2", "const_3", "const_4"].map((name) => floats(name, [4, 4], ramp(16))),
      node: [1, 2, 3, 4].map((i) =>
        node("MatMul", [i === 1 ? "x" : `h${i - 1}`, `const_${i}`], [i === 4 ? "y" : `h${i}`]),
      ),
      output: y,
    },
    warnings: { TIED_WEIGHT_STORED_TWICE: /: "const_1", "const_2", "const_3" and 1 more\. / },
  },
  {
    name: "an initial state that was expanded to the batch",
    graph: {
      input: [rows2],
      initializer: [W, floats("const_1", [1, 2, 4], [...ramp(4), ...ramp(4)])],
      node: [node("Add", ["x", "const_1"], ["h"]), node("MatMul", ["h", W.name as string], ["y"])],
      output: y,
    },
    warnings: { FOLDED_WEIGHTS: /"const_1".*copies of rows/ },
  },
  {
    name: "two biases that are alike because both are added to the same sum",
    graph: {
      input: [rows2],
      initializer: [
        floats("fc.weight", [4, 16], ramp(64)),
        floats("a.bias", [16], ramp(16)),
        floats("b.bias", [16], ramp(16)),
      ],
      node: [
        node("MatMul", ["x", "fc.weight"], ["h"]),
        node("Add", ["h", "a.bias"], ["k"]),
        node("Add", ["k", "b.bias"], ["y"]),
      ],
      output: y,
    },
    warnings: {},
  },
  {
    name: "two weights of one shape",
    graph: {
      input: [rows2],
      initializer: [floats("a.weight", [4, 4], ramp(16)), floats("b.weight", [4, 4], ramp(16, 0.4))],
      node: [node("MatMul", ["x", "a.weight"], ["h"]), node("MatMul", ["h", "b.weight"], ["y"])],
      output: y,
    },
    warnings: {},
  },
  {
    name: "equal weights of two norms, merged",
    graph: {
      input: [rows2],
      initializer: [floats("a.weight", [4], [1, 1, 1, 1]), W],
      node: [
        node("LayerNormalization", ["x", "a.weight"], ["h"]),
        node("LayerNormalization", ["h", "a.weight"], ["k"]),
        node("MatMul", ["k", "fc.weight"], ["y"]),
      ],
      output: y,
    },
    warnings: { MERGED_WEIGHTS: /"a.weight"/ },
  },
  {
    name: "a bias of zeros, merged with the running mean of its norm",
    graph: {
      input: [rows2],
      initializer: [floats("a.weight", [4], [1, 1, 1, 1]), floats("a.bias", [4], [0, 0, 0, 0]), W],
      node: [
        node("BatchNormalization", ["x", "a.weight", "a.bias", "a.bias", "a.weight"], ["h"]),
        node("MatMul", ["h", "fc.weight"], ["y"]),
      ],
      output: y,
    },
    warnings: { MERGED_WEIGHTS: /"a.weight", "a.bias"/ },
  },
  {
    name: "equal weights that TorchScript merged through Identity",
    graph: {
      input: [rows2],
      initializer: [floats("a.weight", [4], ramp(4))],
      node: [
        node("Identity", ["a.weight"], ["b.weight"]),
        node("Mul", ["x", "a.weight"], ["h"]),
        node("Mul", ["h", "b.weight"], ["y"]),
      ],
      output: y,
    },
    warnings: { MERGED_WEIGHTS: /"a.weight"/ },
  },
  {
    name: "a linear classifier of scikit-learn",
    producer: "skl2onnx",
    graph: {
      input: [rows2],
      initializer: [],
      node: [node("LinearClassifier", ["x"], ["label", "y"], [], { domain: "ai.onnx.ml" })],
      output: y,
    },
    warnings: { WEIGHTS_IN_ATTRIBUTES: /there is no parameter.*black_op=\{"LinearClassifier"\}/ },
  },
  {
    name: "trees",
    producer: "skl2onnx",
    graph: {
      input: [rows2],
      initializer: [],
      node: [node("TreeEnsembleRegressor", ["x"], ["y"], [], { domain: "ai.onnx.ml" })],
      output: y,
    },
    warnings: {
      WEIGHTS_IN_ATTRIBUTES: /there is no parameter.*Trees and support vectors have no other form$/,
    },
  },
  {
    name: "a quantised weight",
    graph: {
      input: [rows2],
      initializer: [
        { name: "q", data_type: 3, dims: longs([4, 3]), int32_data: new Array(12).fill(3) },
        floats("s", [], [0.1]),
      ],
      node: [node("DequantizeLinear", ["q", "s"], ["w"]), node("MatMul", ["x", "w"], ["y"])],
      output: y,
    },
    warnings: { QUANTIZED: /DequantizeLinear.*from before quantisation/ },
  },
  {
    name: "a layout of one machine",
    graph: {
      input: [rows2],
      initializer: [floats("w", [4, 3], new Array(12).fill(0.1))],
      node: [
        node("MatMul", ["x", "w"], ["h"]),
        node("ReorderOutput", ["h"], ["y"], [], { domain: "com.microsoft.nchwc", name: "reorder" }),
      ],
      output: y,
    },
    warnings: { MACHINE_LAYOUT: /1 node \("reorder"\).*ORT_ENABLE_EXTENDED/ },
  },
  {
    name: "BatchNormalization in training mode",
    graph: {
      input: [rows2],
      initializer: statistics,
      node: [
        node(
          "BatchNormalization",
          ["x", "g", "b", "m", "v"],
          ["y", "m2", "v2"],
          [intAttribute("training_mode", 1)],
        ),
      ],
      output: y,
    },
    warnings: { TRAINING_MODE: /1 node \(BatchNormalization\).*--eval-mode/ },
  },
  {
    name: "Dropout in training mode",
    graph: dense(W, {
      initializer: [W, floats("ratio", [], [0.5]), { name: "train", data_type: 9, int32_data: [1] }],
      node: [node("Dropout", ["x", "ratio", "train"], ["h"]), node("MatMul", ["h", "fc.weight"], ["y"])],
    }),
    warnings: { TRAINING_MODE: /Dropout/ },
  },
  {
    name: "Dropout in evaluation",
    graph: dense(W, {
      initializer: [W, floats("ratio", [], [0.5]), { name: "train", data_type: 9, int32_data: [0] }],
      node: [node("Dropout", ["x", "ratio", "train"], ["h"]), node("MatMul", ["h", "fc.weight"], ["y"])],
    }),
    warnings: {},
  },
  ...(
    [
      ["a sum by index without its sum", "pytorch", [], { LOST_SUMS: /1 ScatterElements node .*into zeros/ }],
      ["an assignment by index, stated", "pytorch", [stringAttribute("reduction", "none")], {}],
      ["an assignment by index, of others", "tf2onnx", [], {}],
    ] as const
  ).map(
    ([name, producer, attributes, warnings]): Row => ({
      name,
      producer,
      graph: dense(W, {
        initializer: [
          W,
          floats("zeros", [4, 3], new Array(12).fill(0)),
          { name: "at", data_type: 7, dims: longs([2, 3]), int64_data: longs([1, 0, 2, 1, 3, 3]) },
          floats("v", [2, 3], [0, 0, 0, 0, 0, 0]),
        ],
        node: [
          node("ScatterElements", ["zeros", "at", "v"], ["s"], [...attributes]),
          node("Add", ["fc.weight", "s"], ["w"]),
          node("MatMul", ["x", "w"], ["y"]),
        ],
      }),
      warnings,
    }),
  ),
  {
    name: "random numbers",
    graph: dense(W, {
      node: [
        node("RandomNormalLike", ["x"], ["r"]),
        node("Add", ["x", "r"], ["h"]),
        node("MatMul", ["h", "fc.weight"], ["y"]),
      ],
    }),
    warnings: { RANDOM: /1 node draw random numbers/ },
  },
  {
    name: "half precision",
    graph: dense(
      { name: "fc.weight", data_type: 10, dims: longs([4, 3]), int32_data: new Array(12).fill(0x3c00) },
      { input: [info("x", ["n", 4], 10)] },
    ),
    warnings: { HALF_PRECISION: /float16.*runs in float32/ },
  },
  {
    name: "mixed precision",
    graph: {
      input: [rows2],
      initializer: [W],
      node: [
        node("Cast", ["x"], ["h"], [intAttribute("to", 16)]),
        node("Cast", ["h"], ["k"], [intAttribute("to", 1)]),
        node("MatMul", ["k", "fc.weight"], ["y"]),
      ],
      output: y,
    },
    warnings: { HALF_PRECISION: /computes in half precision \(bfloat16\)/ },
  },
  {
    name: "double precision",
    graph: dense(
      { name: "fc.weight", data_type: 11, dims: longs([4, 3]), double_data: ramp(12) },
      { input: [info("x", ["n", 4], 11)] },
    ),
    warnings: { DOUBLE_PRECISION: /float32/ },
  },
  {
    name: "a buffer, noted",
    graph: {
      input: [rows2],
      initializer: [W, floats("shift", [4], ramp(4))],
      value_info: [{ ...info("shift"), metadata_props: [note(KIND, "BUFFER")] }],
      node: [node("Add", ["x", "shift"], ["h"]), node("MatMul", ["h", "fc.weight"], ["y"])],
      output: y,
    },
    warnings: {},
  },
];

describe("what the file shows", () => {
  test.each(rows.map((row) => [row.name, row] as const))("%s", (_name, row) => {
    const found = warningsOf(row);
    expect([...found.keys()].sort()).toEqual(Object.keys(row.warnings).sort());
    for (const [code, message] of Object.entries(row.warnings)) expect(found.get(code)).toMatch(message);
  });
});

describe("without parameters the error says why", () => {
  const refuse = (warnings: Checkpoint["warnings"]) => () =>
    assertHasParameters({ parameters: [], verdicts: [], output: { name: "y" }, warnings } as never);
  test("as the preflight does, where it knows", () => {
    const message = "TreeEnsemble keeps its coefficients as attributes";
    expect(refuse([{ code: "WEIGHTS_IN_ATTRIBUTES", message }])).toThrow(
      `the model has no trained parameters: ${message}`,
    );
  });
  test("else where to look", () => {
    expect(refuse([])).toThrow(
      /none of its 0 float initializers counts for the output "y"\. Run "onnx-landscape/,
    );
  });
});
