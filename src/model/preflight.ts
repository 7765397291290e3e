import type { Graph, OnnxModel, Value } from "../onnx/graph.ts";

/** Something about the file that the user should know before trusting numbers. */
export interface Warning {
  readonly code: string;
  readonly message: string;
}

/** What the file itself shows: BatchNorm fused by the exporter, training-mode operators, half precision. */
export function preflightWarnings(model: OnnxModel, graph: Graph, parameters: readonly Value[]): Warning[] {
  return [...fusedBatchNorm(model, graph), ...trainingMode(graph), ...halfPrecision(parameters)];
}

/** PyTorch's optimiser and its TorchScript exporter both leave traces where a BatchNormalization was. */
function fusedBatchNorm(model: OnnxModel, graph: Graph): Warning[] {
  if (!/pytorch/i.test(model.producer)) return [];
  const convs = graph.nodes.filter((n) => n.op === "Conv" || n.op === "ConvTranspose");
  const fused = convs.filter((n) => {
    const weight = n.inputs[1]?.name ?? "";
    const bias = n.inputs[2]?.name ?? "";
    return /^onnx::Conv_\d+$/.test(weight) || bias === `${weight}_bias`;
  });
  if (fused.length === 0) return [];
  return [
    {
      code: "FUSED_BATCH_NORM",
      message: `the exporter fused BatchNormalization into ${fused.length} of ${convs.length} convolutions: their weights are not the trained ones, and curvature is with respect to the fused weights. Export with torch.onnx.export(model.eval(), …, optimize=False) to keep them apart`,
    },
  ];
}

function trainingMode(graph: Graph): Warning[] {
  const nodes = graph.nodes.filter((n) => n.op === "BatchNormalization" && n.int("training_mode", 0) === 1);
  if (nodes.length === 0) return [];
  return [
    {
      code: "TRAINING_MODE",
      message: `${nodes.length} BatchNormalization nodes are in training mode: the loss depends on the batch. Export with model.eval()`,
    },
  ];
}

function halfPrecision(parameters: readonly Value[]): Warning[] {
  const half = parameters.filter((p) => p.type === "float16" || p.type === "bfloat16");
  if (half.length === 0) return [];
  return [
    {
      code: "HALF_PRECISION",
      message: `${half.length} tensors are stored in half precision; the analysis runs in float32`,
    },
  ];
}
