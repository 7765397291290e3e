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

/**
 * Reads from the graph what the loss is; targets are the labels of the cross-entropy or of yes and no, else the last of
 * the inputs.
 */
export function findLoss(graph: Graph): FoundLoss {
  const [loss] = graph.outputs;
  if (loss === undefined || (loss.shape !== undefined && !isScalar(loss))) {
    throw new LandscapeError(
      "INVALID_MODEL",
      `no loss: the first output of "${graph.name}" is ${loss ? `"${loss.name}" of shape [${loss.shape?.map((d) => d ?? "?")}]` : "missing"}; expected a scalar. Make the artifacts again with onnxruntime.training.artifacts`,
    );
  }
  const { nodes } = ancestors([loss]);
  const [entropy, ...others] = nodes.filter((n) => CROSS_ENTROPIES.has(n.op) && n.has(0) && n.has(1));
  const last = graph.inputs.length > 1 ? (graph.inputs.at(-1) as Value) : null;
  if (entropy !== undefined && others.length === 0) {
    const scores = {
      value: entropy.x(0),
      labels: entropy.x(1),
      classAxis: 1,
      ignoreIndex: ignoreIndexOf(entropy),
    };
    const kind = behind(loss).producer === entropy ? "cross-entropy" : "output";
    return { loss, kind, target: inputBehind(entropy.x(1)) ?? last, scores };
  }
  const scores = entropy === undefined ? yesOrNo(nodes) : null;
  const isMean = behind(loss).producer?.op === "ReduceMean";
  if (scores !== null) return { loss, kind: isMean ? "bce" : "output", target: scores.labels, scores };
  return { loss, kind: kindOf(loss), target: last, scores: null };
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

/**
 * Logits z and targets y of a binary cross-entropy as onnxblock writes it, y·log σ(z) + (1 − y)·log(1 − σ(z)), weights at
 * its terms or not; null where there is none, or more than one.
 */
function yesOrNo(nodes: readonly Node[]): Scores | null {
  const terms = nodes.flatMap(logTerms);
  const isOneLess = (value: Value, than: Value) => {
    const sub = behind(value).producer;
    return sub?.op === "Sub" && sub.has(1) && behind(sub.x(1)) === behind(than);
  };
  const found = terms.filter(
    ({ of, by }) =>
      of.producer?.op === "Sigmoid" &&
      inputBehind(by) !== null &&
      terms.some((other) => isOneLess(other.of, of) && isOneLess(other.by, by)),
  );
  const [term, ...others] = found;
  if (term === undefined || others.length > 0) return null;
  const [value, labels] = [(term.of.producer as Node).x(0), inputBehind(term.by) as Value];
  return { value, labels, classAxis: null, ignoreIndex: null };
}

/** The products by·log(of) that a node is. */
function logTerms(node: Node): { of: Value; by: Value }[] {
  const [a, b] = node.inputs;
  if (node.op !== "Mul" || !a || !b) return [];
  const term = (log: Value, by: Value) => {
    const { producer } = behind(log);
    return producer?.op === "Log" && producer.has(0) ? [{ of: behind(producer.x(0)), by }] : [];
  };
  return [...term(a, b), ...term(b, a)];
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
