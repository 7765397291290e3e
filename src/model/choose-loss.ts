import { LandscapeError } from "../errors.ts";
import type { Value } from "../onnx/graph.ts";
import { isFloat, sizeOf, type TensorType } from "../onnx/tensor.ts";
import type { LossKind, LossOptions, LossSpec, Scores } from "./loss.ts";
import { guessScale, isProduct } from "./output-scale.ts";
import { normalizedAxis, throughViews } from "./views.ts";

type Dims = readonly number[];

export interface ResolvedOutput {
  readonly output: Value;
  /** What the file calls it. */
  readonly name: string;
  readonly own: { readonly kind: LossKind; readonly scores: Scores | null } | null;
}

/** Decides the loss from the options, the output's operator and shape, and the targets' type and shape (batch first). */
export function resolveLoss(
  options: LossOptions,
  { output, name, own }: ResolvedOutput,
  target: TensorType | null,
): LossSpec {
  if (own) return ownSpec(options, output, own);
  const kind = options.loss === "auto" ? guessKind(output, name, target) : options.loss;
  assertUsed(options, kind);
  assertFits(kind, output, name, target);
  const classAxis =
    kind === "cross-entropy" ? findClassAxis(options.classAxis, output, target?.dims ?? []) : 1;
  const classes = kind === "cross-entropy" ? (output.dims[classAxis] as number) : kind === "bce" ? 2 : null;
  if (classes !== null) assertWeights(options.classWeights ?? null, classes);
  return {
    kind,
    scale: options.logits === "auto" ? guessScale(output, name) : options.logits,
    ignoreIndex: options.ignoreIndex,
    classAxis,
    classes,
    classWeights: options.classWeights ?? null,
    labelSmoothing: options.labelSmoothing ?? 0,
  };
}

/** The loss is in the model: nothing is to be decided. */
function ownSpec(
  options: LossOptions,
  output: Value,
  { kind, scores }: { kind: LossKind; scores: Scores | null },
): LossSpec {
  if (options.loss !== "auto" && options.loss !== "output" && options.loss !== kind) {
    throw new LandscapeError(
      "INVALID_OPTION",
      `the loss lies inside the model: "${output.name}"; expected no --loss, got "${options.loss}". Leave it out, or pass the inference model`,
    );
  }
  assertUsed({ ...options, ignoreIndex: null, classAxis: null }, "output");
  return {
    kind,
    scale: "logits",
    ignoreIndex: scores?.ignoreIndex ?? null,
    classAxis: scores?.classAxis ?? 1,
    classes: scores && (scores.classAxis === null ? 2 : (scores.value.dims[scores.classAxis] as number)),
    classWeights: null,
    labelSmoothing: 0,
  };
}

/** What changes the cross-entropy would be silently without effect on other losses. */
function assertUsed(options: LossOptions, kind: LossKind): void {
  if (kind === "cross-entropy") return;
  const given = [
    ["--ignore-index", options.ignoreIndex !== null],
    ["--class-axis", options.classAxis !== null],
    ["--class-weights", options.classWeights != null],
    ["--label-smoothing", (options.labelSmoothing ?? 0) !== 0],
  ] as const;
  const [option] = given.find(([, isGiven]) => isGiven) ?? [];
  if (option === undefined) return;
  const loss = kind === "output" ? "the loss lies in the model" : `the loss is ${kind}`;
  throw new LandscapeError(
    "INVALID_OPTION",
    `${option} is of the cross-entropy, but ${loss}. Leave it out${kind === "output" ? "" : ", or take --loss cross-entropy"}`,
  );
}

function assertFits(kind: LossKind, output: Value, name: string, target: TensorType | null): void {
  const shape = `[${output.dims}]`;
  if (kind === "output") {
    if (isOwnLoss(output.dims)) return;
    throw new LandscapeError(
      "INVALID_OPTION",
      `the output "${name}" is no loss: shape ${shape}; expected a scalar or one number per sample. Choose another with --output, or another --loss`,
    );
  }
  if (target === null) {
    throw new LandscapeError(
      "INVALID_DATA",
      `the loss ${kind} needs targets, but the data has none. Add the array "y" or name it with --target`,
    );
  }
  if (kind === "cross-entropy" || sameSize(output.dims, target.dims)) return;
  throw new LandscapeError(
    "INVALID_DATA",
    `targets do not fit the output for the loss ${kind}: shape [${target.dims}]; expected ${shape}. Name the targets with --target`,
  );
}

/** PyTorch's rule too: none negative, one for each class. */
function assertWeights(weights: readonly number[] | null, classes: number): void {
  if (weights === null || weights.length === classes) return;
  throw new LandscapeError(
    "INVALID_OPTION",
    `--class-weights has ${weights.length} numbers; expected one for each of the ${classes} classes`,
    { weights: weights.length, classes },
  );
}

/** A scalar, or one number per sample. */
function isOwnLoss(dims: Dims): boolean {
  return dims.slice(1).every((d) => d === 1);
}

function sameSize(output: Dims, target: Dims): boolean {
  return output[0] === target[0] && sizeOf(output) === sizeOf(target);
}

/**
 * A scalar is a loss. Real targets in the output's shape are regressed; labels in its shape are one yes or no for each
 * number (several labels, or two classes by one number); other labels choose a class.
 */
function guessKind(output: Value, name: string, target: TensorType | null): LossKind {
  if (output.dims.length === 0) return "output";
  if (target === null) {
    if (isOwnLoss(output.dims)) return "output";
    throw new LandscapeError(
      "INVALID_DATA",
      `no targets in the data: the output "${name}" of shape [${output.dims}] is no loss by itself. Add the array "y", or name the targets with --target`,
    );
  }
  const isReal = isFloat(target.type);
  if (sameSize(output.dims, target.dims)) return isReal ? "mse" : "bce";
  // Labels saved as floats are refused with a word about them, not about the shape of a regression's targets.
  return isReal && classAxes(output.dims, target.dims).length === 0 ? "mse" : "cross-entropy";
}

function findClassAxis(asked: number | null, output: Value, target: Dims): number {
  const { dims } = output;
  const fitting = classAxes(dims, target);
  if (asked === null) {
    const normalized = softmaxAxis(output);
    if (normalized !== null && fitting.includes(normalized)) return normalized;
    // Both fit where there are as many positions as classes: products give classes last, convolutions first.
    const axis = isProduct(output) ? fitting.at(-1) : fitting[0];
    if (axis !== undefined) return axis;
    throw new LandscapeError(
      "INVALID_DATA",
      `targets do not fit the output: shape [${target}]; expected [${dims}] without its class axis. Name the axis with --class-axis or the targets with --target`,
    );
  }
  const rank = dims.length;
  const axis = asked < 0 ? asked + rank : asked;
  if (axis < 1 || axis >= rank) {
    throw new LandscapeError(
      "INVALID_OPTION",
      `invalid --class-axis: ${asked}; expected 1…${rank - 1} for an output of shape [${dims}]`,
    );
  }
  if (leaves(dims, axis, target)) return axis;
  throw new LandscapeError(
    "INVALID_DATA",
    `targets do not fit the output: shape [${target}]; expected [${dims.filter((_, i) => i !== axis)}], without the class axis ${axis}. Name the targets with --target`,
  );
}

/** The axis along which the output is a Softmax: its classes lie there. */
function softmaxAxis(output: Value): number | null {
  const { producer } = throughViews(output);
  if (producer?.op !== "Softmax" && producer?.op !== "LogSoftmax") return null;
  return normalizedAxis(producer.int("axis", -1), output);
}

/** Axes 1 and last, as far as the output without them has the targets' shape; flattened positions only if none has. */
function classAxes(output: Dims, target: Dims): number[] {
  const rank = output.length;
  const axes = rank < 2 ? [] : [...new Set([1, rank - 1])];
  const exact = axes.filter((axis) => `${output.filter((_, i) => i !== axis)}` === `${target}`);
  return exact.length > 0 ? exact : axes.filter((axis) => leaves(output, axis, target));
}

/** Whether the output's positions, in their order, are those of the targets: samples first, or all in one row. */
function leaves(output: Dims, axis: number, target: Dims): boolean {
  const positions = output.filter((_, i) => i !== axis);
  if (sizeOf(positions) !== sizeOf(target)) return false;
  return positions[0] === target[0] || positions.length === 1;
}
