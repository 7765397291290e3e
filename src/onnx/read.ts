import { createHash } from "node:crypto";
import { closeSync, createReadStream, fstatSync, openSync, readSync, realpathSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { decodeModel } from "./decode.ts";
import type { OnnxModel } from "./graph.ts";
import { invalidModel, Problem, quote } from "./invalid-model.ts";
import type { ReadExternal } from "./tensor-codec.ts";

export interface ModelFile {
  readonly model: OnnxModel;
  /** Of the file, followed by the files of external data in the order in which tensors refer to them. */
  readonly sha256: string;
}

/** Reads a model with its external data, which must lie in the model's folder. */
export async function readModel(path: string): Promise<ModelFile> {
  const bytes = await readBytes(path);
  const external = new Set<string>();
  const read = folderReader(dirname(path));
  const model = decodeModel(bytes, {
    path,
    readExternal: (reference, length) => {
      external.add(reference.location);
      return read(reference, length);
    },
  });
  const hash = createHash("sha256").update(bytes);
  for (const location of external) {
    for await (const chunk of createReadStream(join(dirname(path), location))) hash.update(chunk);
  }
  return { model, sha256: hash.digest("hex") };
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    const info = await stat(path);
    if (info.isDirectory()) {
      throw new Problem("it is a folder; expected an .onnx file. Pass the model inside it");
    }
    if (!info.isFile()) throw new Problem("it is no regular file; expected an .onnx file");
    // A protobuf message cannot be larger; big models keep their weights in external data.
    if (info.size >= 2 ** 31) {
      throw new Problem(`it has ${info.size} bytes; expected less than 2 GiB. Export it with external data`);
    }
    return await readFile(path);
  } catch (error) {
    if (error instanceof Problem) throw invalidModel(path, error.message);
    throw invalidModel(path, `${reasonOf(error)}. Check the path`, {}, error);
  }
}

/** Why a file could not be opened, in words. */
export function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOENT" || code === "ENOTDIR") return "no such file";
  if (code === "EACCES" || code === "EPERM") return "no permission to read it";
  return error instanceof Error ? error.message : String(error);
}

/** Tensors may share bytes, but not so much that a small file fills the memory. */
const MAX_SHARING = 16;

/** Reads external data from files in `folder`; refuses links that lead out of it. */
export function folderReader(folder: string): ReadExternal {
  const readOf = new Map<string, number>();
  return ({ location, offset, tensor }, length) => {
    const label = `external data ${quote(location)} of ${quote(tensor)}`;
    const file = resolveInside(folder, location, label);
    const descriptor = openSync(file, "r");
    try {
      const info = fstatSync(descriptor);
      if (!info.isFile()) throw new Problem(`${label} is no regular file`);
      if (offset + length > info.size) {
        throw new Problem(
          `${label} is too short; expected at least ${offset + length} bytes, got ${info.size}. Copy it again, or export the model again`,
        );
      }
      const total = (readOf.get(file) ?? 0) + length;
      if (total > MAX_SHARING * info.size) {
        throw new Problem(`tensors refer to more than ${MAX_SHARING} times the bytes that ${label} has`);
      }
      readOf.set(file, total);
      return readFully(descriptor, offset, length, label);
    } finally {
      closeSync(descriptor);
    }
  };
}

function resolveInside(folder: string, location: string, label: string): string {
  let file: string;
  try {
    file = realpathSync(join(folder, location));
  } catch (error) {
    throw new Problem(`${label} is missing: ${reasonOf(error)}. Put it beside the model`);
  }
  const inside = relative(realpathSync(folder), file);
  if (inside.split(sep)[0] === ".." || file === inside) {
    throw new Problem(`${label} leads outside the model's folder. Copy the file itself beside the model`);
  }
  return file;
}

/** One read call gives at most 2 GiB. */
const CHUNK = 2 ** 30;

function readFully(descriptor: number, offset: number, length: number, label: string): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const count = readSync(descriptor, bytes, done, Math.min(CHUNK, length - done), offset + done);
    if (count === 0) throw new Problem(`${label} became shorter while it was read`);
    done += count;
  }
  return bytes;
}
