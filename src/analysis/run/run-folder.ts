import { existsSync, rmdirSync, rmSync } from "node:fs";
import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { LandscapeError } from "../../errors.ts";
import { isOutOfSpace, whyNotWritten, writeFailure } from "../../write-failure.ts";
import { writeWhole } from "./files.ts";
import { Journal } from "./journal.ts";
import { type LockOptions, lockName, lockRun, type RunLock } from "./run-lock.ts";
import { hashOf } from "./unit.ts";

/** What makes two runs the same: if any of it differs, so may the numbers. */
export interface RunIdentity {
  readonly command: string;
  /** sha256 of model and data. */
  readonly inputs: Readonly<Record<string, string | null>>;
  /** Options that the numbers depend on; not where or how fast. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly versions: Readonly<Record<string, string>>;
}

interface RunFile extends RunIdentity {
  readonly schema: "onnx-landscape/run/1";
  readonly run: string;
}

/** A folder that keeps the finished pieces of one run, so that a killed one continues. One process at a time. */
export class RunFolder implements Disposable {
  readonly path: string;
  /** Hash of everything that the numbers depend on. */
  readonly run: string;
  readonly journal: Journal;
  /** Whether there was something to continue. */
  readonly resumed: boolean;
  private readonly lock: RunLock;
  private readonly made: readonly string[];

  private constructor(path: string, run: string, journal: Journal, lock: RunLock, made: readonly string[]) {
    this.path = path;
    this.made = made;
    this.run = run;
    this.journal = journal;
    this.resumed = journal.size > 0;
    this.lock = lock;
  }

  /**
   * Opens the folder, or makes it. Throws RUN_FOLDER when it belongs to another run, another process is
   * working in it, or it cannot be written.
   */
  static async open(path: string, identity: RunIdentity, locking: LockOptions = {}): Promise<RunFolder> {
    const file: RunFile = { schema: "onnx-landscape/run/1", run: hashOf(identity), ...identity };
    // Before anything is written; and again, since it may have been made while we waited for the lock.
    await assertOurs(path, file);
    const made = await writable(path, () => makeFolders(join(path, "vectors")));
    const lock = await writable(path, () => lockRun(path, locking));
    try {
      await assertOurs(path, file);
      const runJson = join(path, "run.json");
      const text = `${JSON.stringify(file, null, 2)}\n`;
      if (!existsSync(runJson)) await writable(path, () => writeWhole(runJson, text));
      return new RunFolder(path, file.run, await Journal.open(join(path, "journal.ndjson")), lock, made);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Lets another process work in the folder; one in which nothing was finished is not left behind. */
  [Symbol.dispose](): void {
    this.lock.release();
    if (this.journal.size > 0 || this.has("report.json") || this.made.length === 0) return;
    try {
      rmSync(this.file("run.json"), { force: true });
      for (const folder of this.made) rmdirSync(folder);
    } catch {
      // Something else is in it: then it stays.
    }
  }

  file(name: string): string {
    return join(this.path, name);
  }

  has(name: string): boolean {
    return existsSync(this.file(name));
  }

  /** Writes a file that is there whole or not at all. */
  async write(name: string, contents: string | Uint8Array): Promise<string> {
    const path = this.file(name);
    await writeWhole(path, contents);
    return path;
  }

  async read(name: string): Promise<Buffer> {
    return readFile(this.file(name));
  }

  async remove(name: string): Promise<void> {
    await rm(this.file(name), { force: true, recursive: true });
  }
}

/** The run.json of a folder that a run was written to; undefined where there is none. */
export async function readRunIdentity(path: string): Promise<RunIdentity | undefined> {
  const runJson = join(path, "run.json");
  return existsSync(runJson) ? readRunFile(runJson) : undefined;
}

async function readRunFile(path: string): Promise<RunFile> {
  try {
    const file = JSON.parse(await readFile(path, "utf8")) as RunFile;
    if (file.schema === "onnx-landscape/run/1") return file;
  } catch {
    // Falls through to the sentence below.
  }
  throw new LandscapeError(
    "RUN_FOLDER",
    `cannot read "${path}": it is not a run of onnx-landscape. name another folder with --out`,
    { path },
  );
}

function assertSameRun(path: string, there: RunFile, now: RunFile): void {
  const differences = (["command", "inputs", "options", "versions"] as const).flatMap((part) =>
    part === "command"
      ? differing("", { command: there.command }, { command: now.command })
      : differing(part === "inputs" ? "sha256 of " : "", there[part], now[part]),
  );
  if (differences.length === 0) return;
  throw new LandscapeError(
    "RUN_FOLDER",
    `"${path}" holds another run: ${differences.join("; ")}. repeat it with the same, or name another folder with --out`,
    { path, differences },
  );
}

function differing(
  prefix: string,
  there: Readonly<Record<string, unknown>>,
  now: Readonly<Record<string, unknown>>,
): string[] {
  const keys = [...new Set([...Object.keys(there), ...Object.keys(now)])];
  return keys
    .filter((key) => hashOf(there[key] ?? null) !== hashOf(now[key] ?? null))
    .map((key) => `${prefix}${key} was ${shown(there[key])} and is ${shown(now[key])}`);
}

function shown(value: unknown): string {
  const written = JSON.stringify(value ?? null);
  return written.length > 60 ? `${written.slice(0, 57)}…` : written;
}

/** A folder with another run, or with other contents, is not ours to fill. */
async function assertOurs(path: string, file: RunFile): Promise<void> {
  const runJson = join(path, "run.json");
  if (existsSync(runJson)) return assertSameRun(path, await readRunFile(runJson), file);
  if (!existsSync(path)) return;
  if (!(await stat(path)).isDirectory()) {
    throw new LandscapeError(
      "RUN_FOLDER",
      `"${path}" is a file; expected a folder. name another with --out`,
      {
        path,
      },
    );
  }
  // What a run leaves that was killed before run.json was in place.
  const others = (await readdir(path)).filter(
    (f) => f !== "vectors" && f !== lockName && !f.endsWith(".tmp"),
  );
  if (others.length === 0) return;
  throw new LandscapeError(
    "RUN_FOLDER",
    `"${path}" is not empty and holds no run (there is "${others[0]}"). name another folder with --out`,
    { path },
  );
}

/** Makes a folder and those above it that are missing; gives those it made, the innermost first. */
async function makeFolders(path: string): Promise<string[]> {
  const first = await mkdir(path, { recursive: true });
  const made: string[] = [];
  if (first !== undefined) for (let at = path; at.length >= first.length; at = dirname(at)) made.push(at);
  return made;
}

/** What keeps a folder from being made or written is wrong use of --out, except that a disk may be full. */
async function writable<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    const why = whyNotWritten(error);
    if (error instanceof LandscapeError || why === undefined) throw error;
    if (isOutOfSpace(error)) throw writeFailure(path, error);
    throw new LandscapeError(
      "RUN_FOLDER",
      `cannot write the run folder "${path}": ${why}. name a folder that can be written with --out`,
      { path },
      { cause: error },
    );
  }
}
