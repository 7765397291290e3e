import { LandscapeError } from "../errors.ts";
import { Call, type Graph, type Node, type OnnxModel, type Value } from "../onnx/graph.ts";
import { inlineFunctions, toOpset18, transformGraph } from "../onnx/index.ts";
import { ancestors, type GraphBuilder } from "../ops/builder.ts";
import { lookup } from "../ops/registry.ts";
import { rewrite } from "../ops/rewrite.ts";
import { broadcast, sameDims } from "../ops/typing.ts";
import { loweringOf } from "./lowering/table.ts";
import { type TrainingWarning, trainingWarnings } from "./lowering/warnings.ts";

/** A training_model.onnx without the plumbing that accumulates gradients. */
export interface TrainingGraph {
  /**
   * Opset 18. Inputs: the user's, the targets, all parameters (trained and frozen), as in the file. Outputs: the
   * loss, then the gradients in the order of `gradients`. It holds operators of onnxruntime-training until
   * `emitTraining` binds its shapes.
   */
  readonly graph: Graph;
  readonly loss: Value;
  /** By the name of the trained parameter, in the order of the inputs. */
  readonly gradients: ReadonlyMap<string, Value>;
  readonly warnings: readonly TrainingWarning[];
}

const ACCUMULATOR = "InPlaceAccumulatorV2";
const BUFFER = "_grad.accumulation.buffer";

/**
 * Takes the gradients out of a training model (as decoded): what each InPlaceAccumulatorV2 adds up is the
 * gradient of the parameter that its buffer is named after. Throws INVALID_MODEL for any other model.
 */
export function lowerTraining(model: OnnxModel): TrainingGraph {
  const graph = tiedAveragePools(toOpset18(inlineFunctions(model)).graph);
  const accumulators = graph.nodes.filter(isAccumulator);
  const loss = graph.outputs[0];
  if (accumulators.length === 0 || loss === undefined) throw noTrainingModel(graph);
  const gradients = gradientsOf(graph, accumulators);
  const plumbing = new Set(accumulators.flatMap((n) => [n.inputs[0], n.inputs[2]]));
  const outputs = [loss, ...gradients.values()];
  const { nodes, leaves } = ancestors(outputs);
  const used = new Set<Value>(leaves);
  return {
    graph: {
      name: graph.name,
      inputs: graph.inputs.filter((v) => !plumbing.has(v) || used.has(v)),
      outputs,
      initializers: leaves.filter((v) => v.kind === "initializer"),
      nodes,
    },
    loss,
    gradients,
    warnings: trainingWarnings(nodes),
  };
}

/** Optimizer models and ORTModule's graphs end here, with the operators that give them away. */
function noTrainingModel(graph: Graph): LandscapeError {
  const strange = graph.nodes.filter(isUnsupported);
  const found = strange.length > 0 ? `, but ${operatorsOf(strange)}` : "";
  return new LandscapeError(
    "INVALID_MODEL",
    `no training model: expected an ${ACCUMULATOR} node for each gradient, got none in "${graph.name}"${found}. Pass the training_model.onnx that onnxruntime.training.artifacts wrote`,
  );
}

function isAccumulator(node: Node): boolean {
  return node.domain === "com.microsoft" && node.op === ACCUMULATOR;
}

/** Gradients by parameter, in the order of the inputs. */
function gradientsOf(graph: Graph, accumulators: readonly Node[]): Map<string, Value> {
  const found = new Map<string, Value>();
  for (const node of accumulators) {
    const [buffer, gradient] = [node.inputs[0]?.name ?? "", node.inputs[1]];
    const parameter = buffer.endsWith(BUFFER) ? buffer.slice(0, -BUFFER.length) : "";
    if (gradient == null || !graph.inputs.some((v) => v.name === parameter))
      throw new LandscapeError(
        "INVALID_MODEL",
        `cannot tell whose gradient ${ACCUMULATOR} "${node.name}" adds up: its buffer is "${buffer}"; expected the name of an input and "${BUFFER}". Make the artifacts again with onnxruntime.training.artifacts`,
      );
    found.set(parameter, gradient);
  }
  const order = graph.inputs.map((v) => v.name).filter((name) => found.has(name));
  return new Map(order.map((name) => [name, found.get(name) as Value]));
}

/**
 * AveragePoolGrad has neither X nor its shape among its inputs: X is added, found by the name of dY, which is the
 * forward output's with "_grad".
 */
function tiedAveragePools(graph: Graph): Graph {
  const pooled = new Map<string, Value>();
  return transformGraph(graph, (node, emit) => {
    const x = node.inputs[0];
    if (node.domain !== "" || x == null) return undefined;
    if (node.op === "AveragePool") pooled.set(`${node.outputs[0]?.name}_grad`, x);
    const tied = node.op === "AveragePoolGrad" ? pooled.get(x.name) : undefined;
    if (tied === undefined) return undefined;
    return emit.node(new Call(node.op, [x, tied], node.attributes), node.outputs, node.name, node.metadata);
  });
}

/**
 * Nodes that this project can neither run nor lower: LSTMTraining and the like, all at once. While there are any,
 * `emitTraining` refuses the graph.
 */
export function unsupportedTraining(training: TrainingGraph): readonly Node[] {
  return training.graph.nodes.filter(isUnsupported);
}

function isUnsupported(node: Node): boolean {
  // One whose forward node was not found stays without X.
  if (node.op === "AveragePoolGrad" && node.domain === "") return node.inputs.length < 2;
  return lookup(node.domain, node.op) === undefined && loweringOf(node.domain, node.op) === undefined;
}

/**
 * Emits the training graph into `b` in standard operators, with its inputs bound to values of static shapes.
 * Returns what each value became: the loss, the gradients. As after any binding, operators that are defined by
 * others (`OpRecord.expand`) are left to `expandGraph`.
 */
export function emitTraining(
  training: TrainingGraph,
  b: GraphBuilder,
  bindings: ReadonlyMap<Value, Value>,
): Map<Value, Value> {
  const missing = unsupportedTraining(training);
  if (missing.length > 0)
    throw new LandscapeError(
      "UNSUPPORTED_OP",
      `cannot lower the training model: no standard form of ${operatorsOf(missing)}. Differentiate eval_model.onnx instead`,
    );
  const named = new Map([...bindings].map(([v, bound]) => [v.name, bound]));
  const became = rewrite(training.graph, b, bindings, (call, node) => {
    const lower = loweringOf(call.domain, call.op);
    const outputs =
      (lower && b.scoped(node.name || call.op, () => lower(b, call))) ?? b.emit(call, node.outputs[0]?.name);
    const fitting = node.op === "Where" ? [summedBack(b, node, outputs[0] as Value, named)] : outputs;
    for (const [k, value] of node.outputs.entries())
      if (fitting[k] !== undefined) named.set(value.name, fitting[k]);
    return fitting;
  });
  for (const [name, gradient] of training.gradients)
    assertGradient(name, became.get(gradient) as Value, named.get(name));
  return became;
}

/**
 * onnxruntime-training does not sum the gradient of a Where over the axes that an operand was broadcast along, so
 * that one for each copy arrives: it is told by its name, that of the operand with "_grad" or "_grad_0", ….
 */
function summedBack(b: GraphBuilder, node: Node, gradient: Value, named: ReadonlyMap<string, Value>): Value {
  const of = named.get((node.outputs[0]?.name ?? "").replace(/_grad(_\d+)?$/, ""));
  const fits = of && sameDims(broadcast(gradient.dims, of.dims) ?? [], gradient.dims);
  return fits ? b.sumTo(gradient, of.dims) : gradient;
}

function assertGradient(name: string, gradient: Value, parameter: Value | undefined): void {
  if (parameter === undefined) return;
  if (sameDims(gradient.dims, parameter.dims) && gradient.type === parameter.type) return;
  throw new LandscapeError(
    "INVALID_MODEL",
    `the training model's gradient of "${name}" has type ${gradient.type} [${gradient.dims.join(", ")}]; expected ${parameter.type} [${parameter.dims.join(", ")}], as the parameter. Differentiate eval_model.onnx instead`,
  );
}

/** Operators with the number of their nodes: "com.microsoft::LSTMTraining (2 nodes)". */
function operatorsOf(nodes: readonly Node[]): string {
  const counts = new Map<string, number>();
  for (const { domain, op } of nodes) {
    const label = domain ? `${domain}::${op}` : op;
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return [...counts].map(([label, n]) => `${label} (${n} ${n === 1 ? "node" : "nodes"})`).join(", ");
}
