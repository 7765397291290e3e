import { LandscapeError } from "../errors.ts";
import type { Value } from "../onnx/graph.ts";
import type { ElementType } from "../onnx/tensor.ts";
import type { GraphBuilder } from "../ops/builder.ts";

export type LossKind = "cross-entropy" | "mse" | "bce" | "output";
export type Scale = "logits" | "log-probabilities" | "probabilities";

export interface LossOptions {
  readonly loss: LossKind | "auto";
  readonly logits: Scale | "auto";
  readonly ignoreIndex: number | null;
  readonly classAxis: number | null;
}

/** A loss decided for a model and its targets. */
export interface LossSpec {
  readonly kind: LossKind;
  readonly scale: Scale;
  readonly ignoreIndex: number | null;
  /** Non-negative; only for cross-entropy. */
  readonly classAxis: number;
  readonly classes: number | null;
}

/** Sums over each sample: loss, right answers (null without classes) and what was counted, all [n] float32. */
export interface LossValues {
  readonly loss: Value;
  readonly correct: Value | null;
  readonly count: Value;
  /** Class scores with the classes last, where labels choose among them; null for other losses. */
  readonly scores: Value | null;
  /**
   * What the Gauss-Newton matrix is taken at: logits (the logarithms of probabilities serve too), or the predictions of
   * a squared error. null where the loss lies in the model.
   */
  readonly predictor: Value | null;
}

/** What right answers are told by: class scores and labels, inside a graph. */
export interface Scores {
  readonly value: Value;
  readonly labels: Value;
  readonly classAxis: number;
  readonly ignoreIndex: number | null;
}

/** Decides the loss from the options, the output's operator and shape, and the targets' type and shape (batch first). */
export function resolveLoss(
  options: LossOptions,
  { output, own }: { output: Value; own: { kind: LossKind; scores: Scores | null } | null },
  target: { type: ElementType; dims: readonly number[] } | null,
): LossSpec {
  if (own) return ownSpec(options, output, own);
  const kind = options.loss === "auto" ? guessKind(output, target) : options.loss;
  if (kind === "output" && !isOwnLoss(output.dims)) {
    throw new LandscapeError(
      "INVALID_OPTION",
      `the output "${output.name}" is no loss: shape [${output.dims}]; expected a scalar or one number per sample. Choose another with --output, or another --loss`,
    );
  }
  if (kind !== "output" && target === null) {
    throw new LandscapeError(
      "INVALID_DATA",
      `the loss ${kind} needs targets, but the data has none. Add the array "y" or name it with --target`,
    );
  }
  const scale = options.logits === "auto" ? guessScale(output) : options.logits;
  const classAxis =
    kind === "cross-entropy" ? findClassAxis(options.classAxis, output.dims, target?.dims ?? []) : 1;
  if (kind === "mse" || kind === "bce") assertSameShape(kind, output.dims, target?.dims ?? []);
  return {
    kind,
    scale,
    ignoreIndex: options.ignoreIndex,
    classAxis,
    classes: kind === "cross-entropy" ? (output.dims[classAxis] as number) : kind === "bce" ? 2 : null,
  };
}

/** The loss is in the model: nothing is to be decided. */
function ownSpec(
  options: LossOptions,
  output: Value,
  { kind, scores }: { kind: LossKind; scores: Scores | null },
): LossSpec {
  if (options.loss !== "auto" && options.loss !== "output" && options.loss !== kind) {
    throw new LandscapeError(
      "INVALID_OPTION",
      `the loss lies inside the model: "${output.name}"; expected no --loss, got "${options.loss}". Leave it out, or pass the inference model`,
    );
  }
  return {
    kind,
    scale: "logits",
    ignoreIndex: scores?.ignoreIndex ?? null,
    classAxis: scores?.classAxis ?? 1,
    classes: scores ? (scores.value.dims[scores.classAxis] as number) : null,
  };
}

/** A scalar, or one number per sample. */
function isOwnLoss(dims: readonly number[]): boolean {
  return dims.slice(1).every((d) => d === 1);
}

function guessKind(output: Value, target: { type: ElementType } | null): LossKind {
  if (target === null) {
    if (isOwnLoss(output.dims)) return "output";
    throw new LandscapeError(
      "INVALID_DATA",
      `no targets in the data: the output "${output.name}" of shape [${output.dims}] is no loss by itself. Add the array "y", or name the targets with --target`,
    );
  }
  if (target.type === "float32" || target.type === "float64" || target.type === "float16") return "mse";
  if (output.dims.length === 1) return "output";
  return "cross-entropy";
}

function guessScale(output: Value): Scale {
  const op = throughViews(output).producer?.op;
  if (op === "Softmax" || op === "Sigmoid") return "probabilities";
  if (op === "LogSoftmax") return "log-probabilities";
  return "logits";
}

function throughViews(value: Value): Value {
  let now = value;
  while (now.producer && ["Identity", "Cast"].includes(now.producer.op)) now = now.producer.x(0);
  return now;
}

function findClassAxis(asked: number | null, output: readonly number[], target: readonly number[]): number {
  const rank = output.length;
  if (asked !== null) {
    const axis = asked < 0 ? asked + rank : asked;
    if (axis >= 1 && axis < rank) return axis;
    throw new LandscapeError(
      "INVALID_OPTION",
      `invalid --class-axis: ${asked}; expected 1…${rank - 1} for an output of shape [${output}]`,
    );
  }
  const fits = (axis: number) => `${output.filter((_, i) => i !== axis)}` === `${target}`;
  const axes = [1, rank - 1].filter((axis) => axis >= 1 && axis < rank && fits(axis));
  if (axes[0] !== undefined) return axes[0];
  throw new LandscapeError(
    "INVALID_DATA",
    `targets do not fit the output: shape [${target}]; expected [${output}] without its class axis. Name the axis with --class-axis or the targets with --target`,
  );
}

function assertSameShape(kind: string, output: readonly number[], target: readonly number[]): void {
  const size = (dims: readonly number[]) => dims.reduce((a, d) => a * d, 1);
  if (output[0] === target[0] && size(output) === size(target)) return;
  throw new LandscapeError(
    "INVALID_DATA",
    `targets do not fit the output for the loss ${kind}: shape [${target}]; expected [${output}]. Name the targets with --target`,
  );
}

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
      const d = b.sub(output, b.reshape(target as Value, output.dims));
      const loss = perSampleMean(b, b.mul(d, d));
      return { loss, correct: null, count: ones(b, output), scores: null, predictor: output };
    }
    case "bce":
      return binaryCrossEntropy(b, spec, output, b.reshape(target as Value, output.dims));
    case "output":
      return ownLoss(b, output, samples);
  }
}

/** −log p[y], summed over positions; positions with the ignored label count nothing. */
function crossEntropy(b: GraphBuilder, spec: LossSpec, output: Value, target: Value): LossValues {
  const { scores, logp, predictor } = logProbabilities(b, spec, output);
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
  const losses = b.neg(b.reduceSum(b.where(isLabel, logp, 0), [axis], false));
  const best = b.call("ArgMax", [scores], { axis, keepdims: 0 });
  const right = b.cast(b.equal(best, y), "float32");
  if (spec.ignoreIndex === null) {
    return {
      loss: perSample(b, losses),
      correct: perSample(b, right),
      count: perSample(b, b.filled(losses.static, 1)),
      scores,
      predictor,
    };
  }
  const ignored = b.equal(y, b.scalar(spec.ignoreIndex, "int64"));
  const counted = (x: Value) => perSample(b, b.where(ignored, 0, x));
  const count = counted(b.filled(losses.static, 1));
  return { loss: counted(losses), correct: counted(right), count, scores, predictor };
}

/** Scores and log-probabilities with the class axis last. A Softmax at the end is undone: log-softmax of its input is exact. */
function logProbabilities(
  b: GraphBuilder,
  spec: LossSpec,
  output: Value,
): { scores: Value; logp: Value; predictor: Value } {
  const softmax = spec.scale === "probabilities" ? throughViews(output).producer : undefined;
  const isSoftmax =
    softmax?.op === "Softmax" && normalizedAxis(softmax.int("axis", -1), output) === spec.classAxis;
  const scores = classesLast(b, isSoftmax ? softmax.x(0) : output, spec.classAxis);
  if (spec.scale === "log-probabilities") return { scores, logp: scores, predictor: scores };
  if (spec.scale === "logits" || isSoftmax)
    return { scores, logp: b.call("LogSoftmax", [scores], { axis: -1 }), predictor: scores };
  const logp = b.unary("Log", scores);
  return { scores, logp, predictor: logp };
}

function normalizedAxis(axis: number, value: Value): number {
  return axis < 0 ? axis + value.dims.length : axis;
}

/** Moves the class axis to the end. */
export function classesLast(b: GraphBuilder, x: Value, axis: number): Value {
  const order = x.dims.map((_, i) => i).filter((i) => i !== axis);
  return b.transpose(x, [...order, axis]);
}

/** Mean over a sample's elements of softplus(z) − y·z (Sigmoid at the end undone), or −y·log p − (1−y)·log(1−p). */
function binaryCrossEntropy(b: GraphBuilder, spec: LossSpec, output: Value, target: Value): LossValues {
  const y = b.cast(target, "float32");
  const sigmoid = spec.scale === "probabilities" ? throughViews(output).producer : undefined;
  const z = spec.scale === "logits" ? output : sigmoid?.op === "Sigmoid" ? sigmoid.x(0) : null;
  const losses = z
    ? b.sub(b.unary("Softplus", z), b.mul(y, z))
    : b.neg(b.add(b.mul(y, b.unary("Log", output)), b.mul(b.sub(1, y), b.unary("Log", b.sub(1, output)))));
  const isPositive = z ? b.greater(z, 0) : b.greater(output, 0.5);
  const right = b.cast(b.equal(isPositive, b.greater(y, 0.5)), "float32");
  const correct = perSampleMean(b, right);
  const predictor = z ?? b.sub(b.unary("Log", output), b.unary("Log", b.sub(1, output)));
  return { loss: perSampleMean(b, losses), correct, count: ones(b, output), scores: null, predictor };
}

/** The model's own loss: a scalar mean over the batch, or one number per sample. */
function ownLoss(b: GraphBuilder, output: Value, samples: number): LossValues {
  const isScalar = output.dims.length === 0 || (output.dims[0] === 1 && samples > 1);
  const none = { correct: null, scores: null, predictor: null };
  if (!isScalar) return { loss: perSample(b, output), count: ones(b, output), ...none };
  const total = b.mul(b.reshape(output, [1]), samples);
  const count = b.filled({ type: "float32", dims: [1] }, samples);
  return { loss: total, count, ...none };
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
