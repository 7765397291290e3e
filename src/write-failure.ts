import { access, constants, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { LandscapeError } from "./errors.ts";

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file would be larger than allowed",
  EIO: "input/output error",
  ENOENT: "there is no such folder",
  ENOTDIR: "its folder is a file",
  EISDIR: "it is a folder",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
};
/** These befall a place that was right to name. */
const failedWhileRunning = ["ENOSPC", "EDQUOT", "EFBIG", "EIO"];

/** Why a file could not be written, in words; undefined when the error is of another kind. */
export function whyNotWritten(cause: unknown): string | undefined {
  const code = codeOf(cause);
  return code === undefined ? undefined : (reasons[code] ?? code);
}

/** Whether space ran out, rather than a place being wrong. */
export function isOutOfSpace(cause: unknown): boolean {
  return failedWhileRunning.includes(codeOf(cause) ?? "");
}

/** The error for a file that could not be written; others are given back as they are. */
export function writeFailure(path: string, cause: unknown): unknown {
  const why = whyNotWritten(cause);
  if (why === undefined) return cause;
  const what = `cannot write ${JSON.stringify(path)}: ${why}`;
  return isOutOfSpace(cause)
    ? new LandscapeError(
        "RUNTIME_FAILED",
        `${what}. free some space and start the same command again: what a run folder holds is not computed again`,
        { path },
        { cause },
      )
    : new LandscapeError("INVALID_OPTION", what, { path }, { cause });
}

/** Throws before the work rather than after it when a file that is asked for could not be written. */
export async function assertWritable(path: string | null): Promise<void> {
  if (path === null) return;
  const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() === true;
  try {
    if (isFolder) throw Object.assign(new Error("a folder"), { code: "EISDIR" });
    await access(dirname(path), constants.W_OK);
  } catch (cause) {
    throw writeFailure(path, cause);
  }
}

function codeOf(cause: unknown): string | undefined {
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
}
