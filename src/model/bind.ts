import { emitTraining } from "../artifacts/lower-training.ts";
import { unsupported } from "../autodiff/gradient.ts";
import type { Graph, Value } from "../onnx/graph.ts";
import type { Tensor, TensorType } from "../onnx/tensor.ts";
import { ancestors, GraphBuilder } from "../ops/builder.ts";
import { expandButBatchNorm } from "../ops/fold-batch-norm.ts";
import { lookup } from "../ops/registry.ts";
import { rewrite } from "../ops/rewrite.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { Scores } from "./loss.ts";
import type { OwnLoss } from "./own-loss.ts";

/** The model bound to one batch size: parameters and data are inputs, all shapes are static. */
export interface BoundModel {
  readonly graph: Graph;
  readonly theta: readonly Value[];
  readonly data: readonly Value[];
  /** What the loss is taken of, or the loss itself. */
  readonly output: Value;
  /** What the file calls it: an operator that was expanded has lost the name. */
  readonly name: string;
  readonly own: BoundOwnLoss | null;
  readonly samples: number;
}

/** The model's own loss, as values of the bound graph. */
export interface BoundOwnLoss extends Pick<OwnLoss, "kind"> {
  readonly gradients: readonly Value[] | null;
  readonly scores: Scores | null;
}

/**
 * Binds the batch and expands composed operators, but for BatchNormalization in evaluation mode: it is folded into the
 * products before it only where branches are decided already (`refined`), since a ReLU's input near 0 changes its sign by
 * the rounding of folded weights. Inputs whose contents are `known` become constants: shapes may depend on them.
 */
export function bindModel(
  checkpoint: Checkpoint,
  inputs: ReadonlyMap<string, TensorType>,
  known: ReadonlyMap<string, Tensor> = new Map(),
): BoundModel {
  const { own } = checkpoint;
  const b = new GraphBuilder(lookup);
  const theta = checkpoint.parameters.map((p, i) => b.input(`p${i}`, { type: "float32", dims: p.shape }));
  const data = checkpoint.inputs.map(({ name }, i) => {
    const tensor = known.get(name);
    return tensor ? b.constant(tensor, name) : b.input(`x${i}`, inputs.get(name) as TensorType);
  });
  const bindings = new Map<Value, Value>([
    ...checkpoint.parameters.map((p, i): [Value, Value] => [p.value, theta[i] as Value]),
    ...checkpoint.inputs.map((v, i): [Value, Value] => [v, data[i] as Value]),
  ]);
  const scores = own?.scores ? [own.scores.value, own.scores.labels] : [];
  const heads = [checkpoint.output, ...scores, ...(own?.gradients ?? [])];
  if (!own?.training) assertKnown(heads);
  const became = own?.training
    ? emitTraining(own.training, b, bindings)
    : rewrite({ ...checkpoint.graph, outputs: heads }, b, bindings);
  const outputs = heads.map((v) => became.get(v) as Value);
  const fed = data.filter((v) => v.kind === "input");
  const bound = b.build(checkpoint.graph.name, [...theta, ...fed], outputs);
  const graph = expandButBatchNorm(bound, lookup);
  const output = graph.outputs[0] as Value;
  const batched = own?.target ? data[checkpoint.inputs.indexOf(own.target)] : data[0];
  return {
    graph,
    theta,
    data,
    output,
    name: checkpoint.output.name,
    own: own && boundLoss(own, graph),
    samples: batched?.dims[0] ?? 1,
  };
}

/** Shapes cannot be told past an operator without a record: all of them are named at once. */
function assertKnown(outputs: readonly Value[]): void {
  const missing = ancestors(outputs).nodes.filter((node) => lookup(node.domain, node.op) === undefined);
  if (missing.length > 0) throw unsupported(missing);
}

/** In the order of `heads`: the loss, scores and labels if there are any, the gradients. */
function boundLoss({ kind, gradients, scores }: OwnLoss, graph: Graph): BoundOwnLoss {
  const [, ...rest] = graph.outputs;
  const [value, labels] = scores ? rest.splice(0, 2) : [];
  return {
    kind,
    gradients: gradients && rest,
    scores: scores && { ...scores, value: value as Value, labels: labels as Value },
  };
}
