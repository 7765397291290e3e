import { statSync } from "node:fs";
import { readClassWeights } from "../data/class-weights.ts";
import type { DatasetSpec } from "../data/index.ts";
import { parseNormalization } from "../data/normalization.ts";
import { LandscapeError } from "../errors.ts";
import type { GradientRoute } from "../model/loaded-model.ts";
import { isToy } from "../model/toy-address.ts";
import type { Problem } from "../objective/index.ts";
import { assertWritable } from "../write-failure.ts";
import type { Context } from "./command.ts";
import type { ProblemOptions, WhereOptions } from "./groups.ts";

/** Fixed, not a share of what is free: the batch follows from it, and with the batch the last bits. */
const DEFAULT_MEMORY = 512 * 2 ** 20;

/** What only some commands have: files of the result that are asked for, and samples held out as test data. */
interface MoreOptions {
  readonly npz?: string | null;
  readonly vtk?: string | null;
  readonly obj?: string | null;
  readonly emit?: string | null;
  readonly holdOut?: number | null;
}

/** Opens model and data, does `work` with them, and closes them whatever happens. */
export async function withProblem<T>(
  model: string,
  options: ProblemOptions & WhereOptions & MoreOptions,
  context: Context,
  work: (problem: Problem) => Promise<T>,
): Promise<T> {
  // Not after hours of work.
  for (const path of [options.npz, options.vtk, options.obj, options.emit])
    await assertWritable(path ?? null);
  const problem = await openModelAndData(model, options);
  try {
    if (problem.notice) context.warn(problem.notice);
    for (const warning of [...problem.checkpoint.warnings, ...problem.dataWarnings])
      context.warn(`warning: ${warning.message}`);
    return await work(problem);
  } finally {
    await problem.close();
  }
}

async function openModelAndData(
  model: string,
  options: ProblemOptions & WhereOptions & MoreOptions,
): Promise<Problem> {
  assertExists(model, "model");
  assertBoth("samples", options.samples, "data", options.data);
  assertBoth("test-samples", options.testSamples, "test-data", options.testData);
  // onnxruntime takes a moment to load: not before the command line and the files are known to be right.
  const { openProblem } = await import("../objective/index.ts");
  return openProblem({
    model,
    output: options.output ?? undefined,
    params: options.params,
    freeze: options.freeze,
    gradient: routeOf(options),
    evalMode: options.evalMode,
    train: options.data === null ? null : datasetSpec(options.data, options.samples, "train", options),
    test:
      options.testData === null ? null : datasetSpec(options.testData, options.testSamples, "test", options),
    holdOut: options.holdOut ?? undefined,
    loss: {
      loss: options.loss,
      logits: options.logits,
      ignoreIndex: options.ignoreIndex,
      classAxis: options.classAxis,
      classWeights: options.classWeights === null ? null : await readClassWeights(options.classWeights),
      labelSmoothing: options.labelSmoothing,
    },
    device: options.device,
    threads: options.threads ?? 1,
    workers: options.workers ?? "auto",
    memory: options.memory ?? DEFAULT_MEMORY,
    batch: options.batch,
  });
}

/** Whose gradient is asked for. */
export function routeOf({
  gradient,
  evalMode,
}: Pick<ProblemOptions, "gradient" | "evalMode">): GradientRoute {
  if (!evalMode) return gradient;
  if (gradient !== "artifact") return "ours";
  throw new LandscapeError(
    "INVALID_OPTION",
    "--eval-mode and --gradient artifact exclude one another: the artifact's gradient is that of training mode. Leave one out",
  );
}

function datasetSpec(
  path: string,
  samples: number | null,
  split: "train" | "test",
  options: ProblemOptions,
): DatasetSpec {
  const normalization = parseNormalization({
    normalize: options.normalize ?? undefined,
    scale: options.scale ?? undefined,
    offset: options.offset ?? undefined,
  });
  return { path, split, samples, target: options.target, normalization };
}

function assertBoth(option: string, given: number | null, data: string, path: string | null): void {
  if (given === null || path !== null) return;
  throw new LandscapeError("INVALID_OPTION", `--${option} is given without --${data}; expected both`, {
    option,
  });
}

function assertExists(path: string, what: string): void {
  if (isToy(path)) return;
  if (statSync(path, { throwIfNoEntry: false })) return;
  throw new LandscapeError(
    "INVALID_MODEL",
    `no such ${what}: ${JSON.stringify(path)}; expected an .onnx file, a folder of training artifacts, or toy:T1`,
    { path },
  );
}

/** Throws when there is nothing to differentiate by. */
export async function requireParameters(problem: Problem): Promise<void> {
  const { assertHasParameters } = await import("../model/checkpoint.ts");
  assertHasParameters(problem.checkpoint);
}
