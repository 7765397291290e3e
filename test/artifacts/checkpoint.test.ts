import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeCheckpoint, encodeCheckpoint, readCheckpoint } from "../../src/artifacts/checkpoint.ts";
import { named, plain, sample } from "./checkpoints.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "checkpoint-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("a checkpoint that we wrote", () => {
  it("holds everything, in order and to the bit", () => {
    const { file, external } = encodeCheckpoint(sample());
    expect(external).toBeUndefined();
    expect(plain(decodeCheckpoint(file))).toEqual(plain(sample()));
  });

  it("is the same bytes again after reading", () => {
    const { file } = encodeCheckpoint(sample());
    expect(Buffer.compare(encodeCheckpoint(decodeCheckpoint(file)).file, file)).toBe(0);
  });

  it("may be empty but for its lists", () => {
    const nothing = { trained: [], frozen: [], optimizerGroups: [], properties: new Map() };
    const { file } = encodeCheckpoint(sample(nothing));
    expect(plain(decodeCheckpoint(file))).toEqual(plain(sample(nothing)));
  });

  it("begins with its identifier and has values aligned to 8 bytes", () => {
    const { file } = encodeCheckpoint(sample());
    expect(String.fromCharCode(...file.subarray(4, 8))).toBe("ODTC");
    const pi = Buffer.from(Float64Array.of(Math.PI).buffer);
    expect(Buffer.from(file).indexOf(pi) % 8).toBe(0);
  });

  it("keeps names only when nominal, and says so when values are asked for", () => {
    const { file } = encodeCheckpoint(sample({ isNominal: true }));
    const again = decodeCheckpoint(file, { path: "nominal" });
    expect(plain(again)).toEqual(plain(sample({ isNominal: true })));
    expect(() => again.trained[0]?.tensor).toThrow(
      'cannot read checkpoint "nominal": it is nominal: it names "z.weight" but holds no values',
    );
  });
});

describe("external data", () => {
  const big = Float32Array.from({ length: 40 }, (_, i) => i / 3);
  const mixed = sample({
    trained: [
      named("bytes", { type: "uint8", dims: [65], data: new Uint8Array(65).fill(7) }),
      named("w", { type: "float64", dims: [8], data: Float64Array.from(big.subarray(0, 8)) }),
      named("small", { type: "float32", dims: [15], data: big.slice(0, 15) }),
      named("v", { type: "float32", dims: [4, 10], data: big }),
    ],
  });

  function write(name: string, change: (data: Buffer) => Buffer = (data) => data): string {
    const { file, external } = encodeCheckpoint(mixed, { externalFrom: 0 });
    writeFileSync(join(folder, name), file);
    writeFileSync(join(folder, `${name}.data`), change(Buffer.concat(external ?? [])));
    return join(folder, name);
  }

  it("holds tensors of 64 bytes and more, aligned to their elements", async () => {
    const { file, external } = encodeCheckpoint(mixed, { externalFrom: 0 });
    // 65 bytes, a gap to a multiple of 8, 8 doubles, 40 floats; 60 bytes stay inside.
    expect(Buffer.concat(external ?? []).length).toBe(72 + 64 + 160);
    expect(file.length).toBeLessThan(encodeCheckpoint(mixed).file.length - 100);
    expect(plain(await readCheckpoint(write("whole")))).toEqual(plain(mixed));
  });

  it("is used from the stated size on, and not below", () => {
    const total = 65 + 64 + 60 + 160 + 8 + 6;
    expect(encodeCheckpoint(mixed, { externalFrom: total }).external).toBeDefined();
    expect(encodeCheckpoint(mixed, { externalFrom: total + 1 }).external).toBeUndefined();
  });

  it("is refused when missing, too short, a link out of the folder, or without a folder", async () => {
    const short = write("short", (data) => data.subarray(0, -1));
    await expect(readCheckpoint(short)).rejects.toThrow(
      /cannot read checkpoint ".*short": external data "short.data" of "v" is too short; expected at least 296 bytes, got 295/,
    );
    const missing = write("missing");
    rmSync(join(folder, "missing.data"));
    await expect(readCheckpoint(missing)).rejects.toThrow(
      /"missing.data" of "bytes" is missing: no such file/,
    );
    const inner = join(folder, "inner");
    mkdirSync(inner);
    writeFileSync(join(inner, "linked"), encodeCheckpoint(mixed, { externalFrom: 0 }).file);
    symlinkSync(`${write("outside")}.data`, join(inner, "linked.data"));
    await expect(readCheckpoint(join(inner, "linked"))).rejects.toThrow(
      /"linked.data" of "bytes" leads outside/,
    );
    const { file } = encodeCheckpoint(mixed, { externalFrom: 0 });
    expect(() => decodeCheckpoint(file)).toThrow(/external data is not available/);
  });
});
