import type { Node, Value } from "../onnx/graph.ts";
import type { Scale } from "./loss.ts";
import { RESHAPES, throughViews } from "./views.ts";

/** Whether an output holds logits, probabilities or their logarithms, by its operators and its name. */
export function guessScale(output: Value, name: string): Scale {
  const op = elementsOf(output).producer?.op;
  if (op === "LogSoftmax") return "log-probabilities";
  const isNamed = PROBABILITY_NAMES.test(name) && !hasScores(output);
  return isNamed || hasProbabilities(output) ? "probabilities" : "logits";
}

/** What skl2onnx calls its classifiers' second output, from whatever it comes: its raw scores have that name too. */
const PROBABILITY_NAMES = /^(output_)?probabilit(y|ies)$/;

/** What leaves scores scores, whatever is added to them or stands beside them. */
const LINEAR = new Set(
  "Identity Cast Transpose Slice Gather ArrayFeatureExtractor Concat Neg Add Sum Sub Mul Div"
    .split(" ")
    .concat(RESHAPES),
);

/** Products with weights, their multiples and sums: votes and distances, not what a Sigmoid or Exp made of them. */
function hasScores(output: Value): boolean {
  const stack = [output];
  const seen = new Set(stack);
  for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
    const { producer } = value;
    if (producer === undefined) continue;
    if (isProduct(value) || isRawClassifier(producer)) return true;
    if (!LINEAR.has(producer.op)) continue;
    const operands = producer.op === "Div" ? producer.inputs.slice(0, 1) : producer.inputs;
    for (const x of operands) {
      if (!x || seen.has(x)) continue;
      seen.add(x);
      stack.push(x);
    }
  }
  return false;
}

/** A classifier of ai.onnx.ml that gives distances: support vectors have probabilities only by a fit of their own. */
function isRawClassifier(node: Node): boolean {
  if (node.op === "SVMClassifier") return (node.floats("prob_a") ?? []).length === 0;
  return node.op === "LinearClassifier" && node.string("post_transform", "NONE") === "NONE";
}

/** A product with a weight, or one with a bias. */
export function isProduct(output: Value): boolean {
  const { producer } = throughViews(output);
  // A bias is added to a product.
  const node = producer?.op === "Add" ? producer.inputs.find((v) => v?.producer)?.producer : producer;
  return node?.op === "MatMul" || node?.op === "Gemm";
}

/** What a value's elements are, in whatever shape and order. */
function elementsOf(value: Value): Value {
  return throughViews(value, [...RESHAPES, "Transpose"]);
}

/** Probabilities, alone or side by side: p and 1 − p, as scikit-learn's exports have two classes. */
function hasProbabilities(output: Value): boolean {
  const { producer } = elementsOf(output);
  const parts = producer?.op === "Concat" ? producer.inputs : [output];
  return parts.every((v) => {
    const part = v && elementsOf(v).producer;
    const p = part?.op === "Sub" && isOne(part.x(0)) ? part.x(1) : v;
    return p !== null && isProbability(p);
  });
}

/** A Softmax or Sigmoid, or what is divided by its own sum. */
function isProbability(value: Value): boolean {
  const { producer } = elementsOf(value);
  if (producer?.op === "Div") return isSumOf(producer.x(1), throughViews(producer.x(0)));
  return producer?.op === "Softmax" || producer?.op === "Sigmoid";
}

export function isOne({ tensor }: Value): boolean {
  return tensor !== undefined && Array.from(tensor.data as ArrayLike<number>).every((v) => v === 1);
}

function isSumOf(sum: Value, x: Value): boolean {
  // JAX repeats the sum to the shape of x before it divides.
  let { producer } = throughViews(sum, [...RESHAPES, "Expand"]);
  // Normalizer divides by 1 where the sum is 0.
  if (producer?.op === "Where") producer = throughViews(producer.x(2)).producer;
  if (producer?.op === "ReduceL1") return throughViews(producer.x(0)) === x;
  if (producer?.op !== "ReduceSum") return false;
  const summed = throughViews(producer.x(0));
  return summed === x || (summed.producer?.op === "Abs" && throughViews(summed.producer.x(0)) === x);
}
