import { appendFile, rename, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import process from "node:process";
import { LandscapeError } from "../errors.ts";

/** Writes beside the name and renames: a reader sees the old file or the whole new one. */
export async function writeWhole(path: string, contents: string | Uint8Array): Promise<void> {
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

function writeFailure(path: string, error: unknown): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code !== "ENOSPC" && code !== "EDQUOT") return error;
  return new LandscapeError(
    "RUNTIME_FAILED",
    `cannot write "${basename(path)}": the disk is full. free some space; the same command continues`,
    { path },
    { cause: error },
  );
}
