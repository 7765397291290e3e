import { openNpz, writeNpz } from "../../data/npz.ts";
import type { RunFolder } from "./run-folder.ts";
import { type Unit, unitId } from "./unit.ts";
import type { StoredUnit, UnitStore, Vectors } from "./unit-store.ts";

/** Keeps units in a run folder: numbers in the journal, vectors in `vectors/<id>.npz`. */
export class FolderStore implements UnitStore {
  readonly run: string;
  private readonly folder: RunFolder;
  private held: string[] = [];

  constructor(folder: RunFolder) {
    this.run = folder.run;
    this.folder = folder;
  }

  async get<T>(unit: Unit): Promise<StoredUnit<T> | undefined> {
    const entry = this.folder.journal.get(unitId(unit));
    if (!entry) return undefined;
    if (entry.vectors === undefined) return { result: entry.result as T, vectors: {} };
    // The step that these belonged to has let them go: whoever asks again computes again.
    if (!this.folder.has(entry.vectors)) return undefined;
    this.hold(unit, entry.vectors);
    return { result: entry.result as T, vectors: await readVectors(this.folder.file(entry.vectors)) };
  }

  async put(unit: Unit, result: unknown, vectors: Vectors): Promise<void> {
    const id = unitId(unit);
    const { run: _, ...described } = unit;
    if (Object.keys(vectors).length === 0) {
      await this.folder.journal.append({ id, unit: described, result });
      return;
    }
    const file = `vectors/${id}.npz`;
    const arrays = Object.entries(vectors).map(
      ([name, data]) => [name, { shape: [data.length], data }] as const,
    );
    // The file first: a line in the journal promises that it is there.
    writeNpz(this.folder.file(file), Object.fromEntries(arrays));
    this.hold(unit, file);
    await this.folder.journal.append({ id, unit: described, result, vectors: file });
  }

  async releaseVectors(): Promise<void> {
    for (const file of this.held) await this.folder.remove(file);
    this.held = [];
  }

  /** A step's own vectors stay; those of the units below it may go when it is done. */
  private hold(unit: Unit, file: string): void {
    if (unit.what !== "step") this.held.push(file);
  }
}

async function readVectors(path: string): Promise<Vectors> {
  const store = await openNpz(path);
  try {
    const vectors: Record<string, Float64Array> = {};
    for (const name of store.arrays) vectors[name] = (await store.read(name)).data as Float64Array;
    return vectors;
  } finally {
    await store.close();
  }
}
