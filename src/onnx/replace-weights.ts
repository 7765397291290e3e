import { LandscapeError } from "../errors.ts";
import { ELEMENT_BYTES } from "./element-type.ts";
import { externalReference } from "./external.ts";
import { numberOf } from "./int64.ts";
import { Problem, quote } from "./invalid-model.ts";
import { onnx } from "./proto/onnx.js";
import { type ElementType, sizeOf } from "./tensor.ts";
import { checkedDims, decodeElementType } from "./tensor-codec.ts";
import { delimited, type Pieces, rewriteFields } from "./wire.ts";

/** A file of external data, and which of its bytes become others. */
export interface PatchedData {
  readonly location: string;
  /** Its new name. */
  readonly to: string;
  readonly patches: readonly { readonly offset: number; readonly bytes: Uint8Array }[];
}

/** A model file with other weights; the pieces joined are the file. */
export interface ReplacedModel {
  readonly model: Pieces;
  readonly data: readonly PatchedData[];
}

/**
 * Finds the initializers and Constant nodes of these names in a model file. Throws INVALID_MODEL where a name is there
 * not once, or where it shares its external bytes with another tensor. Gives the types in which they are stored, and the
 * names of all files of external data. `path` is for messages.
 */
export function locateWeights(
  file: Uint8Array,
  names: Iterable<string>,
  path: string,
): { readonly stored: ReadonlyMap<string, ElementType>; readonly locations: readonly string[] } {
  const { found, ranges } = walk(file, new Map([...names].map((name) => [name, null])), (l) => l, path);
  return { stored: found, locations: [...ranges.keys()] };
}

/**
 * The file with `contents` (little-endian bytes in the stored type, by name) in place of these tensors' elements. All
 * else stays byte for byte, but that external data move to files of the names that `rename` gives.
 */
export function replaceWeights(
  file: Uint8Array,
  contents: ReadonlyMap<string, Uint8Array>,
  rename: (location: string) => string,
  path: string,
): ReplacedModel {
  const { model, ranges } = walk(file, contents, rename, path);
  const data = [...ranges].map(([location, all]) => ({
    location,
    to: rename(location),
    patches: all.flatMap(({ offset, bytes }) => (bytes ? [{ offset, bytes }] : [])),
  }));
  return { model, data };
}

/** Bytes of an external file that a tensor takes, and what replaces them. */
interface ByteRange {
  readonly offset: number;
  readonly end: number;
  readonly tensor: string;
  readonly isReplaced: boolean;
  readonly bytes: Uint8Array | null;
}

interface Walked {
  readonly model: Pieces;
  readonly found: ReadonlyMap<string, ElementType>;
  readonly ranges: ReadonlyMap<string, readonly ByteRange[]>;
}

/** Fields of the messages that lead to tensors, by their numbers in onnx.proto. */
const MODEL = { graph: 7, functions: 25 } as const;
const GRAPH = { node: 1, initializer: 5 } as const;
const NODE = { output: 2, opType: 4, attribute: 5 } as const;
const ATTRIBUTE = { tensor: 5, graph: 6, tensors: 10, graphs: 11 } as const;
const FUNCTION = { node: 7 } as const;
const TENSOR = { raw: 9, external: 13 } as const;
/** float_data, int32_data, string_data, int64_data, double_data, uint64_data. */
const TYPED_DATA: readonly number[] = [4, 5, 6, 7, 10, 11];

/** `null` as contents: only looked for. */
function walk(
  file: Uint8Array,
  contents: ReadonlyMap<string, Uint8Array | null>,
  rename: (location: string) => string,
  path: string,
): Walked {
  const walker = new Walker(contents, rename);
  try {
    const model = walker.model(file);
    for (const name of contents.keys()) if (!walker.found.has(name)) throw missing(name);
    for (const ranges of walker.ranges.values()) assertApart(ranges);
    return { model, found: walker.found, ranges: walker.ranges };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const message = `cannot replace the weights of ${JSON.stringify(path)}: ${error.message}`;
    throw new LandscapeError("INVALID_MODEL", message, { path });
  }
}

function missing(name: string): Problem {
  return new Problem(
    `${quote(name)} is no initializer or Constant tensor of its graph; expected one. Export the model without local functions`,
  );
}

class Walker {
  readonly found = new Map<string, ElementType>();
  readonly ranges = new Map<string, ByteRange[]>();
  private readonly contents: ReadonlyMap<string, Uint8Array | null>;
  private readonly rename: (location: string) => string;

  constructor(contents: ReadonlyMap<string, Uint8Array | null>, rename: (location: string) => string) {
    this.contents = contents;
    this.rename = rename;
  }

  model(file: Uint8Array): Pieces {
    return inside(file, {
      [MODEL.graph]: (m) => this.graph(m),
      // What a function holds has no name of its own in the graph.
      [MODEL.functions]: (m) => inside(m, { [FUNCTION.node]: (n) => this.node(n, true) }),
    });
  }

  private graph(message: Uint8Array): Pieces {
    return inside(message, {
      [GRAPH.node]: (m) => this.node(m, false),
      [GRAPH.initializer]: (m) => this.tensor(m, onnx.TensorProto.decode(m).name),
    });
  }

  private node(message: Uint8Array, isNameless: boolean): Pieces {
    let [op, output] = ["", ""];
    rewriteFields(message, (field, payload) => {
      if (field === NODE.opType && payload) op = text(payload);
      if (field === NODE.output && payload && output === "") output = text(payload);
      return "keep";
    });
    const name = op === "Constant" && !isNameless ? output : "";
    const attribute = (m: Uint8Array) =>
      inside(m, {
        [ATTRIBUTE.tensor]: (t) => this.tensor(t, name),
        [ATTRIBUTE.tensors]: (t) => this.tensor(t, ""),
        [ATTRIBUTE.graph]: (g) => this.graph(g),
        [ATTRIBUTE.graphs]: (g) => this.graph(g),
      });
    return inside(message, { [NODE.attribute]: attribute });
  }

  /** A tensor that is replaced, or whose external data move; an empty name is none. */
  private tensor(message: Uint8Array, name: string): Pieces {
    const isWanted = name !== "" && this.contents.has(name);
    const proto = onnx.TensorProto.decode(message);
    const isExternal = proto.data_location === onnx.TensorProto.DataLocation.EXTERNAL;
    if (!isWanted && !isExternal) return [message];
    const bytes = isWanted ? (this.contents.get(name) ?? null) : null;
    const type = decodeElementType(proto.data_type, name);
    const size = sizeOf(checkedDims(proto.dims.map(numberOf), name)) * ELEMENT_BYTES[type];
    if (bytes !== null && bytes.length !== size) {
      throw new Error(`internal: ${bytes.length} bytes for "${name}", expected ${size}`);
    }
    const reference = isExternal ? externalReference(proto, name) : null;
    if (isWanted) this.find(name, type);
    if (reference === null) return bytes === null ? [message] : withRawData(message, proto, bytes);
    const { location, offset } = reference;
    const ranges = this.ranges.get(location) ?? [];
    ranges.push({ offset, end: offset + size, tensor: name, isReplaced: isWanted, bytes });
    this.ranges.set(location, ranges);
    return relocated(message, this.rename(location), isWanted);
  }

  private find(name: string, type: ElementType): void {
    if (!this.found.has(name)) this.found.set(name, type);
    else {
      throw new Problem(
        `several tensors have the name ${quote(name)}; expected one. Export the model with distinct names`,
      );
    }
  }
}

function inside(message: Uint8Array, fields: Readonly<Record<number, (m: Uint8Array) => Pieces>>): Pieces {
  return rewriteFields(message, (field, payload) => {
    const into = fields[field];
    if (into === undefined || payload === undefined) return "keep";
    const pieces = into(payload);
    return pieces.length === 1 && pieces[0] === payload ? "keep" : pieces;
  });
}

/** Typed elements become raw ones, which mean the same; where there are raw ones, nothing else changes. */
function withRawData(message: Uint8Array, proto: onnx.TensorProto, bytes: Uint8Array): Pieces {
  if (Object.hasOwn(proto, "raw_data")) {
    return rewriteFields(message, (field) => (field === TENSOR.raw ? [bytes] : "keep"));
  }
  const rest = rewriteFields(message, (field) => (TYPED_DATA.includes(field) ? "drop" : "keep"));
  return [...rest, ...delimited(TENSOR.raw, bytes)];
}

function relocated(message: Uint8Array, location: string, isReplaced: boolean): Pieces {
  return rewriteFields(message, (field, payload) => {
    if (field !== TENSOR.external || payload === undefined) return "keep";
    const { key } = onnx.StringStringEntryProto.decode(payload);
    // A checksum is that of the old bytes.
    if (key === "checksum" && isReplaced) return "drop";
    if (key !== "location") return "keep";
    return [onnx.StringStringEntryProto.encode({ key, value: location }).finish()];
  });
}

/** Two tensors may lie on the same bytes; then one cannot change without the other. */
function assertApart(ranges: readonly ByteRange[]): void {
  const sorted = [...ranges].sort((a, b) => a.offset - b.offset);
  let reach: ByteRange | undefined;
  for (const range of sorted) {
    if (reach && range.offset < reach.end && (range.isReplaced || reach.isReplaced)) {
      throw new Problem(
        `${quote(reach.tensor)} and ${quote(range.tensor)} share bytes of the external data; expected weights with bytes of their own. Export the model again`,
      );
    }
    if (reach === undefined || range.end > reach.end) reach = range;
  }
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
