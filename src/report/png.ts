import { crc32, deflateSync } from "node:zlib";
import type { Rgb } from "./maps.ts";

/**
 * An indexed PNG as a data URI: `pixels[row][column]` are colours, row 0 at the top. At most 256 different
 * colours (a map has fewer: 200 steps and grey). 31 × 31 cells take about 1 kB.
 */
export function pngDataUri(pixels: readonly (readonly Rgb[])[]): string {
  const { palette, rows } = index(pixels);
  const width = rows[0]?.length ?? 0;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(rows.length, 4);
  header.set([8, 3, 0, 0, 0], 8); // 8 bits, indexed, deflate, no filter, not interlaced
  const lines = Buffer.concat(rows.map((row) => Buffer.from([0, ...row])));
  const file = Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk("IHDR", header),
    chunk("PLTE", Buffer.from(palette.flat())),
    chunk("IDAT", deflateSync(lines, { level: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
  return `data:image/png;base64,${file.toString("base64")}`;
}

function index(pixels: readonly (readonly Rgb[])[]): { palette: Rgb[]; rows: number[][] } {
  const palette: Rgb[] = [];
  const known = new Map<number, number>();
  const indexOf = (colour: Rgb) => {
    const key = (colour[0] << 16) | (colour[1] << 8) | colour[2];
    let i = known.get(key);
    if (i === undefined) {
      i = palette.push(colour) - 1;
      known.set(key, i);
    }
    return i;
  };
  const rows = pixels.map((row) => row.map(indexOf));
  if (palette.length > 256) throw new RangeError("internal: an indexed PNG takes at most 256 colours");
  return { palette, rows };
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  out.set(body, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}
