import { crc32, inflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { cividis, diverging, type Rgb, viridis } from "../../src/report/maps.ts";
import { pngDataUri } from "../../src/report/png.ts";

/** Reads back an indexed PNG without filters, checking every chunk's sum. */
function decode(uri: string): number[][][] {
  const file = Buffer.from(uri.slice("data:image/png;base64,".length), "base64");
  expect([...file.subarray(0, 8)]).toEqual([137, 80, 78, 71, 13, 10, 26, 10]);
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < file.length; ) {
    const length = file.readUInt32BE(at);
    const body = file.subarray(at + 4, at + 8 + length);
    expect(file.readUInt32BE(at + 8 + length)).toBe(crc32(body));
    chunks.set(body.subarray(0, 4).toString(), body.subarray(4));
    at += length + 12;
  }
  const [width, height] = [chunks.get("IHDR")!.readUInt32BE(0), chunks.get("IHDR")!.readUInt32BE(4)];
  const palette = chunks.get("PLTE")!;
  const data = inflateSync(chunks.get("IDAT")!);
  expect(data.length).toBe(height * (width + 1));
  return Array.from({ length: height }, (_, i) =>
    Array.from({ length: width }, (_, j) => {
      const k = data[i * (width + 1) + 1 + j]!;
      return [...palette.subarray(3 * k, 3 * k + 3)];
    }),
  );
}

test("an image reads back pixel by pixel, first row at the top", () => {
  const pixels: Rgb[][] = [
    [
      [1, 2, 3],
      [255, 0, 0],
      [1, 2, 3],
    ],
    [
      [0, 0, 0],
      [9, 9, 9],
      [255, 255, 255],
    ],
  ];
  expect(decode(pngDataUri(pixels))).toEqual(pixels);
});

test("a map of 31 × 31 cells stays below 3 kB", () => {
  const pixels = Array.from({ length: 31 }, (_, i) =>
    Array.from({ length: 31 }, (_, j) => viridis(((i * 31 + j) % 200) / 199)),
  );
  expect(pngDataUri(pixels).length).toBeLessThan(3000);
});

/** L* of CIE Lab. */
function lightness([r, g, b]: Rgb): number {
  const linear = (v: number) => (v <= 10 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  return 116 * Math.cbrt(0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)) - 16;
}

test("sequential maps become lighter all the way; the diverging one is as light on both arms", () => {
  for (const map of [viridis, cividis]) {
    const steps = Array.from({ length: 101 }, (_, k) => lightness(map(k / 100)));
    for (let k = 1; k < steps.length; k++) expect(steps[k]!).toBeGreaterThan(steps[k - 1]! - 0.3);
  }
  for (let k = 0; k <= 50; k++) {
    const [below, above] = [lightness(diverging(0.5 - k / 100)), lightness(diverging(0.5 + k / 100))];
    // One step of 8-bit colour is 0.4 of L*; the arms were chosen to agree within 0.5 at their stops.
    expect(Math.abs(below - above)).toBeLessThan(1.5);
  }
});
