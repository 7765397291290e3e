import { Inflate } from "fflate";
import { LandscapeError } from "../errors.ts";
import { crc32 } from "./crc32.ts";
import type { ByteSource } from "./source.ts";

/** One file of a zip archive, as its directory describes it. */
export interface ZipEntry {
  readonly name: string;
  readonly compressedSize: number;
  readonly size: number;
  readonly crc: number;
  readonly method: 0 | 8;
  /** Where its local header is. */
  readonly offset: number;
}

const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;

const MAX_ENTRIES = 100_000;
const MAX_DIRECTORY = 64 * 2 ** 20;
/** Deflate cannot do better than 258 bytes for two bits. */
const MAX_RATIO = 1032;

/**
 * Reads the directory of a zip archive and refuses what no honest writer makes: names that leave a
 * folder, two entries of one name, entries that overlap, sizes that no compression reaches.
 */
export async function readZipDirectory(source: ByteSource): Promise<ReadonlyMap<string, ZipEntry>> {
  const { offset, size, count } = await findDirectory(source);
  if (count > MAX_ENTRIES || size > MAX_DIRECTORY) {
    throw damaged(source, `its directory claims ${count} entries and ${size} bytes`);
  }
  if (offset + size > source.size) throw damaged(source, "its directory lies outside the file");
  const bytes = await source.read(offset, size);
  const view = new DataView(bytes.buffer);
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > size || view.getUint32(at, true) !== CENTRAL) {
      throw damaged(source, `its directory ends after ${i} of ${count} entries`);
    }
    const length =
      46 + view.getUint16(at + 28, true) + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (at + length > size) throw damaged(source, "its directory is cut off");
    const entry = parseEntry(source, new DataView(bytes.buffer, at, length));
    if (entries.has(entry.name)) throw damaged(source, `it holds ${JSON.stringify(entry.name)} twice`);
    entries.set(entry.name, entry);
    at += length;
  }
  checkOverlap(source, [...entries.values()], offset);
  return entries;
}

async function findDirectory(source: ByteSource): Promise<{ offset: number; size: number; count: number }> {
  const tailSize = Math.min(source.size, 22 + 0xffff);
  const tail = await source.read(source.size - tailSize, tailSize);
  const view = new DataView(tail.buffer);
  let at = tailSize - 22;
  while (
    at >= 0 &&
    !(view.getUint32(at, true) === END && at + 22 + view.getUint16(at + 20, true) === tailSize)
  )
    at--;
  if (at < 0) throw damaged(source, "it is not a zip archive, or it is cut off");
  const count = view.getUint16(at + 10, true);
  const size = view.getUint32(at + 12, true);
  const offset = view.getUint32(at + 16, true);
  if (at >= 20 && view.getUint32(at - 20, true) === LOCATOR64) {
    const where = toNumber(source, view.getBigUint64(at - 12, true));
    if (where + 56 > source.size) throw damaged(source, "its zip64 record lies outside the file");
    const record = new DataView((await source.read(where, 56)).buffer);
    if (record.getUint32(0, true) !== END64) throw damaged(source, "its zip64 record is missing");
    return {
      count: toNumber(source, record.getBigUint64(32, true)),
      size: toNumber(source, record.getBigUint64(40, true)),
      offset: toNumber(source, record.getBigUint64(48, true)),
    };
  }
  return { offset, size, count };
}

function parseEntry(source: ByteSource, view: DataView): ZipEntry {
  const nameLength = view.getUint16(28, true);
  const bytes = new Uint8Array(view.buffer, view.byteOffset + 46, nameLength);
  const name = new TextDecoder().decode(bytes);
  checkName(source, name);
  const flags = view.getUint16(8, true);
  if (flags & 0x41) throw damaged(source, `its entry ${JSON.stringify(name)} is encrypted`);
  const method = view.getUint16(10, true);
  if (method !== 0 && method !== 8) {
    throw damaged(
      source,
      `its entry ${JSON.stringify(name)} uses compression method ${method}; expected stored or deflate`,
    );
  }
  // Sizes of all ones are in the zip64 field, in this order and only those.
  const sizes = [view.getUint32(24, true), view.getUint32(20, true), view.getUint32(42, true)];
  let at = 46 + nameLength;
  const end = at + view.getUint16(30, true);
  while (at + 4 <= end && sizes.includes(0xffffffff)) {
    const id = view.getUint16(at, true);
    const fieldEnd = at + 4 + view.getUint16(at + 2, true);
    if (id === 1) {
      let field = at + 4;
      for (let i = 0; i < 3; i++) {
        if (sizes[i] !== 0xffffffff) continue;
        if (field + 8 > Math.min(fieldEnd, end)) throw damaged(source, "its zip64 field is cut off");
        sizes[i] = toNumber(source, view.getBigUint64(field, true));
        field += 8;
      }
      break;
    }
    at = fieldEnd;
  }
  const [size, compressedSize, offset] = sizes as [number, number, number];
  const lies = method === 0 ? size !== compressedSize : size > compressedSize * MAX_RATIO;
  if (lies) {
    throw damaged(
      source,
      `its entry ${JSON.stringify(name)} claims ${size} bytes, which its ${compressedSize} stored bytes cannot hold`,
    );
  }
  return { name, compressedSize, size, crc: view.getUint32(16, true), method, offset };
}

function checkName(source: ByteSource, name: string): void {
  const parts = name.split(/[/\\]/);
  if (name === "" || /^([/\\]|[A-Za-z]:[/\\])/.test(name) || parts.includes("..") || /\p{Cc}/u.test(name)) {
    throw damaged(source, `it has an entry with the unsafe name ${JSON.stringify(name.slice(0, 200))}`);
  }
}

function checkOverlap(source: ByteSource, entries: readonly ZipEntry[], directory: number): void {
  const sorted = [...entries].sort((a, b) => a.offset - b.offset);
  for (const [i, entry] of sorted.entries()) {
    // A local header has 30 bytes and the name again.
    const end = entry.offset + 30 + entry.compressedSize;
    if (end > (sorted[i + 1]?.offset ?? directory)) {
      throw damaged(source, `its entry ${JSON.stringify(entry.name)} overlaps what follows it`);
    }
  }
}

/** Where an entry's data begin; its local header must name the same file. */
async function dataOffset(source: ByteSource, entry: ZipEntry): Promise<number> {
  const header = new DataView((await source.read(entry.offset, 30)).buffer);
  const nameLength = header.getUint16(26, true);
  const start = entry.offset + 30 + nameLength + header.getUint16(28, true);
  if (header.getUint32(0, true) !== LOCAL || start + entry.compressedSize > source.size) {
    throw damaged(source, `the header of its entry ${JSON.stringify(entry.name)} is damaged`);
  }
  const name = new TextDecoder().decode(await source.read(entry.offset + 30, nameLength));
  if (name !== entry.name) {
    throw damaged(
      source,
      `its entry ${JSON.stringify(entry.name)} calls itself ${JSON.stringify(name.slice(0, 200))}`,
    );
  }
  return start;
}

/**
 * The bytes [start, end) of an entry once it is unpacked; a whole entry is checked against its
 * checksum. Unpacking stops at `end`, so that little is held of a long entry.
 */
export async function readZipEntry(
  source: ByteSource,
  entry: ZipEntry,
  start = 0,
  end: number = entry.size,
): Promise<Uint8Array<ArrayBuffer>> {
  if (end > entry.size) throw damaged(source, `its entry ${JSON.stringify(entry.name)} ends too early`);
  const offset = await dataOffset(source, entry);
  if (entry.method === 0) {
    const out = await source.read(offset + start, end - start);
    if (start === 0 && end === entry.size) checkSum(source, entry, crc32(out));
    return out;
  }
  return inflateRange(source, entry, offset, start, end);
}

/** Compressed bytes at a time: what one piece can grow to (66 MB) is memory that a bomb may take. */
const CHUNK = 1 << 16;

async function inflateRange(
  source: ByteSource,
  entry: ZipEntry,
  offset: number,
  start: number,
  end: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const out = new Uint8Array(end - start);
  let produced = 0;
  let finished = false;
  let crc = 0;
  const inflate = new Inflate((chunk, final) => {
    crc = crc32(chunk, crc);
    const from = Math.max(start - produced, 0);
    const to = Math.min(end - produced, chunk.length);
    if (from < to) out.set(chunk.subarray(from, to), produced + from - start);
    produced += chunk.length;
    finished ||= final;
  });
  try {
    const whole = end === entry.size;
    for (let at = 0; at < entry.compressedSize; at += CHUNK) {
      if (produced > entry.size || (!whole && produced >= end)) break;
      const length = Math.min(CHUNK, entry.compressedSize - at);
      inflate.push(await source.read(offset + at, length), at + length === entry.compressedSize);
    }
  } catch (cause) {
    if (cause instanceof LandscapeError) throw cause;
    throw damaged(source, `its entry ${JSON.stringify(entry.name)} cannot be unpacked`, cause);
  }
  if (produced > entry.size || produced < end || (end === entry.size && !finished)) {
    throw damaged(
      source,
      `its entry ${JSON.stringify(entry.name)} does not unpack to the ${entry.size} bytes it claims`,
    );
  }
  if (end === entry.size) checkSum(source, entry, crc);
  return out;
}

function checkSum(source: ByteSource, entry: ZipEntry, crc: number): void {
  if (crc !== entry.crc)
    throw damaged(source, `the checksum of its entry ${JSON.stringify(entry.name)} is wrong`);
}

function toNumber(source: ByteSource, value: bigint): number {
  if (value > Number.MAX_SAFE_INTEGER) throw damaged(source, "its zip64 sizes are beyond any file");
  return Number(value);
}

function damaged(source: ByteSource, why: string, cause?: unknown): LandscapeError {
  return new LandscapeError(
    "INVALID_DATA",
    `cannot read archive ${JSON.stringify(source.name)}: ${why}`,
    { path: source.name },
    { cause },
  );
}
