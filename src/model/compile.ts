import { Call, type Graph, Node, type Value } from "../onnx/graph.ts";
import { type EncodeOptions, encodeModel } from "../onnx/index.ts";
import { type ElementType, sizeOf, type TensorType } from "../onnx/tensor.ts";
import { ancestors } from "../ops/builder.ts";
import { rewriteCalls } from "../ops/expand.ts";
import { lookup } from "../ops/registry.ts";
import type { LossValues } from "./loss.ts";

/** A graph ready for a session. Output names: "loss", "count", "correct" and "weight" if present, then "g0", "g1", … */
export interface Program {
  readonly graph: Graph;
  readonly inputNames: readonly string[];
  /** Names of the vector outputs. */
  readonly outputNames: readonly string[];
  readonly hasCorrect: boolean;
  readonly hasWeight: boolean;
  /** Bytes of all intermediate values. */
  readonly bytes: number;
  encode(): Uint8Array;
  /**
   * The same with some inputs as weights that lie in an external file of that name, at byte `offsetOf(input)`:
   * onnxruntime then folds and lays them out as it does for inference.
   */
  encodeBaked(location: string, offsetOf: (input: string) => number | undefined): Uint8Array;
  /**
   * Of a program that gives "output" and no more: the program that makes the loss of it, whose inputs are "output" and
   * "t". Shapes of an output may be known only once it is there.
   */
  then?(output: TensorType): Program;
}

/** Lowers, prunes and names a graph that gives the loss values (if any) and `vectors`. */
export function compileProgram(
  inputs: readonly Value[],
  values: LossValues | null,
  vectors: readonly Value[],
): Program {
  const named = Object.entries({
    loss: values?.loss,
    count: values?.count,
    correct: values?.correct,
    weight: values?.weight,
  }).flatMap(([name, value]) => (value ? [{ name, value }] : []));
  const heads = named.map((h) => h.value);
  const names = [...named.map((h) => h.name), ...vectors.map((_, i) => `g${i}`)];
  const { nodes, leaves } = ancestors([...heads, ...vectors]);
  const used = new Set<Value>(leaves);
  const kept = inputs.filter((v) => used.has(v));
  const raw = {
    name: "landscape",
    inputs: kept,
    outputs: [...heads, ...vectors],
    nodes,
    initializers: leaves.filter((v) => v.kind === "initializer"),
  };
  return {
    ...encodable(withNamedOutputs(rewriteCalls(raw, lookup, "lower"), names)),
    outputNames: names.slice(heads.length),
    hasCorrect: values?.correct != null,
    hasWeight: values?.weight != null,
    bytes: nodes.reduce((sum, n) => sum + n.outputs.reduce((s, y) => s + bytesOf(y), 0), 0),
  };
}

/** A graph as a program holds it: with its names, and ways to encode it. */
export function encodable(
  graph: Graph,
  options: EncodeOptions = {},
): Pick<Program, "graph" | "inputNames" | "encode" | "encodeBaked"> {
  return {
    graph,
    inputNames: graph.inputs.map((v) => v.name),
    encode: () => encodeModel(graph, options),
    encodeBaked: (location, offsetOf) =>
      encodeModel(baked(graph, offsetOf), {
        ...options,
        external: { location, offsetOf: (v) => offsetOf(v.name) },
      }),
  };
}

function baked(graph: Graph, offsetOf: (input: string) => number | undefined): Graph {
  const weights = graph.inputs.filter((v) => offsetOf(v.name) !== undefined);
  return {
    ...graph,
    inputs: graph.inputs.filter((v) => !weights.includes(v)),
    initializers: [...weights, ...graph.initializers],
  };
}

/** Every output becomes a value of its own: one value may be asked for twice, or be an input or a constant. */
export function withNamedOutputs(graph: Graph, names: readonly string[]): Graph {
  const ends = graph.outputs.map(
    (v, i) =>
      new Node(new Call("Identity", [v]), [{ name: names[i] as string, type: v.type, shape: v.shape }]),
  );
  return { ...graph, nodes: [...graph.nodes, ...ends], outputs: ends.map((n) => n.outputs[0] as Value) };
}

const BYTES: Partial<Record<ElementType, number>> = {
  float64: 8,
  int64: 8,
  uint64: 8,
  bool: 1,
  uint8: 1,
  int8: 1,
};

function bytesOf(value: Value): number {
  const { type, dims } = value.static;
  return sizeOf(dims) * (BYTES[type] ?? 4);
}
