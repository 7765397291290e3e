import { chmod, copyFile, type FileHandle, open, readFile, realpath, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { writeWhole } from "../analysis/run/files.ts";
import { encodeFloats } from "../data/stored-floats.ts";
import { LandscapeError } from "../errors.ts";
import type { Checkpoint } from "../model/checkpoint.ts";
import { encodeToy } from "../model/toy.ts";
import { isToy, parseToy } from "../model/toy-address.ts";
import {
  type ElementType,
  locateWeights,
  type PatchedData,
  replaceWeights,
  toFloat32,
} from "../onnx/index.ts";
import { assertWritable, writeFailure } from "../write-failure.ts";

/** A model file whose weights can be replaced: how they are stored. */
export interface WeightPlan {
  readonly to: string;
  /** Element types in the file, by the names of the parameters. */
  readonly stored: ReadonlyMap<string, ElementType>;
}

/** Says before the work whether the checkpoint's file with other weights can be written to `to`. */
export async function planWeights(checkpoint: Checkpoint, to: string): Promise<WeightPlan> {
  const { path, artifacts, parameters } = checkpoint;
  if (artifacts !== null) {
    throw new LandscapeError(
      "INVALID_OPTION",
      `--to writes an .onnx file, but ${JSON.stringify(path)} is a folder of training artifacts. Write the weights with --npz w.npz, then run "onnx-landscape export-checkpoint ${path} --weights w.npz:theta --to NEW"`,
      { option: "to" },
    );
  }
  const names = parameters.map((p) => p.name);
  const { stored, locations } = locateWeights(await readModelBytes(path), names, path);
  const taken = isToy(path) ? [] : [path, ...locations.map((l) => join(dirname(path), l))];
  for (const file of [to, ...locations.map((_, i) => dataName(to, i))]) {
    await assertWritable(file);
    if (await isOneOf(file, taken)) {
      throw new LandscapeError(
        "INVALID_OPTION",
        `--to ${JSON.stringify(to)} would write over the model itself: ${JSON.stringify(file)}. Choose another name`,
        { option: "to" },
      );
    }
  }
  return { to, stored };
}

/** θ as it comes back from the file: rounded to the types in which the weights are stored. */
export function asStored(checkpoint: Checkpoint, { stored }: WeightPlan, theta: Float32Array): Float32Array {
  const rounded = theta.slice();
  for (const { name, shape, offset, size } of checkpoint.parameters) {
    const type = stored.get(name) as ElementType;
    const data = encodeFloats(type, theta.subarray(offset, offset + size));
    if (data) rounded.set(toFloat32({ type, dims: shape, data }), offset);
  }
  return rounded;
}

/**
 * Writes the checkpoint's file with the weights θ, all else as it is; external data to `<to>.data`. The file that
 * refers to the others appears last, each of them whole.
 */
export async function writeWeights(
  checkpoint: Checkpoint,
  { to, stored }: WeightPlan,
  theta: Float32Array,
): Promise<void> {
  const { path, parameters } = checkpoint;
  const contents = new Map(
    parameters.map(({ name, offset, size }): [string, Uint8Array] => {
      const type = stored.get(name) as ElementType;
      const data = encodeFloats(type, theta.subarray(offset, offset + size)) as Float32Array;
      return [name, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)];
    }),
  );
  const locations: string[] = [];
  const name = (location: string) => {
    if (!locations.includes(location)) locations.push(location);
    return dataName(basename(to), locations.indexOf(location));
  };
  const { model, data } = replaceWeights(await readModelBytes(path), contents, name, path);
  for (const file of data) await writePatched(dirname(path), dirname(to), file);
  await writeWhole(to, model);
}

function dataName(to: string, index: number): string {
  return index === 0 ? `${to}.data` : `${to}.data${index}`;
}

async function readModelBytes(path: string): Promise<Uint8Array> {
  return isToy(path) ? encodeToy(parseToy(path)) : await readFile(path);
}

async function isOneOf(file: string, others: readonly string[]): Promise<boolean> {
  const real = (path: string) => realpath(path).catch(() => undefined);
  const found = await real(file);
  if (found === undefined) return false;
  for (const other of others) if ((await real(other)) === found) return true;
  return false;
}

async function writePatched(
  from: string,
  into: string,
  { location, to, patches }: PatchedData,
): Promise<void> {
  const path = join(into, to);
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await copyFile(join(from, location), temporary);
    // A copy of a file that may only be read is one too.
    await chmod(temporary, 0o644);
    const file = await open(temporary, "r+");
    try {
      for (const { offset, bytes } of patches) await writeFully(file, bytes, offset);
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw writeFailure(path, error);
  }
}

/** One call may write less than it was given. */
async function writeFully(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done, offset + done)).bytesWritten;
  }
}
