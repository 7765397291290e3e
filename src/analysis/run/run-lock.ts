import { randomUUID } from "node:crypto";
import { readFileSync, readlinkSync, renameSync, rmSync, statSync, utimes, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { LandscapeError } from "../../errors.ts";

/** The lock's file in a run folder. */
export const lockName = "lock";

/** Who holds a lock: all that tells one process from every other, also from one of the same number after a reboot. */
interface Holder {
  readonly token: string;
  readonly host: string;
  /** The numbering that `pid` belongs to: a container has its own. */
  readonly numbering: string;
  readonly pid: number;
  /** When it began, as the kernel counts; null where that is not told. */
  readonly began: string | null;
  readonly since: string;
}

export interface RunLock {
  release(): void;
}

export interface LockOptions {
  /** How often a holder shows that it is alive, and how long it may be silent, in milliseconds. */
  readonly beat?: number;
  readonly patience?: number;
  /** Told when the answer takes a while. */
  readonly say?: (line: string) => void;
}

/**
 * Takes the lock of a run folder, or throws RUN_FOLDER naming who holds it. What a dead process left is taken
 * over: on this machine its process is looked up; that of another machine or container cannot be, so its lock
 * counts as left behind when the file's time has stood still for `patience`. No clocks are compared.
 */
export async function lockRun(folder: string, options: LockOptions = {}): Promise<RunLock> {
  const { beat = 2000, patience = 15_000, say = () => {} } = options;
  const path = join(folder, lockName);
  const mine = { ...thisProcess(), token: randomUUID(), since: new Date().toISOString() };
  while (!create(path, mine)) {
    const holder = readHolder(path);
    const alive = looksAlive(holder);
    if (alive === undefined) say(`"${folder}" has a lock; waiting to see whether its process is alive`);
    if (alive ?? (await beats(path, patience))) throw heldBy(holder, folder);
    clear(path, holder);
  }
  const timer = setInterval(() => utimes(path, new Date(), new Date(), () => {}), beat);
  timer.unref();
  return {
    release: () => {
      clearInterval(timer);
      try {
        if (readHolder(path)?.token === mine.token) rmSync(path, { force: true });
      } catch {
        // A lock that cannot be removed any more hinders nobody once this process has ended.
      }
    },
  };
}

/** False where there is one already. */
function create(path: string, mine: Holder): boolean {
  try {
    writeFileSync(path, `${JSON.stringify(mine)}\n`, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    // A full disk takes the name but not the line.
    if ((error as NodeJS.ErrnoException).code === "ENOSPC") rmSync(path, { force: true });
    throw error;
  }
}

/** Undefined when it is gone, or its process died before the line was written. */
function readHolder(path: string): Holder | undefined {
  try {
    const holder = JSON.parse(readFileSync(path, "utf8")) as Holder | null;
    return typeof holder?.token === "string" ? holder : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined when it cannot be told from here. */
function looksAlive(holder: Holder | undefined): boolean | undefined {
  const here = thisProcess();
  if (holder?.host !== here.host || holder.numbering !== here.numbering) return undefined;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  const began = beganAt(holder.pid);
  return began === null ? undefined : began === holder.began;
}

/** Whether the lock's time moves while we watch. */
async function beats(path: string, patience: number): Promise<boolean> {
  const modified = () => statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  const first = modified();
  const end = performance.now() + patience;
  while (performance.now() < end) {
    await sleep(patience / 60);
    const now = modified();
    if (now === undefined) return false;
    if (now !== first) return true;
  }
  return false;
}

/** Removes the lock of a dead holder; one that another process took over meanwhile is put back. */
function clear(path: string, dead: Holder | undefined): void {
  const aside = `${path}.${process.pid}.tmp`;
  try {
    renameSync(path, aside);
    if (readHolder(aside)?.token === dead?.token) rmSync(aside);
    else renameSync(aside, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

function thisProcess(): Omit<Holder, "token" | "since"> {
  const { pid } = process;
  return { host: hostname(), numbering: numbering(), pid, began: beganAt(pid) };
}

function numbering(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}

/** Boot and ticks since it, as Linux tells them: numbers of processes are used again, these two are not. */
function beganAt(pid: number): string | null {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // After the name, which may hold anything: state is the first field, the start time the twentieth.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? "ended" : `${boot} ${fields[19]}`;
  } catch {
    return null;
  }
}

function heldBy(holder: Holder | undefined, folder: string): LandscapeError {
  const { pid, host, since } = holder ?? {};
  const elsewhere = host === hostname() ? "" : ` on "${host}"`;
  return new LandscapeError(
    "RUN_FOLDER",
    `cannot work in "${folder}": process ${pid}${elsewhere} has been working there since ${since}. wait for it or stop it, or name another folder with --out`,
    { path: folder, pid, host, since },
  );
}
