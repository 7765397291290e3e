import { LandscapeError } from "../errors.ts";
import type { Graph, Node, Value } from "../onnx/graph.ts";
import { ancestors } from "../ops/builder.ts";
import type { LossKind, Scores } from "./loss.ts";

/** The loss of a graph of onnxruntime-training: its first output. */
export interface FoundLoss {
  readonly loss: Value;
  readonly kind: LossKind;
  /** The input that takes the targets. */
  readonly target: Value | null;
  readonly scores: Scores | null;
}

const CROSS_ENTROPIES = new Set(["SoftmaxCrossEntropyLoss", "SoftmaxCrossEntropyLossInternal"]);

/** Reads from the graph what the loss is; targets are the labels of the cross-entropy, else the last of the inputs. */
export function findLoss(graph: Graph): FoundLoss {
  const [loss] = graph.outputs;
  if (loss === undefined || (loss.shape !== undefined && !isScalar(loss))) {
    throw new LandscapeError(
      "INVALID_MODEL",
      `no loss: the first output of "${graph.name}" is ${loss ? `"${loss.name}" of shape [${loss.shape?.map((d) => d ?? "?")}]` : "missing"}; expected a scalar. Make the artifacts again with onnxruntime.training.artifacts`,
    );
  }
  const crossEntropies = ancestors([loss]).nodes.filter(
    (n) => CROSS_ENTROPIES.has(n.op) && n.has(0) && n.has(1),
  );
  const [entropy, ...others] = crossEntropies;
  const last = graph.inputs.length > 1 ? (graph.inputs.at(-1) as Value) : null;
  if (entropy === undefined || others.length > 0)
    return { loss, kind: kindOf(loss), target: last, scores: null };
  const target = inputBehind(entropy.x(1)) ?? last;
  const scores = {
    value: entropy.x(0),
    labels: entropy.x(1),
    classAxis: 1,
    ignoreIndex: ignoreIndexOf(entropy),
  };
  return { loss, kind: behind(loss).producer === entropy ? "cross-entropy" : "output", target, scores };
}

function isScalar(value: Value): boolean {
  return value.shape?.every((d) => d === 1) ?? true;
}

function ignoreIndexOf(node: Node): number | null {
  const index = node.attributes.get("ignore_index");
  return index?.kind === "int" ? index.value : null;
}

/** The mean of squared differences, as onnxblock writes it: Sub, Pow 2 (or Mul with itself), ReduceMean. */
function kindOf(loss: Value): LossKind {
  const mean = behind(loss).producer;
  if (mean?.op !== "ReduceMean" || !mean.has(0)) return "output";
  const square = behind(mean.x(0)).producer;
  const isSquare = square?.op === "Pow" || (square?.op === "Mul" && square.inputs[0] === square.inputs[1]);
  return isSquare && square.has(0) && behind(square.x(0)).producer?.op === "Sub" ? "mse" : "output";
}

const VIEWS = new Set(["Identity", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Flatten"]);

function behind(value: Value): Value {
  let now = value;
  while (now.producer && VIEWS.has(now.producer.op) && now.producer.has(0)) now = now.producer.x(0);
  return now;
}

function inputBehind(value: Value): Value | null {
  const found = behind(value);
  return found.kind === "input" ? found : null;
}
