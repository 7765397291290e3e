import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeCheckpoint, encodeCheckpoint, readCheckpoint } from "../../src/artifacts/checkpoint.ts";
import {
  type FlatField,
  type FlatPart,
  type FlatTableData,
  writeFlatBuffer,
} from "../../src/artifacts/flatbuffer-writer.ts";
import { LandscapeError } from "../../src/errors.ts";
import { floats, named, sample } from "./checkpoints.ts";

/** The message with which a checkpoint is refused. */
function refusal(bytes: Uint8Array): string {
  try {
    decodeCheckpoint(bytes, { path: "c" });
  } catch (error) {
    if (!(error instanceof LandscapeError)) throw error;
    expect(error.code).toBe("INVALID_MODEL");
    expect(error.message).toMatch(/^cannot read checkpoint "c": /);
    return error.message.slice('cannot read checkpoint "c": '.length);
  }
  throw new Error("it was read");
}

const table = (...fields: FlatField[]): FlatTableData => ({ fields });
const text = (t: string): FlatPart => ({ text: t });
const tables = (...all: FlatTableData[]): FlatPart => ({ tables: all });

interface Parts {
  readonly version?: number;
  readonly module?: FlatTableData;
  readonly groups?: FlatTableData[];
  readonly bag?: FlatTableData;
}

function file({ version = 2, module = table(tables(), tables()), groups = [], bag }: Parts): Uint8Array {
  return writeFlatBuffer(table({ int32: version }, module, tables(...groups), bag), "ODTC");
}

interface TensorParts {
  readonly name?: string;
  readonly dims?: readonly bigint[] | null;
  readonly type?: number;
  readonly bytes?: number;
  readonly offset?: bigint;
}

function tensor({ name = "w", dims = [2n], type = 1, bytes = 8, offset }: TensorParts): FlatTableData {
  return table(
    text(name),
    undefined,
    dims === null ? undefined : { int64s: dims },
    { int32: type },
    { bytes: new Uint8Array(bytes) },
    undefined,
    offset === undefined ? undefined : { int64: offset },
  );
}

const withTensor = (parts: TensorParts) => file({ module: table(tables(tensor(parts)), tables()) });

describe("a checkpoint that says what cannot be", () => {
  it.each<[string, Uint8Array, RegExp]>([
    ["nothing", new Uint8Array(), /^it is empty/],
    ["four bytes", Uint8Array.of(8, 0, 0, 0), /^it is no checkpoint .* got ""/],
    [
      "an ONNX file",
      new TextEncoder().encode("\x08\x08\x12\x07pytorch"),
      /expected "ODTC" at byte 4, got "pyto"/,
    ],
    ["version 1", file({ version: 1 }), /^unsupported checkpoint version: 1; expected 2/],
    ["no version", writeFlatBuffer(table(undefined), "ODTC"), /^unsupported checkpoint version: 0/],
    ["version 3", file({ version: 3 }), /^unsupported checkpoint version: 3/],
    ["no parameters", writeFlatBuffer(table({ int32: 2 }), "ODTC"), /^it holds no parameters/],
    ["no dimensions", withTensor({ dims: null }), /^no dimensions: "w"/],
    ["a negative dimension", withTensor({ dims: [-2n] }), /^negative dimension: "w".*got \[-2\]/],
    ["dimensions too large", withTensor({ dims: [2n ** 62n, 2n] }), /^dimensions overflow: "w"/],
    ["dimensions hidden by a zero", withTensor({ dims: [2n ** 62n, 0n] }), /^dimensions overflow: "w"/],
    ["too few bytes", withTensor({ bytes: 7 }), /"w"; expected 8 bytes for 2 elements of float32, got 7/],
    ["too many bytes", withTensor({ bytes: 12 }), /"w"; expected 8 bytes for 2 elements of float32, got 12/],
    ["bytes of another type", withTensor({ type: 11 }), /expected 16 bytes for 2 elements of float64, got 8/],
    ["no element type", withTensor({ type: 0 }), /^unsupported tensor type: "w".*got undefined/],
    ["complex numbers", withTensor({ type: 14 }), /^unsupported tensor type: "w".*got complex64/],
    ["an unknown type", withTensor({ type: -5 }), /^unsupported tensor type: "w".*got number -5/],
    ["strings", withTensor({ type: 8 }), /^tensor of strings: "w"/],
    ["an offset below -1", withTensor({ offset: -2n }), /^invalid external data offset: -2 of "w"/],
    ["an offset too large", withTensor({ offset: 2n ** 62n }), /^invalid external data offset: 46/],
    ["no name", withTensor({ name: "" }), /^parameter without a name/],
    [
      "a name twice",
      file({ module: table(tables(tensor({})), tables(tensor({}))) }),
      /^repeated name: parameter "w"; expected each once/,
    ],
    [
      "a group twice",
      file({ groups: [table(text("g")), table(text("g"))] }),
      /^repeated name: optimizer group "g"/,
    ],
    [
      "a state twice",
      file({ groups: [table(text("g"), undefined, undefined, tables(table(text("p")), table(text("p"))))] }),
      /^repeated name: parameter of optimizer group "g" "p"/,
    ],
    [
      "a momentum twice",
      file({
        groups: [
          table(text("g"), undefined, undefined, tables(table(text("p"), tables(tensor({}), tensor({}))))),
        ],
      }),
      /^repeated name: momentum of "p" "w"/,
    ],
    [
      "a property twice, as two types",
      file({ bag: table(tables(table(text("k"), { int64: 1n })), tables(table(text("k"), { float32: 1 }))) }),
      /^repeated name: property "k"/,
    ],
  ])("%s", (_, bytes, message) => {
    expect(refusal(bytes)).toMatch(message);
  });

  it("reads a momentum's values when they are asked for, and refuses them then", () => {
    const states = tables(table(text("p"), tables(tensor({ bytes: 4 }))));
    const bytes = file({ groups: [table(text("g"), undefined, undefined, states)] });
    const momentum = decodeCheckpoint(bytes, { path: "c" }).optimizerGroups[0]?.states[0]?.momentums[0];
    expect(momentum?.name).toBe("w");
    expect(() => momentum?.tensor).toThrow(
      'cannot read checkpoint "c": contents do not match the shape: "p:w"; expected 8 bytes',
    );
  });
});

/** A sound file to damage, and where its parts are. */
function sound(): { bytes: Uint8Array; view: DataView; root: number; list: number } {
  const { file: bytes } = encodeCheckpoint(sample());
  const view = new DataView(bytes.buffer);
  const root = view.getUint32(0, true);
  return { bytes, view, root, list: root - view.getInt32(root, true) };
}

describe("a checkpoint with hostile offsets and sizes", () => {
  it("is sound as long as nothing is changed", () => {
    expect(() => decodeCheckpoint(sound().bytes)).not.toThrow();
  });

  it.each<[string, (s: ReturnType<typeof sound>) => void, RegExp]>([
    ["root beyond the end", ({ view }) => view.setUint32(0, 2 ** 32 - 1, true), /^a table lies outside/],
    ["root nowhere", ({ view }) => view.setUint32(0, 0, true), /^the reference at byte 0 leads nowhere/],
    [
      "root at the last byte",
      ({ bytes, view }) => view.setUint32(0, bytes.length - 1, true),
      /^a table lies/,
    ],
    [
      "list of fields before the file",
      ({ view, root }) => view.setInt32(root, 2 ** 31 - 1, true),
      /^a table's list/,
    ],
    [
      "list of fields beyond it",
      ({ view, root }) => view.setInt32(root, -(2 ** 31), true),
      /^a table's list/,
    ],
    [
      "list that is the table itself",
      ({ view, root }) => view.setInt32(root, 0, true),
      /no sound list of fields/,
    ],
    [
      "list that overlaps its table",
      ({ view, root }) => view.setInt32(root, -4, true),
      /outside the file|no sound list/,
    ],
    ["list longer than the file", ({ view, list }) => view.setUint16(list, 65534, true), /^a table's list/],
    ["list of odd length", ({ view, list }) => view.setUint16(list, 11, true), /no sound list of fields/],
    ["list too short", ({ view, list }) => view.setUint16(list, 2, true), /no sound list of fields/],
    [
      "table larger than the file",
      ({ view, list }) => view.setUint16(list + 2, 65535, true),
      /^a table lies/,
    ],
    ["table of no bytes", ({ view, list }) => view.setUint16(list + 2, 0, true), /no sound list of fields/],
    [
      "field outside its table",
      ({ view, list }) => view.setUint16(list + 6, 500, true),
      /^field 1 lies outside/,
    ],
    ["field over its list", ({ view, list }) => view.setUint16(list + 6, 2, true), /^field 1 lies outside/],
    ["field half outside", ({ view, list }) => view.setUint16(list + 6, 18, true), /^field 1 lies outside/],
    [
      "a vector of four thousand million tables",
      ({ view, root, list }) => {
        const module = follow(view, root + view.getUint16(list + 6, true));
        const moduleList = module - view.getInt32(module, true);
        view.setUint32(follow(view, module + view.getUint16(moduleList + 4, true)), 2 ** 32 - 1, true);
      },
      /^a vector of tables lies outside the file: bytes \d+ to 171798\d+; expected all below/,
    ],
  ])("%s", (_, damage, message) => {
    const s = sound();
    damage(s);
    expect(refusal(s.bytes)).toMatch(message);
  });

  it("refuses names that are not UTF-8", () => {
    const { bytes } = sound();
    bytes[Buffer.from(bytes).indexOf("z.weight")] = 0xff;
    expect(refusal(bytes)).toMatch(/^the string at byte \d+ is not UTF-8/);
  });

  it("is refused wherever it is cut", () => {
    const { bytes } = sound();
    // The last bytes may be no more than the zero after a string, and what fills up to a multiple of 8.
    for (let length = 0; length < bytes.length - 8; length++) refusal(bytes.slice(0, length));
  });

  it("may not give the same bytes to many tensors", () => {
    const count = 20;
    // Each states 1024 numbers and is then given those of the last one.
    const small = Array.from({ length: count }, (_, i) => named(`t${i}`, floats([1024], [0])));
    const large = named("large", floats([1024], new Array(1024).fill(1)));
    const { file: bytes } = encodeCheckpoint(sample({ trained: [...small, large] }));
    const view = new DataView(bytes.buffer);
    const values = Buffer.from(bytes).indexOf(Buffer.from(Float32Array.of(1, 1, 1, 1).buffer)) - 4;
    for (const { name } of small) pointAt(bytes, view, name, values);
    expect(refusal(bytes)).toMatch(/^its parts overlap: together they take more than 2 times its \d+ bytes/);
  });
});

const follow = (view: DataView, at: number): number => at + view.getUint32(at, true);

/** Makes the tensor `name` take its dimensions and values from the vector at `target`, wherever it is. */
function pointAt(bytes: Uint8Array, view: DataView, name: string, target: number): void {
  const label = Buffer.from(bytes).indexOf(`${name}\0`) - 4;
  // The table whose first field leads to the name, and whose fifth is the raw data.
  for (let at = 8; at < label; at += 4) {
    if (follow(view, at) !== label) continue;
    for (let start = at - 4; start >= 8; start -= 4) {
      const list = start - view.getInt32(start, true);
      if (list < 8 || list >= start || start + view.getUint16(list + 4, true) !== at) continue;
      const raw = start + view.getUint16(list + 12, true);
      view.setUint32(raw, target - raw, true);
      return;
    }
  }
  throw new Error(`no tensor ${name}`);
}

describe("a path that is no checkpoint", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "no-checkpoint-"));
    mkdirSync(join(folder, "old"));
    writeFileSync(join(folder, "old", "paramtrain_tensors.pbseq"), "");
    mkdirSync(join(folder, "artifacts"));
    writeFileSync(join(folder, "artifacts", "checkpoint"), encodeCheckpoint(sample()).file);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    ["absent", /cannot read checkpoint ".*absent": no such file/],
    ["old", /it is a folder of .pbseq files, the form of onnxruntime-training up to 1.14/],
    ["artifacts", /it is a folder; expected a checkpoint file. Pass the checkpoint inside it/],
  ])("%s", async (name, message) => {
    await expect(readCheckpoint(join(folder, name))).rejects.toThrow(message);
    await expect(readCheckpoint(join(folder, name))).rejects.toMatchObject({ code: "INVALID_MODEL" });
  });
});
