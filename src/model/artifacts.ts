import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { basename, join } from "node:path";
import { type NamedTensor, readCheckpoint, type TrainingCheckpoint } from "../artifacts/checkpoint.ts";
import { CHECKPOINT_VERSION } from "../artifacts/checkpoint-format.ts";
import { lowerTraining, type TrainingGraph, unsupportedTraining } from "../artifacts/lower-training.ts";
import { LandscapeError } from "../errors.ts";
import { type Graph, type OnnxModel, Value } from "../onnx/graph.ts";
import { inlineFunctions, readModel, toOpset18, transformGraph } from "../onnx/index.ts";
import { isFloat } from "../onnx/tensor.ts";
import { type ArtifactFiles, findArtifacts, unusable } from "./artifact-files.ts";
import { findLoss } from "./find-loss.ts";
import type { ArtifactSummary, GradientRoute, LoadedModel } from "./loaded-model.ts";
import type { InitializerVerdict } from "./parameters.ts";
import { preflightWarnings, type Warning } from "./preflight.ts";

/**
 * Reads a folder of onnxruntime-training: weights, and which of them are trained, from the checkpoint; loss and
 * gradients from training_model.onnx, or, by our rules, from eval_model.onnx.
 */
export async function loadArtifacts(folder: string, route: GradientRoute = "auto"): Promise<LoadedModel> {
  const files = await findArtifacts(folder);
  const path = join(folder, files.checkpoint);
  const checkpoint = await readCheckpoint(path);
  if (checkpoint.isNominal) {
    throw unusable(
      folder,
      `its checkpoint "${files.checkpoint}" is a nominal one, which names parameters but holds no values. Pass the folder with the whole checkpoint`,
    );
  }
  const source = await chooseSource(folder, files, route);
  const { model, graph, training } = source;
  const bound = bindParameters(folder, graph, checkpoint, source.file);
  const loaded = training && rebound(training, bound.graph);
  if (loaded) assertSameTrained(folder, loaded, checkpoint);
  const trained = bound.verdicts.filter((v) => v.isParameter).map((v) => v.value);
  const found = findLoss(bound.graph);
  return {
    sha256: await hashOf(source.sha256, path),
    opset: model.opset.get("") ?? 0,
    producer: model.producer,
    graph: bound.graph,
    output: found.loss,
    verdicts: bound.verdicts,
    own: {
      kind: found.kind,
      gradients: loaded && new Map(trained.map((v) => [v, loaded.gradients.get(v.name) as Value])),
      target: found.target,
      scores: found.scores,
      training: loaded,
      wholeBatch: true,
    },
    warnings: [
      ...source.warnings,
      ...(training ? training.warnings : preflightWarnings(model, bound.graph, bound.verdicts)),
    ],
    training: summary(files, checkpoint),
  };
}

/** The graph whose loss is taken, with parameters as inputs still. */
interface Source {
  readonly file: string;
  readonly model: OnnxModel;
  readonly sha256: string;
  readonly graph: Graph;
  /** null: the graph is to be differentiated. */
  readonly training: TrainingGraph | null;
  readonly warnings: readonly Warning[];
}

async function chooseSource(folder: string, files: ArtifactFiles, route: GradientRoute): Promise<Source> {
  if (route === "ours") return evaluationSource(folder, files, []);
  if (files.training === null) {
    if (route === "artifact") {
      throw unusable(folder, "it has no training_model.onnx. Leave out --gradient artifact");
    }
    return evaluationSource(folder, files, [
      {
        code: "NO_TRAINING_MODEL",
        message: "there is no training_model.onnx: eval_model.onnx is differentiated",
      },
    ]);
  }
  const file = await readModel(join(folder, files.training));
  const training = lowerTraining(file.model);
  const missing = unsupportedTraining(training);
  if (missing.length === 0)
    return { file: files.training, ...file, graph: training.graph, training, warnings: [] };
  const ops = [...new Set(missing.map((n) => (n.domain ? `${n.domain}::${n.op}` : n.op)))].join(", ");
  if (route === "artifact") {
    throw new LandscapeError(
      "UNSUPPORTED_OP",
      `cannot run the gradient of ${JSON.stringify(join(folder, files.training))}: no standard operators stand for ${ops}. Use --gradient ours`,
    );
  }
  return evaluationSource(folder, files, [
    {
      code: "NO_LOWERING",
      message: `${files.training} has operators that no standard ones stand for: ${ops}; eval_model.onnx is differentiated instead`,
    },
  ]);
}

async function evaluationSource(
  folder: string,
  files: ArtifactFiles,
  warnings: readonly Warning[],
): Promise<Source> {
  if (files.eval === null) {
    const why = warnings.length > 0 ? " (needed since the training model cannot be used)" : "";
    throw unusable(folder, `it has no eval_model.onnx${why}. Copy it there`);
  }
  const file = await readModel(join(folder, files.eval));
  const { graph } = toOpset18(inlineFunctions(file.model));
  return { file: files.eval, ...file, graph, training: null, warnings };
}

/** The checkpoint's tensors in the place of the inputs of their names, in the order of the inputs. */
function bindParameters(
  folder: string,
  graph: Graph,
  checkpoint: TrainingCheckpoint,
  file: string,
): { graph: Graph; verdicts: InitializerVerdict[] } {
  const trained = new Set(checkpoint.trained.map((t) => t.name));
  const tensors = new Map([...checkpoint.trained, ...checkpoint.frozen].map((t) => [t.name, t]));
  const bindings = new Map<Value, Value>();
  for (const input of graph.inputs) {
    const named = tensors.get(input.name);
    if (named) bindings.set(input, parameter(folder, input, named, file));
  }
  const names = new Set(graph.inputs.map((v) => v.name));
  const strangers = [...tensors.keys()].filter((name) => !names.has(name));
  if (strangers.length > 0) {
    throw mismatch(
      folder,
      `${file} has no input for ${strangers.length} of the checkpoint's ${tensors.size} parameters, such as "${strangers[0]}"`,
    );
  }
  const bound = transformGraph(graph, () => undefined, { bindings });
  const values = [...bindings.values()];
  return {
    graph: {
      ...bound,
      inputs: bound.inputs.filter((v) => !bindings.has(v)),
      initializers: [...values, ...bound.initializers],
    },
    verdicts: [
      ...values.map((value) =>
        trained.has(value.name)
          ? { value, isParameter: true, reason: "trained, by the checkpoint" }
          : { value, isParameter: false, reason: "frozen, by the checkpoint" },
      ),
      ...bound.initializers.map((value) => ({
        value,
        isParameter: false,
        reason: "in the graph, not in the checkpoint",
      })),
    ],
  };
}

function parameter(folder: string, input: Value, { name, tensor }: NamedTensor, file: string): Value {
  const expected = input.shape;
  const fits =
    expected === undefined ||
    (expected.length === tensor.dims.length &&
      expected.every((d, i) => typeof d !== "number" || d === tensor.dims[i]));
  if (!fits || !isFloat(tensor.type) || (input.type !== undefined && input.type !== tensor.type)) {
    throw mismatch(
      folder,
      `${file} takes "${name}" as ${input.type ?? "?"} [${expected?.map((d) => d ?? "?") ?? "?"}], the checkpoint has ${tensor.type} [${tensor.dims}]`,
    );
  }
  return new Value("initializer", name, tensor.type, tensor.dims, { tensor });
}

/** The training graph with its parameters bound; outputs keep their order. */
function rebound(training: TrainingGraph, graph: Graph): TrainingGraph {
  const [loss, ...gradients] = graph.outputs;
  const names = [...training.gradients.keys()];
  return {
    ...training,
    graph,
    loss: loss as Value,
    gradients: new Map(names.map((name, i) => [name, gradients[i] as Value])),
  };
}

function assertSameTrained(
  folder: string,
  { gradients }: TrainingGraph,
  { trained }: TrainingCheckpoint,
): void {
  const inGraph = new Set(gradients.keys());
  const inCheckpoint = new Set(trained.map((t) => t.name));
  const odd = [
    ...[...inGraph].filter((name) => !inCheckpoint.has(name)),
    ...[...inCheckpoint].filter((name) => !inGraph.has(name)),
  ];
  if (odd[0] === undefined) return;
  const where = inGraph.has(odd[0]) ? "training_model.onnx only" : "the checkpoint only";
  throw mismatch(folder, `"${odd[0]}" is trained by ${where} (${odd.length} such parameters)`);
}

function mismatch(folder: string, what: string): LandscapeError {
  return unusable(folder, `checkpoint and graph do not belong together: ${what}. Take both from one folder`);
}

/** Of the model and the checkpoint with its external data. */
async function hashOf(model: string, checkpoint: string): Promise<string> {
  const hash = createHash("sha256").update(model);
  for (const path of [checkpoint, `${checkpoint}.data`]) {
    if (!existsSync(path)) continue;
    for await (const chunk of createReadStream(path)) hash.update(chunk);
  }
  return hash.digest("hex");
}

function summary(files: ArtifactFiles, checkpoint: TrainingCheckpoint): ArtifactSummary {
  const plain = ([name, value]: [string, bigint | number | string]): [string, number | string] => [
    name,
    typeof value === "bigint" ? Number(value) : value,
  ];
  return {
    files: { ...files, checkpoint: basename(files.checkpoint) },
    version: CHECKPOINT_VERSION,
    trained: checkpoint.trained.map((t) => t.name),
    frozen: checkpoint.frozen.map((t) => t.name),
    properties: Object.fromEntries([...checkpoint.properties].map(plain)),
    optimizerGroups: checkpoint.optimizerGroups.map(({ name, step }) => ({ name, step: Number(step) })),
  };
}
