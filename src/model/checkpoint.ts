import { LandscapeError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import type { Graph, Value } from "../onnx/graph.ts";
import { inlineFunctions, readModel, toFloat32, toOpset18 } from "../onnx/index.ts";
import { isFloat, sizeOf } from "../onnx/tensor.ts";
import { lookup } from "../ops/registry.ts";
import {
  type InitializerVerdict,
  judgeInitializers,
  matchesGlob,
  type ParameterSelection,
} from "./parameters.ts";
import { preflightWarnings, type Warning } from "./preflight.ts";

/** One parameter tensor's place in the flat vector θ. */
export interface ParameterSlot {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly size: number;
  /** The initializer it is stored in. */
  readonly value: Value;
}

/** A trained model as loaded: its graph at opset 18, which tensors are parameters, and their values. */
export interface Checkpoint {
  readonly path: string;
  readonly sha256: string;
  readonly opset: number;
  readonly producer: string;
  readonly graph: Graph;
  /** Inputs that the data must provide. */
  readonly inputs: readonly Value[];
  readonly output: Value;
  readonly verdicts: readonly InitializerVerdict[];
  readonly parameters: readonly ParameterSlot[];
  /** θ₀, the parameters one after the other, row-major. */
  readonly theta: Float32Array;
  readonly warnings: readonly Warning[];
}

export interface CheckpointOptions extends Partial<ParameterSelection> {
  /** Name of the output (or of any tensor inside) that the loss is taken of. */
  readonly output?: string | undefined;
}

export async function loadCheckpoint(path: string, options: CheckpointOptions = {}): Promise<Checkpoint> {
  const file = await readModel(path);
  const model = toOpset18(inlineFunctions(file.model));
  const { graph } = model;
  const output = chooseOutput(graph, options.output);
  const selection = { params: options.params ?? [], freeze: options.freeze ?? [] };
  const verdicts = judgeInitializers(graph, output, lookup, selection);
  assertGlobsMatch(verdicts, "--params", selection.params);
  assertGlobsMatch(verdicts, "--freeze", selection.freeze);
  const { parameters, theta } = layOut(verdicts);
  return {
    path,
    sha256: file.sha256,
    opset: file.model.opset.get("") ?? 0,
    producer: model.producer,
    graph,
    inputs: graph.inputs,
    output,
    verdicts,
    parameters,
    theta,
    warnings: preflightWarnings(
      file.model,
      graph,
      parameters.map((p) => p.value),
    ),
  };
}

function chooseOutput(graph: Graph, name: string | undefined): Value {
  if (name !== undefined) {
    const found = [...graph.outputs, ...graph.nodes.flatMap((n) => n.outputs)].find((v) => v.name === name);
    if (found) return found;
    throw new LandscapeError(
      "INVALID_OPTION",
      `unknown --output: "${name}"; the model's outputs are ${quoted(graph.outputs)}. Name one of them, or any tensor inside`,
    );
  }
  const [only, ...others] = graph.outputs;
  if (only !== undefined && others.length === 0) return only;
  throw new LandscapeError(
    "INVALID_MODEL",
    `the model has ${graph.outputs.length} outputs: ${quoted(graph.outputs)}; expected one. Choose with --output NAME`,
  );
}

function quoted(values: readonly Value[]): string {
  return values.map((v) => `"${v.name}"`).join(", ");
}

function assertGlobsMatch(
  verdicts: readonly InitializerVerdict[],
  option: string,
  globs: readonly string[],
): void {
  const names = verdicts.map((v) => v.value.name);
  for (const glob of globs) {
    if (names.some((name) => matchesGlob(name, glob))) continue;
    const near = nearest(glob, names);
    const hint =
      near === undefined ? 'Run "onnx-landscape inspect" for the names' : `Did you mean "${near}"?`;
    throw new LandscapeError("INVALID_OPTION", `${option} matches no initializer: "${glob}". ${hint}`, {
      glob,
    });
  }
}

function layOut(verdicts: readonly InitializerVerdict[]): {
  parameters: ParameterSlot[];
  theta: Float32Array;
} {
  const values = verdicts.filter((v) => v.isParameter).map((v) => v.value);
  const theta = new Float32Array(values.reduce((sum, v) => sum + sizeOf(v.dims), 0));
  const parameters: ParameterSlot[] = [];
  let offset = 0;
  for (const value of values) {
    const data = toFloat32(value.tensor as NonNullable<Value["tensor"]>);
    theta.set(data, offset);
    parameters.push({ name: value.name, shape: value.dims, offset, size: data.length, value });
    offset += data.length;
  }
  assertFinite(parameters, theta);
  return { parameters, theta };
}

function assertFinite(parameters: readonly ParameterSlot[], theta: Float32Array): void {
  const bad = parameters.filter((p) => !theta.subarray(p.offset, p.offset + p.size).every(Number.isFinite));
  if (bad.length === 0) return;
  throw new LandscapeError(
    "INVALID_MODEL",
    `weights are not finite: ${bad
      .map((p) => `"${p.name}"`)
      .slice(0, 5)
      .join(", ")} hold NaN or infinity. Export a checkpoint from before training diverged`,
  );
}

/** Throws when there is nothing to differentiate. */
export function assertHasParameters(checkpoint: Checkpoint): void {
  if (checkpoint.parameters.length > 0) return;
  const floats = checkpoint.verdicts.filter((v) => v.value.type !== undefined && isFloat(v.value.type));
  throw new LandscapeError(
    "INVALID_MODEL",
    `the model has no trained parameters: none of its ${floats.length} float initializers reaches the output "${checkpoint.output.name}" differentiably. Run "onnx-landscape inspect" for the reason of each`,
  );
}
