import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { linesOf, numbers, program, start, until } from "../support/process.ts";

const models = fileURLToPath(new URL("../../models/", import.meta.url));
const small = ["--tol", "1e-2", "--probes", "4", "--grid", "9", "--points", "9", "--device", "cpu"];
const report = ["report", `${models}fcnn2.onnx`, "--data", `${models}fcnn-train.npz`, ...small];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "process-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe.skipIf(!existsSync(program))("the program in a process of its own", () => {
  it("killed half-way finishes with the same numbers and less work; again, it only makes the page", async () => {
    const whole = join(folder, "whole");
    const ended = await start([...report, "--out", whole]).ended;
    expect(ended.err).not.toContain("error");
    expect(ended.status).toBe(0);
    expect(ended.out.trimEnd().split("\n").at(-1)).toMatch(/report\.html$/);
    const all = linesOf(whole);

    const killed = join(folder, "killed");
    const first = start([...report, "--out", killed]);
    await until(() => linesOf(killed) >= Math.floor(all / 2));
    first.child.kill("SIGKILL");
    expect((await first.ended).signal).toBe("SIGKILL");
    const before = linesOf(killed);
    expect(before).toBeLessThan(all);
    expect(existsSync(join(killed, "report.json"))).toBe(false);

    const second = await start([...report, "--out", killed]).ended;
    expect(second.status).toBe(0);
    expect(second.err).toContain("finished pieces");
    expect(numbers(killed)).toEqual(numbers(whole));
    // Every unit is in the journal once: nothing that was done was done again.
    const ids = readFileSync(join(killed, "journal.ndjson"), "utf8").trimEnd().split("\n");
    expect(new Set(ids.map((l) => JSON.parse(l).id)).size).toBe(ids.length);

    const page = readFileSync(join(killed, "report.html"), "utf8");
    await rm(join(killed, "report.html"));
    const third = await start(["report", killed]).ended;
    expect(third.status).toBe(0);
    expect(readFileSync(join(killed, "report.html"), "utf8")).toBe(page);
    expect(linesOf(killed)).toBe(ids.length);
  });

  it("interrupted once stops after the piece at hand with status 130, and says how to go on", async () => {
    const out = join(folder, "interrupted");
    const { child, ended } = start([...report, "--out", out]);
    await until(() => linesOf(out) >= 20);
    child.kill("SIGINT");
    const { status, err } = await ended;
    expect(status).toBe(130);
    expect(err).toContain("again to quit now. The same command continues.");
    expect(err).not.toMatch(/ {4}at /);
    expect(existsSync(join(out, "report.json"))).toBe(false);
  });

  it.skipIf(process.platform === "win32")("leaves a folder to the process that works in it", async () => {
    const out = join(folder, "shared");
    const first = start([...report, "--out", out]);
    await until(() => linesOf(out) >= 5);
    // Held while we ask, so that it cannot have finished.
    first.child.kill("SIGSTOP");
    const before = linesOf(out);
    const { status, err } = await start([...report, "--out", out, "--quiet"]).ended;
    expect(status).toBe(2);
    expect(err).toMatch(
      new RegExp(
        `^error: cannot work in ".*": process ${first.child.pid} has been working there since .*\\n$`,
      ),
    );
    expect(linesOf(out)).toBe(before);
    first.child.kill("SIGKILL");
    await first.ended;
    // What the killed one left stands in nobody's way.
    const again = start([...report, "--out", out]);
    await until(() => linesOf(out) > before);
    again.child.kill("SIGINT");
    expect((await again.ended).status).toBe(130);
    expect(existsSync(join(out, "lock"))).toBe(false);
  });

  it("ends quietly when its reader has gone", async () => {
    const { child, ended } = start(["inspect", `${models}resnet20.onnx`, "--json"]);
    child.stdout?.destroy();
    const { err, signal } = await ended;
    expect(err).toBe("");
    expect(signal).toBeNull();
  });
});
