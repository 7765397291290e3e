import { ELEMENT_BYTES, ONNX_TYPE_CODES } from "../onnx/element-type.ts";
import { type Tensor, type TensorData, toInt64 } from "../onnx/tensor.ts";
import {
  CHECKPOINT_IDENTIFIER,
  CHECKPOINT_VERSION,
  type CheckpointProperty,
  type NamedTensor,
  type OptimizerGroup,
  type TrainingCheckpoint,
} from "./checkpoint-format.ts";
import { type FlatField, type FlatTableData, writeFlatBuffer } from "./flatbuffer-writer.ts";

export interface EncodedCheckpoint {
  readonly file: Uint8Array;
  /** Contents of `FILE.data`, one piece after another; undefined where there is no such file. */
  readonly external: readonly Uint8Array[] | undefined;
}

export interface EncodeCheckpointOptions {
  /** Bytes of all parameters from which on their values go to the file beside; 1800 MiB, as in onnxruntime. */
  readonly externalFrom?: number;
}

/** Tensors smaller than this stay inside. */
const MIN_EXTERNAL_BYTES = 64;

/** Encodes a checkpoint for onnxruntime-training 1.19: everything that `checkpoint` holds, in its order. */
export function encodeCheckpoint(
  checkpoint: TrainingCheckpoint,
  options: EncodeCheckpointOptions = {},
): EncodedCheckpoint {
  const { isNominal, trained, frozen } = checkpoint;
  const all = isNominal ? [] : [...trained, ...frozen].map((p) => bytesOf(p.tensor).length);
  const total = all.reduce((sum, n) => sum + n, 0);
  const pool = !isNominal && total >= (options.externalFrom ?? 1800 * 2 ** 20) ? new DataFile() : undefined;
  const parameter = (p: NamedTensor) => (isNominal ? nominalTable(p) : tensorTable(p, pool));
  const root = table(
    { int32: CHECKPOINT_VERSION },
    table(
      { tables: trained.map(parameter) },
      { tables: frozen.map(parameter) },
      { bool: isNominal },
      { bool: pool !== undefined },
    ),
    { tables: checkpoint.optimizerGroups.map(groupTable) },
    bagTable(checkpoint.properties),
  );
  return { file: writeFlatBuffer(root, CHECKPOINT_IDENTIFIER), external: pool?.pieces };
}

function table(...fields: FlatField[]): FlatTableData {
  return { fields };
}

/** The file of external data as it grows. */
class DataFile {
  readonly pieces: Uint8Array[] = [];
  #size = 0;

  /** Appends the bytes of a tensor and gives their offset. */
  add(bytes: Uint8Array, alignment: number): number {
    const gap = (alignment - (this.#size % alignment)) % alignment;
    if (gap > 0) this.pieces.push(new Uint8Array(gap));
    const offset = this.#size + gap;
    this.pieces.push(bytes);
    this.#size = offset + bytes.length;
    return offset;
  }
}

function tensorTable({ name, documentation, tensor }: NamedTensor, pool?: DataFile): FlatTableData {
  const bytes = bytesOf(tensor);
  const outside = pool !== undefined && bytes.length >= MIN_EXTERNAL_BYTES;
  // onnxruntime maps the file: elements must lie aligned.
  const offset = outside ? pool.add(bytes, Math.max(4, ELEMENT_BYTES[tensor.type])) : -1;
  return table(
    { text: name },
    documentation === "" ? undefined : { text: documentation },
    { int64s: tensor.dims.map(toInt64) },
    { int32: ONNX_TYPE_CODES[tensor.type] },
    outside ? undefined : { bytes },
    undefined,
    outside ? { int64: BigInt(offset) } : undefined,
  );
}

/** As the tool's own nominal checkpoints have it: a float without values. */
function nominalTable({ name, documentation }: NamedTensor): FlatTableData {
  return table(
    { text: name },
    documentation === "" ? undefined : { text: documentation },
    { int64s: [] },
    { int32: ONNX_TYPE_CODES.float32 },
    { bytes: new Uint8Array() },
  );
}

function bytesOf({ type, data }: Tensor): Uint8Array {
  if (type === "string") throw new Error("internal: a checkpoint has no tensors of strings");
  const { buffer, byteOffset, byteLength } = data as Exclude<TensorData, readonly string[]>;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function groupTable(group: OptimizerGroup): FlatTableData {
  return table(
    { text: group.name },
    { int64: group.step },
    { float32: group.initialLearningRate },
    {
      tables: group.states.map(({ parameter, momentums }) =>
        table({ text: parameter }, { tables: momentums.map((m) => tensorTable(m)) }),
      ),
    },
  );
}

function bagTable(properties: ReadonlyMap<string, CheckpointProperty>): FlatTableData | undefined {
  if (properties.size === 0) return undefined;
  const entries = [...properties];
  const of = (type: string, value: (v: never) => FlatField) => ({
    tables: entries
      .filter(([, v]) => typeof v === type)
      .map(([name, v]) => table({ text: name }, value(v as never))),
  });
  return table(
    of("bigint", (int64: bigint) => ({ int64 })),
    of("number", (float32: number) => ({ float32 })),
    of("string", (text: string) => ({ text })),
  );
}
