import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Journal } from "../../../src/analysis/run/journal.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "journal-"));
});
afterEach(() => rm(folder, { recursive: true }));

const entry = (id: string, result: unknown) => ({ id, unit: { what: "evaluate" as const }, result });

describe("Journal", () => {
  it("gives back what was appended, to the last bit, also NaN and infinity", async () => {
    const path = join(folder, "journal.ndjson");
    const journal = await Journal.open(path);
    const result = { loss: 0.1 + 0.2, tiny: 5e-324, bad: Number.NaN, big: Number.NEGATIVE_INFINITY };
    await journal.append(entry("a", result));
    const again = await Journal.open(path);
    expect(again.get("a")?.result).toEqual(result);
    expect(again.size).toBe(1);
  });

  it("cuts off a torn last line and goes on after it", async () => {
    const path = join(folder, "journal.ndjson");
    await (await Journal.open(path)).append(entry("a", 1));
    await appendFile(path, '{"id":"b","unit":{"what":"eva');
    const journal = await Journal.open(path);
    expect(journal.size).toBe(1);
    await journal.append(entry("c", 3));
    const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
    expect(lines.map((l) => JSON.parse(l).id)).toEqual(["a", "c"]);
  });

  it("does not believe a last line whose newline is missing", async () => {
    const path = join(folder, "journal.ndjson");
    await writeFile(path, JSON.stringify(entry("a", 12)));
    expect((await Journal.open(path)).get("a")).toBeUndefined();
  });

  it("refuses a damaged line in the middle, naming it", async () => {
    const path = join(folder, "journal.ndjson");
    await writeFile(path, `${JSON.stringify(entry("a", 1))}\n%%%\n${JSON.stringify(entry("b", 2))}\n`);
    await expect(Journal.open(path)).rejects.toThrow(/damaged journal: line 2/);
  });
});
