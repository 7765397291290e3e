import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { deflateSync, zipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { crc32 } from "../../src/data/crc32.ts";
import { encodeNpy, type NdArray } from "../../src/data/npy.ts";
import { npzStore, openNpz, writeNpz } from "../../src/data/npz.ts";
import { memorySource } from "../../src/data/source.ts";
import { parseVectorAddress, readNpzArray, readVector } from "../../src/data/vector.ts";
import { LandscapeError } from "../../src/errors.ts";
import { describeWithFixtures, requireFixture } from "../support/fixtures.ts";
import { concat, type RawEntry, rawZip } from "../support/zip.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "npz-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const matrix: NdArray = { dtype: "float64", shape: [3, 2], data: Float64Array.of(1, 2, 3, 4, 5, 6) };
const npy = (array: NdArray): Uint8Array => concat(encodeNpy(array));
const open = (bytes: Uint8Array) => npzStore(memorySource(bytes, "F.npz"));

describe("npz", () => {
  it("gives back what was written, in the order it was written", async () => {
    const path = join(folder, "a.npz");
    writeNpz(path, { matrix, "layer/x": { shape: [2], data: BigInt64Array.of(-1n, 2n) } });
    const store = await openNpz(path);
    expect(store.arrays).toEqual(["matrix", "layer/x"]);
    expect(await store.read("matrix")).toEqual(matrix);
    expect((await store.read("layer/x")).data).toEqual(BigInt64Array.of(-1n, 2n));
    await store.close();
  });

  it("writes the same bytes for the same arrays, and no other file", () => {
    writeNpz(join(folder, "b.npz"), { matrix });
    writeNpz(join(folder, "c.npz"), { matrix });
    expect(readFileSync(join(folder, "b.npz"))).toEqual(readFileSync(join(folder, "c.npz")));
    expect(readdirSync(folder).filter((f) => f.includes("part"))).toEqual([]);
  });

  it("says why a file cannot be written, and leaves nothing behind", () => {
    expect(() => writeNpz(join(folder, "none", "b.npz"), { matrix })).toThrow(/there is no such folder/);
    expect(() => writeNpz(folder, { matrix })).toThrow(LandscapeError);
    expect(readdirSync(tmpdir()).filter((f) => f.startsWith("npz-") && f.endsWith(".part"))).toEqual([]);
  });

  it.each([0, 6] as const)("reads rows of an array, compression level %i", async (level) => {
    const store = await open(zipSync({ "m.npy": npy(matrix) }, { level }));
    expect((await store.read("m", [1, 3])).data).toEqual(Float64Array.of(3, 4, 5, 6));
    expect((await store.read("m", [0, 1])).shape).toEqual([1, 2]);
  });

  it("ignores entries that are no arrays", async () => {
    const store = await open(zipSync({ "readme.txt": new Uint8Array(3), "m.npy": npy(matrix) }));
    expect(store.arrays).toEqual(["m"]);
    await expect(store.read("x")).rejects.toThrow(/has no array "x"; it has "m"/);
  });

  it("reads zip64 sizes and offsets", async () => {
    const stored = npy(matrix);
    const field = new DataView(new ArrayBuffer(28));
    field.setUint16(0, 1, true);
    field.setUint16(2, 24, true);
    field.setBigUint64(4, BigInt(stored.length), true);
    field.setBigUint64(12, BigInt(stored.length), true);
    const all = { size: 0xffffffff, compressedSize: 0xffffffff, offset: 0xffffffff };
    const store = await open(
      rawZip([{ name: "m.npy", stored, recorded: all, extra: new Uint8Array(field.buffer) }]),
    );
    expect(await store.read("m")).toEqual(matrix);
  });

  const stored = npy(matrix);
  const zeros = deflateSync(new Uint8Array(1_000_000));
  const bomb = { name: "m.npy", stored: zeros, method: 8 };
  const hostile: [string, readonly RawEntry[], RegExp][] = [
    ["a name that leaves the folder", [{ name: "../m.npy", stored }], /unsafe name "\.\.\/m\.npy"/],
    ["an absolute name", [{ name: "/etc/m.npy", stored }], /unsafe name/],
    ["a drive letter", [{ name: "C:\\m.npy", stored }], /unsafe name/],
    ["a backslash path", [{ name: "..\\m.npy", stored }], /unsafe name/],
    ["a control character", [{ name: "m\0.npy", stored }], /unsafe name/],
    [
      "two entries of one name",
      [
        { name: "m.npy", stored },
        { name: "m.npy", stored },
      ],
      /"m\.npy" twice/,
    ],
    ["an encrypted entry", [{ name: "m.npy", stored, flags: 1 }], /is encrypted/],
    ["another compression", [{ name: "m.npy", stored, method: 12 }], /compression method 12/],
    ["a stored size that lies", [{ name: "m.npy", stored, size: 9999 }], /claims 9999 bytes/],
    ["a size beyond deflate", [{ ...bomb, size: 4e9 }], /claims 4000000000 bytes, which its/],
    ["a size too small", [{ ...bomb, size: 500 }], /does not unpack to the 500 bytes/],
    ["another local name", [{ name: "m.npy", localName: "n.npy", stored }], /calls itself "n\.npy"/],
    ["a wrong checksum", [{ name: "m.npy", stored, crc: 1 }], /checksum/],
    [
      "entries in one place",
      [
        { name: "a.npy", stored },
        { name: "m.npy", stored, offset: 0 },
      ],
      /overlaps/,
    ],
    [
      "garbage for deflate",
      [{ name: "m.npy", stored: new Uint8Array(50).fill(255), method: 8, size: 90 }],
      /unpack/,
    ],
    ["an entry outside", [{ name: "m.npy", stored, offset: 1e9 }], /overlaps/],
  ];
  it.each(hostile)("refuses %s", async (_, entries, message) => {
    const read = async () => (await open(rawZip(entries))).read("m");
    await expect(read()).rejects.toThrow(message);
    await expect(read()).rejects.toThrow(LandscapeError);
  });

  it("refuses a size that is right for the zip but not for the array", async () => {
    const short = stored.slice(0, -8);
    await expect((await open(rawZip([{ name: "m.npy", stored: short }]))).read("m")).rejects.toThrow(
      /shape \[3, 2\] needs 48 bytes, got 40/,
    );
  });

  it("refuses what is no archive, is cut off, or claims more entries", async () => {
    const whole = rawZip([{ name: "m.npy", stored }]);
    await expect(open(new Uint8Array(1000))).rejects.toThrow(/not a zip archive, or it is cut off/);
    await expect(open(whole.subarray(0, 100))).rejects.toThrow(/cut off/);
    await expect(open(rawZip([{ name: "m.npy", stored }], 60_000))).rejects.toThrow(
      /after 1 of 60000 entries/,
    );
  });

  it("never fails in another way, whatever bytes are changed", async () => {
    const file = zipSync({ "m.npy": npy(matrix), "n.npy": npy(matrix) });
    const change = fc.tuple(fc.nat(file.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        const changed = file.slice();
        for (const [at, byte] of changes) changed[at] = byte;
        try {
          const store = await open(changed);
          for (const name of store.arrays) await store.read(name);
        } catch (error) {
          expect(error).toBeInstanceOf(LandscapeError);
        }
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it("computes the checksum of zip archives", () => {
    // The check value of CRC-32/ISO-HDLC.
    expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
    expect(crc32(new TextEncoder().encode("6789"), crc32(new TextEncoder().encode("12345")))).toBe(
      0xcbf43926,
    );
  });
});

describe("vector addresses", () => {
  it.each([
    ["F.npz:KEY", "F.npz", "KEY"],
    ["dir/F.npz:KEY:3", "dir/F.npz", "KEY:3"],
    ["C:\\x\\F.npz:vectors:0", "C:\\x\\F.npz", "vectors:0"],
    ["C:/x/F.NPZ:a/b:c", "C:/x/F.NPZ", "a/b:c"],
    ["a:b/F.npz:k", "a:b/F.npz", "k"],
    ["D:\\file:key", "D:\\file", "key"],
    ["file:key:1", "file", "key:1"],
  ])("%s", (text, path, key) => {
    expect(parseVectorAddress(text)).toEqual({ path, key });
  });

  it.each(["F.npz", "F.npz:", "", ":k", "random"])("refuses %j", (text) => {
    expect(() => parseVectorAddress(text)).toThrow(/expected FILE\.npz:KEY/);
  });

  it("reads arrays, rows, and names that hold a colon", async () => {
    const path = join(folder, "v.npz");
    writeNpz(path, { v: matrix, "g:1": { shape: [2], data: Float32Array.of(7, 8) } });
    expect((await readNpzArray(path, "v")).shape).toEqual([3, 2]);
    expect(await readNpzArray(path, "v:2")).toEqual({
      dtype: "float64",
      shape: [2],
      data: Float64Array.of(5, 6),
    });
    expect((await readNpzArray(path, "g:1")).data).toEqual(Float32Array.of(7, 8));
    await expect(readNpzArray(path, "v:3")).rejects.toThrow(/row 3 of array "v".*\[3, 2\]/);
    await expect(readNpzArray(path, "g:1:0")).rejects.toThrow(/row 0 of array "g:1".*\[2\]/);
    await expect(readNpzArray(path, "w")).rejects.toThrow(/no array "w"; it has "v", "g:1"/);
  });

  it("checks a vector's length and contents", async () => {
    const path = join(folder, "w.npz");
    writeNpz(path, {
      m: matrix,
      zero: { shape: [2], data: new Float32Array(2) },
      nan: { shape: [2], data: Float32Array.of(0, NaN) },
      ints: { shape: [2], data: Int32Array.of(1, 2) },
    });
    expect(await readVector(`${path}:m:1`, 2, "--x")).toEqual(Float64Array.of(3, 4));
    const reads: [string, RegExp][] = [
      ["m", /shape \[3, 2\]; expected \[2\]/],
      ["zero", /is zero/],
      ["nan", /holds NaN at position 1/],
      ["ints", /type int32; expected float32 or float64/],
    ];
    for (const [key, message] of reads) {
      await expect(readVector(`${path}:${key}`, 2, "--x")).rejects.toThrow(message);
    }
    await expect(readVector(`${path}:m:0`, 3, "--x")).rejects.toThrow(
      /unusable vector for --x.*2 elements.*3/,
    );
    writeFileSync(join(folder, "empty.npz"), "");
    await expect(readVector(`${join(folder, "empty.npz")}:v`, 2, "--x")).rejects.toThrow(/it is empty/);
    await expect(readVector(`${join(folder, "no.npz")}:v`, 2, "--x")).rejects.toThrow(/no such file/);
  });
});

describeWithFixtures("npz files that numpy wrote", () => {
  it("reads references, compressed and not", async () => {
    const gradient = await readNpzArray(requireFixture("paper/ref.npz"), "fcnn2/gradient");
    expect(gradient.shape).toEqual([20501]);
    const norm = Math.hypot(...(gradient.data as Float32Array));
    // Seven digits in the README; the entries were rounded to float32.
    expect(norm).toBeCloseTo(0.0076403226, 9);
    const store = await openNpz(requireFixture("paper/fcnn-train.npz"));
    expect((await store.read("x")).shape).toEqual([50, 1]);
    await store.close();
  });
});
