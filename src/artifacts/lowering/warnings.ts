import type { Node } from "../../onnx/graph.ts";
import { uniformOf } from "../../ops/typing.ts";

/** Something about a training graph that the user should know before trusting numbers. */
export interface TrainingWarning {
  readonly code: string;
  readonly message: string;
}

/** Where the training graph means something else than the evaluated model. */
export function trainingWarnings(nodes: readonly Node[]): TrainingWarning[] {
  return [...batchStatistics(nodes), ...dropout(nodes)];
}

function batchStatistics(nodes: readonly Node[]): TrainingWarning[] {
  const found = nodes.filter(
    (n) => n.op === "BatchNormInternal" || (n.op === "BatchNormalization" && n.int("training_mode", 0) !== 0),
  );
  if (found.length === 0) return [];
  return [
    {
      code: "BATCH_STATISTICS",
      message: `${found.length} BatchNormalization nodes of the training model use the statistics of the batch: its loss and gradients depend on how samples are batched, and differ from those of eval_model.onnx. Use --eval-mode to differentiate eval_model.onnx instead`,
    },
  ];
}

function dropout(nodes: readonly Node[]): TrainingWarning[] {
  const random = nodes.filter(
    (n) => /Dropout$/.test(n.op) && (n.op !== "Dropout" || (n.has(2) && uniformOf(n.x(2)) !== 0)),
  );
  if (random.length === 0) return [];
  return [
    {
      code: "DROPOUT_OFF",
      message: `${random.length} dropout nodes of the training model are taken as in evaluation: nothing is dropped, so that the loss is a function of the weights`,
    },
  ];
}
