import type { Dataset, SampleRange } from "../data/index.ts";
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
  private readonly groups: readonly (readonly SampleRange[])[];
  private readonly bake: boolean;
  private readonly decisions: DecisionCache;

  constructor(
    checkpoint: Checkpoint,
    dataset: Dataset,
    sessions: SessionCache,
    groups: readonly (readonly SampleRange[])[],
    options: { readonly memory: number; readonly bake: boolean },
  ) {
    this.checkpoint = checkpoint;
    this.dataset = dataset;
    this.sessions = sessions;
    this.groups = groups;
    this.bake = options.bake;
    this.decisions = new DecisionCache(options.memory);
  }

  /** Sums over each of the groups `indices`; `pause` is awaited between batches. */
  async run(task: Task, indices: readonly number[], pause: () => Promise<void>): Promise<GroupResult[]> {
    const baked = task.kind === "evaluate" && this.bake ? new BakedLoss(this.sessions, task.theta) : null;
    try {
      const results: GroupResult[] = [];
      for (const index of indices) results.push(await this.runGroup(task, index, baked, pause));
      return results;
    } finally {
      await baked?.release();
    }
  }

  private async runGroup(
    task: Task,
    index: number,
    baked: BakedLoss | null,
    pause: () => Promise<void>,
  ): Promise<GroupResult> {
    const sum = emptyResult(task.kind === "evaluate" ? 0 : this.checkpoint.theta.length);
    for (const { start, end } of this.groups[index] as readonly SampleRange[]) {
      if (baked) await this.add(await baked.get(end - start), this.dataFeeds(start, end), 1, sum);
      else await this.runBatch(task, start, end, sum);
      await pause();
    }
    return sum;
  }

  private async runBatch(task: Task, start: number, end: number, sum: GroupResult): Promise<void> {
    const n = end - start;
    const data = this.dataFeeds(start, end);
    const load = async (name: ProgramName) => (await this.sessions.get(name, n)) as LoadedProgram;
    switch (task.kind) {
      case "evaluate":
        return this.add(await load("loss"), [...this.theta("p", task.theta), ...data], 1, sum);
      case "gradient":
        return this.add(await load("gradient"), [...this.theta("p", task.theta), ...data], 1, sum);
      case "product":
        return this.add(
          await load("product"),
          [...this.theta("p", task.theta), ...this.theta("v", task.v), ...data],
          1,
          sum,
        );
      case "difference": {
        const decided = task.base ? await this.decide(task.base, start, end, data) : null;
        const loaded = await load(decided ? "smoothGradient" : "gradient");
        const feeds = [...data, ...(decided ?? [])];
        await this.add(loaded, [...this.theta("p", task.plus), ...feeds], 1, sum);
        await this.add(loaded, [...this.theta("p", task.minus), ...feeds], -1, sum);
      }
    }
  }

  /** Runs a program and adds its loss values and `sign` times its vector to `sum`. */
  private async add(
    { program, session }: LoadedProgram,
    feeds: readonly [string, RuntimeTensor][],
    sign: number,
    sum: GroupResult,
  ): Promise<void> {
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

/** Sessions of the loss with one θ as constants, one for each batch size that comes up. */
class BakedLoss {
  private readonly sessions: SessionCache;
  private readonly theta: Float32Array;
  private readonly loaded = new Map<number, LoadedProgram>();

  constructor(sessions: SessionCache, theta: Float32Array) {
    this.sessions = sessions;
    this.theta = theta;
  }

  async get(n: number): Promise<LoadedProgram> {
    const found = this.loaded.get(n);
    if (found) return found;
    const made = await this.sessions.bakedLoss(n, this.theta);
    this.loaded.set(n, made);
    return made;
  }

  async release(): Promise<void> {
    for (const { session } of this.loaded.values()) await session.release();
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
