import type { LandscapeError } from "../errors.ts";
import { type Graph, Value } from "../onnx/graph.ts";
import { transformGraph } from "../onnx/index.ts";
import type { TensorType } from "../onnx/tensor.ts";
import { ancestors } from "../ops/builder.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { compileProgram, encodable, type Program, withNamedOutputs } from "./compile.ts";
import type { LossSpec } from "./loss.ts";
import { attachLoss, refined } from "./loss-graph.ts";
import type { BatchTypes, Programs } from "./programs.ts";

/** θ, data → "output" by the file's own operators; undefined where the file does not name the output. */
export function givenProgram(checkpoint: Checkpoint, types: BatchTypes): Program | undefined {
  const given = checkpoint.given?.();
  const output = given && valueNamed(given.graph, checkpoint.output.name);
  if (given === undefined || output === undefined) return undefined;
  const { bindings, inputs } = bound(given.graph, checkpoint, types);
  const graph = transformGraph({ ...given.graph, outputs: [output] }, () => undefined, { bindings });
  const { nodes, leaves } = ancestors(graph.outputs);
  const used = new Set(leaves);
  const pruned: Graph = {
    name: graph.name,
    outputs: graph.outputs,
    nodes,
    inputs: inputs.filter((v) => used.has(v)),
    initializers: leaves.filter((v) => v.kind === "initializer"),
  };
  const domains = new Map([...given.opset].filter(([domain]) => domain !== ""));
  const options = { opset: given.opset.get("") ?? 18, domains };
  const nothing = { outputNames: [], hasCorrect: false, hasWeight: false, bytes: 0 };
  return { ...encodable(withNamedOutputs(pruned, ["output"]), options), ...nothing };
}

function valueNamed(graph: Graph, name: string): Value | undefined {
  return [...graph.outputs, ...graph.nodes.flatMap((n) => n.outputs)].find((v) => v.name === name);
}

/** Inputs of our names in the place of parameters and data. */
function bound(
  graph: Graph,
  { parameters, inputs }: Checkpoint,
  types: BatchTypes,
): { bindings: Map<Value, Value>; inputs: readonly Value[] } {
  const named = new Map([...graph.initializers, ...graph.inputs].map((v) => [v.name, v]));
  const bindings = new Map<Value, Value>();
  const bind = (name: string, as: Value) => {
    const found = named.get(name);
    if (found) bindings.set(found, as);
  };
  for (const [i, p] of parameters.entries()) bind(p.name, new Value("input", `p${i}`, "float32", p.shape));
  for (const [i, v] of inputs.entries()) {
    const { type, dims } = types.inputs.get(v.name) as TensorType;
    bind(v.name, new Value("input", `x${i}`, type, dims));
  }
  return { bindings, inputs: [...bindings.values()] };
}

/** The output as the loss is decided by: of the type that a run has shown, with the operator that it comes from. */
export function shownOutput({ output }: Checkpoint, { type, dims }: TensorType): Value {
  return new Value("node", output.name, type, dims, output.producer && { producer: output.producer });
}

/**
 * Of a model that runs as its file has it: the loss of whatever it gives, decided by `specOf` as `spec` was of one batch, and `why` in the place of all
 * that needs more than losses.
 */
export function givenPrograms(
  checkpoint: Checkpoint,
  types: BatchTypes,
  samples: number,
  { spec, specOf }: { readonly spec: LossSpec; readonly specOf: (output: Value) => LossSpec },
  why: LandscapeError,
): Programs {
  const refuse = (): never => {
    throw why;
  };
  const model = givenProgram(checkpoint, types) ?? refuse();
  const then = (type: TensorType): Program =>
    lossProgram(type, specOf(shownOutput(checkpoint, type)), types.target, samples);
  const loss = {
    ...model,
    inputNames: [...model.inputNames, "t"],
    hasCorrect: spec.classes !== null,
    hasWeight: spec.classWeights !== null,
    then,
  };
  return {
    loss: () => loss,
    gradient: refuse,
    decisions: refuse,
    smoothGradient: refuse,
    product: refuse,
    gaussNewton: refuse,
    fisher: refuse,
    gradientBytes: refuse,
  };
}

/** "output", "t" → the loss. */
function lossProgram(type: TensorType, spec: LossSpec, target: TensorType | null, samples: number): Program {
  const output = new Value("input", "output", type.type, type.dims);
  const graph: Graph = { name: "output", inputs: [output], outputs: [output], initializers: [], nodes: [] };
  const model = { graph, theta: [], data: [output], output, name: output.name, own: null, samples };
  const base = attachLoss(model, spec, target);
  return compileProgram(base.inputs, refined(base).values, []);
}
