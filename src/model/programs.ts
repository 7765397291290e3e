import { type Decisions, decide, smooth } from "../autodiff/freeze.ts";
import { gaussNewtonProduct } from "../autodiff/gauss-newton.ts";
import { gradient } from "../autodiff/gradient.ts";
import { gradientProduct } from "../autodiff/hessian-vector.ts";
import type { Graph, Value } from "../onnx/graph.ts";
import type { TensorType } from "../onnx/tensor.ts";
import { GraphBuilder } from "../ops/builder.ts";
import { rewriteCalls } from "../ops/expand.ts";
import { lookup } from "../ops/registry.ts";
import { rewrite } from "../ops/rewrite.ts";
import type { BoundModel } from "./bind.ts";
import { compileProgram, type Program } from "./compile.ts";
import type { LossSpec } from "./loss.ts";
import { assertPerSample, outputProduct, predictorOf } from "./loss-curvature.ts";
import {
  attachLoss,
  expanded,
  type LossAndGradient,
  type LossGraph,
  mapped,
  outputsOf,
  refined,
} from "./loss-graph.ts";

/** Types of one batch: the model's inputs by name, and the targets. */
export interface BatchTypes {
  readonly inputs: ReadonlyMap<string, TensorType>;
  readonly target: TensorType | null;
}

/**
 * The graphs that an objective runs, for one batch size. All give sums over the batch; each is built when
 * first asked for. Outputs of every program start with loss, count, right answers (if there are classes) and weight (if they have any), per sample.
 * Nobody above sees whether the gradient is the model's own or by our rules.
 */
export interface Programs {
  /** θ, data → loss. */
  loss(): Program;
  /** θ, data → loss, ∇. */
  gradient(): Program;
  /** θ₀, data → decisions of the piecewise operators; null when there are none. */
  decisions(): Program | null;
  /** θ, data, decisions → loss, ∇ of the smooth piece. */
  smoothGradient(): Program;
  /** θ, data, decisions, v → loss, H·v. */
  product(): Program;
  /** θ, data, decisions, v → loss, Jᵀ·∇²ℓ·J·v with J the Jacobian of the loss's predictor. */
  gaussNewton(): Program;
  /** θ, data, decisions, v → loss, the sum over samples of g·gᵀv. */
  fisher(): Program;
  /** Bytes of all intermediate values of the gradient per batch: an upper bound of what it holds. */
  gradientBytes(): number;
}

export function makePrograms(bound: BoundModel, spec: LossSpec, target: TensorType | null): Programs {
  const base = attachLoss(bound, spec, target);
  const whole = once(() => refined(base));
  const frozen = once(() => freezeLoss(base));
  const plain = once(() => differentiated(whole()));
  const product = (emit: EmitProduct) => once(() => productOf(frozen().piece, emit));
  return {
    loss: once(() => compileProgram(base.inputs, whole().values, [])),
    gradient: plain,
    decisions: once(() => frozen().decisions),
    smoothGradient: once(() => differentiated(frozen().piece)),
    product: product((b, at, v) => gradientProduct(b, sumGradient(b, base, at), base.theta, v, lookup)),
    gaussNewton: product((b, { values }, v) => {
      const z = predictorOf(values);
      const t = base.inputs.find((x) => x.name === "t") ?? null;
      const curvature = (w: Value) => outputProduct(b, spec, z, t, w);
      return gaussNewtonProduct(b, z, base.theta, v, curvature, lookup);
    }),
    fisher: product((b, { values: { loss } }, v) => {
      assertPerSample(loss, bound.samples);
      return gaussNewtonProduct(b, loss, base.theta, v, (w) => w, lookup);
    }),
    gradientBytes: once(() => plain().bytes),
  };
}

function reemit(base: LossGraph, b: GraphBuilder): LossAndGradient {
  return mapped(base, rewrite(base.graph, b, new Map(base.inputs.map((v) => [v, v]))));
}

type EmitProduct = (b: GraphBuilder, at: LossAndGradient, v: readonly Value[]) => readonly Value[];

/** θ, data, decisions, v → loss and what `emit` makes of v. */
function productOf(base: LossGraph, emit: EmitProduct): Program {
  const b = new GraphBuilder(lookup);
  const v = base.theta.map((p, i) => b.input(`v${i}`, p.static));
  const again = reemit(base, b);
  return compileProgram([...base.inputs, ...v], again.values, emit(b, again, v));
}

function total(b: GraphBuilder, perSample: Value): Value {
  return b.reduceSum(perSample, [0], false);
}

/** The gradient of the summed loss: the model's own, or by our rules. */
function sumGradient(b: GraphBuilder, base: LossGraph, at: LossAndGradient): readonly Value[] {
  return at.gradients ?? gradient(b, total(b, at.values.loss), base.theta, lookup);
}

function differentiated(base: LossGraph): Program {
  const b = new GraphBuilder(lookup);
  const again = reemit(base, b);
  return compileProgram(base.inputs, again.values, sumGradient(b, base, again));
}

/**
 * Freezes first, then folds and differentiates. The decisions are those of the graph as it was exported: folding rounds
 * weights anew, and a ReLU's input near 0 with them. A gradient that the model brings is frozen as it stands: its
 * comparisons repeat those of the forward half, so both take the decisions of the same point.
 */
function freezeLoss(base: LossGraph): { decisions: Program | null; piece: LossGraph } {
  const same = new Map<Value, Value>(base.inputs.map((v) => [v, v]));
  const first = new GraphBuilder(lookup);
  const decided = decide(base.graph, first, same, base.theta, lookup);
  // One value may be decided by two nodes: by an operator, and by a gradient that the model brings.
  const outputs = [...new Set([...decided.values()].flat())];
  if (outputs.length === 0) return { decisions: null, piece: refined(base) };

  const b = new GraphBuilder(lookup);
  const given = new Map<Value, Value>();
  for (const [k, value] of outputs.entries()) given.set(value, b.input(`d${k}`, value.static));
  const decisions: Decisions = new Map(
    [...decided].map(([node, values]) => [node, values.map((v) => given.get(v) as Value)]),
  );
  const at = mapped(base, smooth(base.graph, b, same, decisions, lookup));
  const inputs = [...base.inputs, ...given.values()];
  const graph = b.build("smooth piece", inputs, outputsOf(at));
  return {
    decisions: compileProgram(base.inputs, null, [...given.keys()]),
    piece: refined({ ...base, ...at, graph, inputs }),
  };
}

/** Outputs of `graph`: the mean loss, its gradient by parameter, and last, if there are any, the scores. */
export interface MeanGradient {
  readonly graph: Graph;
  readonly hasScores: boolean;
}

/** θ, data → mean loss and its gradient, lowered: for writing to a file. */
export function meanGradient(bound: BoundModel, spec: LossSpec, target: TensorType | null): MeanGradient {
  const base = expanded(attachLoss(bound, spec, target));
  const b = new GraphBuilder(lookup);
  const { values, gradients } = reemit(base, b);
  const count = total(b, values.weight ?? values.count);
  const mean = b.div(total(b, values.loss), count);
  const means = gradients ? gradients.map((g) => b.div(g, count)) : gradient(b, mean, base.theta, lookup);
  const outputs = [mean, ...means, ...(values.scores ? [values.scores] : [])];
  const graph = rewriteCalls(b.build("gradient", base.inputs, outputs), lookup, "lower");
  return { graph, hasScores: values.scores !== null };
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
