import type { Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../ops/builder.ts";
import type { LoadedLoss } from "./loaded-model.ts";
import { classesLast, type LossValues, type Scores } from "./loss.ts";

/** A loss that lies in the model's own graph, as in training artifacts, maybe with its gradient. */
export interface OwnLoss extends Omit<LoadedLoss, "gradients"> {
  /** One value for each parameter; null: differentiated by our rules. */
  readonly gradients: readonly Value[] | null;
}

/** Emits the values of a batch of `samples` from its mean loss; a right answer is the largest score. */
export function emitOwnLoss(
  b: GraphBuilder,
  loss: Value,
  scores: Scores | null,
  samples: number,
): LossValues {
  const count = b.filled({ type: "float32", dims: [1] }, samples);
  const total = b.mul(b.reshape(b.cast(loss, "float32"), [1]), samples);
  if (scores === null) return { loss: total, correct: null, count, scores: null };
  const last = classesLast(b, scores.value, scores.classAxis);
  return {
    loss: total,
    correct: b.reshape(rightAnswers(b, last, scores, samples), [1]),
    count,
    scores: last,
  };
}

/** Right answers per sample's worth: the fraction of counted positions that are right, times the samples. */
function rightAnswers(
  b: GraphBuilder,
  scores: Value,
  { labels, ignoreIndex }: Scores,
  samples: number,
): Value {
  const positions = scores.dims.slice(0, -1);
  const axes = positions.map((_, i) => i);
  const y = b.cast(b.reshape(labels, positions), "int64");
  const best = b.call("ArgMax", [scores], { axis: scores.dims.length - 1, keepdims: 0 });
  const right = b.cast(b.equal(best, y), "float32");
  if (ignoreIndex === null) {
    const size = positions.reduce((a, d) => a * d, 1);
    return b.mul(b.reduceSum(right, axes, false), samples / size);
  }
  const counted = b.where(b.equal(y, b.scalar(ignoreIndex, "int64")), 0, b.filled(right.static, 1));
  const number = b.call("Max", [b.reduceSum(counted, axes, false), b.scalar(1)]);
  return b.mul(b.div(b.reduceSum(b.mul(right, counted), axes, false), number), samples);
}
