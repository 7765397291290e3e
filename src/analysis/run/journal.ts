import { existsSync } from "node:fs";
import { readFile, truncate } from "node:fs/promises";
import { LandscapeError } from "../../errors.ts";
import { appendLine } from "./files.ts";
import type { Unit } from "./unit.ts";

/** One line: a finished unit with its numbers, and the file of its vectors where it has any. */
export interface JournalEntry {
  readonly id: string;
  readonly unit: Omit<Unit, "run">;
  readonly result: unknown;
  readonly vectors?: string;
}

/**
 * Finished units, one JSON line each, appended as they finish. A process killed while it writes leaves
 * a torn last line: it is cut off when the journal is opened again. A damaged line elsewhere is refused.
 */
export class Journal {
  private readonly path: string;
  private readonly entries: Map<string, JournalEntry>;

  private constructor(path: string, entries: Map<string, JournalEntry>) {
    this.path = path;
    this.entries = entries;
  }

  static async open(path: string): Promise<Journal> {
    const entries = new Map<string, JournalEntry>();
    if (!existsSync(path)) return new Journal(path, entries);
    const bytes = await readFile(path);
    // A line counts once its newline is there.
    const whole = bytes.lastIndexOf(0x0a) + 1;
    if (whole < bytes.length) await truncate(path, whole);
    for (const [i, line] of bytes.toString("utf8", 0, whole).split("\n").entries()) {
      if (line === "") continue;
      const entry = parseEntry(line, path, i + 1);
      entries.set(entry.id, entry);
    }
    return new Journal(path, entries);
  }

  get size(): number {
    return this.entries.size;
  }

  get(id: string): JournalEntry | undefined {
    return this.entries.get(id);
  }

  async append(entry: JournalEntry): Promise<void> {
    await appendLine(this.path, JSON.stringify(entry, writeNonFinite));
    this.entries.set(entry.id, entry);
  }
}

function parseEntry(line: string, path: string, number: number): JournalEntry {
  try {
    const entry = JSON.parse(line, readNonFinite) as JournalEntry;
    if (typeof entry.id === "string" && entry.unit !== undefined) return entry;
  } catch {
    // Falls through to the sentence below.
  }
  throw new LandscapeError(
    "RUN_FOLDER",
    `damaged journal: line ${number} of "${path}" is not a finished unit. delete the folder to start again`,
    { path, line: number },
  );
}

/** JSON has no NaN and no infinities, but a loss may be one. */
function writeNonFinite(_: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? { nonFinite: String(value) } : value;
}

function readNonFinite(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("nonFinite" in value)) return value;
  return Number(value.nonFinite);
}
