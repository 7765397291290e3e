import type { Call, Value } from "../../onnx/graph.ts";
import type { GraphBuilder } from "../../ops/builder.ts";
import { isTraining, overChannels } from "../../ops/reductions/normalization.ts";
import { axisOf, floatOperand, misfit, operand, range, sameDims, typeOf } from "../../ops/typing.ts";
import type { Lowering, LoweringTable } from "./lowering.ts";

/**
 * Normalisations. The mean and the inverse deviation that a gradient operator is given are values of the forward
 * pass, computed from X, so that a second derivative flows through them too.
 */

function mean(b: GraphBuilder, x: Value, axes: readonly number[]): Value {
  return b.call("ReduceMean", [x, b.ints(axes)], { keepdims: 1 });
}

/** Axes of a batch norm: all but the channels. */
function acrossBatch(x: Value): number[] {
  return range(x.dims.length).filter((axis) => axis !== 1);
}

/** Checks X [N, C, …] and the vectors over its channels. */
function assertChannels(call: Call, x: number, vectors: readonly number[]): void {
  const channels = floatOperand(call, x).dims[1];
  if (channels === undefined) throw misfit(call, "X of shape [N, C, …]");
  for (const i of vectors)
    if (!sameDims(typeOf(call, i).dims, [channels])) throw misfit(call, `input ${i} of shape [${channels}]`);
}

/** (X, scale, B, mean, var) → (Y, running mean, running var, saved mean, saved inverse deviation) of the batch. */
function batchStatistics(b: GraphBuilder, call: Call): readonly Value[] {
  assertChannels(call, 0, [1, 2, 3, 4]);
  const x = operand(call, 0);
  const [axes, rank] = [acrossBatch(x), x.dims.length];
  const average = mean(b, x, axes);
  const centred = b.sub(x, average);
  const variance = mean(b, b.mul(centred, centred), axes);
  const inverse = b.unary("Reciprocal", b.unary("Sqrt", b.add(variance, call.float("epsilon", 1e-5))));
  const factor = b.mul(inverse, overChannels(b, operand(call, 1), rank));
  const y = b.add(b.mul(centred, factor), overChannels(b, operand(call, 2), rank));
  const vector = (v: Value) => b.reshape(v, operand(call, 1).dims);
  const momentum = call.float("momentum", 0.9);
  const running = (old: Value, now: Value) => b.add(b.mul(old, momentum), b.mul(vector(now), 1 - momentum));
  const statistics = [running(operand(call, 3), average), running(operand(call, 4), variance)];
  return [y, ...statistics, vector(average), vector(inverse)];
}

/** Statistics of the batch are emitted in standard operators; a node that evaluates has a rule. */
const batchNormalization: Lowering = (b, call) =>
  isTraining(call) ? batchStatistics(b, call).slice(0, 3) : undefined;

/**
 * Gradient of y = x̂·scale with respect to x, x̂ = (x − mean)·inverse over `axes`; `g` is dy·scale. Of a norm
 * without a mean the gradient has none either.
 */
function standardizedGrad(
  b: GraphBuilder,
  g: Value,
  normalized: Value,
  inverse: Value,
  axes: readonly number[],
  centred: boolean,
): Value {
  const along = b.mul(normalized, mean(b, b.mul(g, normalized), axes));
  const rest = centred ? b.sub(g, mean(b, g, axes)) : g;
  return b.mul(inverse, b.sub(rest, along));
}

/** (dY, X, scale, mean, inverse deviation) → (dX, dscale, dB); the last input is called variance. */
const batchNormalizationGrad: Lowering = (b, call) => {
  assertChannels(call, 1, [2, 3, 4]);
  const [dy, x, scale] = [operand(call, 0), operand(call, 1), operand(call, 2)];
  const wide = (v: Value) => overChannels(b, v, x.dims.length);
  const axes = acrossBatch(x);
  const inverse = wide(operand(call, 4));
  const normalized = b.mul(b.sub(x, wide(operand(call, 3))), inverse);
  return [
    standardizedGrad(b, b.mul(dy, wide(scale)), normalized, inverse, axes, true),
    b.reduceSum(b.mul(dy, normalized), axes, false),
    b.reduceSum(dy, axes, false),
  ];
};

/** Gradients of a layer norm over the axes from `axis` on, given x̂. */
function layerGrad(
  b: GraphBuilder,
  call: Call,
  scale: Value,
  normalized: Value,
  inverse: Value,
  centred: boolean,
): readonly Value[] {
  const dy = operand(call, 0);
  const rank = floatOperand(call, 0).dims.length;
  const axes = range(rank).slice(axisOf(call, call.int("axis", -1), rank));
  return [
    standardizedGrad(b, b.mul(dy, scale), normalized, inverse, axes, centred),
    b.sumTo(b.mul(dy, normalized), scale.dims),
    b.sumTo(dy, scale.dims),
  ];
}

/** (dY, X, scale, mean, inverse deviation) → (dX, dscale, dbias) */
const layerNormalizationGrad: Lowering = (b, call) => {
  const inverse = operand(call, 4);
  return layerGrad(
    b,
    call,
    operand(call, 2),
    b.mul(b.sub(operand(call, 1), operand(call, 3)), inverse),
    inverse,
    true,
  );
};

/** (dY, X, scale, inverse deviation) → (dX, dscale) */
const simplifiedGrad: Lowering = (b, call) => {
  const inverse = operand(call, 3);
  return layerGrad(b, call, operand(call, 2), b.mul(operand(call, 1), inverse), inverse, false).slice(0, 2);
};

/** (dY, Y, scale, bias, inverse deviation) → (dX, dscale, dbias): x̂ from what it became. */
const invertibleGrad: Lowering = (b, call) => {
  const normalized = b.div(b.sub(operand(call, 1), operand(call, 3)), operand(call, 2));
  return layerGrad(b, call, operand(call, 2), normalized, operand(call, 4), true);
};

export const normalization: LoweringTable = {
  BatchNormalization: batchNormalization,
  "com.microsoft::BatchNormInternal": batchStatistics,
  "com.microsoft::BatchNormalizationGrad": batchNormalizationGrad,
  "com.microsoft::LayerNormalizationGrad": layerNormalizationGrad,
  "com.microsoft::SimplifiedLayerNormalizationGrad": simplifiedGrad,
  "com.microsoft::InvertibleLayerNormalizationGrad": invertibleGrad,
};
