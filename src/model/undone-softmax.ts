import type { Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../ops/builder.ts";
import { isOne } from "./output-scale.ts";
import { normalizedAxis, RESHAPES, throughViews } from "./views.ts";

/**
 * What a Softmax over `axis` was taken of, if `output` is one: its log-softmax is exact where a probability is 0 or 1 in
 * single precision. Two classes, 1 − σ(s) and σ(s) as scikit-learn's exports have them, are a Softmax of 0 and s.
 */
export function undoneSoftmax(b: GraphBuilder, output: Value, axis: number): Value | null {
  const { producer } = throughViews(output);
  if (producer?.op !== "Softmax" && producer?.op !== "Concat") return null;
  const own = normalizedAxis(producer.int("axis", -1), output);
  if (own !== axis) return null;
  if (producer.op === "Softmax") return producer.x(0);
  const { inputs } = producer;
  if (inputs.length !== 2 || output.dims[axis] !== 2) return null;
  const [first, second] = inputs as readonly [Value, Value];
  const ofSecond = logitOf(second, first);
  const logit = ofSecond ?? logitOf(first, second);
  if (logit === null) return null;
  const logits = [b.filled(first.static, 0), b.reshape(logit, first.dims)];
  return b.concat(ofSecond ? logits : logits.reverse(), axis);
}

/** s, where `p` is σ(s) and `rest` 1 − σ(s). */
function logitOf(p: Value, rest: Value): Value | null {
  const sigmoid = throughViews(p, RESHAPES);
  const difference = throughViews(rest, RESHAPES).producer;
  if (sigmoid.producer?.op !== "Sigmoid" || difference?.op !== "Sub") return null;
  const isRest = isOne(difference.x(0)) && throughViews(difference.x(1), RESHAPES) === sigmoid;
  return isRest ? sigmoid.producer.x(0) : null;
}
