import type { Call, Value } from "../../onnx/graph.ts";
import { int64Tensor, sizeOf } from "../../onnx/tensor.ts";
import { attributeMap, type GraphBuilder } from "../../ops/builder.ts";
import { floatOperand, misfit, numbersOf, operand, range, sameDims, typeOf } from "../../ops/typing.ts";
import type { Lowering, LoweringTable } from "./lowering.ts";

/**
 * Losses over classes. Those named SoftmaxCrossEntropyLoss have the classes on axis 1 and weights by class; the
 * older SoftmaxCrossEntropy and SparseSoftmaxCrossEntropy on the last axis, and weights by position.
 */

function isMean(call: Call): boolean {
  return call.string("reduction", "mean") === "mean";
}

/** What a mean divides by: the weights' sum, or how many positions there are. */
function total(b: GraphBuilder, weights: Value | undefined, positions: readonly number[]): Value | number {
  return weights ? b.reduceSum(weights, range(weights.dims.length), false) : sizeOf(positions);
}

/** The labels with an axis for the classes. */
function widened(b: GraphBuilder, perPosition: Value, axis: number): Value {
  return b.reshape(perPosition, perPosition.dims.toSpliced(axis, 0, 1));
}

/** Checks labels for each position of float scores or log-probabilities: integers, unless these are dense. */
function assertLabels(call: Call, scores: number, label: number, axis: number, dense = false): void {
  const [{ dims }, labels] = [floatOperand(call, scores), typeOf(call, label)];
  const expected = dense ? dims : dims.toSpliced(axis, 1);
  const typed = dense ? labels.type === typeOf(call, scores).type : ["int64", "int32"].includes(labels.type);
  if (axis < 0 || axis >= dims.length || !typed || !sameDims(labels.dims, expected))
    throw misfit(call, `${dense ? "probabilities" : "integer labels"} of shape [${expected.join(", ")}]`);
}

/** 1 at the label and 0 elsewhere along the axis of the classes. */
function oneHot(b: GraphBuilder, labels: Value, like: Value, axis: number): Value {
  const along = like.dims.map((d, i) => (i === axis ? d : 1));
  const classes = b.cast(b.constant(int64Tensor(along, range(like.dims[axis]!))), labels.static.type);
  return b.cast(b.equal(widened(b, labels, axis), classes), like.static.type);
}

/**
 * (dY, log_prob, …): dx = c·(p − target), with c = dy·w at each position, over Σw for a mean. Weights and target
 * are the labels' alone: what depends on the parameters is the log-probability.
 */
function crossEntropyGrad(
  b: GraphBuilder,
  call: Call,
  target: Value,
  weights: Value | undefined,
  axis: number,
) {
  const [dy, logp] = [operand(call, 0), operand(call, 1)];
  const share = isMean(call) ? b.div(dy, total(b, weights, logp.dims.toSpliced(axis, 1))) : dy;
  const factors = weights ? b.mul(share, weights) : share;
  const wide = factors.dims.length === 0 ? factors : widened(b, factors, axis);
  return b.mul(b.sub(b.unary("Exp", logp), target), wide);
}

/** Weight of each position by the class of its label, 0 where that is ignored; undefined where all weigh 1. */
function classWeights(
  b: GraphBuilder,
  labels: Value,
  like: Value,
  weight: Value | null | undefined,
  ignored: Value | undefined,
): Value | undefined {
  // Ignored labels may lie outside the classes.
  const weights = weight ? b.gather(weight, ignored ? b.where(ignored, 0, labels) : labels, 0) : undefined;
  if (ignored === undefined) return weights;
  return b.where(ignored, 0, weights ?? b.filled({ type: like.static.type, dims: labels.dims }, 1));
}

/** (dY, log_prob, label, weight?, …) with what follows read by the caller; bias is added to the result. */
function lossGrad(
  b: GraphBuilder,
  call: Call,
  ignoreIndex: number | undefined,
  bias: Value | null | undefined,
): readonly Value[] {
  const [logp, labels] = [operand(call, 1), operand(call, 2)];
  assertLabels(call, 1, 2, 1);
  const ignored = ignoreIndex === undefined ? undefined : b.equal(labels, ignoreIndex);
  const weights = classWeights(b, labels, logp, call.inputs[3], ignored);
  const dx = crossEntropyGrad(b, call, oneHot(b, labels, logp, 1), weights, 1);
  return asOutputType(b, call, [bias ? b.add(dx, b.reshape(bias, dx.dims)) : dx]);
}

/** Of mixed precision: the type that the outputs are cast to. */
function asOutputType(b: GraphBuilder, call: Call, values: readonly Value[]): readonly Value[] {
  const to = call.int("output_type", 0);
  return to === 0 ? values : values.map((v) => b.call("Cast", [v], { to }));
}

/** An ignore_index that is an input. */
function ignoredInput(call: Call, i: number): number | undefined {
  if (!call.has(i)) return undefined;
  const index = numbersOf(operand(call, i))?.[0];
  if (index === undefined) throw misfit(call, "a constant ignore_index", "UNSUPPORTED_OP");
  return index;
}

/** (scores, labels, weights?, ignore_index?) → (loss, log_prob) */
const internalLoss: Lowering = (b, call) => {
  const attributes = attributeMap({
    reduction: call.string("reduction", "mean"),
    ignore_index: ignoredInput(call, 3),
  });
  const inputs = call.inputs.slice(0, 3);
  return asOutputType(b, call, b.calls("SoftmaxCrossEntropyLoss", inputs, attributes, { outputs: 2 }));
};

function lastAxis(call: Call, i: number): number {
  return typeOf(call, i).dims.length - 1;
}

/** Sum or mean of −Σ target·log p over the last axis, weighted by position. */
function crossEntropy(b: GraphBuilder, call: Call, targetOf: (logp: Value) => Value, weights?: Value) {
  const logp = b.call("LogSoftmax", [operand(call, 0)], { axis: -1 });
  const axis = lastAxis(call, 0);
  const losses = b.neg(b.reduceSum(b.mul(targetOf(logp), logp), [axis], false));
  const sum = b.reduceSum(weights ? b.mul(losses, weights) : losses, range(axis), false);
  return [isMean(call) ? b.div(sum, total(b, weights, losses.dims)) : sum, logp];
}

/** (logits, label): labels are rows of probabilities that add up to 1, as the gradient operator takes for granted. */
const denseLoss: Lowering = (b, call) => {
  assertLabels(call, 0, 1, lastAxis(call, 0), true);
  return crossEntropy(b, call, () => operand(call, 1));
};

/** (dY, log_prob, label) */
const denseLossGrad: Lowering = (b, call) => {
  const axis = lastAxis(call, 1);
  assertLabels(call, 1, 2, axis, true);
  return [crossEntropyGrad(b, call, operand(call, 2), undefined, axis)];
};

/** (logits, label, weight?) */
const sparseLoss: Lowering = (b, call) => {
  const axis = lastAxis(call, 0);
  assertLabels(call, 0, 1, axis);
  const target = (logp: Value) => oneHot(b, operand(call, 1), logp, axis);
  return crossEntropy(b, call, target, call.inputs[2] ?? undefined);
};

/** (dY, log_prob, label, weight?) */
const sparseLossGrad: Lowering = (b, call) => {
  const logp = operand(call, 1);
  const axis = lastAxis(call, 1);
  assertLabels(call, 1, 2, axis);
  return [
    crossEntropyGrad(b, call, oneHot(b, operand(call, 2), logp, axis), call.inputs[3] ?? undefined, axis),
  ];
};

export const losses: LoweringTable = {
  "com.microsoft::SoftmaxCrossEntropyLossGrad": (b, call) =>
    lossGrad(
      b,
      call,
      call.attributes.has("ignore_index") ? call.int("ignore_index", 0) : undefined,
      call.inputs[4],
    ),
  "com.microsoft::SoftmaxCrossEntropyLossInternal": internalLoss,
  "com.microsoft::SoftmaxCrossEntropyLossInternalGrad": (b, call) =>
    lossGrad(b, call, ignoredInput(call, 4), call.inputs[5]),
  // Their domain changed between versions of onnxruntime.
  SoftmaxCrossEntropy: denseLoss,
  SoftmaxCrossEntropyGrad: denseLossGrad,
  "com.microsoft::SoftmaxCrossEntropy": denseLoss,
  "com.microsoft::SoftmaxCrossEntropyGrad": denseLossGrad,
  SparseSoftmaxCrossEntropy: sparseLoss,
  SparseSoftmaxCrossEntropyGrad: sparseLossGrad,
};
