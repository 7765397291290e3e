import type { OnnxModel, Value } from "../onnx/graph.ts";
import { type ArtifactMetadata, readMetadata, unusable } from "./emit-metadata.ts";
import type { LoadedModel } from "./loaded-model.ts";
import type { InitializerVerdict } from "./parameters.ts";

/**
 * A gradient graph that `gradient --emit` wrote (at opset 18): its loss and gradients are taken as they are;
 * undefined for any other model. With `differentiate` only the loss is taken, and differentiated by our rules.
 */
export function readEmitted(
  model: OnnxModel,
  differentiate: boolean,
): Pick<LoadedModel, "output" | "verdicts" | "own"> | undefined {
  const metadata = readMetadata(model.metadata);
  if (metadata === undefined) return undefined;
  const { graph } = model;
  const [loss, ...gradients] = graph.outputs;
  if (loss === undefined || gradients.length !== metadata.parameters.length) {
    throw unusable(
      `it has ${graph.outputs.length} outputs; expected ${1 + metadata.parameters.length}, loss and gradients`,
    );
  }
  const parameters = metadata.parameters.map((name) => parameterOf(graph.initializers, name));
  const scores = scoresOf(model, metadata);
  return {
    output: loss,
    verdicts: judge(graph.initializers, new Set(parameters)),
    own: {
      kind: metadata.loss,
      gradients: differentiate ? null : new Map(parameters.map((p, i) => [p, gradients[i] as Value])),
      target: metadata.target === null ? null : inputOf(graph.inputs, metadata.target),
      scores,
      training: null,
      // With every label counted alike, the mean over a data set is that of its batches, which are of one size.
      wholeBatch: metadata.ignoreIndex !== null || metadata.weighted,
    },
  };
}

function parameterOf(initializers: readonly Value[], name: string): Value {
  const found = initializers.find((v) => v.name === name);
  if (found?.type === "float32") return found;
  throw unusable(`it has no float32 initializer for the parameter ${JSON.stringify(name)}`);
}

function inputOf(inputs: readonly Value[], name: string): Value {
  const found = inputs.find((v) => v.name === name);
  if (found !== undefined) return found;
  throw unusable(`it has no input for the targets ${JSON.stringify(name)}`);
}

function scoresOf({ graph }: OnnxModel, { loss, scores, target, ignoreIndex }: ArtifactMetadata) {
  if (scores === null || target === null) return null;
  const values = [...graph.inputs, ...graph.nodes.flatMap((n) => n.outputs)];
  const value = values.find((v) => v.name === scores);
  if (value === undefined) throw unusable(`it has no value for the class scores ${JSON.stringify(scores)}`);
  const labels = inputOf(graph.inputs, target);
  if (loss === "bce") return { value, labels, classAxis: null, ignoreIndex: null };
  const rank = value.shape?.length ?? 0;
  if (rank < 2) throw unusable(`the class scores ${JSON.stringify(scores)} have no shape with classes last`);
  return { value, labels, classAxis: rank - 1, ignoreIndex };
}

function judge(initializers: readonly Value[], parameters: ReadonlySet<Value>): InitializerVerdict[] {
  return initializers.map((value) =>
    parameters.has(value)
      ? { value, isParameter: true, reason: "a parameter by the gradient graph's metadata" }
      : { value, isParameter: false, reason: "a constant of the gradient graph" },
  );
}
