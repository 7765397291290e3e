import { Call, type Graph, type Node, type Value } from "../onnx/graph.ts";
import { subgraphs, transformGraph, usedValues } from "../onnx/index.ts";
import { drops } from "../ops/elementwise/comparisons.ts";
import { isTraining, normalizesItself } from "../ops/reductions/normalization.ts";

/** Whether the node behaves in training as it does not in evaluation. */
function isInTraining(node: Call): boolean {
  if (node.domain !== "") return false;
  if (node.op === "BatchNormalization") return isTraining(node) && !normalizesItself(node);
  return node.op === "Dropout" && drops(node);
}

/** BatchNormalization and Dropout nodes in training mode, in subgraphs too. */
export function trainingMode(graph: Graph): Node[] {
  const inner = graph.nodes.flatMap((n) => subgraphs(n).flatMap(trainingMode));
  return [...graph.nodes.filter(isInTraining), ...inner];
}

/**
 * The graph in evaluation mode: BatchNormalization by its running statistics, Dropout without effect. Updated
 * statistics, which training mode gives too, are what they were.
 */
export function toEvalMode(graph: Graph): Graph {
  const used = usedValues(graph);
  return transformGraph(graph, (node, emit, original) => {
    if (!isInTraining(node)) return undefined;
    const drop = node.op === "Dropout";
    const inputs = drop ? node.inputs.slice(0, 1) : node.inputs.slice(0, 5);
    const attributes = new Map([...node.attributes].filter(([name]) => name !== "training_mode"));
    const hints = node.outputs.slice(0, drop ? 2 : 1);
    const call = new Call(node.op, inputs, attributes, "", hints.length);
    const outputs: (Value | undefined)[] = [...emit.node(call, hints, node.name, node.metadata)];
    if (drop) return outputs;
    const statistics = [3, 4].map((i, k) =>
      used.has(original.outputs[k + 1] as Value) ? (node.inputs[i] ?? undefined) : undefined,
    );
    return [...outputs, ...statistics];
  });
}
