import { appendFile, rename, rm, writeFile } from "node:fs/promises";
import process from "node:process";
import { writeFailure } from "../../write-failure.ts";

/** Writes beside the name and renames: a reader sees the old file or the whole new one. Pieces are joined. */
export async function writeWhole(
  path: string,
  contents: string | Uint8Array | Iterable<Uint8Array>,
): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, contents);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw writeFailure(path, error);
  }
}

/** Appends one line. */
export async function appendLine(path: string, line: string): Promise<void> {
  try {
    await appendFile(path, `${line}\n`);
  } catch (error) {
    throw writeFailure(path, error);
  }
}
