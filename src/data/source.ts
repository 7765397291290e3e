import { type FileHandle, open } from "node:fs/promises";
import { LandscapeError } from "../errors.ts";

/** Random access to the bytes of a file. */
export interface ByteSource {
  /** What messages call it. */
  readonly name: string;
  readonly size: number;
  /** Exactly `length` bytes from `offset`, in a buffer of the caller's own. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

/** Bytes that are already in memory. */
export function memorySource(bytes: Uint8Array, name: string): ByteSource {
  return {
    name,
    size: bytes.length,
    async read(offset, length) {
      if (offset + length > bytes.length) throw cutOff(name);
      return bytes.slice(offset, offset + length);
    },
    async close() {},
  };
}

/** A file on disk; it says in one sentence why one cannot be opened. */
export async function fileSource(path: string): Promise<ByteSource> {
  const handle = await openFile(path);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw unreadable(path, "it is not a file");
    if (stat.size === 0) throw unreadable(path, "it is empty");
    return {
      name: path,
      size: stat.size,
      read: (offset, length) => readExactly(handle, path, offset, length),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (error) {
    throw openFailure(path, error);
  }
}

/** Why the system would not open `path`. */
export function openFailure(path: string, error: unknown): LandscapeError {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOENT" || code === "ENOTDIR") return unreadable(path, "there is no such file", error);
  if (code === "EACCES" || code === "EPERM") return unreadable(path, "permission denied", error);
  return unreadable(path, `${code ?? error}`, error);
}

export function unreadable(path: string, why: string, cause?: unknown): LandscapeError {
  return new LandscapeError(
    "INVALID_DATA",
    `cannot read data file ${JSON.stringify(path)}: ${why}`,
    { path },
    { cause },
  );
}

function cutOff(path: string): LandscapeError {
  return unreadable(path, "it ends too early");
}

async function readExactly(
  handle: FileHandle,
  path: string,
  offset: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const out = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    // One call reads less than 2 GiB.
    const chunk = Math.min(length - done, 1 << 30);
    const { bytesRead } = await handle.read(out, done, chunk, offset + done);
    if (bytesRead === 0) throw cutOff(path);
    done += bytesRead;
  }
  return out;
}
