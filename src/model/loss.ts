import type { Value } from "../onnx/graph.ts";
import { float32Tensor } from "../onnx/tensor.ts";
import type { GraphBuilder } from "../ops/builder.ts";
import { undoneSoftmax } from "./undone-softmax.ts";
import { RESHAPES, throughViews } from "./views.ts";

export type LossKind = "cross-entropy" | "mse" | "bce" | "output";
export type Scale = "logits" | "log-probabilities" | "probabilities";

export interface LossOptions {
  readonly loss: LossKind | "auto";
  readonly logits: Scale | "auto";
  readonly ignoreIndex: number | null;
  readonly classAxis: number | null;
  /** Of the cross-entropy: one for each class. */
  readonly classWeights?: readonly number[] | null | undefined;
  /** Of the cross-entropy: the share of every label that is spread over all classes. */
  readonly labelSmoothing?: number | undefined;
}

/** A loss decided for a model and its targets. */
export interface LossSpec {
  readonly kind: LossKind;
  readonly scale: Scale;
  readonly ignoreIndex: number | null;
  /** Non-negative; only for cross-entropy. */
  readonly classAxis: number;
  readonly classes: number | null;
  readonly classWeights: readonly number[] | null;
  readonly labelSmoothing: number;
}

/** Sums over each sample: loss, right answers (null without classes) and what was counted, all [n] float32. */
export interface LossValues {
  readonly loss: Value;
  readonly correct: Value | null;
  readonly count: Value;
  /** What the mean divides by where that is not the count: the weights of the classes. */
  readonly weight: Value | null;
  /** Class scores with the classes last, where labels choose among them; logits of yes or no; null for other losses. */
  readonly scores: Value | null;
  /**
   * What the Gauss-Newton matrix is taken at: logits (the logarithms of probabilities serve too), or the predictions of
   * a squared error. null where the loss lies in the model.
   */
  readonly predictor: Value | null;
}

/** What right answers are told by: class scores and labels, or the logits of yes or no, inside a graph. */
export interface Scores {
  readonly value: Value;
  readonly labels: Value;
  /** null: every number is the logit of a yes or no of its own. */
  readonly classAxis: number | null;
  readonly ignoreIndex: number | null;
}

/** Of a loss in which no label chooses among scores. */
export const noClasses = { correct: null, weight: null, scores: null, predictor: null } as const;

/** The loss as a function of its predictor: what `spec` becomes when the predictor takes the output's place. */
export function predictorSpec(spec: LossSpec, predictor: Value): LossSpec {
  return { ...spec, scale: "logits", classAxis: predictor.dims.length - 1 };
}

/** Emits the loss of each sample, its right answers and its count. `target` is absent for kind "output". */
export function emitLoss(
  b: GraphBuilder,
  spec: LossSpec,
  output: Value,
  target: Value | null,
  samples: number,
): LossValues {
  switch (spec.kind) {
    case "cross-entropy":
      return crossEntropy(b, spec, output, target as Value);
    case "mse": {
      const d = b.sub(output, asOutput(b, target as Value, output));
      const loss = perSampleMean(b, b.mul(d, d));
      return { loss, count: ones(b, output), ...noClasses, predictor: output };
    }
    case "bce":
      return binaryCrossEntropy(b, spec, output, asOutput(b, target as Value, output));
    case "output":
      return ownLoss(b, output, samples);
  }
}

/**
 * −w[y]·log p[y], summed over positions; positions with the ignored label count nothing. Smoothing spreads a share ε of
 * each label over all classes, each with its own weight: −(1 − ε)·w[y]·log p[y] − ε/C·Σ w[c]·log p[c]. The mean divides by
 * Σ w[y] either way, as PyTorch's CrossEntropyLoss does.
 */
function crossEntropy(b: GraphBuilder, spec: LossSpec, output: Value, target: Value): LossValues {
  const { scores, logp, predictor, isLog } = logProbabilities(b, spec, output);
  const axis = scores.dims.length - 1;
  const classes = scores.dims[axis] as number;
  const positions = scores.dims.slice(0, -1);
  const y = b.cast(b.reshape(target, positions), "int64");
  const iota = b.constant({
    type: "int64",
    dims: [classes],
    data: BigInt64Array.from({ length: classes }, (_, i) => BigInt(i)),
  });
  const isLabel = b.equal(b.reshape(y, [...positions, 1]), iota);
  const weights = spec.classWeights && b.constant(float32Tensor([classes], spec.classWeights));
  const sum = (x: Value) => b.reduceSum(x, [axis], false);
  const chosen = (x: Value) => sum(b.where(isLabel, x, 0));
  const share = spec.labelSmoothing;
  // Other classes' probabilities may be 0, where the logarithm would put 0·∞ into the gradient.
  const logs = isLog && share === 0 ? b.unary("Log", b.where(isLabel, scores, 1)) : logp;
  const weighted = weights ? b.mul(logs, weights) : logs;
  const smoothed =
    share === 0
      ? chosen(weighted)
      : b.add(b.mul(chosen(weighted), 1 - share), b.mul(sum(weighted), share / classes));
  const best = b.call("ArgMax", [scores], { axis, keepdims: 0 });
  const right = b.cast(b.equal(best, y), "float32");
  const ignored = spec.ignoreIndex === null ? null : b.equal(y, b.scalar(spec.ignoreIndex, "int64"));
  const counted = (x: Value) => perSample(b, ignored ? b.where(ignored, 0, x) : x);
  return {
    loss: counted(b.neg(smoothed)),
    correct: counted(right),
    count: counted(b.filled(right.static, 1)),
    weight: weights && counted(chosen(weights)),
    scores,
    predictor,
  };
}

/**
 * Scores and log-probabilities with the class axis last. A Softmax at the end is undone.
 * `isLog`: logp is the logarithm of each score.
 */
function logProbabilities(
  b: GraphBuilder,
  spec: LossSpec,
  output: Value,
): { scores: Value; logp: Value; predictor: Value; isLog?: boolean } {
  const logits = spec.scale === "probabilities" ? undoneSoftmax(b, output, spec.classAxis) : null;
  const scores = classesLast(b, logits ?? output, spec.classAxis);
  if (spec.scale === "log-probabilities") return { scores, logp: scores, predictor: scores };
  if (spec.scale === "logits" || logits)
    return { scores, logp: b.call("LogSoftmax", [scores], { axis: -1 }), predictor: scores };
  const logp = b.unary("Log", scores);
  return { scores, logp, predictor: logp, isLog: true };
}

/** Moves the class axis to the end. */
export function classesLast(b: GraphBuilder, x: Value, axis: number): Value {
  const order = x.dims.map((_, i) => i).filter((i) => i !== axis);
  return b.transpose(x, [...order, axis]);
}

/** Mean over a sample's elements of softplus(z) − y·z (Sigmoid at the end undone), or −y·log p − (1−y)·log(1−p). */
function binaryCrossEntropy(b: GraphBuilder, spec: LossSpec, output: Value, y: Value): LossValues {
  const sigmoid = spec.scale === "probabilities" ? throughViews(output, RESHAPES).producer : undefined;
  const undone = sigmoid?.op === "Sigmoid" ? asOutput(b, sigmoid.x(0), output) : null;
  const z = spec.scale === "logits" ? output : undone;
  const losses = z
    ? b.sub(b.unary("Softplus", z), b.mul(y, z))
    : b.neg(b.add(weightedLog(b, y, output), weightedLog(b, b.sub(1, y), b.sub(1, output))));
  const correct = perSampleMean(b, rightAnswers(b, z ? b.greater(z, 0) : b.greater(output, 0.5), y));
  const predictor = z ?? b.sub(b.unary("Log", output), b.unary("Log", b.sub(1, output)));
  const loss = perSampleMean(b, losses);
  return { loss, count: ones(b, output), ...noClasses, correct, scores: z, predictor };
}

/** w·log p, and 0 where w is 0 though p be 0, too. */
function weightedLog(b: GraphBuilder, w: Value, p: Value): Value {
  return b.mul(w, b.unary("Log", b.where(b.equal(w, 0), 1, p)));
}

/** Targets or logits with the output's shape and type: some models end in a Cast to float64. */
function asOutput(b: GraphBuilder, x: Value, output: Value): Value {
  return b.cast(b.reshape(x, output.dims), output.static.type);
}

/** 1 where yes or no is what the target says. */
export function rightAnswers(b: GraphBuilder, yes: Value, target: Value): Value {
  return b.cast(b.equal(yes, b.greater(target, 0.5)), "float32");
}

/** The model's own loss: a scalar mean over the batch, or one number per sample. */
function ownLoss(b: GraphBuilder, output: Value, samples: number): LossValues {
  const isScalar = output.dims.length === 0 || (output.dims[0] === 1 && samples > 1);
  if (!isScalar) return { loss: perSample(b, output), count: ones(b, output), ...noClasses };
  const total = b.mul(b.reshape(output, [1]), samples);
  const count = b.filled({ type: "float32", dims: [1] }, samples);
  return { loss: total, count, ...noClasses };
}

function perSample(b: GraphBuilder, x: Value): Value {
  return b.reduceSum(x, x.dims.map((_, i) => i).slice(1), false);
}

function perSampleMean(b: GraphBuilder, x: Value): Value {
  const size = x.dims.slice(1).reduce((a, d) => a * d, 1);
  return b.mul(perSample(b, x), 1 / size);
}

function ones(b: GraphBuilder, output: Value): Value {
  return b.filled({ type: "float32", dims: [output.dims[0] as number] }, 1);
}
