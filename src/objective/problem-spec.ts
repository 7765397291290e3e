import type { DatasetSpec } from "../data/index.ts";
import type { GradientRoute } from "../model/loaded-model.ts";
import type { LossOptions } from "../model/loss.ts";
import type { DeviceChoice } from "../runtime/index.ts";

/** Everything that defines an objective, as plain data: a worker opens the same problem from it. */
export interface ProblemSpec {
  readonly model: string;
  readonly output?: string | undefined;
  readonly params: readonly string[];
  readonly freeze: readonly string[];
  /** Whose gradient is taken of a model that brings its own. */
  readonly gradient?: GradientRoute | undefined;
  /** Evaluates a model that was exported in training mode as one in evaluation mode. */
  readonly evalMode?: boolean | undefined;
  /** null: the model takes no inputs. */
  readonly train: DatasetSpec | null;
  readonly test: DatasetSpec | null;
  /** This fraction of the training samples, the last of them, are the test data instead. */
  readonly holdOut?: number | undefined;
  readonly loss: LossOptions;
  readonly device: DeviceChoice;
  /** Threads per process. */
  readonly threads: number;
  /** Processes; 1 runs in this one. */
  readonly workers: number;
  /** Bytes that one process may use for intermediate values and kept decisions. */
  readonly memory: number;
  /** Samples per run of the graph; null chooses by memory. */
  readonly batch: number | null;
}
