import { statSync } from "node:fs";
import { LandscapeError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import type { Graph, Value } from "../onnx/graph.ts";
import { inlineFunctions, readModel, toFloat32, toOpset18, toSinglePrecision } from "../onnx/index.ts";
import { sizeOf } from "../onnx/tensor.ts";
import { lookup } from "../ops/registry.ts";
import { loadArtifacts } from "./artifacts.ts";
import type { Checkpoint, ParameterSlot } from "./checkpoint.ts";
import { readEmitted } from "./emitted.ts";
import { toEvalMode } from "./eval-mode.ts";
import { freeBatch } from "./free-batch.ts";
import { trainedNames } from "./initializer-evidence.ts";
import type { GradientRoute, LoadedModel } from "./loaded-model.ts";
import { chooseOutput, inputsOf } from "./output.ts";
import {
  type InitializerVerdict,
  judgeInitializers,
  matchesGlob,
  type ParameterSelection,
} from "./parameters.ts";
import { preflightWarnings } from "./preflight.ts";
import { separateStatistics } from "./running-statistics.ts";
import { readToy } from "./toy.ts";
import { isToy } from "./toy-address.ts";

export interface CheckpointOptions extends Partial<ParameterSelection> {
  /** Name of the output (or of any tensor inside) that the loss is taken of. */
  readonly output?: string | undefined;
  /** Whose gradient is taken of a model that brings its own; its own if not given. */
  readonly gradient?: GradientRoute | undefined;
  /** Switches BatchNormalization and Dropout of a training-mode export to evaluation. */
  readonly evalMode?: boolean | undefined;
}

/** Reads an .onnx file, a gradient graph that this tool wrote, a folder of onnxruntime-training, or makes a toy loss. */
export async function loadCheckpoint(path: string, options: CheckpointOptions = {}): Promise<Checkpoint> {
  const selection = { params: options.params ?? [], freeze: options.freeze ?? [] };
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const loaded = isFolder
    ? await loadArtifacts(path, options.gradient)
    : await loadFile(path, options, selection);
  const { graph, output, own, warnings, training } = loaded;
  if (loaded.own && options.output !== undefined) {
    throw new LandscapeError(
      "INVALID_OPTION",
      `--output ${options.output} has no use: the model brings its own loss, "${output.name}". Leave it out`,
    );
  }
  const verdicts = loaded.own ? restricted(loaded.verdicts, selection) : loaded.verdicts;
  assertGlobsMatch(verdicts, "--params", selection.params);
  assertGlobsMatch(verdicts, "--freeze", selection.freeze);
  const { parameters, theta } = layOut(verdicts);
  const gradients = own?.gradients && parameters.map((p) => own.gradients?.get(p.value) as Value);
  return freeBatch({
    path,
    sha256: loaded.sha256,
    opset: loaded.opset,
    producer: loaded.producer,
    graph,
    inputs: loaded.own ? graph.inputs : inputsOf(graph, output),
    output,
    own: own && { ...own, gradients: gradients ?? null },
    given: loaded.given,
    verdicts,
    parameters,
    theta,
    warnings,
    artifacts: training,
  });
}

/** Where the file itself says what is trained, options can only leave some of it out. */
function restricted(
  verdicts: readonly InitializerVerdict[],
  { params, freeze }: ParameterSelection,
): InitializerVerdict[] {
  return verdicts.map((verdict) => {
    const { value, isParameter } = verdict;
    const matches = (glob: string) => matchesGlob(value.name, glob);
    if (!isParameter) return verdict;
    if (freeze.some(matches)) return { value, isParameter: false, reason: "frozen by --freeze" };
    if (params.length === 0 || params.some(matches)) return verdict;
    return { value, isParameter: false, reason: "not matched by --params" };
  });
}

async function loadFile(
  path: string,
  options: CheckpointOptions,
  selection: ParameterSelection,
): Promise<LoadedModel> {
  const file = isToy(path) ? readToy(path) : await readModel(path);
  assertInference(path, file.model.graph);
  const inlined = inlineFunctions(file.model);
  const model = toOpset18(inlined);
  const prepared = (g: Graph) => {
    const single = separateStatistics(toSinglePrecision(g).graph);
    return options.evalMode ? toEvalMode(single) : single;
  };
  const graph = prepared(model.graph);
  const emitted = readEmitted({ ...model, graph }, options.gradient === "ours");
  if (emitted === undefined && options.gradient === "artifact") {
    throw new LandscapeError(
      "INVALID_OPTION",
      `--gradient artifact: ${JSON.stringify(path)} brings no gradient; expected a folder of onnxruntime-training artifacts, or a file that "gradient --emit" wrote. Leave the option out`,
    );
  }
  const output = emitted?.output ?? chooseOutput(graph, options.output);
  const verdicts =
    emitted?.verdicts ??
    judgeInitializers(graph, output, lookup, selection, trainedNames(file.model.metadata));
  return {
    sha256: file.sha256,
    opset: file.model.opset.get("") ?? 0,
    producer: model.producer,
    graph,
    output,
    verdicts,
    own: emitted?.own ?? null,
    given: emitted ? undefined : () => ({ graph: prepared(inlined.graph), opset: inlined.opset }),
    warnings: preflightWarnings(file.model, graph, verdicts),
    training: null,
  };
}

/** A training model alone has no weights. */
function assertInference(path: string, graph: Graph): void {
  if (!graph.nodes.some((n) => n.op === "InPlaceAccumulatorV2")) return;
  throw new LandscapeError(
    "INVALID_MODEL",
    `a training model without weights: ${JSON.stringify(path)}; expected its folder, with the checkpoint in it. Pass the folder`,
    { path },
  );
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
