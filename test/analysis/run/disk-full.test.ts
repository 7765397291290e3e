import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FolderStore } from "../../../src/analysis/run/folder-store.ts";
import { RunFolder, type RunIdentity } from "../../../src/analysis/run/run-folder.ts";
import { type Unit, unitId } from "../../../src/analysis/run/unit.ts";

// The kernel's own full device stands for the disk: what is written to it fails with ENOSPC.
const full = "/dev/full";
const identity: RunIdentity = { command: "report", inputs: {}, options: {}, versions: {} };
const unit = (v: string): Unit => ({ run: "r", what: "hvp", split: "train", v });
const diskFull = {
  code: "RUNTIME_FAILED",
  message: expect.stringMatching(/^cannot write ".*": the disk is full\. free some space/),
};

let path: string;
beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), "full-")), "out");
});
afterEach(() => rm(join(path, ".."), { recursive: true }));

describe.runIf(existsSync(full))("a disk that is full", () => {
  it("stops at a journal line, keeps those before it, and goes on once there is space", async () => {
    const folder = await RunFolder.open(path, identity);
    const store = new FolderStore(folder);
    await store.put(unit("a"), 1, {});
    const journal = folder.file("journal.ndjson");
    const kept = await folder.read("journal.ndjson");
    rmSync(journal);
    symlinkSync(full, journal);
    await expect(store.put(unit("b"), 2, {})).rejects.toMatchObject(diskFull);
    expect(await store.get(unit("b"))).toBeUndefined();
    rmSync(journal);
    await folder.write("journal.ndjson", kept);
    folder[Symbol.dispose]();
    using again = await RunFolder.open(path, identity);
    expect((await new FolderStore(again).get(unit("a")))?.result).toBe(1);
    await new FolderStore(again).put(unit("b"), 2, {});
    expect(again.journal.size).toBe(2);
  });

  it("keeps no vectors by halves, and promises none in the journal", async () => {
    using folder = await RunFolder.open(path, identity);
    const store = new FolderStore(folder);
    const file = `vectors/${unitId(unit("a"))}.npz`;
    symlinkSync(full, folder.file(`${file}.${process.pid}.part`));
    const vectors = { hv: new Float64Array(1000) };
    await expect(store.put(unit("a"), 1, vectors)).rejects.toMatchObject(diskFull);
    expect(readdirSync(folder.file("vectors"))).toEqual([]);
    expect(folder.journal.size).toBe(0);
    await store.put(unit("a"), 1, vectors);
    expect((await store.get(unit("a")))?.vectors).toEqual(vectors);
  });

  it.each(["run.json", "report.json"])("leaves no half %s and no lock", async (name) => {
    mkdirSync(path);
    symlinkSync(full, join(path, `${name}.${process.pid}.tmp`));
    await expect(
      (async () => {
        using folder = await RunFolder.open(path, identity);
        await folder.write("report.json", "{}");
      })(),
    ).rejects.toMatchObject(diskFull);
    expect(existsSync(join(path, name))).toBe(false);
    expect(readdirSync(path)).not.toContain("lock");
    expect(readdirSync(path).filter((f) => f.endsWith(".tmp"))).toEqual([]);
    (await RunFolder.open(path, identity))[Symbol.dispose]();
  });
});
