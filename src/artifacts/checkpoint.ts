import { readdir, readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { Problem } from "../onnx/invalid-model.ts";
import { folderReader, reasonOf } from "../onnx/read.ts";
import { decodeCheckpoint, located } from "./checkpoint-decode.ts";
import type { TrainingCheckpoint } from "./checkpoint-format.ts";
import { MAX_FLATBUFFER_BYTES } from "./flatbuffer-writer.ts";

export { type DecodeCheckpointOptions, decodeCheckpoint } from "./checkpoint-decode.ts";
export {
  type EncodeCheckpointOptions,
  type EncodedCheckpoint,
  encodeCheckpoint,
} from "./checkpoint-encode.ts";
export type {
  CheckpointProperty,
  NamedTensor,
  OptimizerGroup,
  OptimizerState,
  TrainingCheckpoint,
} from "./checkpoint-format.ts";

/** Reads a checkpoint of onnxruntime-training; external data must lie in the file `PATH.data` beside it. */
export async function readCheckpoint(path: string): Promise<TrainingCheckpoint> {
  let bytes: Uint8Array;
  try {
    await assertReadable(path);
    bytes = await readFile(path);
  } catch (error) {
    throw located(path, error instanceof Problem ? error : new Problem(`${reasonOf(error)}. Check the path`));
  }
  return decodeCheckpoint(bytes, { path, readExternal: folderReader(dirname(path)) });
}

async function assertReadable(path: string): Promise<void> {
  const info = await stat(path);
  if (info.isDirectory()) throw await folderProblem(path);
  if (!info.isFile()) throw new Problem("it is no regular file; expected a checkpoint");
  if (info.size > MAX_FLATBUFFER_BYTES) {
    throw new Problem(
      `it has ${info.size} bytes; expected at most ${MAX_FLATBUFFER_BYTES}, larger tensors beside it`,
    );
  }
}

/** Up to version 1.14 a checkpoint was a folder of protobuf sequences, paramtrain_tensors.pbseq among them. */
async function folderProblem(path: string): Promise<Problem> {
  const files = await readdir(path);
  if (files.some((name) => name.endsWith("_tensors.pbseq"))) {
    return new Problem(
      "it is a folder of .pbseq files, the form of onnxruntime-training up to 1.14; expected the single file of later versions. Make the artifacts again with 1.19",
    );
  }
  return new Problem("it is a folder; expected a checkpoint file. Pass the checkpoint inside it");
}
