import { Problem } from "../onnx/invalid-model.ts";

// FlatBuffers (https://flatbuffers.dev/internals): tables, vectors and strings that refer to each other by
// offsets. Google's JavaScript library follows offsets unchecked, and a wrong one reads whatever is there;
// here every part is checked to lie inside the file before it is read.

/** Equal strings may be shared, so the parts of a sound file may take more than its bytes, but not much more. */
const MAX_SHARING = 2;

const DAMAGED = "The file is damaged or cut short: copy it again, or save the checkpoint again";

/** The root table of a file; throws where the file has none. */
export function openFlatBuffer(bytes: Uint8Array): FlatTable {
  const file = new FlatFile(bytes);
  return new FlatTable(file, file.target(0));
}

/** The bytes of a file, and how many of them the parts read so far take. */
class FlatFile {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  #left: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#left = MAX_SHARING * bytes.length;
  }

  /** Throws unless `size` bytes lie at `at`. */
  assertInside(at: number, size: number, what: string): void {
    if (at >= 0 && at + size <= this.bytes.length) return;
    throw new Problem(
      `a ${what} lies outside the file: bytes ${at} to ${at + size}; expected all below ${this.bytes.length}. ${DAMAGED}`,
    );
  }

  /**
   * As `assertInside`, and counts the bytes. Tables that many others refer to, or each other, would make a
   * small file look endless: the count ends that.
   */
  claim(at: number, size: number, what: string): void {
    this.assertInside(at, size, what);
    this.#left -= size;
    if (this.#left >= 0) return;
    throw new Problem(
      `its parts overlap: together they take more than ${MAX_SHARING} times its ${this.bytes.length} bytes. ${DAMAGED}`,
    );
  }

  /** Where the offset at `at` leads. */
  target(at: number): number {
    this.assertInside(at, 4, "reference");
    const offset = this.view.getUint32(at, true);
    if (offset === 0) throw new Problem(`the reference at byte ${at} leads nowhere. ${DAMAGED}`);
    return at + offset;
  }

  /** The first element and the length of the vector at `at`. */
  vector(at: number, elementBytes: number, what: string): { start: number; length: number } {
    this.assertInside(at, 4, what);
    const length = this.view.getUint32(at, true);
    this.claim(at, 4 + length * elementBytes, what);
    return { start: at + 4, length };
  }

  text(at: number): string {
    const { start, length } = this.vector(at, 1, "string");
    try {
      return utf8.decode(this.bytes.subarray(start, start + length));
    } catch {
      throw new Problem(`the string at byte ${at} is not UTF-8. ${DAMAGED}`);
    }
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A table; its fields are numbered in the order of the schema. An absent field gives undefined. */
export class FlatTable {
  readonly #file: FlatFile;
  readonly #start: number;
  /** Bytes of the table itself, and of the list of its fields' places. */
  readonly #size: number;
  readonly #places: number;
  readonly #placesSize: number;

  constructor(file: FlatFile, start: number) {
    file.assertInside(start, 4, "table");
    const places = start - file.view.getInt32(start, true);
    file.assertInside(places, 4, "table's list of fields");
    const placesSize = file.view.getUint16(places, true);
    const size = file.view.getUint16(places + 2, true);
    file.assertInside(places, placesSize, "table's list of fields");
    file.claim(start, size, "table");
    const apart = places + placesSize <= start || start + size <= places;
    if (placesSize < 4 || placesSize % 2 !== 0 || size < 4 || !apart) {
      throw new Problem(`the table at byte ${start} has no sound list of fields. ${DAMAGED}`);
    }
    this.#file = file;
    this.#start = start;
    this.#size = size;
    this.#places = places;
    this.#placesSize = placesSize;
  }

  #place(field: number, size: number): number | undefined {
    const slot = 4 + 2 * field;
    if (slot + 2 > this.#placesSize) return undefined;
    const offset = this.#file.view.getUint16(this.#places + slot, true);
    if (offset === 0) return undefined;
    if (offset < 4 || offset + size > this.#size) {
      throw new Problem(`field ${field} lies outside its table at byte ${this.#start}. ${DAMAGED}`);
    }
    return this.#start + offset;
  }

  int32(field: number): number | undefined {
    const at = this.#place(field, 4);
    return at === undefined ? undefined : this.#file.view.getInt32(at, true);
  }

  int64(field: number): bigint | undefined {
    const at = this.#place(field, 8);
    return at === undefined ? undefined : this.#file.view.getBigInt64(at, true);
  }

  float32(field: number): number | undefined {
    const at = this.#place(field, 4);
    return at === undefined ? undefined : this.#file.view.getFloat32(at, true);
  }

  bool(field: number): boolean | undefined {
    const at = this.#place(field, 1);
    return at === undefined ? undefined : this.#file.view.getUint8(at) !== 0;
  }

  text(field: number): string | undefined {
    const at = this.#target(field);
    return at === undefined ? undefined : this.#file.text(at);
  }

  /** A view of the bytes of a vector. */
  bytes(field: number): Uint8Array | undefined {
    const at = this.#target(field);
    if (at === undefined) return undefined;
    const { start, length } = this.#file.vector(at, 1, "vector of bytes");
    return this.#file.bytes.subarray(start, start + length);
  }

  int64s(field: number): bigint[] | undefined {
    const at = this.#target(field);
    if (at === undefined) return undefined;
    const { start, length } = this.#file.vector(at, 8, "vector of numbers");
    return Array.from({ length }, (_, i) => this.#file.view.getBigInt64(start + 8 * i, true));
  }

  table(field: number): FlatTable | undefined {
    const at = this.#target(field);
    return at === undefined ? undefined : new FlatTable(this.#file, at);
  }

  /** The tables of a vector, `read` one after another: none is kept for longer. */
  tables<T>(field: number, read: (table: FlatTable) => T): T[] | undefined {
    const at = this.#target(field);
    if (at === undefined) return undefined;
    const { start, length } = this.#file.vector(at, 4, "vector of tables");
    const found: T[] = [];
    for (let i = 0; i < length; i++)
      found.push(read(new FlatTable(this.#file, this.#file.target(start + 4 * i))));
    return found;
  }

  #target(field: number): number | undefined {
    const at = this.#place(field, 4);
    return at === undefined ? undefined : this.#file.target(at);
  }
}
