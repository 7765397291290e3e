import { basename } from "node:path";
import { LandscapeError } from "../errors.ts";
import { ELEMENT_BYTES } from "../onnx/element-type.ts";
import { Problem, quote } from "../onnx/invalid-model.ts";
import { type ElementType, sizeOf, type Tensor } from "../onnx/tensor.ts";
import { checkedDims, decodeElementType, fromRaw, type ReadExternal } from "../onnx/tensor-codec.ts";
import {
  CHECKPOINT_IDENTIFIER,
  CHECKPOINT_VERSION,
  type CheckpointProperty,
  FIELDS,
  type NamedTensor,
  type OptimizerGroup,
  type OptimizerState,
  type TrainingCheckpoint,
} from "./checkpoint-format.ts";
import { type FlatTable, openFlatBuffer } from "./flatbuffer-reader.ts";

export interface DecodeCheckpointOptions {
  /** The file's path, for messages; external data lies in `PATH.data`. */
  readonly path?: string;
  /** How tensors outside the file are read; without it they are refused. */
  readonly readExternal?: ReadExternal;
}

/**
 * Decodes a checkpoint of onnxruntime-training (FlatBuffers, version 2). Throws INVALID_MODEL, with a
 * sentence of its own for every way in which a file can be bad. Values are copied out of `bytes` and take at
 * most twice its size, besides external data.
 */
export function decodeCheckpoint(
  bytes: Uint8Array,
  options: DecodeCheckpointOptions = {},
): TrainingCheckpoint {
  return inCheckpoint(options.path, () => new Decoder(options).checkpoint(bytes));
}

/** Runs `work`, and says in which checkpoint a problem was met. */
export function inCheckpoint<T>(path: string | undefined, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw located(path, error);
  }
}

/** `error` with the file's path, if it is a problem of the file. */
export function located(path: string | undefined, error: unknown): unknown {
  // A RangeError is the engine's own limit: an allocation that fails, more entries than a Map can have.
  if (!(error instanceof Problem || error instanceof RangeError)) return error;
  const subject = `cannot read checkpoint${path === undefined ? "" : ` ${JSON.stringify(path)}`}`;
  const problem =
    error instanceof Problem
      ? error.message
      : `it is too large to be read (${error.message}). Use more memory`;
  return new LandscapeError("INVALID_MODEL", `${subject}: ${problem}`, path === undefined ? {} : { path }, {
    cause: error,
  });
}

class Decoder {
  readonly #path: string | undefined;
  readonly #location: string;
  readonly #readExternal: ReadExternal;

  constructor({ path, readExternal }: DecodeCheckpointOptions) {
    this.#path = path;
    this.#location = `${basename(path ?? "checkpoint")}.data`;
    this.#readExternal = readExternal ?? refuseExternal;
  }

  checkpoint(bytes: Uint8Array): TrainingCheckpoint {
    assertIdentified(bytes);
    const root = openFlatBuffer(bytes);
    const fields = FIELDS.checkpoint;
    assertVersion(root.int32(fields.version) ?? 0);
    const module = root.table(fields.module);
    if (module === undefined) {
      throw new Problem("it holds no parameters. Save it again from a training session's state");
    }
    const isNominal = module.bool(FIELDS.module.isNominal) ?? false;
    const names = new Names("parameter");
    const parameter = (table: FlatTable) => this.#parameter(table, names, isNominal);
    const groups = new Names("optimizer group");
    return {
      isNominal,
      trained: module.tables(FIELDS.module.trained, parameter) ?? [],
      frozen: module.tables(FIELDS.module.frozen, parameter) ?? [],
      optimizerGroups: root.tables(fields.optimizerGroups, (table) => this.#group(table, groups)) ?? [],
      properties: properties(root.table(fields.properties)),
    };
  }

  #parameter(table: FlatTable, names: Names, isNominal: boolean): NamedTensor {
    const name = names.add(table.text(FIELDS.tensor.name));
    const documentation = documentationOf(table);
    if (isNominal) return new LaterTensor(name, documentation, this.#path, refuseNominal);
    return { name, documentation, tensor: this.#values(table, name)() };
  }

  /** Looks at everything but the values; these are read by the function that it gives. */
  #values(table: FlatTable, name: string): () => Tensor {
    const fields = FIELDS.tensor;
    const type = decodeElementType(table.int32(fields.type) ?? 0, name);
    if (type === "string") throw new Problem(`tensor of strings: ${quote(name)}; expected numbers`);
    const stated = table.int64s(fields.dims);
    if (stated === undefined) throw new Problem(`no dimensions: ${quote(name)}. Save the checkpoint again`);
    const dims = checkedDims(stated.map(Number), name);
    const offset = table.int64(fields.externalOffset) ?? -1n;
    const bytes = offset === -1n ? inline(table.bytes(fields.raw)) : this.#external(type, dims, offset, name);
    return () => ({ type, dims, data: fromRaw(type, bytes(), sizeOf(dims), name) });
  }

  #external(type: ElementType, dims: readonly number[], offset: bigint, name: string): () => Uint8Array {
    if (offset < 0n || offset > Number.MAX_SAFE_INTEGER) {
      throw new Problem(
        `invalid external data offset: ${offset} of ${quote(name)}; expected a count of bytes, or -1`,
      );
    }
    const length = sizeOf(dims) * ELEMENT_BYTES[type];
    const reference = { tensor: name, location: this.#location, offset: Number(offset), length };
    return () => this.#readExternal(reference, length);
  }

  #group(table: FlatTable, names: Names): OptimizerGroup {
    const fields = FIELDS.group;
    const name = names.add(table.text(fields.name));
    const parameters = new Names(`parameter of optimizer group ${quote(name)}`);
    return {
      name,
      step: table.int64(fields.step) ?? 0n,
      initialLearningRate: table.float32(fields.initialLearningRate) ?? 0,
      states: table.tables(fields.states, (state) => this.#state(state, parameters)) ?? [],
    };
  }

  #state(table: FlatTable, parameters: Names): OptimizerState {
    const parameter = parameters.add(table.text(FIELDS.state.parameter));
    const names = new Names(`momentum of ${quote(parameter)}`);
    const momentum = (tensor: FlatTable) => {
      const name = names.add(tensor.text(FIELDS.tensor.name));
      const values = this.#values(tensor, `${parameter}:${name}`);
      return new LaterTensor(name, documentationOf(tensor), this.#path, values);
    };
    return { parameter, momentums: table.tables(FIELDS.state.momentums, momentum) ?? [] };
  }
}

/** A tensor that is read when it is asked for. */
class LaterTensor implements NamedTensor {
  readonly name: string;
  readonly documentation: string;
  readonly #path: string | undefined;
  readonly #read: (name: string) => Tensor;

  constructor(name: string, documentation: string, path: string | undefined, read: (name: string) => Tensor) {
    this.name = name;
    this.documentation = documentation;
    this.#path = path;
    this.#read = read;
  }

  get tensor(): Tensor {
    return inCheckpoint(this.#path, () => this.#read(this.name));
  }
}

function documentationOf(table: FlatTable): string {
  return table.text(FIELDS.tensor.documentation) ?? "";
}

function inline(raw: Uint8Array = new Uint8Array()): () => Uint8Array {
  return () => raw;
}

const refuseExternal: ReadExternal = ({ location, tensor }) => {
  throw new Problem(
    `external data is not available: ${quote(location)} of ${quote(tensor)}. Read the checkpoint from its folder`,
  );
};

function refuseNominal(name: string): never {
  throw new Problem(
    `it is nominal: it names ${quote(name)} but holds no values. Use the checkpoint that was made with it`,
  );
}

/** The bytes before the root table: its place, then four letters. */
function assertIdentified(bytes: Uint8Array): void {
  if (bytes.length === 0) throw new Problem("it is empty. Save the checkpoint again");
  const letters = String.fromCharCode(...bytes.subarray(4, 8));
  if (letters === CHECKPOINT_IDENTIFIER) return;
  throw new Problem(
    `it is no checkpoint of onnxruntime-training; expected ${JSON.stringify(CHECKPOINT_IDENTIFIER)} at byte 4, got ${JSON.stringify(letters)}. Pass the file that generate_artifacts or save_checkpoint wrote`,
  );
}

function assertVersion(version: number): void {
  if (version === CHECKPOINT_VERSION) return;
  throw new Problem(
    `unsupported checkpoint version: ${version}; expected ${CHECKPOINT_VERSION}. Write it again with onnxruntime-training 1.19`,
  );
}

/** Names met so far: a repeated one would hide a tensor, an empty one could not be asked for. */
class Names {
  readonly #what: string;
  readonly #met = new Set<string>();

  constructor(what: string) {
    this.#what = what;
  }

  add(name: string | undefined): string {
    if (!name) throw new Problem(`${this.#what} without a name. Save the checkpoint again`);
    if (this.#met.has(name)) {
      throw new Problem(`repeated name: ${this.#what} ${quote(name)}; expected each once`);
    }
    this.#met.add(name);
    return name;
  }
}

function properties(bag: FlatTable | undefined): Map<string, CheckpointProperty> {
  const { ints, floats, strings } = FIELDS.bag;
  const value = FIELDS.property.value;
  const found = new Map<string, CheckpointProperty>();
  const names = new Names("property");
  const add = (field: number, read: (table: FlatTable) => CheckpointProperty) =>
    bag?.tables(field, (table) => {
      found.set(names.add(table.text(FIELDS.property.name)), read(table));
    });
  add(ints, (table) => table.int64(value) ?? 0n);
  add(floats, (table) => table.float32(value) ?? 0);
  add(strings, (table) => table.text(value) ?? "");
  return found;
}
