import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lockRun } from "../../../src/analysis/run/run-lock.ts";

let folder: string;
let path: string;
let child: ChildProcess | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lock-"));
  path = join(folder, "lock");
});
afterEach(async () => {
  child?.kill("SIGKILL");
  child = undefined;
  await rm(folder, { recursive: true });
});

const linux = process.platform === "linux";
/** Long enough for some beats of a loaded machine, short enough to wait for. */
const quick = { beat: 10, patience: 600 };

/** Writes a lock as another process would, with `change` in what it says. */
async function leaveLock(change: Readonly<Record<string, unknown>>): Promise<void> {
  const lock = await lockRun(folder);
  const holder = JSON.parse(readFileSync(path, "utf8"));
  lock.release();
  writeFileSync(path, JSON.stringify({ ...holder, token: "another's", ...change }));
}

async function someProcess(): Promise<number> {
  child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  await once(child, "spawn");
  return child.pid as number;
}

/** What /proc tells of the time a process began, read independently of the lock's own way. */
function beganAt(pid: number): string {
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return `${boot} ${readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ")[19]}`;
}

describe("the lock of a run folder", () => {
  it("is held by one, says by whom, and can be taken again once it is released", async () => {
    const first = await lockRun(folder);
    await expect(lockRun(folder)).rejects.toMatchObject({
      code: "RUN_FOLDER",
      message: expect.stringMatching(
        new RegExp(
          `cannot work in ".*": process ${process.pid} has been .* since 20.*wait for it or stop it`,
        ),
      ),
    });
    first.release();
    expect(existsSync(path)).toBe(false);
    (await lockRun(folder)).release();
    expect(await readdir(folder)).toEqual([]);
  });

  it("is not taken from a living process, and is at once when that was killed", async () => {
    const pid = await someProcess();
    await leaveLock({ pid, began: linux ? beganAt(pid) : null });
    // Where the time is not told, a beat is waited for.
    if (linux) await expect(lockRun(folder, quick)).rejects.toThrow(`process ${pid}`);
    const ended = once(child as ChildProcess, "exit");
    child?.kill("SIGKILL");
    await ended;
    const said: string[] = [];
    (await lockRun(folder, { ...quick, say: (line) => said.push(line) })).release();
    expect(said).toEqual([]);
  });

  it.runIf(linux)("is no longer that of a process whose number another one has now", async () => {
    const pid = await someProcess();
    await leaveLock({ pid, began: `${beganAt(pid)}0` });
    (await lockRun(folder)).release();
    // After a reboot: the same number, even the same ticks.
    await leaveLock({ pid, began: beganAt(pid).replace(/^\S+/, "11111111-2222-3333-4444-555555555555") });
    (await lockRun(folder)).release();
  });

  it("of another machine is held while it beats", async () => {
    await leaveLock({ host: "node17", pid: 1 });
    const beating = setInterval(() => utimesSync(path, new Date(), new Date()), quick.beat);
    const said: string[] = [];
    try {
      await expect(lockRun(folder, { ...quick, say: (line) => said.push(line) })).rejects.toThrow(
        /process 1 on "node17"/,
      );
    } finally {
      clearInterval(beating);
    }
    expect(said).toEqual([expect.stringContaining("waiting to see whether its process is alive")]);
  });

  it("of another machine is left behind once it stands still", async () => {
    await leaveLock({ host: "node17", pid: process.pid });
    (await lockRun(folder, quick)).release();
  });

  it("shows that its holder is alive", async () => {
    const lock = await lockRun(folder, quick);
    const holder = JSON.parse(readFileSync(path, "utf8"));
    writeFileSync(path, JSON.stringify({ ...holder, host: "node17" }));
    await expect(lockRun(folder, quick)).rejects.toThrow(/node17/);
    lock.release();
  });

  it.each([
    ["nothing", ""],
    ["half a line", '{"token":"ab'],
    ["something else", "null"],
  ])("with %s in it is left behind once it stands still", async (_, text) => {
    writeFileSync(path, text);
    (await lockRun(folder, quick)).release();
    expect(await readdir(folder)).toEqual([]);
  });

  it("goes to one of many who find it left behind at the same time", async () => {
    for (let round = 0; round < 5; round++) {
      await leaveLock({ pid: 2 ** 22 + 1 });
      const tried = await Promise.allSettled(Array.from({ length: 8 }, () => lockRun(folder)));
      const held = tried.filter((t) => t.status === "fulfilled");
      expect(held).toHaveLength(1);
      held[0]?.value.release();
    }
  });

  it("taken over by another is not removed by the one that lost it", async () => {
    const lock = await lockRun(folder);
    const holder = JSON.parse(readFileSync(path, "utf8"));
    writeFileSync(path, JSON.stringify({ ...holder, token: "the new one's" }));
    lock.release();
    expect(existsSync(path)).toBe(true);
  });
});
