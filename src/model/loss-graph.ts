import type { Graph, Value } from "../onnx/graph.ts";
import type { TensorType } from "../onnx/tensor.ts";
import { GraphBuilder } from "../ops/builder.ts";
import { expandGraph } from "../ops/expand.ts";
import { expandButBatchNorm, foldAndExpand } from "../ops/fold-batch-norm.ts";
import { lookup } from "../ops/registry.ts";
import { rewrite } from "../ops/rewrite.ts";
import type { BoundModel } from "./bind.ts";
import { emitLoss, type LossSpec, type LossValues } from "./loss.ts";
import { emitOwnLoss } from "./own-loss.ts";

/** The loss of one batch with, where the model brings it, the gradient: sums over the batch. */
export interface LossAndGradient {
  readonly values: LossValues;
  /** One for each parameter; null: to be differentiated. */
  readonly gradients: readonly Value[] | null;
}

/** The loss attached to the bound model, as values of `graph`: `inputs` are parameters, data and target. */
export interface LossGraph extends LossAndGradient {
  readonly graph: Graph;
  readonly inputs: readonly Value[];
  readonly theta: readonly Value[];
}

export function attachLoss(bound: BoundModel, spec: LossSpec, target: TensorType | null): LossGraph {
  const b = new GraphBuilder(lookup);
  const became = rewrite(bound.graph, b, new Map(bound.graph.inputs.map((v) => [v, v])));
  const at = (v: Value) => became.get(v) as Value;
  const { own, samples } = bound;
  if (own) {
    const scores = own.scores && {
      ...own.scores,
      value: at(own.scores.value),
      labels: at(own.scores.labels),
    };
    const { values, count } = emitOwnLoss(b, at(bound.output), scores, samples);
    // The model's is the gradient of the mean.
    const factor = b.reshape(count, []);
    const gradients = own.gradients?.map((g) => b.mul(at(g), factor)) ?? null;
    return finished(b, bound, bound.graph.inputs, { values, gradients });
  }
  const t = target && spec.kind !== "output" ? b.input("t", target) : null;
  const values = emitLoss(b, spec, at(bound.output), t, samples);
  return finished(b, bound, [...bound.graph.inputs, ...(t ? [t] : [])], { values, gradients: null });
}

function finished(
  b: GraphBuilder,
  bound: BoundModel,
  inputs: readonly Value[],
  at: LossAndGradient,
): LossGraph {
  const graph = b.build("loss", inputs, outputsOf(at));
  return rewritten({ graph, inputs, theta: bound.theta, ...at }, (g) => expandButBatchNorm(g, lookup));
}

/** Ready to be differentiated or run: BatchNormalization folded, not where a gradient that the model brings needs the values between. */
export function refined(base: LossGraph): LossGraph {
  return rewritten(base, (g) => (base.gradients ? expandGraph(g, lookup) : foldAndExpand(g, lookup)));
}

/** The same, every operator as it was exported. */
export function expanded(base: LossGraph): LossGraph {
  return rewritten(base, (g) => expandGraph(g, lookup));
}

/** `values` and `gradients` of the graph that `rewrite` gives. */
function rewritten(base: LossGraph, rewrite: (graph: Graph) => Graph): LossGraph {
  const graph = rewrite(base.graph);
  const became = new Map(base.graph.outputs.map((v, i): [Value, Value] => [v, graph.outputs[i] as Value]));
  return { ...base, graph, ...mapped(base, became) };
}

export function outputsOf({ values, gradients }: LossAndGradient): Value[] {
  const { loss, count, correct, weight, scores, predictor } = values;
  return [loss, count, correct, weight, scores, predictor, ...(gradients ?? [])].filter((v) => v !== null);
}

/** What the values became when their graph was emitted again. */
export function mapped(
  { values, gradients }: LossAndGradient,
  became: ReadonlyMap<Value, Value>,
): LossAndGradient {
  const at = (v: Value) => became.get(v) as Value;
  const { loss, count, correct, weight, scores, predictor } = values;
  return {
    values: {
      loss: at(loss),
      count: at(count),
      correct: correct && at(correct),
      weight: weight && at(weight),
      scores: scores && at(scores),
      predictor: predictor && at(predictor),
    },
    gradients: gradients?.map(at) ?? null,
  };
}
