import type { Value } from "../onnx/graph.ts";
import { sizeOf } from "../onnx/tensor.ts";
import type { GraphBuilder } from "../ops/builder.ts";
import type { LoadedLoss } from "./loaded-model.ts";
import { classesLast, type LossValues, noClasses, rightAnswers, type Scores } from "./loss.ts";

/** A loss that lies in the model's own graph, as in training artifacts, maybe with its gradient. */
export interface OwnLoss extends Omit<LoadedLoss, "gradients"> {
  /** One value for each parameter; null: differentiated by our rules. */
  readonly gradients: readonly Value[] | null;
}

/** Values of a batch, and what its means are to be multiplied by. */
export interface OwnLossValues {
  readonly values: LossValues;
  readonly count: Value;
}

/**
 * Emits the values of a batch of `samples` from its mean loss. Where there are class scores, positions are counted that
 * are not ignored, and a right answer is the largest score; of several yes or no, a sample has the share that is right.
 */
export function emitOwnLoss(
  b: GraphBuilder,
  loss: Value,
  scores: Scores | null,
  samples: number,
): OwnLossValues {
  const mean = b.reshape(b.cast(loss, "float32"), [1]);
  if (scores === null || scores.classAxis === null) {
    const count = b.filled({ type: "float32", dims: [1] }, samples);
    const loss = b.mul(mean, count);
    if (scores === null) return { values: { loss, count, ...noClasses }, count };
    const correct = b.mul(count, shareRight(b, scores));
    return { values: { ...noClasses, loss, correct, count, scores: scores.value }, count };
  }
  const last = classesLast(b, scores.value, scores.classAxis);
  const { count, correct } = countRight(b, last, scores);
  return { values: { ...noClasses, loss: b.mul(mean, count), correct, count, scores: last }, count };
}

/** Of all yes or no of the batch, [1]. */
function shareRight(b: GraphBuilder, { value, labels }: Scores): Value {
  const right = rightAnswers(b, b.greater(value, 0), b.reshape(b.cast(labels, "float32"), value.dims));
  const sum = b.reduceSum(right, [...right.dims.keys()], false);
  return b.mul(b.reshape(sum, [1]), 1 / sizeOf(value.dims));
}

/** Counted positions and those that are right, each [1]. */
function countRight(
  b: GraphBuilder,
  scores: Value,
  { labels, ignoreIndex }: Scores,
): { count: Value; correct: Value } {
  const positions = scores.dims.slice(0, -1);
  const sum = (x: Value) => b.reshape(b.reduceSum(x, [...positions.keys()], false), [1]);
  const y = b.cast(b.reshape(labels, positions), "int64");
  const best = b.call("ArgMax", [scores], { axis: scores.dims.length - 1, keepdims: 0 });
  const right = b.cast(b.equal(best, y), "float32");
  const ones = b.filled(right.static, 1);
  if (ignoreIndex === null) return { count: sum(ones), correct: sum(right) };
  const ignored = b.equal(y, b.scalar(ignoreIndex, "int64"));
  return { count: sum(b.where(ignored, 0, ones)), correct: sum(b.where(ignored, 0, right)) };
}
