import { describe, expect, test } from "vitest";
import { judgeInitializers, matchesGlob } from "../../src/model/parameters.ts";
import { decodeModel, toOpset18 } from "../../src/onnx/index.ts";
import { lookup } from "../../src/ops/registry.ts";
import {
  bytesOf,
  floatAttribute,
  floats,
  graphAttribute,
  info,
  intAttribute,
  longs,
  type NodeProto,
  node,
  smallModel,
  type TensorProto,
} from "../onnx/protos.ts";

/** A graph x [2, 4] → y with float initializers; the verdict on the first of them. */
interface Row {
  readonly name: string;
  readonly tensor: TensorProto;
  readonly nodes: NodeProto[];
  readonly others?: TensorProto[];
  readonly verdict: true | RegExp;
  /** What the exporter notes of it. */
  readonly notes?: Readonly<Record<string, string>>;
  /** What the exporter lists as the module's parameters. */
  readonly trained?: string[];
  readonly params?: string[];
  readonly freeze?: string[];
}

function verdicts(row: Omit<Row, "verdict" | "name">) {
  const source = {
    input: [info("x", [2, 4])],
    initializer: [row.tensor, ...(row.others ?? [])],
    node: row.nodes,
    output: [info("y")],
    value_info: [
      {
        ...info(row.tensor.name as string),
        metadata_props: Object.entries(row.notes ?? {}).map(([key, value]) => ({ key, value })),
      },
    ],
  };
  const opset_import = ["", "com.microsoft"].map((domain) => ({
    domain,
    version: (domain ? 1 : 18) as never,
  }));
  const model = smallModel(source, { opset_import });
  const { graph } = toOpset18(decodeModel(bytesOf(model)));
  const selection = { params: row.params ?? [], freeze: row.freeze ?? [] };
  return judgeInitializers(graph, graph.outputs[0] as never, lookup, selection, row.trained);
}

const ramp = (n: number) => Array.from({ length: n }, (_, i) => 0.3 + 0.17 * i);
const inverse = (n: number) => Array.from({ length: n }, (_, i) => 10000 ** (-i / n));
const table = (rows: number, columns: number, f: (angle: number, column: number) => number) =>
  Array.from({ length: rows * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    return f(row * 10000 ** (-column / columns), column);
  });

/** 6 triangles over 16 bins. */
const bands = Array.from({ length: 96 }, (_, i) => {
  const [bin, band] = [Math.floor(i / 6), i % 6];
  return Math.max(0, 1 - Math.abs(bin - 2 - 2.2 * band) / 2.2) / 3;
});

/** Cosines of 5 frequencies, then their sines, under Hann's window of 8. */
const fourier = [Math.cos, Math.sin].flatMap((wave) =>
  Array.from({ length: 40 }, (_, i) => {
    const [frequency, t] = [Math.floor(i / 8), i % 8];
    return Math.sin((Math.PI * t) / 8) ** 2 * wave((2 * Math.PI * frequency * t) / 8);
  }),
);

const convolved = (name: string) => [node("Conv", ["x", name], ["y"])];
const matmul = (name: string) => [node("MatMul", ["x", name], ["y"])];
const added = (name: string) => [node("Add", ["x", name], ["y"])];
const multiplied = (name: string) => [node("Mul", ["x", name], ["y"])];

const rows: readonly Row[] = [
  // Trained, whatever they are called and through whatever they pass.
  {
    name: "a matrix",
    tensor: floats("fc.weight", [4, 3], ramp(12)),
    nodes: matmul("fc.weight"),
    verdict: true,
  },
  {
    name: "a transposed one",
    tensor: floats("onnx::MatMul_12", [4, 3], ramp(12)),
    nodes: matmul("onnx::MatMul_12"),
    verdict: true,
  },
  {
    name: "a matrix that is transposed, reshaped and cast on the way",
    tensor: floats("w", [3, 4], ramp(12)),
    nodes: [
      node("Transpose", ["w"], ["t"]),
      node("Identity", ["t"], ["u"]),
      node("Cast", ["u"], ["c"], [intAttribute("to", 1)]),
      node("MatMul", ["x", "c"], ["y"]),
    ],
    verdict: true,
  },
  {
    name: "a bias of one number",
    tensor: floats("const_4", [1, 1], [0.37]),
    others: [floats("w", [4, 1], ramp(4))],
    nodes: [node("MatMul", ["x", "w"], ["h"]), node("Add", ["h", "const_4"], ["y"])],
    verdict: true,
  },
  {
    name: "a scalar with a name of its own",
    tensor: floats("logit_scale", [], [2.659]),
    nodes: multiplied("logit_scale"),
    verdict: true,
  },
  {
    name: "a scalar of a layer, even a round one",
    tensor: floats("act.alpha", [1], [1]),
    nodes: multiplied("act.alpha"),
    verdict: true,
  },
  {
    name: "biases that are still zero",
    tensor: floats("onnx::Gemm_9", [3], [0, 0, 0]),
    others: [floats("w", [4, 3], ramp(12))],
    nodes: [node("Gemm", ["x", "w", "onnx::Gemm_9"], ["y"])],
    verdict: true,
  },
  {
    name: "an embedding",
    tensor: floats("wte", [9, 4], ramp(36)),
    others: [],
    nodes: [node("Cast", ["x"], ["i"], [intAttribute("to", 7)]), node("Gather", ["wte", "i"], ["y"])],
    verdict: true,
  },
  {
    name: "a weight that an If uses",
    tensor: floats("w", [4, 4], ramp(16)),
    others: [{ name: "cond", data_type: 9, int32_data: [1] }],
    nodes: [
      node(
        "If",
        ["cond"],
        ["y"],
        [
          graphAttribute("then_branch", {
            name: "b",
            node: [node("MatMul", ["x", "w"], ["t"])],
            output: [info("t")],
          }),
          graphAttribute("else_branch", {
            name: "b",
            node: [node("Identity", ["x"], ["e"])],
            output: [info("e")],
          }),
        ],
      ),
    ],
    verdict: true,
  },
  {
    name: "learned positions",
    tensor: floats("pos_embed", [2, 4], ramp(8)),
    nodes: added("pos_embed"),
    verdict: true,
  },
  {
    name: "weights between 0 and 1 of a gate",
    tensor: floats("gate", [4], [0.1, 0.9, 0.4, 0.6]),
    nodes: multiplied("gate"),
    verdict: true,
  },
  // Not trained.
  {
    name: "not floating point",
    tensor: { name: "k", data_type: 7, dims: [], int64_data: [1 as never] },
    others: [floats("w", [4, 4], ramp(16))],
    nodes: matmul("w"),
    verdict: /not floating point \(int64\)/,
  },
  {
    name: "a running mean",
    tensor: floats("m", [4], ramp(4)),
    others: ["g", "b", "v"].map((n) => floats(n, [4], ramp(4))),
    nodes: [node("BatchNormalization", ["x", "g", "b", "m", "v"], ["y"])],
    verdict: /running statistic/,
  },
  {
    name: "a running mean through Identity",
    tensor: floats("m", [4], ramp(4)),
    others: ["g", "b", "v"].map((n) => floats(n, [4], ramp(4))),
    nodes: [node("Identity", ["m"], ["mm"]), node("BatchNormalization", ["x", "g", "b", "mm", "v"], ["y"])],
    verdict: /running statistic/,
  },
  {
    name: "unused",
    tensor: floats("w", [4, 4], ramp(16)),
    nodes: added("x"),
    verdict: /no differentiable path/,
  },
  {
    name: "compared only",
    tensor: floats("w", [4], ramp(4)),
    nodes: [node("Greater", ["x", "w"], ["c"]), node("Where", ["c", "x", "x"], ["y"])],
    verdict: /no differentiable path/,
  },
  {
    name: "the C of a Gemm that is not added",
    tensor: floats("dot_bias_0", [], [0]),
    others: [floats("w", [4, 3], ramp(12))],
    nodes: [node("Gemm", ["x", "w", "dot_bias_0"], ["y"], [floatAttribute("beta", 0)])],
    verdict: /beta 0/,
  },
  {
    name: "inverse frequencies by name",
    tensor: floats("model.rotary_emb.inv_freq", [4], ramp(4)),
    nodes: multiplied("model.rotary_emb.inv_freq"),
    verdict: /named as state/,
  },
  {
    name: "inverse frequencies by their numbers",
    tensor: floats("freqs", [4], inverse(4)),
    nodes: multiplied("freqs"),
    verdict: /frequencies/,
  },
  {
    name: "fixed positions",
    tensor: floats(
      "pe",
      [8, 4],
      table(8, 4, (a, c) => (c % 2 ? Math.cos(a) : Math.sin(a))),
    ),
    others: [],
    nodes: [node("Unsqueeze", ["x", "axes"], ["u"]), node("Add", ["u", "pe"], ["y"])],
    verdict: /sines and cosines/,
  },
  {
    name: "a rotary cache",
    tensor: floats(
      "cache",
      [6, 4],
      table(6, 4, (a) => Math.cos(a)),
    ),
    nodes: added("cache"),
    verdict: /sines and cosines/,
  },
  {
    name: "kernels of a Fourier transform under a window",
    tensor: floats("stft.basis", [10, 1, 8], fourier),
    nodes: convolved("stft.basis"),
    verdict: /Fourier/,
  },
  ...[fourier.slice(0, 40), fourier.slice(40)].map((half, i) => ({
    name: `the ${i ? "sines" : "cosines"} of a Fourier transform alone`,
    tensor: floats("stft.conv.weight", [5, 1, 8], half),
    nodes: convolved("stft.conv.weight"),
    verdict: /Fourier/,
  })),
  {
    name: "the places that box edges are the means of, though the module holds them as a parameter",
    tensor: floats("dfl.conv.weight", [1, 4, 1, 1], [0, 1, 2, 3]),
    nodes: convolved("dfl.conv.weight"),
    notes: { "pkg.torch.export.graph_signature.InputSpec.kind": "PARAMETER" },
    verdict: /the numbers 0, 1, 2/,
  },
  ...[
    { name: "/head/Cast_output_0", verdict: /whole numbers/ },
    { name: "head.scale", verdict: true as const },
  ].map(({ name, verdict }) => ({
    name: `places on a grid, called ${name}`,
    tensor: floats(name, [2, 4], [0, 1, 2, 3, 0, 0, 0, 0]),
    nodes: added(name),
    verdict,
  })),
  {
    name: "bands of a spectrum",
    tensor: floats("melW", [16, 6], bands),
    nodes: matmul("melW"),
    verdict: /bands of a spectrum/,
  },
  {
    name: "bands, trained further",
    tensor: floats(
      "melW",
      [16, 6],
      bands.map((v, i) => (i === 5 ? v + 0.01 : v)),
    ),
    nodes: matmul("melW"),
    verdict: true,
  },
  {
    name: "a matrix that begins as the identity",
    tensor: floats(
      "w",
      [12, 6],
      Array.from({ length: 72 }, (_, i) => (i % 7 ? 0 : 1)),
    ),
    nodes: matmul("w"),
    verdict: true,
  },
  ...["div_no_nan", "add/y"].map((what) => ({
    name: `a number of TensorFlow Lite's graph: ${what}`,
    tensor: floats(`model/log/${what};model/log/${what}`, [], [0.37]),
    nodes: multiplied(`model/log/${what};model/log/${what}`),
    verdict: /single number/,
  })),
  {
    name: "a variable of TensorFlow Lite's graph",
    tensor: floats("model/gain/ReadVariableOp;model/gain/ReadVariableOp", [], [0.37]),
    nodes: multiplied("model/gain/ReadVariableOp;model/gain/ReadVariableOp"),
    verdict: true,
  },
  {
    name: "such kernels, trained further",
    tensor: floats(
      "stft.basis",
      [10, 1, 8],
      fourier.map((v, i) => (i === 37 ? v + 0.01 : v)),
    ),
    nodes: convolved("stft.basis"),
    verdict: true,
  },
  {
    name: "equal kernels, as some begin with",
    tensor: floats("blur", [10, 1, 8], new Array(80).fill(0.125)),
    nodes: convolved("blur"),
    verdict: true,
  },
  {
    name: "a causal mask",
    tensor: floats("m", [2, 4], [0, -1e9, -1e9, -1e9, 0, 0, -1e9, -1e9]),
    nodes: added("m"),
    verdict: /a mask/,
  },
  {
    name: "a mask with infinities",
    tensor: floats("m", [4], [0, 0, 0, -Infinity]),
    nodes: added("m"),
    verdict: /a mask/,
  },
  {
    name: "a causal mask on the scores of a product",
    tensor: floats("onnx::Add_7", [2, 2], [0, -Infinity, 0, 0]),
    others: [floats("w", [4, 2], ramp(8))],
    nodes: [node("MatMul", ["x", "w"], ["scores"]), node("Add", ["scores", "onnx::Add_7"], ["y"])],
    verdict: /a mask/,
  },
  {
    name: "biases of positions, with those that are barred",
    tensor: floats("val_9", [2, 2], [0.5, -3.4028235e38, 0.25, 0.5]),
    others: [floats("w", [4, 2], ramp(8))],
    nodes: [node("MatMul", ["x", "w"], ["scores"]), node("Add", ["scores", "val_9"], ["y"])],
    verdict: /a mask/,
  },
  {
    name: "a bias with a large negative number",
    tensor: floats("b", [2], [0, -120]),
    others: [floats("w", [4, 2], ramp(8))],
    nodes: [node("MatMul", ["x", "w"], ["h"]), node("Add", ["h", "b"], ["y"])],
    verdict: true,
  },
  {
    name: "means over what is past, as a product",
    tensor: floats(
      "tril",
      [4, 4],
      [1, 0, 0, 0, 0.5, 0.5, 0, 0, 1 / 3, 1 / 3, 1 / 3, 0, 0.25, 0.25, 0.25, 0.25],
    ),
    nodes: [node("Transpose", ["x"], ["t"]), node("MatMul", ["tril", "t"], ["y"])],
    verdict: /what is past/,
  },
  ...[
    { sources: "['e', 'scatter_add', 'val_3']", verdict: /constants alone/ },
    { sources: "['fc.weight', 'val_3']", verdict: true as const },
  ].map(({ sources, verdict }) => ({
    name: `what the exporter folded ${sources} to`,
    tensor: floats("div_1", [4], [3, 2, 2.5, 4]),
    nodes: multiplied("div_1"),
    notes: { "pkg.onnxscript.optimizer.folded_from": sources },
    trained: ["fc.weight", "fc.bias"],
    verdict,
  })),
  {
    name: "a mask of zeros and ones",
    tensor: floats("m", [4], [0, 1, 1, 0]),
    nodes: multiplied("m"),
    verdict: /a mask/,
  },
  {
    name: "the number around a Pad",
    tensor: floats("features/pad/value", [], [0]),
    others: [{ name: "widths", data_type: 7, dims: longs([4]), int64_data: longs([0, 1, 0, 1]) }],
    nodes: [node("Pad", ["x", "widths", "features/pad/value"], ["y"])],
    verdict: /around a Pad/,
  },
  {
    name: "a number around a Pad that the module lists",
    tensor: floats("features.border", [], [0.25]),
    others: [{ name: "widths", data_type: 7, dims: longs([4]), int64_data: longs([0, 1, 0, 1]) }],
    nodes: [node("Pad", ["x", "widths", "features.border"], ["y"])],
    notes: { "pkg.torch.export.graph_signature.InputSpec.kind": "PARAMETER" },
    verdict: true,
  },
  {
    name: "biases of onnxruntime's attention that are still zero",
    tensor: floats("qkv_bias", [12], new Array(12).fill(0)),
    others: [
      floats("qkv_weight", [4, 12], ramp(48)),
      { name: "batch", data_type: 7, dims: longs([3]), int64_data: longs([1, 2, 4]) },
    ],
    nodes: [
      node("Reshape", ["x", "batch"], ["z"]),
      {
        ...node("Attention", ["z", "qkv_weight", "qkv_bias"], ["y"], [intAttribute("num_heads", 2)]),
        domain: "com.microsoft",
      },
    ],
    verdict: true,
  },
  {
    name: "a number that the exporter made up",
    tensor: floats("val_12", [], [0.35]),
    nodes: multiplied("val_12"),
    verdict: /single number/,
  },
  {
    name: "a number added to a product",
    tensor: floats("onnx::Add_12", [], [1]),
    others: [floats("w", [4, 2], ramp(8))],
    nodes: [node("MatMul", ["x", "w"], ["h"]), node("Add", ["h", "onnx::Add_12"], ["y"])],
    verdict: /single number/,
  },
  {
    name: "the bias of one unit",
    tensor: floats("onnx::Add_12", [1], [1]),
    others: [floats("w", [4, 1], ramp(4))],
    nodes: [node("MatMul", ["x", "w"], ["h"]), node("Add", ["h", "onnx::Add_12"], ["y"])],
    verdict: true,
  },
  {
    name: "a round number",
    tensor: floats("unity", [], [1]),
    nodes: [node("Sub", ["unity", "x"], ["y"])],
    verdict: /single number/,
  },
  ...["net/rescaling_1/add:0", "ConstantFolding/net/normalization_1/truediv_recip:0"].map((name) => ({
    name: `a statistic of Keras, ${name}`,
    tensor: floats(name, [1, 4], ramp(4)),
    nodes: multiplied(name),
    verdict: /statistic of the data/,
  })),
  ...["input_AvgImg", "imageinput_Mean"].map((name) => ({
    name: `a statistic of MATLAB, ${name}`,
    tensor: floats(name, [1, 4], ramp(4)),
    nodes: [node("Sub", ["x", name], ["y"])],
    verdict: /statistic of the data/,
  })),
  ...["p2o.pd_op.full.2.0", "auto.cast.47"].map((name) => ({
    name: `a number of PaddlePaddle's graph, ${name}`,
    tensor: floats(name, [1], [0.258]),
    nodes: multiplied(name),
    verdict: /single number/,
  })),
  {
    name: "the scale of a weight beside the one that is found of its operand",
    tensor: floats("fc.weight_scale", [], [0.0041]),
    nodes: [
      node("DynamicQuantizeLinear", ["x"], ["q", "x_scale", "zero"]),
      node("Mul", ["x_scale", "fc.weight_scale"], ["scales"]),
      node("Mul", ["x", "scales"], ["y"]),
    ],
    verdict: /scale or zero point of a quantiser/,
  },
  {
    name: "the bias of Keras's layer norm, first in the network",
    tensor: floats("net/layer_normalization_1/Reshape_1:0", [1, 4], ramp(4)),
    nodes: added("net/layer_normalization_1/Reshape_1:0"),
    verdict: true,
  },
  {
    name: "the scale of a part of the input",
    tensor: floats("Mu_Mulcst", [2], [0.5, 0.7]),
    others: [{ name: "places", data_type: 7, dims: longs([2]), int64_data: longs([0, 2]) }],
    nodes: [node("Gather", ["x", "places"], ["part"]), node("Mul", ["part", "Mu_Mulcst"], ["y"])],
    verdict: /statistic of the data/,
  },
  ...["eps_0", "reduce_window_sum_kernel_0"].map((name) => ({
    name: `a constant of jax2onnx, ${name}`,
    tensor: floats(name, [4], [1, 1, 1, 1]),
    nodes: multiplied(name),
    verdict: /state or a table/,
  })),
  {
    name: "a weight of a module called reduce_window",
    tensor: floats("net.reduce_window_scale", [4], ramp(4)),
    nodes: multiplied("net.reduce_window_scale"),
    verdict: true,
  },
  ...[
    "net/norm/add/y:0",
    "net/lstm/zeros_1/Const:0",
    "net/rnn/while/sub/x:0",
    "net/dense/Relu6_max__18",
    "net/SelectV2_1/e:0",
    "net/diag_part/padding_value:0",
  ].map((name) => ({
    name: `a number of TensorFlow's graph, ${name}`,
    tensor: floats(name, [], [0.35]),
    nodes: multiplied(name),
    verdict: /single number/,
  })),
  ...[
    { name: "net/attention/mul/ReadVariableOp:0", dims: [] },
    { name: "net/p_re_lu/Neg:0", dims: [1, 1] },
  ].map(({ name, dims }) => ({
    name: `a trained number of TensorFlow's graph, ${name}`,
    tensor: floats(name, dims, [0.35]),
    nodes: multiplied(name),
    verdict: true as const,
  })),
  ...[
    { step: 0.2345, verdict: /a fraction of "h", computed by the exporter/ },
    { step: 0.25, verdict: /single number/ },
  ].map(({ step, verdict }) => ({
    name: `half a step of ${step}`,
    tensor: floats("onnx::Mul_5", [], [step / 2]),
    others: [floats("h", [], [step])],
    nodes: [node("Mul", ["x", "onnx::Mul_5"], ["z"]), node("Mul", ["z", "h"], ["y"])],
    verdict,
  })),
  ...[
    { name: "net/fm/Square_2:0", dims: [2, 4], of: (w: number) => w * w, verdict: /the square of "v"/ },
    {
      name: "onnx::MatMul_7",
      dims: [4, 2],
      of: (w: number) => Math.exp(w),
      verdict: /the exponential of "v"/,
    },
    { name: "net.scale", dims: [2, 4], of: (w: number) => w * w, verdict: true as const },
    { name: "onnx::MatMul_7", dims: [2, 4], of: (w: number) => w + 0.1, verdict: true as const },
  ].map(({ name, dims, of, verdict }) => {
    const v = ramp(8).map((w, i) => (i % 3 ? w : -w));
    // Stored as [2, 4]; the other one may be its transpose.
    const turned = dims[0] === 4 ? v.map((_, i) => v[(i % 2) * 4 + Math.floor(i / 2)] as number) : v;
    return {
      name: `${name}, ${verdict === true ? "not " : ""}computed from the weight beside it`,
      tensor: floats(name, dims, turned.map(of)),
      others: [floats("v", [2, 4], v)],
      nodes: [
        node("Mul", ["x", "v"], ["a"]),
        ...(dims[0] === 4 ? [node("Transpose", [name], ["turned"])] : []),
        node("Mul", ["a", dims[0] === 4 ? "turned" : name], ["y"]),
      ],
      verdict,
    };
  }),
  {
    name: "the scale of integers",
    tensor: floats("scale", [], [0.02]),
    others: [{ name: "w", data_type: 3, dims: longs([4, 2]), int32_data: [1, 2, 3, 4, 5, 6, 7, 8] }],
    nodes: [node("DequantizeLinear", ["w", "scale"], ["d"]), node("MatMul", ["x", "d"], ["y"])],
    verdict: /quantiser/,
  },
  ...["fc.weight_u", "fc.parametrizations.weight.0._v"].map((name) => ({
    name: `${name} of a spectral norm`,
    tensor: floats(name, [4], ramp(4)),
    nodes: [node("MatMul", ["x", name], ["y"])],
    verdict: /named as state/,
  })),
  {
    name: "an epsilon",
    tensor: floats("layer.eps", [1], [1e-5]),
    nodes: added("layer.eps"),
    verdict: /named as state/,
  },
  {
    name: "zeros where no weight stands",
    tensor: floats("zeros", [4], [0, 0, 0, 0]),
    nodes: added("zeros"),
    verdict: /filled with one number/,
  },
  {
    name: "ones that fill in for a norm's weight",
    tensor: floats("val_3", [4], [1, 1, 1, 1]),
    others: [floats("b", [4], ramp(4))],
    nodes: [
      node("Unsqueeze", ["x", "axes"], ["u"]),
      node("InstanceNormalization", ["u", "val_3", "b"], ["y"]),
    ],
    verdict: /filled with one number/,
  },
  {
    name: "what JAX gives for the variance of one element",
    tensor: floats("const_16", [4], [NaN, NaN, NaN, NaN]),
    nodes: [node("Greater", ["x", "x"], ["more"]), node("Where", ["more", "x", "const_16"], ["y"])],
    verdict: /filled with one number/,
  },
  {
    name: "the mean of the data",
    tensor: floats("mean", [4], ramp(4)),
    nodes: [node("Sub", ["x", "mean"], ["y"])],
    verdict: /statistic of the data/,
  },
  {
    name: "the number that votes of support vectors are divided by in scikit-learn's exports",
    tensor: floats("cst3", [], [3]),
    nodes: multiplied("cst3"),
    verdict: /state or a table/,
  },
  {
    name: "the exponents of a Yeo-Johnson transform that scikit-learn fitted",
    tensor: floats("pref_Powcst1", [4], [0.5, 1.2, -0.3, 0.9]),
    others: [floats("one", [], [1])],
    nodes: [node("Add", ["x", "one"], ["more"]), node("Pow", ["more", "pref_Powcst1"], ["y"])],
    verdict: /statistic of the data/,
  },
  {
    name: "a mean inside the network",
    tensor: floats("mean", [4], ramp(4)),
    others: [floats("w", [4, 4], ramp(16))],
    nodes: [node("MatMul", ["x", "w"], ["h"]), node("Sub", ["h", "mean"], ["y"])],
    verdict: true,
  },
  {
    name: "centres of the input, not called statistics",
    tensor: floats("centres", [4], ramp(4)),
    nodes: [node("Sub", ["x", "centres"], ["y"])],
    verdict: true,
  },
  {
    name: "a projection that scikit-learn fitted",
    tensor: floats("transform_matrix", [4, 3], ramp(12)),
    others: [floats("mean", [4], ramp(4))],
    nodes: [node("Sub", ["x", "mean"], ["c"]), node("MatMul", ["c", "transform_matrix"], ["y"])],
    verdict: /statistic of the data/,
  },
  {
    name: "the mask of shifted windows",
    tensor: floats("m", [2, 4], [0, -100, -100, 0, 0, 0, -100, 0]),
    nodes: added("m"),
    verdict: /a mask/,
  },
  {
    name: "the slopes of ALiBi",
    tensor: floats("slopes", [4], [0.25, 0.0625, 0.015625, 0.00390625]),
    nodes: multiplied("slopes"),
    verdict: /frequencies/,
  },
  {
    name: "the exponent of a cube",
    tensor: floats("ipow_exp_0", [], [3]),
    nodes: [node("Pow", ["x", "ipow_exp_0"], ["y"])],
    verdict: /whole exponent/,
  },
  {
    name: "the trained exponent of a mean",
    tensor: floats("pool.p", [1], [3]),
    nodes: [node("Pow", ["x", "pool.p"], ["y"])],
    verdict: true,
  },
  {
    name: "a number inside a loop of JAX",
    tensor: floats("scan_loop_0/const_val_1", [], [0.3]),
    nodes: multiplied("scan_loop_0/const_val_1"),
    verdict: /single number/,
  },
  {
    name: "the knots of a spline",
    tensor: floats("const_3", [4], [-1.5, -0.7, 0.1, 0.9]),
    nodes: [node("Sub", ["x", "const_3"], ["y"])],
    verdict: /equidistant/,
  },
  {
    name: "a number that was filled on the way",
    tensor: floats("full_1", [], [0.35]),
    nodes: multiplied("full_1"),
    verdict: /single number/,
  },
  {
    name: "a scalar parameter of the module itself",
    tensor: floats("scale", [], [1.5]),
    nodes: multiplied("scale"),
    verdict: true,
  },
  // What PyTorch's exporter notes.
  {
    name: "noted as a parameter, for all its numbers say",
    tensor: floats("gate", [4], [0, 1, 1, 0]),
    notes: { "pkg.torch.export.graph_signature.InputSpec.kind": "PARAMETER" },
    nodes: multiplied("gate"),
    verdict: true,
  },
  {
    name: "noted as a buffer",
    tensor: floats("shift", [4], ramp(4)),
    notes: { "pkg.torch.export.graph_signature.InputSpec.kind": "BUFFER" },
    nodes: added("shift"),
    verdict: /a buffer of the PyTorch module/,
  },
  {
    name: "the norm of another weight",
    tensor: floats("onnx::Clip_3", [4, 1], [5, 10, 13, 17]),
    others: [floats("w", [4, 2], [3, 4, 6, 8, 5, 12, 8, 15])],
    nodes: [node("Div", ["w", "onnx::Clip_3"], ["u"]), node("MatMul", ["x", "u"], ["y"])],
    verdict: /the norm of "w"/,
  },
  // What the user says.
  {
    name: "frozen",
    tensor: floats("fc.weight", [4, 3], ramp(12)),
    nodes: matmul("fc.weight"),
    freeze: ["fc.*"],
    verdict: /--freeze/,
  },
  {
    name: "not asked for",
    tensor: floats("fc.weight", [4, 3], ramp(12)),
    nodes: matmul("fc.weight"),
    params: ["head.*"],
    verdict: /--params/,
  },
  {
    name: "named against the evidence",
    tensor: floats("unity", [], [1]),
    nodes: multiplied("unity"),
    params: ["unity"],
    verdict: true,
  },
  {
    name: "a pattern does not overrule the evidence",
    tensor: floats("unity", [], [1]),
    nodes: multiplied("unity"),
    params: ["*"],
    verdict: /single number/,
  },
];

const axes: TensorProto = { name: "axes", data_type: 7, dims: [1 as never], int64_data: [0 as never] };

describe("which initializers are parameters", () => {
  test.each(rows.map((row) => [row.name, row] as const))("%s", (_name, row) => {
    const uses = row.nodes.some((n) => n.input?.includes("axes"));
    const found = verdicts(uses ? { ...row, others: [...(row.others ?? []), axes] } : row)[0];
    if (row.verdict === true) expect(found).toMatchObject({ isParameter: true });
    else {
      expect(found?.isParameter).toBe(false);
      expect(found?.reason).toMatch(row.verdict);
    }
  });

  describe("weights written as Constant nodes", () => {
    const constant = (name: string, tensor: TensorProto) =>
      node("Constant", [], [name], [{ name: "value", type: 4, t: tensor }]);
    const nodes = [
      constant("w", floats("", [4, 3], ramp(12))),
      constant("Constant_1", floats("", [1], [0.3])),
      constant("affine_0.w_0", floats("", [1], [0.7])),
      constant("p2o.Clip.1/max", floats("", [], [6])),
      constant("stft.basis", floats("", [10, 1, 8], fourier)),
      node("Conv", ["signal", "stft.basis"], ["waves"]),
      node("MatMul", ["x", "w"], ["h"]),
      node("Mul", ["h", "Constant_1"], ["s"]),
      node("Mul", ["s", "affine_0.w_0"], ["u"]),
      node("Clip", ["u", "", "p2o.Clip.1/max"], ["a"]),
      node("Conv", ["signal", "unused"], ["other"]),
      constant("unused", floats("", [1, 1, 8], ramp(8))),
    ];
    const named = (initializer: TensorProto[], last: NodeProto[]) => {
      const inputs = [info("x", [2, 4]), info("signal", [2, 1, 16])];
      const model = smallModel({
        input: inputs,
        initializer,
        node: [...nodes, ...last],
        output: [info("y")],
      });
      const { graph } = decodeModel(bytesOf(model));
      const found = judgeInitializers(graph, graph.outputs[0] as never, lookup, { params: [], freeze: [] });
      return new Map(found.map((v) => [v.value.name, v]));
    };
    const sum = node("Sum", ["a", "waves"], ["y"]);
    test.each([
      ["w", true, /Constant node/],
      ["affine_0.w_0", true, /Constant node/],
      ["Constant_1", false, /a constant of the graph/],
      ["p2o.Clip.1/max", false, /a constant of the graph/],
      ["stft.basis", false, /Fourier/],
      ["unused", false, /no differentiable path/],
    ])("%s, alone", (name, isParameter, reason) => {
      expect(named([], [sum]).get(name)).toMatchObject({
        isParameter,
        reason: expect.stringMatching(reason),
      });
    });

    test("beside initializers they are constants", () => {
      const found = named([floats("v", [3, 3], ramp(9))], [node("MatMul", ["a", "v"], ["y"])]);
      expect(found.get("w")).toMatchObject({ isParameter: false, reason: "a constant of the graph" });
    });
  });

  test("a weight too large to be read counts", () => {
    const n = 2049;
    const tensor = { name: "w", data_type: 1, dims: longs([n, n]), raw_data: new Uint8Array(4 * n * n) };
    expect(verdicts({ tensor, nodes: matmul("w") })[0]).toMatchObject({ isParameter: true });
  });
});

describe("globs", () => {
  test.each([
    ["fc.weight", "fc.*", true],
    ["fc.weight", "*", true],
    ["fc.weight", "fc", false],
    ["fc1.weight", "fc?.weight", true],
    ["a[0]/w", "a[0]/*", true],
    ["aXweight", "a.weight", false],
  ])("%s and %s: %s", (name, glob, matches) => {
    expect(matchesGlob(name, glob)).toBe(matches);
  });
});
