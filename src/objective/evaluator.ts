import type { Dataset, SampleRange } from "../data/index.ts";
import type { Checkpoint } from "../model/checkpoint.ts";
import type { RuntimeTensor } from "../runtime/index.ts";
import type { DecisionCache } from "./decision-cache.ts";
import { dataFeeds, type NamedFeeds, vectorFeeds, wantedFeeds } from "./feeds.ts";
import { sameContents } from "./same-contents.ts";
import type { LoadedProgram, ProgramName, SessionCache, SessionsAt } from "./sessions.ts";
import { emptyResult, type GroupResult, type Task } from "./tasks.ts";

/** One program run at one θ on every batch, its vector added to the result `sign` times. */
interface Pass {
  readonly program: ProgramName;
  readonly theta: Float32Array;
  readonly sign: 1 | -1;
  /** The vector of a product. */
  readonly v?: Float32Array;
  /** Where branches are decided. */
  readonly base?: Float32Array;
}

/** Computes tasks on groups of samples of one data set, or of a part of it, in this process. */
export class Evaluator {
  private readonly checkpoint: Checkpoint;
  private readonly dataset: Dataset;
  private readonly sessions: SessionCache;
  private readonly groups: readonly (readonly SampleRange[])[];
  private readonly bakes: (program: ProgramName) => boolean;
  private readonly decisions: DecisionCache;

  /** `bakes` tells whether a session of its own for every θ pays; all parts of a data set share `decisions`. */
  constructor(
    checkpoint: Checkpoint,
    dataset: Dataset,
    sessions: SessionCache,
    groups: readonly (readonly SampleRange[])[],
    options: { readonly decisions: DecisionCache; readonly bakes: (program: ProgramName) => boolean },
  ) {
    this.checkpoint = checkpoint;
    this.dataset = dataset;
    this.sessions = sessions;
    this.groups = groups;
    this.bakes = options.bakes;
    this.decisions = options.decisions;
  }

  /** Sums over each of the groups `indices`; `pause` is awaited between batches. */
  async run(task: Task, indices: readonly number[], pause: () => Promise<void>): Promise<GroupResult[]> {
    const n = task.kind === "evaluate" ? 0 : this.checkpoint.theta.length;
    const sums = indices.map(() => emptyResult(n));
    for (const pass of passes(task, this.checkpoint.theta)) {
      await this.sessions.at(pass.theta, this.bakes(pass.program), async (sessions) => {
        for (const [k, index] of indices.entries()) {
          for (const range of this.groups[index] as readonly SampleRange[]) {
            await this.runBatch(pass, sessions, range, sums[k] as GroupResult);
            await pause();
          }
        }
      });
    }
    return sums;
  }

  private async runBatch(
    pass: Pass,
    sessions: SessionsAt,
    range: SampleRange,
    sum: GroupResult,
  ): Promise<void> {
    const data = dataFeeds(this.checkpoint, this.dataset.batch(range.start, range.end));
    const decided = pass.base ? await this.decide(pass.base, range, data) : [];
    const v = pass.v ? vectorFeeds(this.checkpoint, "v", pass.v) : [];
    const loaded = (await sessions.get(pass.program, range)) as LoadedProgram;
    const results = await run(loaded, [...data, ...decided, ...v]);
    const { program } = loaded;
    sum.loss += total(results["loss"]);
    sum.count += total(results["count"]);
    sum.weight += total(results[program.hasWeight ? "weight" : "count"]);
    sum.correct = program.hasCorrect && sum.correct !== null ? sum.correct + total(results["correct"]) : null;
    for (const [i, p] of this.checkpoint.parameters.entries()) {
      const part = results[program.outputNames[i] as string];
      if (part && sum.vector) accumulate(sum.vector, p.offset, part.data as Float32Array, pass.sign);
    }
  }

  /**
   * The decisions at `base` for one batch; none when the model is smooth. With fed weights, since onnxruntime would fold
   * constant ones and round them anew.
   */
  private async decide(base: Float32Array, range: SampleRange, data: NamedFeeds): Promise<NamedFeeds> {
    return this.decisions.get(this, base, range.start, () =>
      this.sessions.at(base, false, async (sessions) => {
        const loaded = await sessions.get("decisions", range);
        if (loaded === null) return [];
        const results = await run(loaded, data);
        return loaded.program.outputNames.map((name, k) => [`d${k}`, results[name] as RuntimeTensor]);
      }),
    );
  }
}

/**
 * A difference is two passes over the data, so that only one θ has a session of its own at a time. At θ₀ everything is
 * taken of its smooth piece: gradient, differences and products then have the same branches, to the bit.
 */
function passes(task: Task, theta0: Float32Array): readonly Pass[] {
  switch (task.kind) {
    case "evaluate":
      return [{ program: "loss", theta: task.theta, sign: 1 }];
    case "gradient":
      return sameContents(task.theta, theta0)
        ? [{ program: "smoothGradient", theta: task.theta, base: theta0, sign: 1 }]
        : [{ program: "gradient", theta: task.theta, sign: 1 }];
    case "product":
      return [{ program: task.program, theta: task.theta, base: task.theta, v: task.v, sign: 1 }];
    case "difference": {
      const { base } = task;
      const common = base
        ? ({ program: "smoothGradient", base } as const)
        : ({ program: "gradient" } as const);
      return [
        { ...common, theta: task.plus, sign: 1 },
        { ...common, theta: task.minus, sign: -1 },
      ];
    }
  }
}

function run(
  { program, session, weights }: LoadedProgram,
  feeds: NamedFeeds,
): Promise<Record<string, RuntimeTensor>> {
  return session.run(wantedFeeds([...weights, ...feeds], program.inputNames));
}

function total(tensor: RuntimeTensor | undefined): number {
  let sum = 0;
  if (tensor) for (const x of tensor.data as Float32Array) sum += x;
  return sum;
}

function accumulate(into: Float64Array, offset: number, part: Float32Array, sign: number): void {
  for (let i = 0; i < part.length; i++) into[offset + i]! += sign * part[i]!;
}
