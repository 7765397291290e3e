import { LandscapeError } from "../errors.ts";
import type { Graph, Value } from "../onnx/graph.ts";
import { isFloat } from "../onnx/tensor.ts";
import type { ArtifactSummary, GivenModel } from "./loaded-model.ts";
import type { OwnLoss } from "./own-loss.ts";
import type { InitializerVerdict } from "./parameters.ts";
import type { Warning } from "./preflight.ts";

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
  /** What the loss is taken of; where the model brings its own, the loss. */
  readonly output: Value;
  readonly own: OwnLoss | null;
  /** Absent where the model brings its own loss. */
  readonly given?: (() => GivenModel) | undefined;
  readonly verdicts: readonly InitializerVerdict[];
  readonly parameters: readonly ParameterSlot[];
  /** θ₀, the parameters one after the other, row-major. */
  readonly theta: Float32Array;
  readonly warnings: readonly Warning[];
  /** Of a folder of onnxruntime-training: what it holds. */
  readonly artifacts: ArtifactSummary | null;
}

/** Throws when there is nothing to differentiate. */
export function assertHasParameters(checkpoint: Checkpoint): void {
  if (checkpoint.parameters.length > 0) return;
  const floats = checkpoint.verdicts.filter((v) => v.value.type !== undefined && isFloat(v.value.type));
  const inAttributes = checkpoint.warnings.find((w) => w.code === "WEIGHTS_IN_ATTRIBUTES");
  const why =
    inAttributes?.message ??
    `none of its ${floats.length} float initializers counts for the output "${checkpoint.output.name}". Run "onnx-landscape inspect" for the reason of each, and name with --params what is one`;
  throw new LandscapeError("INVALID_MODEL", `the model has no trained parameters: ${why}`);
}
