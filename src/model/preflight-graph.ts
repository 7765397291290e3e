import type { Graph, Value } from "../onnx/graph.ts";
import { halfPrecisionOf, subgraphs } from "../onnx/index.ts";
import { sizeOf } from "../onnx/tensor.ts";
import { trainingMode } from "./eval-mode.ts";
import { numbersIn, uniform } from "./initializer-evidence.ts";
import { type Check, counted, isPyTorch, listed } from "./preflight-check.ts";
import { allNodes } from "./preflight-weights.ts";

/** What the graph shows of how the model runs: training mode, randomness, precision. */

const training: Check = ({ graph }) => {
  const nodes = trainingMode(graph);
  if (nodes.length === 0) return null;
  const ops = [...new Set(nodes.map((n) => n.op))].join(" and ");
  return {
    code: "TRAINING_MODE",
    message: `${counted(nodes.length, "node")} (${ops}) are in training mode: the loss depends on the batch or on chance, and has no gradient here. Use --eval-mode, which takes the running statistics and drops nothing, or export with model.eval()`,
  };
};

const RANDOM = /^(Random(Normal|Uniform)(Like)?|Bernoulli|Multinomial)$/;

const random: Check = ({ graph }) => {
  const nodes = allNodes(graph.nodes).filter((n) => n.domain === "" && RANDOM.test(n.op));
  if (nodes.length === 0) return null;
  return {
    code: "RANDOM",
    message: `${counted(nodes.length, "node")} draw random numbers (${listed(nodes.map((n) => n.name || n.op))}): the loss is another at each run. Export the deterministic part`,
  };
};

/** Types of the stored weights; inner graphs count. */
function typesIn(graph: Graph): Set<string> {
  const types = new Set<string>();
  const add = (v: Value) => {
    if (v.type !== undefined && sizeOf(v.tensor?.dims ?? []) > 1) types.add(v.type);
  };
  const visit = (g: Graph): void => {
    g.initializers.forEach(add);
    for (const node of g.nodes) for (const inner of subgraphs(node)) visit(inner);
  };
  visit(graph);
  return types;
}

const halfPrecision: Check = ({ model }) => {
  const half = halfPrecisionOf(model.graph);
  if (half.length === 0) return null;
  const stored = typesIn(model.graph);
  const types = half.join(", ");
  return {
    code: "HALF_PRECISION",
    message: half.some((type) => stored.has(type))
      ? `weights are stored in half precision (${types}); the analysis runs in float32, from the stored values`
      : `the model computes in half precision (${types}) in places; the analysis runs in float32, without that rounding`,
  };
};

const doublePrecision: Check = ({ model }) => {
  if (!typesIn(model.graph).has("float64")) return null;
  return {
    code: "DOUBLE_PRECISION",
    message: "weights are stored in double precision; the analysis runs in float32",
  };
};

/** Inputs that look as if they switched training on. */
const trainingInputs: Check = ({ graph }) => {
  const switches = graph.inputs.filter((v) => v.type === "bool" && /train/i.test(v.name));
  if (switches.length === 0) return null;
  return {
    code: "TRAINING_INPUT",
    message: `the input ${listed(switches.map((v) => v.name))} switches training mode: give it as false in the data`,
  };
};

function isZeros(x: Value): boolean {
  const { producer } = x;
  if (producer?.op === "ConstantOfShape") return !producer.tensor("value")?.data[0];
  const numbers = numbersIn(x);
  return numbers !== undefined && uniform(numbers) === 0;
}

/** PyTorch's newer exporter states every reduction; TorchScript leaves out those that it cannot write. */
const lostSums: Check = (facts) => {
  const nodes = allNodes(facts.graph.nodes).filter(
    (n) => n.op === "ScatterElements" && !n.attributes.has("reduction") && isZeros(n.x(0)),
  );
  if (nodes.length === 0 || !isPyTorch(facts)) return null;
  return {
    code: "LOST_SUMS",
    message: `${counted(nodes.length, "ScatterElements node")} (${listed(nodes.map((n) => n.name || n.op))}) write into zeros by index, as the TorchScript exporter writes index_add, and scatter_add below opset 16: where an index repeats, only the last entry remains of the sum, and the loss is not the module's. If they were sums, export with dynamo=True, or write them as scatter_add at opset 16 or later`,
  };
};

export const graphChecks: readonly Check[] = [
  training,
  trainingInputs,
  random,
  lostSums,
  halfPrecision,
  doublePrecision,
];
