import type { Tensor } from "../onnx/tensor.ts";

/** The one version of the format that onnxruntime-training 1.19 writes and reads. */
export const CHECKPOINT_VERSION = 2;
/** The four letters that tell the format. */
export const CHECKPOINT_IDENTIFIER = "ODTC";

/**
 * A tensor by its name. Of a nominal checkpoint, which has names only, `tensor` throws INVALID_MODEL.
 */
export interface NamedTensor {
  readonly name: string;
  /** Empty where there is none. */
  readonly documentation: string;
  readonly tensor: Tensor;
}

/**
 * What an optimizer keeps of one parameter: for AdamW momentum0 and momentum1, of its shape. They are copied
 * out of the file, and checked against their shape, when `tensor` is asked for: most callers need none.
 */
export interface OptimizerState {
  readonly parameter: string;
  readonly momentums: readonly NamedTensor[];
}

export interface OptimizerGroup {
  readonly name: string;
  readonly step: bigint;
  readonly initialLearningRate: number;
  readonly states: readonly OptimizerState[];
}

/** An entry of the property bag: an int64, a float32 or a text. */
export type CheckpointProperty = bigint | number | string;

/** A checkpoint of onnxruntime-training, in the order of the file. */
export interface TrainingCheckpoint {
  /** Whether it has only the names of parameters, as those made to save download have. */
  readonly isNominal: boolean;
  readonly trained: readonly NamedTensor[];
  readonly frozen: readonly NamedTensor[];
  readonly optimizerGroups: readonly OptimizerGroup[];
  readonly properties: ReadonlyMap<string, CheckpointProperty>;
}

/** Fields of the tables, by their place in the schema (ort_training_checkpoint.fbs and ort.fbs). */
export const FIELDS = {
  checkpoint: { version: 0, module: 1, optimizerGroups: 2, properties: 3 },
  module: { trained: 0, frozen: 1, isNominal: 2, hasExternalData: 3 },
  group: { name: 0, step: 1, initialLearningRate: 2, states: 3 },
  state: { parameter: 0, momentums: 1 },
  bag: { ints: 0, floats: 1, strings: 2 },
  property: { name: 0, value: 1 },
  tensor: { name: 0, documentation: 1, dims: 2, type: 3, raw: 4, strings: 5, externalOffset: 6 },
} as const;
