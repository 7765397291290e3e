import type { TrainingGraph } from "../artifacts/lower-training.ts";
import type { Graph, Value } from "../onnx/graph.ts";
import type { LossKind, Scores } from "./loss.ts";
import type { InitializerVerdict } from "./parameters.ts";
import type { Warning } from "./preflight.ts";

/** Who gives the gradient of a model that brings its own. */
export type GradientRoute = "auto" | "artifact" | "ours";

/** A model as it was read, before it is decided which of its parameters are differentiated. */
export interface LoadedModel {
  readonly sha256: string;
  readonly opset: number;
  readonly producer: string;
  /** At opset 18; parameters are initializers. */
  readonly graph: Graph;
  /** What the loss is taken of, or the loss itself. */
  readonly output: Value;
  readonly verdicts: readonly InitializerVerdict[];
  readonly own: LoadedLoss | null;
  /** Absent where the model brings its own loss. */
  readonly given?: (() => GivenModel) | undefined;
  readonly warnings: readonly Warning[];
  readonly training: ArtifactSummary | null;
}

/** A model as its file has it, for running without our knowing its operators: in single precision, functions inlined. */
export interface GivenModel {
  readonly graph: Graph;
  /** Opset version by domain. */
  readonly opset: ReadonlyMap<string, number>;
}

/** A loss inside the graph, with its gradients by parameter, if they are to be taken from there. */
export interface LoadedLoss {
  /** What the graph shows of it; "output" where it shows nothing known. */
  readonly kind: LossKind;
  readonly gradients: ReadonlyMap<Value, Value> | null;
  /** The input that takes the targets. */
  readonly target: Value | null;
  readonly scores: Scores | null;
  /** Where there are operators of onnxruntime-training: they are lowered while shapes are bound. */
  readonly training: TrainingGraph | null;
  /** The loss of a data set is not the mean of those of its parts: class weights, batch statistics. */
  readonly wholeBatch: boolean;
}

/** What a folder of onnxruntime-training holds, for people. */
export interface ArtifactSummary {
  /** Names of the files that were found. */
  readonly files: {
    readonly training: string | null;
    readonly eval: string | null;
    readonly checkpoint: string;
  };
  readonly version: number;
  readonly trained: readonly string[];
  readonly frozen: readonly string[];
  readonly properties: Readonly<Record<string, number | string>>;
  readonly optimizerGroups: readonly { readonly name: string; readonly step: number }[];
}
