import { readFileSync } from "node:fs";
import { readCheckpoint } from "../../src/artifacts/checkpoint.ts";
import { emitTraining, lowerTraining, type TrainingGraph } from "../../src/artifacts/lower-training.ts";
import { gradient } from "../../src/autodiff/gradient.ts";
import { openNpz } from "../../src/data/npz.ts";
import type { Graph, OnnxModel, Value } from "../../src/onnx/graph.ts";
import { inlineFunctions, readModel, toOpset18 } from "../../src/onnx/index.ts";
import { type ElementType, float32Tensor, type Tensor } from "../../src/onnx/tensor.ts";
import { GraphBuilder } from "../../src/ops/builder.ts";
import { expandGraph } from "../../src/ops/expand.ts";
import { lookup } from "../../src/ops/registry.ts";
import { rewrite } from "../../src/ops/rewrite.ts";
import { requireFixture } from "../support/fixtures.ts";

/** An artifacts folder of the fixtures with what is fed and what was recorded. */
export interface Artifact {
  readonly training: OnnxModel;
  readonly evaluation: OnnxModel;
  /** Contents of every input of both models, by name. */
  readonly feeds: ReadonlyMap<string, Tensor>;
  /** Trained parameters, in the order of the flat vectors of `reference`. */
  readonly parameters: readonly string[];
  readonly reference: Readonly<Record<string, readonly number[]>>;
  readonly loss: number;
  readonly measured: Readonly<Record<string, number>>;
}

interface CaseFile {
  readonly parameters: readonly { readonly name: string }[];
  readonly label_name: string;
  readonly loss_value: number;
  readonly measured: Readonly<Record<string, number>>;
}

export async function openArtifact(name: string): Promise<Artifact> {
  const path = (file: string) => requireFixture(`ort-artifacts/${name}/${file}`);
  const facts = JSON.parse(readFileSync(path("case.json"), "utf8")) as CaseFile;
  const data = await arraysOf(path("data.npz"));
  const weights = (await readModel(path("forward.onnx"))).model.graph.initializers;
  return {
    training: (await readModel(path("training_model.onnx"))).model,
    evaluation: (await readModel(path("eval_model.onnx"))).model,
    feeds: new Map([
      ...weights.map((v): [string, Tensor] => [v.name, v.tensor as Tensor]),
      ...data.map(([key, tensor]): [string, Tensor] => [key === "y" ? facts.label_name : key, tensor]),
    ]),
    parameters: facts.parameters.map((p) => p.name),
    reference: Object.fromEntries(
      (await arraysOf(path("ref.npz"))).map(([key, t]) => [key, Array.from(t.data as Float32Array)]),
    ),
    loss: facts.loss_value,
    measured: facts.measured,
  };
}

/** The sample of onnxruntime's own tests: weights in a checkpoint, two images as text. */
export async function openTestData(): Promise<Artifact> {
  const path = (file: string) => requireFixture(`ort-training-testdata/${file}`);
  const checkpoint = await readCheckpoint(path("checkpoint.ckpt"));
  const images = JSON.parse(readFileSync(path("input-0.in"), "utf8").split("\n")[1] as string) as number[];
  const facts = JSON.parse(readFileSync(path("ref.json"), "utf8")) as Pick<CaseFile, "parameters"> & {
    readonly ort_train_loss: number;
  };
  return {
    training: (await readModel(path("training_model.onnx"))).model,
    evaluation: (await readModel(path("eval_model.onnx"))).model,
    feeds: new Map<string, Tensor>([
      ...checkpoint.trained.map(({ name, tensor }): [string, Tensor] => [name, tensor]),
      ["input-0", float32Tensor([2, 784], images)],
      ["labels", { type: "int32", dims: [2], data: Int32Array.of(1, 1) }],
    ]),
    parameters: facts.parameters.map((p) => p.name),
    reference: Object.fromEntries(
      (await arraysOf(path("ref.npz"))).map(([key, t]) => [key, Array.from(t.data as Float32Array)]),
    ),
    loss: facts.ort_train_loss,
    measured: {},
  };
}

async function arraysOf(path: string): Promise<[string, Tensor][]> {
  const store = await openNpz(path);
  const found: [string, Tensor][] = [];
  for (const name of store.arrays) {
    const { dtype, shape, data } = await store.read(name);
    found.push([name, { type: dtype as ElementType, dims: shape, data: data as Float32Array }]);
  }
  await store.close();
  return found;
}

/** A graph at static shapes that gives the loss and one gradient per parameter. */
export interface GradientGraph {
  readonly graph: Graph;
  /** The parameters among the inputs, in the order asked for. */
  readonly theta: readonly Value[];
  /** What is fed, in the order of the inputs. */
  readonly feeds: readonly Tensor[];
}

/** The artifact's own gradient. */
export function artifactGradient(artifact: Artifact): GradientGraph {
  const training: TrainingGraph = lowerTraining(artifact.training);
  return bound(artifact, training.graph.inputs, (b, bindings) => {
    const became = emitTraining(training, b, bindings);
    const gradients = artifact.parameters.map((name) => training.gradients.get(name) as Value);
    return [training.loss, ...gradients].map((v) => became.get(v) as Value);
  });
}

/** Our gradient of eval_model.onnx. */
export function ourGradient(artifact: Artifact): GradientGraph {
  const { graph } = toOpset18(inlineFunctions(artifact.evaluation));
  const forward = bound(artifact, graph.inputs, (b, bindings) => [
    rewrite(graph, b, bindings).get(graph.outputs[0] as Value) as Value,
  ]);
  const b = new GraphBuilder(lookup);
  const same = new Map<Value, Value>(forward.graph.inputs.map((v) => [v, v]));
  const loss = rewrite(forward.graph, b, same).get(forward.graph.outputs[0] as Value) as Value;
  const gradients = gradient(b, loss, forward.theta, lookup);
  return { ...forward, graph: b.build("ours", forward.graph.inputs, [loss, ...gradients]) };
}

function bound(
  artifact: Artifact,
  inputs: readonly Value[],
  emit: (b: GraphBuilder, bindings: ReadonlyMap<Value, Value>) => readonly Value[],
): GradientGraph {
  const b = new GraphBuilder(lookup);
  const feeds = inputs.map((v) => artifact.feeds.get(v.name) as Tensor);
  const bindings = new Map<Value, Value>(
    inputs.map((v, i) => [v, b.input(v.name, feeds[i] as Tensor)] as const),
  );
  const outputs = emit(b, bindings);
  const graph = expandGraph(b.build("bound", [...bindings.values()], outputs), lookup);
  const theta = artifact.parameters.map((name) => graph.inputs.find((v) => v.name === name) as Value);
  return { graph, theta, feeds };
}
