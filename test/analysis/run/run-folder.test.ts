import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FolderStore } from "../../../src/analysis/run/folder-store.ts";
import { RunFolder, type RunIdentity } from "../../../src/analysis/run/run-folder.ts";
import type { Unit } from "../../../src/analysis/run/unit.ts";

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "run-"));
});
afterEach(() => rm(parent, { recursive: true }));

const identity: RunIdentity = {
  command: "report",
  inputs: { model: "aa", train: "bb", test: null },
  options: { seed: 0, top: 3 },
  versions: { "onnx-landscape": "0.1.0" },
};

describe("RunFolder", () => {
  it("is made where there is none, and continued by the same run", async () => {
    const path = join(parent, "out");
    const first = await RunFolder.open(path, identity);
    expect(first.resumed).toBe(false);
    await first.journal.append({ id: "x", unit: { what: "step" }, result: 1 });
    first[Symbol.dispose]();
    using second = await RunFolder.open(path, { ...identity, options: { top: 3, seed: 0 } });
    expect(second.resumed).toBe(true);
    expect(second.run).toBe(first.run);
  });

  it.each([
    ["options", { ...identity, options: { seed: 1, top: 3 } }, /seed was 0 and is 1/],
    [
      "model",
      { ...identity, inputs: { ...identity.inputs, model: "cc" } },
      /sha256 of model was "aa" and is "cc"/,
    ],
    ["version", { ...identity, versions: { "onnx-landscape": "0.2.0" } }, /onnx-landscape was "0.1.0"/],
    ["command", { ...identity, command: "eigs" }, /command was "report" and is "eigs"/],
  ])("refuses another run and says which differ: %s", async (_, other, message) => {
    const path = join(parent, "out");
    const folder = await RunFolder.open(path, identity);
    await folder.journal.append({ id: "x", unit: { what: "step" }, result: 1 });
    folder[Symbol.dispose]();
    await expect(RunFolder.open(path, other)).rejects.toMatchObject({ code: "RUN_FOLDER", message });
  });

  it("does not fill a folder with other things in it, a file, or a damaged run.json", async () => {
    await writeFile(join(parent, "notes.txt"), "mine");
    await expect(RunFolder.open(parent, identity)).rejects.toThrow(/not empty and holds no run/);
    await expect(RunFolder.open(join(parent, "notes.txt"), identity)).rejects.toThrow(/is a file/);
    await writeFile(join(parent, "run.json"), "{");
    await expect(RunFolder.open(parent, identity)).rejects.toThrow(/not a run of onnx-landscape/);
  });

  it("says that a folder cannot be written", async () => {
    const closed = join(parent, "closed");
    await writeFile(closed, "");
    await expect(RunFolder.open(join(closed, "out"), identity)).rejects.toThrow(
      /cannot write the run folder/,
    );
  });

  it("is not left behind when nothing was finished in it, unless something else is there", async () => {
    const path = join(parent, "a", "b");
    (await RunFolder.open(path, identity))[Symbol.dispose]();
    expect(await readdir(parent)).toEqual([]);
    await mkdir(path, { recursive: true });
    (await RunFolder.open(path, identity))[Symbol.dispose]();
    expect(await readdir(path)).toEqual([]);
    const folder = await RunFolder.open(path, identity);
    await writeFile(join(path, "notes.txt"), "mine");
    folder[Symbol.dispose]();
    expect(await readdir(path)).toContain("notes.txt");
  });

  it("leaves no half-written file behind", async () => {
    const folder = await RunFolder.open(join(parent, "out"), identity);
    await folder.write("report.json", "{}");
    folder[Symbol.dispose]();
    expect((await readdir(folder.path)).sort()).toEqual(["report.json", "run.json", "vectors"]);
  });
});

describe("FolderStore", () => {
  const unit = (v: string): Unit => ({ run: "r", what: "hvp", split: "train", v });

  it("keeps numbers and vectors bit for bit, in another process too", async () => {
    const folder = await RunFolder.open(join(parent, "out"), identity);
    const hv = Float64Array.from([0.1, -0, 1e-300]);
    await new FolderStore(folder).put(unit("a"), { step: 1e-5, error: Number.NaN }, { hv });
    folder[Symbol.dispose]();
    using reopened = await RunFolder.open(folder.path, identity);
    const again = new FolderStore(reopened);
    const stored = await again.get(unit("a"));
    expect(stored?.result).toEqual({ step: 1e-5, error: Number.NaN });
    expect(stored?.vectors["hv"]).toEqual(hv);
    expect(await again.get(unit("b"))).toBeUndefined();
  });

  it("lets the vectors of units go, keeps those of steps", async () => {
    using folder = await RunFolder.open(join(parent, "out"), identity);
    const store = new FolderStore(folder);
    const step: Unit = { run: "r", what: "step", name: "eigenpairs" };
    await store.put(unit("a"), {}, { hv: new Float64Array(2) });
    await store.put(step, {}, { top: new Float64Array(2) });
    await store.releaseVectors();
    expect(await store.get(unit("a"))).toBeUndefined();
    expect((await store.get(step))?.vectors["top"]).toHaveLength(2);
    expect(await readdir(folder.file("vectors"))).toHaveLength(1);
    expect(existsSync(folder.file("journal.ndjson"))).toBe(true);
  });
});
