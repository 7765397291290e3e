import { LandscapeError } from "../errors.ts";
import type { Graph, Node, Value } from "../onnx/graph.ts";
import { isFloat } from "../onnx/tensor.ts";
import { ancestors } from "../ops/builder.ts";

/**
 * What the loss is taken of: the output of that name (or any tensor inside), or the model's only one that can
 * be differentiated. Labels beside probabilities are passed over, and a ZipMap around these is cut off.
 */
export function chooseOutput(graph: Graph, name: string | undefined): Value {
  if (name !== undefined) {
    const found = [...graph.outputs, ...graph.nodes.flatMap((n) => n.outputs)].find((v) => v.name === name);
    if (found) return tensorOf(withoutTail(found));
    throw new LandscapeError(
      "INVALID_OPTION",
      `unknown --output: "${name}"; the model's outputs are ${quoted(graph.outputs)}. Name one of them, or any tensor inside`,
    );
  }
  const ends = graph.outputs.map(withoutTail);
  const [only, ...others] = ends.length === 1 ? ends : ends.filter(mayBeDifferentiated);
  if (only !== undefined && others.length === 0) return tensorOf(only);
  throw new LandscapeError(
    "INVALID_MODEL",
    `the model has ${graph.outputs.length} outputs: ${quoted(graph.outputs)}; expected one. Choose with --output NAME`,
  );
}

const SEQUENCES = new Set(["SequenceConstruct", "SequenceInsert", "SequenceErase", "SplitToSequence"]);

/** A list of tensors, one for each target, has no loss. */
function tensorOf(value: Value): Value {
  const { producer } = value;
  if (producer === undefined || !SEQUENCES.has(producer.op)) return value;
  const tensors =
    producer.op === "SequenceConstruct" ? `: ${quoted(producer.inputs.filter((v) => v !== null))}` : "";
  throw new LandscapeError(
    "INVALID_MODEL",
    `the output "${value.name}" is a sequence of tensors${tensors}. Choose one tensor with --output NAME`,
  );
}

/** scikit-learn's exports put probabilities into a sequence of maps, and all targets of all samples into one column. */
function withoutTail(value: Value): Value {
  const { producer } = value;
  const isMaps = producer?.op === "ZipMap" && producer.domain === "ai.onnx.ml";
  return isMaps || mergesTargets(producer) ? producer.x(0) : value;
}

/** Whether a Reshape to [−1, 1] takes the rows of a product apart: what was a sample is several after it. */
function mergesTargets(node: Node | undefined): node is Node {
  if (node?.op !== "Reshape" || !node.has(0)) return false;
  const shape = node.inputs[1]?.tensor;
  const isColumn = shape !== undefined && `${Array.from(shape.data as ArrayLike<bigint>)}` === "-1,1";
  return isColumn && widthOf(node.x(0)) > 1;
}

/** Length of the last axis of a product with a weight, and of a bias after it; 1 of what is neither. */
function widthOf({ producer }: Value): number {
  if (producer?.op !== "MatMul" && producer?.op !== "Add") return 1;
  const widths = producer.inputs.map((v) => (v?.kind === "initializer" ? v.dims.at(-1) : undefined));
  return widths.find((n) => n !== undefined) ?? 1;
}

/** Operators that choose among given labels: what they give is no number to differentiate. */
const LABELS = new Set(["ArrayFeatureExtractor", "LabelEncoder", "ArgMax", "ArgMin"]);

function mayBeDifferentiated(value: Value): boolean {
  if (value.type !== undefined && !isFloat(value.type)) return false;
  let producer = value.producer;
  // A classifier of ai.onnx.ml gives the label first.
  if (producer?.domain === "ai.onnx.ml" && /Classifier$/.test(producer.op) && producer.outputs[0] === value)
    return false;
  while (producer && /^(Cast|Reshape|Squeeze|Identity)$/.test(producer.op))
    producer = producer.inputs[0]?.producer;
  return producer === undefined || !LABELS.has(producer.op);
}

/** The inputs that the output is computed from; all of them where it is computed from none. */
export function inputsOf(graph: Graph, output: Value): readonly Value[] {
  const used = new Set(ancestors([output]).leaves);
  const inputs = graph.inputs.filter((v) => used.has(v));
  return inputs.length > 0 ? inputs : graph.inputs;
}

function quoted(values: readonly Value[]): string {
  return values.map((v) => `"${v.name}"`).join(", ");
}
