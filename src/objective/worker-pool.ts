import { type ChildProcess, fork } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Part } from "../data/index.ts";
import { type ErrorCode, LandscapeError, memoryAdvice } from "../errors.ts";
import { interrupted } from "./local-executor.ts";
import type { Split } from "./opened.ts";
import type { ProblemSpec } from "./problem-spec.ts";
import type { Executor, GroupResult, Task } from "./tasks.ts";
import type { Reply, Request } from "./worker-messages.ts";

/** Which samples. */
export interface DataPart {
  readonly split: Split;
  readonly part: Part;
}

/** Worker processes that share the groups of samples between them: inference blocks its thread, and a native crash stays theirs. */
export class WorkerPool {
  private readonly workers: readonly Worker[];

  private constructor(workers: readonly Worker[]) {
    this.workers = workers;
  }

  static async open(spec: ProblemSpec, count: number): Promise<WorkerPool> {
    const workers = Array.from({ length: count }, () => new Worker());
    const pool = new WorkerPool(workers);
    try {
      await Promise.all(workers.map((w) => w.open(spec)));
    } catch (error) {
      pool.close();
      throw error;
    }
    return pool;
  }

  executor(data: DataPart, groups: number): Executor {
    return {
      run: (task, signal) => this.run(data, groups, task, signal),
      close: async () => this.close(),
    };
  }

  /** Worker w takes groups w, w + W, …: who computes a group does not change its sum. */
  private async run(
    data: DataPart,
    groups: number,
    task: Task,
    signal?: AbortSignal,
  ): Promise<readonly GroupResult[]> {
    if (signal?.aborted) throw interrupted();
    const results: GroupResult[] = [];
    await Promise.all(
      this.workers.map(async (worker, w) => {
        const mine = Array.from({ length: groups }, (_, g) => g).filter((g) => g % this.workers.length === w);
        if (mine.length === 0) return;
        const part = await worker.run(data, task, mine);
        for (const [i, g] of mine.entries()) results[g] = part[i] as GroupResult;
      }),
    );
    return results;
  }

  close(): void {
    for (const w of this.workers) w.kill();
  }
}

interface Waiting {
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

class Worker {
  private readonly child: ChildProcess;
  private readonly waiting = new Map<number, Waiting>();
  private nextId = 1;
  private dead: LandscapeError | undefined;

  constructor() {
    this.child = fork(workerPath(), {
      serialization: "advanced",
      execArgv: [],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.child.on("message", (reply: Reply) => this.settle(reply));
    this.child.on("exit", (code, signal) => this.fail(ended(code, signal)));
    this.child.on("error", (error) => this.fail(workerFailed(`a worker process failed: ${error.message}`)));
  }

  async open(spec: ProblemSpec): Promise<void> {
    await this.ask(0, { kind: "open", spec });
  }

  async run(data: DataPart, task: Task, groups: readonly number[]): Promise<readonly GroupResult[]> {
    const id = this.nextId++;
    const reply = await this.ask(id, { kind: "run", id, ...data, task, groups });
    return reply.kind === "done" ? reply.results : [];
  }

  kill(): void {
    this.child.removeAllListeners("exit");
    this.child.kill();
  }

  private ask(id: number, request: Request): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.dead) return reject(this.dead);
      this.waiting.set(id, { resolve, reject });
      this.child.send(request, (error) => {
        // A channel breaks because its process ends, and how that ended says more: it is told in a moment.
        const unreachable = () => this.fail(workerFailed(`cannot reach a worker process: ${error?.message}`));
        if (error) setTimeout(unreachable, 1000);
      });
    });
  }

  private settle(reply: Reply): void {
    const id = reply.kind === "ready" ? 0 : reply.id;
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (reply.kind === "failed") waiting?.reject(new LandscapeError(reply.code as ErrorCode, reply.message));
    else waiting?.resolve(reply);
  }

  /** The first reason counts: what follows from a death is only that it cannot be reached. */
  private fail(error: LandscapeError): void {
    this.dead ??= error;
    for (const w of this.waiting.values()) w.reject(this.dead);
    this.waiting.clear();
  }
}

/** Linux kills with SIGKILL when memory runs out, V8 with SIGABRT. */
function ended(code: number | null, signal: NodeJS.Signals | null): LandscapeError {
  return signal === "SIGKILL" || signal === "SIGABRT"
    ? workerFailed(`a worker process was killed (${signal}), most likely for want of memory`, memoryAdvice)
    : workerFailed(`a worker process ended (${signal ?? `status ${code}`})`);
}

function workerFailed(what: string, advice: string = "take --workers 1"): LandscapeError {
  return new LandscapeError("RUNTIME_FAILED", `${what}. ${advice}`);
}

/** The compiled worker; when run from source (tests), the one that was built. */
function workerPath(): string {
  const here = fileURLToPath(new URL("./worker.js", import.meta.url));
  if (existsSync(here)) return here;
  return fileURLToPath(new URL("../../dist/objective/worker.js", import.meta.url));
}

/** Whether worker processes can be started from where this code runs. */
export function canFork(): boolean {
  return typeof process.send === "function" || existsSync(workerPath());
}
