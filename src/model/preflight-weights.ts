import type { Graph, Node, Value } from "../onnx/graph.ts";
import { subgraphs } from "../onnx/index.ts";
import { sizeOf } from "../onnx/tensor.ts";
import { foldedFrom, notedKind, numbersIn, trainedNames, uniform } from "./initializer-evidence.ts";
import { hasGeneratedName, isStatePath } from "./names.ts";
import { type Check, counted, type Facts, isPyTorch, listed } from "./preflight-check.ts";

/** Signs that the weights in the file are not the trained ones: fused, folded, merged or stored twice. */

const UNFUSED =
  "Export with torch.onnx.export(model.eval(), …, dynamo=True, optimize=False) to keep them apart";

/** The rewrite rule is noted on the node; without notes, names tell. */
function isFused(node: Node, pytorch: boolean): boolean {
  const [weight, bias] = [node.inputs[1]?.name ?? "", node.inputs[2]?.name ?? ""];
  if (/FuseBatchNorm/.test(node.metadata["pkg.onnxscript.rewriter.rule_name"] ?? "")) return true;
  if (/batch_?norm|merged_input/i.test(`${weight} ${bias}`)) return true;
  // TorchScript renames both; a weight alone was computed, as weight_norm's is.
  const renamed = [weight, bias].every((name) => /^onnx::Conv(Transpose)?_\d+$/.test(name));
  return pytorch && (renamed || (bias !== "" && bias === `${weight}_bias`));
}

function fusedProducts(facts: Facts): readonly Node[] {
  return products(facts).filter((n) => isFused(n, isPyTorch(facts)));
}

function products({ graph }: Facts): readonly Node[] {
  return graph.nodes.filter((n) => /^(Conv|ConvTranspose|Gemm)$/.test(n.op));
}

const fusedBatchNorm: Check = (facts) => {
  const fused = fusedProducts(facts);
  if (fused.length === 0) return null;
  const how = isPyTorch(facts)
    ? UNFUSED
    : "Export before the exporter's optimiser runs, if the separate layers matter";
  return {
    code: "FUSED_BATCH_NORM",
    message: `the exporter fused BatchNormalization into ${fused.length} of ${products(facts).length} convolutions and linear layers: their weights are not the trained ones, and curvature is with respect to the fused weights. ${how}`,
  };
};

/** Values that PyTorch's graphs name after what computes them. */
const OPERATION_NAMES =
  /^(add|sub|mul|div|pow|sqrt|rsqrt|exp|log|neg|abs|sigmoid|tanh|softmax|softplus|clamp(_min|_max)?|norm|linalg_vector_norm|mean|sum|index|embedding|select|slice|gather|cat|stack|expand|repeat|t|transpose|permute|view|reshape|unsqueeze|squeeze|matmul|mm|bmm|einsum|where|clone|_to_copy|_weight_norm)(_\d+)?$/;

/** Those of them that change numbers: sigmoid(w) has one source as a transposed weight has. */
const COMPUTED_NAMES =
  /^(add|sub|mul|div|pow|sqrt|rsqrt|exp|log|neg|abs|sigmoid|tanh|softmax|softplus|clamp(_min|_max)?|norm|linalg_vector_norm|mean|sum|sin|cos|relu|gelu|silu|elu|square|reciprocal)(_\d+)?$/;

/** A weight that TorchScript's folding made from others: a plain Linear keeps its name, or is an `onnx::MatMul`. */
const FOLDED_NAMES = /^onnx::(Conv|ConvTranspose|Gemm|Add|Sub|Mul|Div|Clip|Expand|Pow|Where|Concat)_\d+$/;

/** The same numbers for every sample of a batch, or every place: a class token that was expanded. */
function isRepeated(value: Value): boolean {
  const { name, dims } = value;
  const copies = dims.findIndex((d) => d > 1);
  const size = sizeOf(dims.slice(copies + 1));
  if (copies < 0 || size < 2 || !hasGeneratedName(name)) return false;
  const numbers = numbersIn(value);
  if (numbers === undefined || uniform(numbers) !== undefined) return false;
  return numbers.every((v, i) => v === numbers[i % size]);
}

/** Where a tensor comes from, when more went into it than the one weight that it is a transpose of. */
function isFolded(value: Value, pytorch: boolean): boolean {
  // A module may call its own weight "t".
  if (notedKind(value) === "PARAMETER") return false;
  const sources = foldedFrom(value);
  if (sources.length > 0) return sources.length > 1 || COMPUTED_NAMES.test(value.name);
  if (isRepeated(value)) return true;
  return (
    pytorch && sizeOf(value.dims) > 1 && (OPERATION_NAMES.test(value.name) || FOLDED_NAMES.test(value.name))
  );
}

/** Weights of LSTM, GRU and RNN: the exporter sets gates and directions one after the other, and changes no number. */
function recurrentWeights(graph: Graph): Set<Value | null> {
  const layers = allNodes(graph.nodes).filter((n) => /^(LSTM|GRU|RNN)$/.test(n.op));
  return new Set(layers.flatMap((n) => n.inputs.slice(1, 4)));
}

const foldedWeights: Check = (facts) => {
  const computed = facts.verdicts.filter((v) => v.computedFrom !== undefined).map((v) => v.value);
  const told = new Set([...recurrentWeights(facts.graph), ...fusedProducts(facts).flatMap((n) => n.inputs)]);
  const folded = facts.parameters.filter((v) => isFolded(v, isPyTorch(facts)) && !told.has(v));
  const all = [...computed, ...folded];
  if (all.length === 0) return null;
  const how = isPyTorch(facts)
    ? "with optimize=False (dynamo=True) or do_constant_folding=False"
    : "without constant folding, where the exporter lets it be switched off";
  return {
    code: "FOLDED_WEIGHTS",
    message: `the exporter computed ${listed(all.map((v) => v.name))} from trained weights (a norm, a product, a selection or copies of rows) and keeps the result only: unless it just rearranged them, derivatives with respect to what was trained are not those of this file. Export ${how}`,
  };
};

/** Whether PyTorch's optimiser left notes of what it did. */
function wasOptimised(graph: Graph): boolean {
  const noted = [...graph.initializers, ...graph.nodes, ...graph.nodes.flatMap((n) => n.outputs)];
  return noted.some(({ metadata }) => Object.keys(metadata).some((key) => key.startsWith("pkg.onnxscript.")));
}

/**
 * PyTorch lists the module's parameters in the file: those that have gone from an optimised one may have been fused, folded
 * or merged. Otherwise they are tied to others, or of no use for the outputs.
 */
const missingWeights: Check = ({ model, graph }) => {
  const trained = trainedNames(model.metadata);
  const transposed = graph.initializers.filter((v) => foldedFrom(v).length === 1);
  const rearranged = [...transposed, ...recurrentWeights(graph)].filter((v) => v !== null);
  const there = new Set([...graph.initializers.map((v) => v.name), ...rearranged.flatMap(foldedFrom)]);
  const missing = trained.filter((name) => !there.has(name));
  if (missing.length === 0 || !wasOptimised(graph)) return null;
  return {
    code: "MISSING_WEIGHTS",
    message: `${missing.length} of the module's ${trained.length} parameters are not in the file: ${listed(missing)}; the exporter's optimiser fused or folded them, or merged them with equal ones, unless they are tied to others or the outputs do not need them. Export with optimize=False to keep all`,
  };
};

const unusedWeights: Check = ({ verdicts }) => {
  const unused = verdicts.filter(
    (v) => /no differentiable path/.test(v.reason) && isStatePath(v.value.name) && sizeOf(v.value.dims) > 1,
  );
  if (unused.length === 0) return null;
  return {
    code: "UNUSED_WEIGHTS",
    message: `${counted(unused.length, "tensor")} with names as weights have no differentiable path to the output: ${listed(unused.map((v) => v.value.name))}. Choose another --output if they should count; if not, the exporter may have folded what used them`,
  };
};

// Smaller tensors may be equal by chance: biases that are all alike.
const SHARED_SIZE = 16;

function isTranspose(a: Value, b: Value, x: Float32Array, y: Float32Array): boolean {
  const [rows, columns] = a.dims as [number, number];
  if (a.dims.length !== 2 || b.dims[0] !== columns || b.dims[1] !== rows) return false;
  return x.every((v, i) => v === y[(i % columns) * rows + Math.floor(i / columns)]);
}

function isSame(a: Value, b: Value): boolean {
  if (sizeOf(a.dims) !== sizeOf(b.dims)) return false;
  const [x, y] = [numbersIn(a), numbersIn(b)];
  if (x === undefined || y === undefined || uniform(x) !== undefined) return false;
  const direct = `${a.dims}` === `${b.dims}` && x.every((v, i) => v === y[i]);
  return direct || isTranspose(a, b, x, y);
}

/** Tensors of the same numbers, together. */
function copies(values: readonly Value[]): readonly (readonly Value[])[] {
  const groups: Value[][] = [];
  for (const value of values) {
    const group = groups.find(([first]) => first !== undefined && isSame(first, value));
    if (group) group.push(value);
    else groups.push([value]);
  }
  return groups.filter((group) => group.length > 1);
}

const tiedTwice: Check = (facts) => {
  // Vectors are equal by training: biases that are added to one another have one gradient, and stay as alike as they began.
  const large = facts.parameters.filter((v) => v.dims.length > 1 && sizeOf(v.dims) >= SHARED_SIZE);
  const groups = copies(large);
  if (groups.length === 0) return null;
  const text = groups.slice(0, 3).map((group) => {
    const names = group.map((v) => v.name);
    return names.length === 2 ? `"${names[0]}" and "${names[1]}"` : listed(names);
  });
  const how = isPyTorch(facts) ? ". Export with optimize=False (dynamo=True) to keep it one" : "";
  return {
    code: "TIED_WEIGHT_STORED_TWICE",
    message: `the same numbers are stored more than once: ${text.join("; ")}. If they are one tied weight, the file has independent ones instead, and its Hessian is another${how}`,
  };
};

const mergedWeights: Check = ({ graph, parameters }) => {
  const trained = new Set(parameters);
  const copies = graph.nodes.filter(
    (n) => n.op === "Identity" && trained.has(n.inputs[0] as Value) && isStatePath(n.outputs[0]?.name ?? ""),
  );
  // Twice in one norm too: a bias of zeros is the running mean of an untrained BatchNormalization.
  const normed = graph.nodes.filter((n) => /Normalization$/.test(n.op)).flatMap((n) => n.inputs);
  const shared = parameters.filter((v) => {
    const numbers = sizeOf(v.dims) > 1 && normed.filter((input) => input === v).length > 1 && numbersIn(v);
    return numbers && uniform(numbers) !== undefined;
  });
  const names = [...new Set([...copies.map((n) => n.inputs[0] as Value), ...shared])].map((v) => v.name);
  if (names.length === 0) return null;
  return {
    code: "MERGED_WEIGHTS",
    message: `equal tensors were merged into one: ${listed(names)} stand for several weights or running statistics, which are now tied. Export after training, or with optimize=False`,
  };
};

/** Coefficients in attributes are out of reach of every gradient. */
const attributeWeights: Check = ({ graph, parameters }) => {
  const models = graph.nodes.filter(
    (n) => n.domain === "ai.onnx.ml" && /^(Linear|SVM|TreeEnsemble)/.test(n.op),
  );
  const [first] = models;
  if (first === undefined) return null;
  const rest = parameters.length === 0 ? ": there is no parameter to differentiate" : "";
  const remedy = first.op.startsWith("Linear")
    ? `Export with skl2onnx's black_op={"${first.op}"}, which makes it a product and a sum`
    : "Trees and support vectors have no other form";
  return {
    code: "WEIGHTS_IN_ATTRIBUTES",
    message: `${first.op} keeps its coefficients as attributes, not as initializers${rest}. ${remedy}`,
  };
};

/** Weights that only a quantiser or an integer kernel sees. */
const quantised: Check = ({ graph }) => {
  const nodes = allNodes(graph.nodes).filter((n) =>
    /^(QLinear\w+|QGemm|QAttention|ConvInteger|MatMulInteger\w*|DynamicQuantize\w+|QuantizeLinear|DequantizeLinear|MatMulNBits|MatMulBnb4|MatMulFpQ4|QMoE|QEmbedLayerNormalization|GatherBlockQuantized)$/.test(
      n.op,
    ),
  );
  if (nodes.length === 0) return null;
  const ops = [...new Set(nodes.map((n) => n.op))];
  return {
    code: "QUANTIZED",
    message: `the model is quantised (${ops.slice(0, 4).join(", ")}): its weights are integers, and rounding has no derivative. Analyse the model from before quantisation`,
  };
};

/** Kernels and weights in blocks, as wide as the registers of the machine that saved the file. */
const machineLayout: Check = ({ graph }) => {
  const nodes = allNodes(graph.nodes).filter((n) => n.domain === "com.microsoft.nchwc");
  if (nodes.length === 0) return null;
  return {
    code: "MACHINE_LAYOUT",
    message: `${counted(nodes.length, "node")} (${listed(nodes.map((n) => n.name || n.op))}) hold weights in the layout of one machine's processor, as onnxruntime saves them. Save the optimised model with ORT_ENABLE_EXTENDED, or analyse the one from before`,
  };
};

export function allNodes(nodes: readonly Node[]): Node[] {
  return nodes.flatMap((n) => [n, ...subgraphs(n).flatMap((g) => allNodes(g.nodes))]);
}

export const weightChecks: readonly Check[] = [
  fusedBatchNorm,
  foldedWeights,
  missingWeights,
  unusedWeights,
  tiedTwice,
  mergedWeights,
  attributeWeights,
  quantised,
  machineLayout,
];
