import { type Graph, Value } from "../onnx/graph.ts";
import { assignNames, encodeModel, transformGraph } from "../onnx/index.ts";
import { float32Tensor } from "../onnx/tensor.ts";
import { GraphBuilder } from "../ops/builder.ts";
import { lookup } from "../ops/registry.ts";
import { rewrite } from "../ops/rewrite.ts";
import { bindModel } from "./bind.ts";
import type { Checkpoint, ParameterSlot } from "./checkpoint.ts";
import { withNamedOutputs } from "./compile.ts";
import { type ArtifactMetadata, writeMetadata } from "./emit-metadata.ts";
import type { LossSpec } from "./loss.ts";
import { type BatchTypes, meanGradient } from "./programs.ts";

/**
 * A gradient graph as a file for anybody's onnxruntime: inputs are the model's inputs and the targets; parameters are
 * inputs too, under their own names, with the checkpoint's values as defaults; outputs are `loss` (the mean over the
 * batch) and one `<parameter>_grad` per parameter. The batch is static: that of `types`.
 */
export function emitGradientModel(
  checkpoint: Checkpoint,
  types: BatchTypes,
  loss: LossSpec,
  targetName: string,
): Uint8Array {
  // Weights with a BatchNormalization folded into them are rounded once more: on ResNet-20 enough to flip ReLUs, and
  // the gradient is then 1e-5 to 1e-4 off instead of 1e-6, for a graph that is a quarter faster (measured).
  const bound = bindModel(checkpoint, types.inputs);
  const { graph, hasScores } = meanGradient(bound, loss, types.target);
  const b = new GraphBuilder(lookup);
  const names = inputNames(checkpoint, targetName);
  // Parameters are inputs until the graph is built: as constants they would be folded into what depends on them.
  const bindings = new Map<Value, Value>(
    graph.inputs.map((v) => [v, b.input(names.get(v.name) ?? v.name, v.static)]),
  );
  const became = rewrite(graph, b, bindings);
  const ends = graph.outputs.map((v) => became.get(v) as Value);
  const scores = hasScores ? [ends.pop() as Value] : [];
  const isParameter = (v: Value) => /^p\d+$/.test(v.name);
  const inputs = graph.inputs.filter((v) => !isParameter(v)).map((v) => bindings.get(v) as Value);
  const outputs = ["loss", ...checkpoint.parameters.map((p) => `${p.name}_grad`)];
  const named = withNamedOutputs(b.build("gradient", inputs, ends), outputs);
  const built = { ...named, outputs: [...named.outputs, ...scores] };
  const weights = checkpoint.parameters.map((p) => weight(checkpoint, p));
  const slots = graph.inputs
    .filter(isParameter)
    .map((v): [Value, Value] => [bindings.get(v) as Value, weights[Number(v.name.slice(1))] as Value]);
  const filled = withDefaults(built, new Map(slots), weights);
  const whole = { ...filled, outputs: filled.outputs.slice(0, outputs.length) };
  const inner = filled.outputs[outputs.length];
  const target = inputs.at(-1)?.name ?? "";
  const metadata: ArtifactMetadata = {
    modelSha256: checkpoint.sha256,
    parameters: checkpoint.parameters.map((p) => p.name),
    loss: loss.kind,
    target: checkpoint.own ? (checkpoint.own.target?.name ?? null) : loss.kind === "output" ? null : target,
    batch: bound.samples,
    // The name that the file gives it, which is not always its hint; none where the loss goes another way.
    scores: (inner && assignNames(whole).get(inner)) ?? null,
    ignoreIndex: loss.ignoreIndex,
    weighted: loss.classWeights !== null,
  };
  return encodeModel(whole, { metadata: writeMetadata(metadata) });
}

/** Initializers that are listed as inputs too may be fed, and are what they say when they are not. */
function withDefaults(graph: Graph, slots: ReadonlyMap<Value, Value>, weights: readonly Value[]): Graph {
  const bound = transformGraph(graph, () => undefined, { bindings: slots });
  return {
    ...bound,
    inputs: [...bound.inputs, ...weights],
    initializers: [...weights, ...bound.initializers],
  };
}

/** Names for the file by our names of the inputs: data, target and parameters. */
function inputNames(checkpoint: Checkpoint, targetName: string): Map<string, string> {
  const names = new Map(checkpoint.inputs.map((v, i) => [`x${i}`, v.name]));
  const taken = new Set([...names.values(), ...checkpoint.parameters.map((p) => p.name)]);
  names.set("t", taken.has(targetName) ? `${targetName}_target` : targetName);
  for (const [i, p] of checkpoint.parameters.entries()) names.set(`p${i}`, p.name);
  return names;
}

function weight(checkpoint: Checkpoint, slot: ParameterSlot): Value {
  const data = checkpoint.theta.subarray(slot.offset, slot.offset + slot.size);
  return new Value("initializer", slot.name, "float32", slot.shape, {
    tensor: float32Tensor(slot.shape, data),
  });
}
