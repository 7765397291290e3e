import type { Call, Value } from "../../onnx/graph.ts";
import type { TensorType } from "../../onnx/tensor.ts";
import type { GraphBuilder } from "../builder.ts";
import { frozenOutput } from "../elementwise/elementwise.ts";
import type { RuleTable, VjpScope } from "../record.ts";
import { axisOf, floatOperand, misfit, range, sameDims, tensorType, typeOf } from "../typing.ts";

/** Softmax, and the classification losses that are defined by its logarithm. */

function axisIn(call: Call): number {
  return axisOf(call, call.int("axis", -1), floatOperand(call, 0).dims.length);
}

function inferSoftmax(call: Call): readonly TensorType[] {
  axisIn(call);
  return [typeOf(call, 0)];
}

function sumOver(s: VjpScope, x: Value): Value {
  return s.b.reduceSum(x, [axisIn(s.node)]);
}

/** Scores [N, C, d…], labels [N, d…], weights [C]: checked for both losses. */
function lossDims(call: Call): {
  type: TensorType["type"];
  scores: readonly number[];
  labels: readonly number[];
} {
  const scores = floatOperand(call, 0);
  const labels = typeOf(call, 1);
  if (scores.dims.length < 2) throw misfit(call, "scores of shape [N, C, …]");
  if (!sameDims(labels.dims, scores.dims.toSpliced(1, 1)))
    throw misfit(call, `labels of shape [${scores.dims.toSpliced(1, 1).join(", ")}]`);
  if (call.has(2) && !sameDims(typeOf(call, 2).dims, [scores.dims[1]!]))
    throw misfit(call, `weights of shape [${scores.dims[1]}]`);
  return { type: scores.type, scores: scores.dims, labels: labels.dims };
}

function inferLoss(call: Call): readonly TensorType[] {
  const { type, scores, labels } = lossDims(call);
  const loss = call.string("reduction", "mean") === "none" ? labels : [];
  return [tensorType(call, type, loss), tensorType(call, type, scores)].slice(0, call.numOutputs);
}

/** Mean, sum or list of −w·log p at the labels; the mean is over the weights, ignored labels weigh 0. */
function negativeLogLikelihood(b: GraphBuilder, call: Call, logp: Value): Value {
  const { type, labels: dims } = lossDims(call);
  const labels = call.x(1);
  const ignored = call.attributes.has("ignore_index")
    ? b.equal(labels, call.int("ignore_index", 0))
    : undefined;
  // Ignored labels may lie outside the classes.
  const safe = ignored ? b.where(ignored, 0, labels) : labels;
  const index = b.reshape(safe, [dims[0]!, 1, ...dims.slice(1)]);
  const losses = b.neg(b.reshape(b.call("GatherElements", [logp, index], { axis: 1 }), dims));
  let weights = call.has(2) ? b.gather(call.x(2), safe, 0) : undefined;
  if (ignored) weights = b.where(ignored, 0, weights ?? b.filled({ type, dims }, 1));
  const weighted = weights ? b.mul(losses, weights) : losses;
  const reduction = call.string("reduction", "mean");
  if (reduction === "none") return weighted;
  const axes = range(dims.length);
  if (reduction === "sum") return b.reduceSum(weighted, axes, false);
  if (weights === undefined) return b.call("ReduceMean", [weighted, b.ints(axes)], { keepdims: 0 });
  return b.div(b.reduceSum(weighted, axes, false), b.reduceSum(weights, axes, false));
}

export const softmax: RuleTable = {
  // dx = y·(dy − Σ dy·y)
  Softmax: {
    wrt: [0],
    infer: inferSoftmax,
    vjp: (s) => s.b.mul(s.y(), s.b.sub(s.dy(), sumOver(s, s.b.mul(s.dy(), s.y())))),
  },
  // 1 at the first maximum: a decision, through which no gradient flows.
  Hardmax: { wrt: [], infer: inferSoftmax, freeze: frozenOutput },
  // dx = dy − eʸ·Σ dy
  LogSoftmax: {
    wrt: [0],
    infer: inferSoftmax,
    vjp: (s) => s.b.sub(s.dy(), s.b.mul(s.b.unary("Exp", s.y()), sumOver(s, s.dy()))),
  },
  NegativeLogLikelihoodLoss: {
    wrt: [0, 2],
    infer: inferLoss,
    expand: (b, call) => [negativeLogLikelihood(b, call, call.x(0))],
  },
  SoftmaxCrossEntropyLoss: {
    wrt: [0, 2],
    infer: inferLoss,
    expand: (b, call) => {
      const logp = b.call("LogSoftmax", [call.x(0)], { axis: 1 });
      return [negativeLogLikelihood(b, call, logp), logp].slice(0, call.numOutputs);
    },
  },
};
