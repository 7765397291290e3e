import { crc32 } from "../../src/data/crc32.ts";

/** One entry of a hand-made archive; what is given overrides what an honest writer would store. */
export interface RawEntry {
  readonly name: string;
  /** The stored bytes, compressed already where `method` is 8. */
  readonly stored: Uint8Array;
  readonly method?: number;
  readonly flags?: number;
  readonly size?: number;
  readonly crc?: number;
  readonly localName?: string;
  readonly offset?: number;
  /** Extra field of the directory's record. */
  readonly extra?: Uint8Array;
  /** The 32-bit fields of the directory, where they differ from the truth. */
  readonly recorded?: { readonly size?: number; readonly compressedSize?: number; readonly offset?: number };
}

/** Builds a zip archive byte by byte, so that tests can make it lie. */
export function rawZip(entries: readonly RawEntry[], count: number = entries.length): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const entry of entries) {
    const local = localHeader(entry);
    directory.push(centralHeader(entry, entry.offset ?? at));
    parts.push(local, entry.stored);
    at += local.length + entry.stored.length;
  }
  const size = directory.reduce((n, d) => n + d.length, 0);
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, count, true);
  end.setUint16(10, count, true);
  end.setUint32(12, size, true);
  end.setUint32(16, at, true);
  return concat([...parts, ...directory, new Uint8Array(end.buffer)]);
}

function localHeader(entry: RawEntry): Uint8Array {
  const name = new TextEncoder().encode(entry.localName ?? entry.name);
  const view = new DataView(new ArrayBuffer(30 + name.length));
  view.setUint32(0, 0x04034b50, true);
  view.setUint16(6, entry.flags ?? 0, true);
  view.setUint16(8, entry.method ?? 0, true);
  view.setUint32(18, entry.stored.length, true);
  view.setUint32(22, entry.size ?? entry.stored.length, true);
  view.setUint16(26, name.length, true);
  const bytes = new Uint8Array(view.buffer);
  bytes.set(name, 30);
  return bytes;
}

function centralHeader(entry: RawEntry, offset: number): Uint8Array {
  const name = new TextEncoder().encode(entry.name);
  const extra = entry.extra ?? new Uint8Array(0);
  const view = new DataView(new ArrayBuffer(46 + name.length + extra.length));
  view.setUint32(0, 0x02014b50, true);
  view.setUint16(8, entry.flags ?? 0, true);
  view.setUint16(10, entry.method ?? 0, true);
  view.setUint32(16, entry.crc ?? crc32(entry.stored), true);
  view.setUint32(20, entry.recorded?.compressedSize ?? entry.stored.length, true);
  view.setUint32(24, entry.recorded?.size ?? entry.size ?? entry.stored.length, true);
  view.setUint16(28, name.length, true);
  view.setUint16(30, extra.length, true);
  view.setUint32(42, entry.recorded?.offset ?? offset, true);
  const bytes = new Uint8Array(view.buffer);
  bytes.set(name, 46);
  bytes.set(extra, 46 + name.length);
  return bytes;
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
