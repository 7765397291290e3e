import { LandscapeError } from "../errors.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Executor, GroupResult, Task } from "./tasks.ts";

/** Runs the groups one after the other in this process, letting the event loop breathe between batches. */
export class LocalExecutor implements Executor {
  private readonly evaluator: Evaluator;
  private readonly groups: number;

  constructor(evaluator: Evaluator, groups: number) {
    this.evaluator = evaluator;
    this.groups = groups;
  }

  async run(task: Task, signal?: AbortSignal): Promise<readonly GroupResult[]> {
    const all = Array.from({ length: this.groups }, (_, g) => g);
    return this.evaluator.run(task, all, () => pause(signal));
  }

  async close(): Promise<void> {}
}

/** Lets timers and signals run; throws INTERRUPTED when asked to stop. */
export async function pause(signal: AbortSignal | undefined): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  if (signal?.aborted) throw interrupted();
}

export function interrupted(): LandscapeError {
  return new LandscapeError(
    "INTERRUPTED",
    "interrupted. The same command continues where it stopped if --out was given",
  );
}
