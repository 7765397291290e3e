import { resolve } from "node:path";
import { plural } from "../analysis/number-text.ts";
import type { Progress } from "../analysis/progress.ts";
import { FolderStore } from "../analysis/run/folder-store.ts";
import { JournaledObjective } from "../analysis/run/journaled-objective.ts";
import { RunFolder, type RunIdentity } from "../analysis/run/run-folder.ts";
import { scopedStore } from "../analysis/run/scoped-store.ts";
import { hashOf, vectorHash } from "../analysis/run/unit.ts";
import { noStore, type UnitStore } from "../analysis/run/unit-store.ts";
import type { Problem } from "../objective/index.ts";
import type { Objective } from "../objective/types.ts";
import type { Context } from "./command.ts";
import type { ProblemOptions, WhereOptions } from "./groups.ts";
import { routeOf } from "./problem.ts";
import { version } from "./version.ts";

/** A problem whose finished pieces are kept in a run folder, if there is one; disposing lets the folder go. */
export interface Run extends Disposable {
  readonly train: Objective;
  readonly test: Objective | null;
  readonly store: UnitStore;
  /** The training loss on each of so many disjoint subsets of the training samples; none: 0. */
  subsets(count: number): readonly Objective[];
  /** The run around other parameters than the checkpoint's. */
  around(theta: Float32Array): Pick<Run, "train" | "test" | "store">;
  readonly folder: RunFolder | null;
}

/** Opens the run folder `out` (none: nothing is kept). `own` are the command's options that its numbers depend on. */
export async function openRun(
  command: string,
  problem: Problem,
  options: ProblemOptions & WhereOptions,
  own: Readonly<Record<string, unknown>>,
  out: string | null,
  context: Context,
): Promise<Run> {
  const identity = await identityOf(command, problem, options, own);
  const folder =
    out === null ? null : await RunFolder.open(resolve(context.io.cwd, out), identity, { say: context.warn });
  const pieces = folder ? plural(folder.journal.size, "finished piece") : "";
  const finished = ["report.json", "trajectory.json"].some((file) => folder?.has(file));
  if (folder?.resumed && !finished) context.warn(`continuing in ${out}: ${pieces}`);
  const store = folder ? new FolderStore(folder) : noStore;
  const { progress } = context;
  return {
    ...journaled(problem, store, progress),
    around: (theta) =>
      journaled(problem.around(theta), scopedStore(store, vectorHash(Float64Array.from(theta))), progress),
    subsets: (count) => subsetsOf(problem, count, store, progress),
    folder,
    [Symbol.dispose]: () => folder?.[Symbol.dispose](),
  };
}

/** One of several problems of a run, with its own place in the run's store. */
export async function partOfRun(
  store: UnitStore,
  command: string,
  problem: Problem,
  options: ProblemOptions & WhereOptions,
  progress: Progress,
): Promise<Pick<Run, "train" | "test" | "store">> {
  return journaled(
    problem,
    scopedStore(store, hashOf(await identityOf(command, problem, options, {}))),
    progress,
  );
}

function journaled(
  { train, test }: Pick<Problem, "train" | "test">,
  store: UnitStore,
  progress: Progress,
): Pick<Run, "train" | "test" | "store"> {
  return {
    train: new JournaledObjective(train, "train", store, progress),
    test: test && new JournaledObjective(test, "test", store, progress),
    store,
  };
}

function subsetsOf(problem: Problem, count: number, store: UnitStore, progress: Progress): Objective[] {
  if (count === 0) return [];
  return problem
    .subsets(count)
    .map((part, index) => new JournaledObjective(part, "train", store, progress, { index, of: count }));
}

async function identityOf(
  command: string,
  problem: Problem,
  options: ProblemOptions & WhereOptions,
  own: Readonly<Record<string, unknown>>,
): Promise<RunIdentity> {
  const { loss, logits, ignoreIndex, classAxis, output, params, freeze, target } = options;
  const { classWeights, labelSmoothing } = problem.loss;
  const { normalize, scale, offset } = options;
  return {
    command,
    inputs: { model: problem.checkpoint.sha256, ...problem.dataHashes },
    options: {
      ...{ loss, logits, ignoreIndex, classAxis, output, params, freeze, target },
      ...{ classWeights, labelSmoothing },
      ...{ normalize, scale, offset, gradient: routeOf(options), evalMode: options.evalMode },
      samples: problem.train.samples,
      testSamples: problem.test?.samples ?? null,
      // The last bits of a sum depend on how it is split and on what computes it.
      batch: problem.batch,
      device: problem.device,
      threads: options.threads ?? 1,
      ...own,
    },
    versions: { "onnx-landscape": await version(), onnxruntime: problem.runtimeVersion },
  };
}

/** The command line as it can be typed again. */
export function commandText(argv: readonly string[]): string {
  const quoted = argv.map((word) =>
    /^[\w./:=,@%+−-]+$/u.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`,
  );
  return ["onnx-landscape", ...quoted].join(" ");
}
