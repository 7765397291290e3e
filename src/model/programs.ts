import { type Decisions, decide, smooth } from "../autodiff/freeze.ts";
import { gradient, unsupported } from "../autodiff/gradient.ts";
import { hessianVectorProduct } from "../autodiff/hessian-vector.ts";
import type { Graph, Value } from "../onnx/graph.ts";
import type { TensorType } from "../onnx/tensor.ts";
import { ancestors, GraphBuilder } from "../ops/builder.ts";
import { expandGraph, rewriteCalls } from "../ops/expand.ts";
import { foldBatchNorm } from "../ops/fold-batch-norm.ts";
import { lookup } from "../ops/registry.ts";
import { rewrite } from "../ops/rewrite.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { compileProgram, type Program } from "./compile.ts";
import { emitLoss, type LossSpec, type LossValues } from "./loss.ts";

/** Types of one batch: the model's inputs by name, and the targets. */
export interface BatchTypes {
  readonly inputs: ReadonlyMap<string, TensorType>;
  readonly target: TensorType | null;
}

/** The model bound to one batch size: parameters and data are inputs, all shapes are static. */
export interface BoundModel {
  readonly graph: Graph;
  readonly theta: readonly Value[];
  readonly data: readonly Value[];
  readonly output: Value;
}

/** Binds the batch, folds BatchNormalization into the products before it, and expands composed operators. */
export function bindModel(checkpoint: Checkpoint, inputs: ReadonlyMap<string, TensorType>): BoundModel {
  assertKnown(checkpoint.output);
  const b = new GraphBuilder(lookup);
  const theta = checkpoint.parameters.map((p, i) => b.input(`p${i}`, { type: "float32", dims: p.shape }));
  const data = checkpoint.inputs.map((v, i) => b.input(`x${i}`, inputs.get(v.name) as TensorType));
  const bindings = new Map<Value, Value>([
    ...checkpoint.parameters.map((p, i): [Value, Value] => [p.value, theta[i] as Value]),
    ...checkpoint.inputs.map((v, i): [Value, Value] => [v, data[i] as Value]),
  ]);
  const source = { ...checkpoint.graph, outputs: [checkpoint.output] };
  const output = rewrite(source, b, bindings).get(checkpoint.output) as Value;
  const bound = b.build(checkpoint.graph.name, [...theta, ...data], [output]);
  const graph = expandGraph(foldBatchNorm(bound, lookup), lookup);
  return { graph, theta, data, output: graph.outputs[0] as Value };
}

/** Shapes cannot be told past an operator without a record: all of them are named at once. */
function assertKnown(output: Value): void {
  const missing = ancestors([output]).nodes.filter((node) => lookup(node.domain, node.op) === undefined);
  if (missing.length > 0) throw unsupported(missing);
}

/**
 * The graphs that an objective runs, for one batch size. All give sums over the batch; each is built when
 * first asked for. Outputs of every program start with loss, correct (if there are classes) and count, per sample.
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
  /** θ, data, v → loss, H·v. */
  product(): Program;
  /** θ, data → mean loss and its gradient, lowered: for writing to a file. */
  meanGradient(): Graph;
  /** Bytes of all intermediate values of the gradient per batch: an upper bound of what it holds. */
  gradientBytes(): number;
}

export function makePrograms(bound: BoundModel, spec: LossSpec, target: TensorType | null): Programs {
  const base = attachLoss(bound, spec, target);
  const frozen = once(() => freezeLoss(base));
  return {
    loss: once(() => compileProgram(base.inputs, base.values, [])),
    gradient: once(() => differentiated(base, base.inputs)),
    decisions: once(() => frozen().decisions),
    smoothGradient: once(() => frozen().gradient),
    product: once(() => {
      const b = new GraphBuilder(lookup);
      const v = base.theta.map((p, i) => b.input(`v${i}`, p.static));
      const again = reemit(base, b);
      const hv = hessianVectorProduct(b, total(b, again.values.loss), base.theta, v, lookup);
      return compileProgram([...base.inputs, ...v], again.values, hv);
    }),
    meanGradient: once(() => {
      const b = new GraphBuilder(lookup);
      const { values } = reemit(base, b);
      const mean = b.div(total(b, values.loss), total(b, values.count));
      const outputs = [mean, ...gradient(b, mean, base.theta, lookup)];
      return rewriteCalls(b.build("gradient", base.inputs, outputs), lookup, "lower");
    }),
    gradientBytes: once(() => differentiated(base, base.inputs).bytes),
  };
}

/** The loss attached to the bound model: `inputs` are parameters, data and target. */
interface LossGraph {
  readonly graph: Graph;
  readonly inputs: readonly Value[];
  readonly theta: readonly Value[];
  readonly values: LossValues;
}

function attachLoss(bound: BoundModel, spec: LossSpec, target: TensorType | null): LossGraph {
  const b = new GraphBuilder(lookup);
  const same = new Map<Value, Value>(bound.graph.inputs.map((v) => [v, v]));
  const output = rewrite(bound.graph, b, same).get(bound.output) as Value;
  const t = target && spec.kind !== "output" ? b.input("t", target) : null;
  const samples = bound.data[0]?.dims[0] ?? 1;
  const values = emitLoss(b, spec, output, t, samples);
  const inputs = [...bound.graph.inputs, ...(t ? [t] : [])];
  const outputs = [values.loss, values.count, ...(values.correct ? [values.correct] : [])];
  const graph = expandGraph(b.build("loss", inputs, outputs), lookup);
  return { graph, inputs, theta: bound.theta, values: lossValues(graph) };
}

function lossValues(graph: Graph): LossValues {
  const [loss, count, correct] = graph.outputs;
  return { loss: loss as Value, count: count as Value, correct: correct ?? null };
}

function reemit(base: LossGraph, b: GraphBuilder): { values: LossValues } {
  const became = rewrite(base.graph, b, new Map(base.inputs.map((v) => [v, v])));
  return { values: mapped(base.values, became) };
}

function mapped(values: LossValues, became: ReadonlyMap<Value, Value>): LossValues {
  const at = (v: Value) => became.get(v) as Value;
  return { loss: at(values.loss), count: at(values.count), correct: values.correct && at(values.correct) };
}

function total(b: GraphBuilder, perSample: Value): Value {
  return b.reduceSum(perSample, [0], false);
}

function differentiated(base: LossGraph, inputs: readonly Value[]): Program {
  const b = new GraphBuilder(lookup);
  const { values } = reemit(base, b);
  return compileProgram(inputs, values, gradient(b, total(b, values.loss), base.theta, lookup));
}

function freezeLoss(base: LossGraph): { decisions: Program | null; gradient: Program } {
  const same = new Map<Value, Value>(base.inputs.map((v) => [v, v]));
  const first = new GraphBuilder(lookup);
  const decided = decide(base.graph, first, same, base.theta, lookup);
  const outputs = [...decided.values()].flat();
  if (outputs.length === 0) return { decisions: null, gradient: differentiated(base, base.inputs) };

  const b = new GraphBuilder(lookup);
  const given = new Map<Value, Value>();
  for (const [k, value] of outputs.entries()) given.set(value, b.input(`d${k}`, value.static));
  const decisions: Decisions = new Map(
    [...decided].map(([node, values]) => [node, values.map((v) => given.get(v) as Value)]),
  );
  const values = mapped(base.values, smooth(base.graph, b, same, decisions, lookup));
  const grads = gradient(b, total(b, values.loss), base.theta, lookup);
  const feeds = [...given.values()];
  return {
    decisions: compileProgram(base.inputs, null, [...given.keys()]),
    gradient: compileProgram([...base.inputs, ...feeds], values, grads),
  };
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
