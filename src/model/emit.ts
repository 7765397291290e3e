import { Value } from "../onnx/graph.ts";
import { encodeModel } from "../onnx/index.ts";
import { float32Tensor } from "../onnx/tensor.ts";
import { GraphBuilder } from "../ops/builder.ts";
import { lookup } from "../ops/registry.ts";
import { rewrite } from "../ops/rewrite.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { withNamedOutputs } from "./compile.ts";
import type { Programs } from "./programs.ts";

/** Version of the layout of emitted gradient graphs, in their metadata. */
export const ARTIFACT_FORMAT = "onnx-landscape/gradient/1";

/**
 * A gradient graph as a file for anybody's onnxruntime: inputs are the model's inputs and the targets,
 * parameters are initializers under their own names, outputs are `loss` (the mean over the batch) and
 * one `<parameter>_grad` per parameter. The batch is static: that of `programs`.
 */
export function emitGradientModel(
  checkpoint: Checkpoint,
  programs: Programs,
  targetName: string,
): Uint8Array {
  const graph = programs.meanGradient();
  const b = new GraphBuilder(lookup);
  const names = inputNames(checkpoint, targetName);
  const bindings = new Map<Value, Value>();
  for (const v of graph.inputs) {
    const slot = /^p\d+$/.test(v.name) ? checkpoint.parameters[Number(v.name.slice(1))] : undefined;
    bindings.set(v, slot ? weight(checkpoint, slot) : b.input(names.get(v.name) ?? v.name, v.static));
  }
  const became = rewrite(graph, b, bindings);
  const inputs = graph.inputs.map((v) => bindings.get(v) as Value).filter((v) => v.kind === "input");
  const outputs = graph.outputs.map((v) => became.get(v) as Value);
  const outputNames = ["loss", ...checkpoint.parameters.map((p) => `${p.name}_grad`)];
  return encodeModel(withNamedOutputs(b.build("gradient", inputs, outputs), outputNames), {
    metadata: { format: ARTIFACT_FORMAT, model_sha256: checkpoint.sha256 },
  });
}

/** Our names of the data inputs and the target, by the names the file shall have. */
function inputNames(checkpoint: Checkpoint, targetName: string): Map<string, string> {
  const names = new Map(checkpoint.inputs.map((v, i) => [`x${i}`, v.name]));
  const taken = new Set(names.values());
  names.set("t", taken.has(targetName) ? `${targetName}_target` : targetName);
  return names;
}

function weight(checkpoint: Checkpoint, slot: Checkpoint["parameters"][number]): Value {
  const data = checkpoint.theta.subarray(slot.offset, slot.offset + slot.size);
  return new Value("initializer", slot.name, "float32", slot.shape, {
    tensor: float32Tensor(slot.shape, data),
  });
}
