import type { Call, Value } from "../../onnx/graph.ts";
import { int64Tensor } from "../../onnx/tensor.ts";
import { attributeMap, type GraphBuilder } from "../../ops/builder.ts";
import { misfit, numbersOf, range, sameDims } from "../../ops/typing.ts";
import type { Lowering, LoweringTable } from "./lowering.ts";

/** Losses over classes; scores and log-probabilities [N, C, d…], labels [N, d…]. */

/** What distinguishes the variants of SoftmaxCrossEntropyLossGrad. */
interface Options {
  readonly weight: Value | null;
  readonly ignoreIndex: number | undefined;
  readonly bias: Value | null;
}

/** 1 at the label and 0 elsewhere, with the classes on axis 1. */
function oneHot(b: GraphBuilder, labels: Value, like: Value): Value {
  const rank = like.dims.length;
  const along = range(rank).map((axis) => (axis === 1 ? like.dims[1]! : 1));
  const classes = b.cast(b.constant(int64Tensor(along, range(like.dims[1]!))), labels.static.type);
  const wide = b.reshape(labels, [like.dims[0]!, 1, ...like.dims.slice(2)]);
  return b.cast(b.equal(wide, classes), like.static.type);
}

/** Weight of each position, 0 where its label is ignored; undefined where all weigh 1. */
function weightsOf(b: GraphBuilder, labels: Value, like: Value, options: Options): Value | undefined {
  const { weight, ignoreIndex } = options;
  const ignored = ignoreIndex === undefined ? undefined : b.equal(labels, ignoreIndex);
  // Ignored labels may lie outside the classes.
  const safe = ignored ? b.where(ignored, 0, labels) : labels;
  const weights = weight ? b.gather(weight, safe, 0) : undefined;
  if (ignored === undefined) return weights;
  return b.where(ignored, 0, weights ?? b.filled({ type: like.static.type, dims: labels.dims }, 1));
}

/**
 * d_logits = c·(p − onehot), with c = dy·w for each position, over Σw for a mean. The weights are of the labels
 * alone: what depends on the parameters is the log-probability.
 */
function crossEntropyGrad(b: GraphBuilder, call: Call, options: Options): Value {
  const [dy, logp, labels] = [call.x(0), call.x(1), call.x(2)];
  if (!sameDims(labels.dims, logp.dims.toSpliced(1, 1)))
    throw misfit(call, `labels of shape [${logp.dims.toSpliced(1, 1).join(", ")}]`);
  const weights = weightsOf(b, labels, logp, options);
  const share = call.string("reduction", "mean") === "mean" ? overTotal(b, dy, weights, labels) : dy;
  const factors = weights ? b.mul(share, weights) : share;
  const wide =
    factors.dims.length === 0 ? factors : b.reshape(factors, [labels.dims[0]!, 1, ...labels.dims.slice(1)]);
  const dx = b.mul(b.sub(b.unary("Exp", logp), oneHot(b, labels, logp)), wide);
  return options.bias ? b.add(dx, b.reshape(options.bias, dx.dims)) : dx;
}

function overTotal(b: GraphBuilder, dy: Value, weights: Value | undefined, labels: Value): Value {
  const axes = range(labels.dims.length);
  const count = labels.dims.reduce((n, d) => n * d, 1);
  return b.div(dy, weights ? b.reduceSum(weights, axes, false) : count);
}

/** An ignore_index that is an input. */
function ignoredInput(call: Call, i: number): number | undefined {
  if (!call.has(i)) return undefined;
  const index = numbersOf(call.x(i))?.[0];
  if (index === undefined) throw misfit(call, "a constant ignore_index", "UNSUPPORTED_OP");
  return index;
}

function ignoredAttribute(call: Call): number | undefined {
  return call.attributes.has("ignore_index") ? call.int("ignore_index", 0) : undefined;
}

/** (dY, log_prob, label, weight?, bias?) */
const lossGrad: Lowering = (b, call) => [
  crossEntropyGrad(b, call, {
    weight: call.inputs[3] ?? null,
    ignoreIndex: ignoredAttribute(call),
    bias: call.inputs[4] ?? null,
  }),
];

/** (dY, log_prob, label, weight?, ignore_index?, bias?) */
const internalLossGrad: Lowering = (b, call) => [
  crossEntropyGrad(b, call, {
    weight: call.inputs[3] ?? null,
    ignoreIndex: ignoredInput(call, 4),
    bias: call.inputs[5] ?? null,
  }),
];

/** (scores, labels, weights?, ignore_index?) → (loss, log_prob) */
const internalLoss: Lowering = (b, call) => {
  const attributes = attributeMap({
    reduction: call.string("reduction", "mean"),
    ignore_index: ignoredInput(call, 3),
  });
  return b.calls("SoftmaxCrossEntropyLoss", call.inputs.slice(0, 3), attributes, {
    outputs: call.numOutputs,
  });
};

export const losses: LoweringTable = {
  "com.microsoft::SoftmaxCrossEntropyLossGrad": lossGrad,
  "com.microsoft::SoftmaxCrossEntropyLossInternal": internalLoss,
  "com.microsoft::SoftmaxCrossEntropyLossInternalGrad": internalLossGrad,
};
