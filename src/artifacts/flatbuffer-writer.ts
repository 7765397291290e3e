import { LandscapeError } from "../errors.ts";

// Writes FlatBuffers front to back: every table before what it refers to, so that all offsets point forward,
// as the format asks. Places are settled first, then one array of the exact size is filled.

/** A field's value; undefined leaves the field out. */
export type FlatField =
  | { readonly int32: number }
  | { readonly int64: bigint }
  | { readonly float32: number }
  | { readonly bool: boolean }
  | FlatPart
  | undefined;

/** What stands by itself and is referred to. */
export type FlatPart =
  | { readonly text: string }
  | { readonly bytes: Uint8Array }
  | { readonly int64s: readonly bigint[] }
  | { readonly tables: readonly FlatTableData[] }
  | FlatTableData;

/** A table: its fields in the order of the schema. */
export interface FlatTableData {
  readonly fields: readonly FlatField[];
}

/** Readers in C++ refuse what is not aligned to its element's size, and may copy 8-byte elements as such. */
const MAX_ALIGNMENT = 8;

/** Larger files are refused by C++ readers, whose offsets have 31 bits. */
export const MAX_FLATBUFFER_BYTES: number = 2 ** 31 - 1;

/** A file with the root table `root` and a file identifier of four letters. */
export function writeFlatBuffer(root: FlatTableData, identifier: string): Uint8Array {
  const layout = new Layout();
  const start = layout.place(root);
  assertWritable(layout.size);
  const bytes = new Uint8Array(roundUp(layout.size, MAX_ALIGNMENT));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, start, true);
  bytes.set(new TextEncoder().encode(identifier), 4);
  for (const write of layout.writes) write(view, bytes);
  return bytes;
}

function assertWritable(size: number): void {
  if (size <= MAX_FLATBUFFER_BYTES) return;
  throw new LandscapeError(
    "INVALID_OPTION",
    `cannot write checkpoint: it would have ${size} bytes; expected at most ${MAX_FLATBUFFER_BYTES}. Leave out the optimizer's state`,
  );
}

type Write = (view: DataView, bytes: Uint8Array) => void;

class Layout {
  /** After the root's offset and the identifier. */
  size: number = 8;
  readonly writes: Write[] = [];

  /** `size` bytes, of which the one at `skip` is aligned. */
  #reserve(size: number, alignment: number, skip: number = 0): number {
    const at = roundUp(this.size + skip, alignment) - skip;
    this.size = at + size;
    return at;
  }

  place(part: FlatPart): number {
    if ("fields" in part) return this.#table(part.fields);
    if ("text" in part) return this.#text(part.text);
    if ("bytes" in part) return this.#bytes(part.bytes, 0);
    if ("int64s" in part) return this.#int64s(part.int64s);
    return this.#tables(part.tables);
  }

  #table(fields: readonly FlatField[]): number {
    const places = this.#reserve(4 + 2 * fields.length, 2);
    const { offsets, size } = inlinePlaces(fields);
    const start = this.#reserve(size, MAX_ALIGNMENT);
    this.writes.push((view) => {
      view.setInt32(start, start - places, true);
      view.setUint16(places, 4 + 2 * fields.length, true);
      view.setUint16(places + 2, size, true);
      for (const [i, offset] of offsets.entries()) view.setUint16(places + 4 + 2 * i, offset, true);
    });
    for (const [i, field] of fields.entries()) {
      if (field !== undefined) this.#field(start + offsets[i]!, field);
    }
    return start;
  }

  #field(at: number, field: NonNullable<FlatField>): void {
    if ("int32" in field) this.writes.push((view) => view.setInt32(at, field.int32, true));
    else if ("int64" in field) this.writes.push((view) => view.setBigInt64(at, field.int64, true));
    else if ("float32" in field) this.writes.push((view) => view.setFloat32(at, field.float32, true));
    else if ("bool" in field) this.writes.push((view) => view.setUint8(at, field.bool ? 1 : 0));
    else this.#reference(at, field);
  }

  #reference(at: number, part: FlatPart): void {
    const target = this.place(part);
    this.writes.push((view) => view.setUint32(at, target - at, true));
  }

  #text(text: string): number {
    const bytes = new TextEncoder().encode(text);
    // Readers in C take strings up to a zero.
    return this.#bytes(bytes, 1);
  }

  #bytes(contents: Uint8Array, zeros: number): number {
    const at = this.#reserve(4 + contents.length + zeros, MAX_ALIGNMENT, 4);
    this.writes.push((view, bytes) => {
      view.setUint32(at, contents.length, true);
      bytes.set(contents, at + 4);
    });
    return at;
  }

  #int64s(values: readonly bigint[]): number {
    const at = this.#reserve(4 + 8 * values.length, 8, 4);
    this.writes.push((view) => {
      view.setUint32(at, values.length, true);
      for (const [i, value] of values.entries()) view.setBigInt64(at + 4 + 8 * i, value, true);
    });
    return at;
  }

  #tables(tables: readonly FlatTableData[]): number {
    const at = this.#reserve(4 + 4 * tables.length, 4);
    this.writes.push((view) => view.setUint32(at, tables.length, true));
    for (const [i, table] of tables.entries()) this.#reference(at + 4 + 4 * i, table);
    return at;
  }
}

/** Where fields lie in their table, 0 for one that is left out, behind the four bytes that lead to the list. */
function inlinePlaces(fields: readonly FlatField[]): { offsets: number[]; size: number } {
  let size = 4;
  const offsets = fields.map((field) => {
    if (field === undefined) return 0;
    const bytes = "int64" in field ? 8 : "bool" in field ? 1 : 4;
    const offset = roundUp(size, bytes);
    size = offset + bytes;
    return offset;
  });
  return { offsets, size };
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
