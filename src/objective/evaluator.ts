import type { Dataset, SampleGroup } from "../data/index.ts";
import type { Checkpoint } from "../model/checkpoint.ts";
import type { RuntimeTensor } from "../runtime/index.ts";
import { DecisionCache } from "./decision-cache.ts";
import { type LoadedProgram, type ProgramName, type SessionCache, vectorFeeds } from "./sessions.ts";
import { emptyResult, type GroupResult, type Task } from "./tasks.ts";

/** Computes tasks on groups of samples of one data set, in this process. */
export class Evaluator {
  private readonly checkpoint: Checkpoint;
  private readonly dataset: Dataset;
  private readonly sessions: SessionCache;
  private readonly groups: readonly SampleGroup[];
  private readonly decisions: DecisionCache;

  constructor(
    checkpoint: Checkpoint,
    dataset: Dataset,
    sessions: SessionCache,
    groups: readonly SampleGroup[],
    memory: number,
  ) {
    this.checkpoint = checkpoint;
    this.dataset = dataset;
    this.sessions = sessions;
    this.groups = groups;
    this.decisions = new DecisionCache(memory);
  }

  /** Sums over group `index`; `pause` is awaited between batches. */
  async run(task: Task, index: number, pause: () => Promise<void>): Promise<GroupResult> {
    const sum = emptyResult(task.kind === "evaluate" ? 0 : this.checkpoint.theta.length);
    for (const [start, end] of (this.groups[index] as SampleGroup).batches) {
      await this.runBatch(task, start, end, sum);
      await pause();
    }
    return sum;
  }

  private async runBatch(task: Task, start: number, end: number, sum: GroupResult): Promise<void> {
    const data = this.dataFeeds(start, end);
    switch (task.kind) {
      case "evaluate":
        return this.add("loss", end - start, [...this.theta("p", task.theta), ...data], 1, sum);
      case "gradient":
        return this.add("gradient", end - start, [...this.theta("p", task.theta), ...data], 1, sum);
      case "product":
        return this.add(
          "product",
          end - start,
          [...this.theta("p", task.theta), ...this.theta("v", task.v), ...data],
          1,
          sum,
        );
      case "difference": {
        const decided = task.base ? await this.decide(task.base, start, end, data) : null;
        const name = decided ? "smoothGradient" : "gradient";
        const feeds = [...data, ...(decided ?? [])];
        await this.add(name, end - start, [...this.theta("p", task.plus), ...feeds], 1, sum);
        await this.add(name, end - start, [...this.theta("p", task.minus), ...feeds], -1, sum);
      }
    }
  }

  /** Runs a program and adds its loss values and `sign` times its vector to `sum`. */
  private async add(
    name: ProgramName,
    n: number,
    feeds: readonly [string, RuntimeTensor][],
    sign: number,
    sum: GroupResult,
  ): Promise<void> {
    const { program, session } = (await this.sessions.get(name, n)) as LoadedProgram;
    const results = await session.run(pick(program.inputNames, feeds));
    sum.loss += total(results["loss"]);
    sum.count += total(results["count"]);
    sum.correct = program.hasCorrect && sum.correct !== null ? sum.correct + total(results["correct"]) : null;
    for (const [i, p] of this.checkpoint.parameters.entries()) {
      const part = results[program.outputNames[i] as string];
      if (part && sum.vector) accumulate(sum.vector, p.offset, part.data as Float32Array, sign);
    }
  }

  /** The decisions at `base` for one batch; null when the model is smooth. */
  private async decide(
    base: Float32Array,
    start: number,
    end: number,
    data: readonly [string, RuntimeTensor][],
  ): Promise<[string, RuntimeTensor][] | null> {
    const loaded = await this.sessions.get("decisions", end - start);
    if (loaded === null) return null;
    return this.decisions.get(base, start, async () => {
      const results = await loaded.session.run(
        pick(loaded.program.inputNames, [...this.theta("p", base), ...data]),
      );
      return loaded.program.outputNames.map((name, k) => [`d${k}`, results[name] as RuntimeTensor]);
    });
  }

  private theta(prefix: string, vector: Float32Array): [string, RuntimeTensor][] {
    return vectorFeeds(this.checkpoint, prefix, vector);
  }

  private dataFeeds(start: number, end: number): [string, RuntimeTensor][] {
    const batch = this.dataset.batch(start, end);
    const feeds = this.checkpoint.inputs.map((v, i): [string, RuntimeTensor] => [
      `x${i}`,
      batch.inputs.get(v.name) as RuntimeTensor,
    ]);
    return batch.target ? [...feeds, ["t", batch.target as RuntimeTensor]] : feeds;
  }
}

/** Only what the session takes: an unused parameter has no input. */
function pick(
  names: readonly string[],
  feeds: readonly [string, RuntimeTensor][],
): Record<string, RuntimeTensor> {
  const wanted = new Set(names);
  return Object.fromEntries(feeds.filter(([name]) => wanted.has(name)));
}

function total(tensor: RuntimeTensor | undefined): number {
  let sum = 0;
  if (tensor) for (const x of tensor.data as Float32Array) sum += x;
  return sum;
}

function accumulate(into: Float64Array, offset: number, part: Float32Array, sign: number): void {
  for (let i = 0; i < part.length; i++) into[offset + i]! += sign * part[i]!;
}
