import { Call, type Graph, type Value } from "../onnx/graph.ts";
import { transformGraph } from "../onnx/index.ts";

/** The initializer that a value hands on. */
function storedIn(value: Value | null | undefined): Value | undefined {
  let source = value ?? undefined;
  while (source?.producer?.op === "Identity") source = source.producer.inputs[0] ?? undefined;
  return source?.kind === "initializer" ? source : undefined;
}

/**
 * Gives running statistics tensors of their own where the exporter merged them with equal weights, as it does in
 * an untrained network: variances of 1 with scales of 1. They are state, and no derivative goes through them.
 */
export function separateStatistics(graph: Graph): Graph {
  return transformGraph(graph, (node, emit) => {
    if (node.op !== "BatchNormalization" || node.domain !== "") return undefined;
    const handedOn = (i: number) => node.inputs[i]?.kind === "node" && storedIn(node.inputs[i])?.tensor;
    if (!handedOn(3) && !handedOn(4)) return undefined;
    const inputs = node.inputs.map((v, i) => {
      const tensor = i >= 3 && handedOn(i);
      return tensor ? emit.constant(tensor, v?.name ?? "") : v;
    });
    const call = new Call(node.op, inputs, node.attributes, node.domain, node.numOutputs);
    return emit.node(call, node.outputs, node.name, node.metadata);
  });
}
