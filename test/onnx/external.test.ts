import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readModel } from "../../src/onnx/index.ts";
import { bytesOf, holding, longs, smallModel } from "./protos.ts";

let root: string;
let folder: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "onnx-external-"));
  folder = join(root, "model");
  mkdirSync(folder);
});
afterEach(() => rmSync(root, { recursive: true }));

/** A model whose one tensor of two floats lies outside, in a file of four. */
function write(entries: Record<string, string>): string {
  const external_data = Object.entries(entries).map(([key, value]) => ({ key, value }));
  const tensor = { name: "w", data_type: 1, dims: longs([2]), data_location: 1, external_data };
  writeFileSync(join(folder, "m.onnx"), bytesOf(holding(tensor)));
  writeFileSync(join(folder, "w.bin"), new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer));
  return join(folder, "m.onnx");
}

async function read(entries: Record<string, string>): Promise<unknown> {
  const { model } = await readModel(write(entries));
  return model.graph.initializers[0]?.tensor?.data;
}

test("offset and length", async () => {
  expect(await read({ location: "w.bin", offset: "4", length: "8" })).toEqual(Float32Array.of(2, 3));
});

test("without offset and length", async () => {
  expect(await read({ location: "w.bin" })).toEqual(Float32Array.of(1, 2));
});

test("in a subfolder", async () => {
  mkdirSync(join(folder, "data"));
  writeFileSync(join(folder, "data", "w.bin"), new Uint8Array(Float32Array.of(5, 6).buffer));
  expect(await read({ location: "data/w.bin" })).toEqual(Float32Array.of(5, 6));
});

test("a link that stays inside the folder", async () => {
  const path = write({ location: "link.bin" });
  symlinkSync("w.bin", join(folder, "link.bin"));
  const { model } = await readModel(path);
  expect(model.graph.initializers[0]?.tensor?.data).toEqual(Float32Array.of(1, 2));
});

test("the hash covers the model and its data", async () => {
  const path = write({ location: "w.bin" });
  const first = await readModel(path);
  const { readFileSync } = await import("node:fs");
  const whole = Buffer.concat([readFileSync(path), readFileSync(join(folder, "w.bin"))]);
  expect(first.sha256).toBe(createHash("sha256").update(whole).digest("hex"));
});

test.each([
  ["up", { location: "../w.bin" }, /outside the model's folder: "..\/w.bin" of "w"/],
  ["up and down", { location: "a/../../model/w.bin" }, /outside the model's folder/],
  ["up, in Windows' way", { location: "..\\w.bin" }, /outside the model's folder/],
  ["absolute", { location: "/etc/passwd" }, /outside the model's folder/],
  ["absolute, in Windows' way", { location: "C:\\w.bin" }, /outside the model's folder/],
  ["a zero byte", { location: "w.bin\0" }, /outside the model's folder/],
  ["missing", { location: "none.bin" }, /external data "none.bin" of "w" is missing: no such file/],
  ["no location", {}, /external data of "w" has no location/],
  ["the folder itself", { location: "." }, /no regular file/],
  ["too short", { location: "w.bin", offset: "12" }, /is too short; expected at least 20 bytes, got 16/],
  ["an offset beyond any file", { location: "w.bin", offset: "9007199254740000" }, /is too short/],
  [
    "another length than the shape's",
    { location: "w.bin", length: "16" },
    /contents do not match the shape: "w"; expected 8 bytes .* got 16/,
  ],
  ["a negative offset", { location: "w.bin", offset: "-4" }, /invalid external data offset: "-4" of "w"/],
  ["an offset that is no number", { location: "w.bin", offset: "1e3" }, /invalid external data offset/],
  [
    "an offset that is too large",
    { location: "w.bin", offset: "99999999999999999999" },
    /invalid external data offset/,
  ],
])("refuses a location that is %s", async (_, entries, message) => {
  await expect(read(entries)).rejects.toMatchObject({
    code: "INVALID_MODEL",
    message: expect.stringMatching(message),
  });
});

test("refuses a link that leads out", async () => {
  const path = write({ location: "link.bin" });
  writeFileSync(join(root, "secret.bin"), new Uint8Array(8));
  symlinkSync(join(root, "secret.bin"), join(folder, "link.bin"));
  await expect(readModel(path)).rejects.toThrow(/"link.bin" of "w" leads outside the model's folder/);
});

test("refuses a folder that is a link leading out", async () => {
  const path = write({ location: "sub/w.bin" });
  mkdirSync(join(root, "elsewhere"));
  writeFileSync(join(root, "elsewhere", "w.bin"), new Uint8Array(8));
  symlinkSync(join(root, "elsewhere"), join(folder, "sub"));
  await expect(readModel(path)).rejects.toThrow(/leads outside the model's folder/);
});

test("a sibling folder with the same beginning is outside", async () => {
  const path = write({ location: "link.bin" });
  mkdirSync(`${folder}-2`);
  writeFileSync(join(`${folder}-2`, "w.bin"), new Uint8Array(8));
  symlinkSync(join(`${folder}-2`, "w.bin"), join(folder, "link.bin"));
  await expect(readModel(path)).rejects.toThrow(/leads outside the model's folder/);
});

test("refuses data that was cut off", async () => {
  const path = write({ location: "w.bin" });
  truncateSync(join(folder, "w.bin"), 7);
  await expect(readModel(path)).rejects.toThrow(/is too short; expected at least 8 bytes, got 7/);
});

test("refuses tensors that share their bytes without end", async () => {
  const path = write({ location: "w.bin" });
  const external_data = [{ key: "location", value: "w.bin" }];
  // 33 tensors of 8 bytes in a file of 16: more than 16 times what is there.
  const initializer = Array.from({ length: 33 }, (_, i) => ({
    name: `w${i}`,
    data_type: 1,
    dims: longs([2]),
    data_location: 1,
    external_data,
  }));
  writeFileSync(path, bytesOf(smallModel({ input: [], initializer, node: [], output: [] })));
  await expect(readModel(path)).rejects.toThrow(/more than 16 times the bytes/);
  const fewer = initializer.slice(0, 32);
  writeFileSync(path, bytesOf(smallModel({ input: [], initializer: fewer, node: [], output: [] })));
  expect((await readModel(path)).model.graph.initializers).toHaveLength(32);
});
