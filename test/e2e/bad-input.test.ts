import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lockRun } from "../../src/analysis/run/run-lock.ts";
import { type ArrayToWrite, writeNpz } from "../../src/data/index.ts";
import { bytesOf, floats, info, longs, type ModelProto, node, smallModel } from "../onnx/protos.ts";
import { run } from "../support/cli.ts";
import { rawZip } from "../support/zip.ts";

// Every case of unusable input has its own sentence, exit status 2, and leaves no file behind.

let folder: string;
let good: { readonly model: string; readonly data: string };

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bad-input-"));
  for (const name of ["inside", "outside", "nothing"]) mkdirSync(path(name));
  write("outside/secret.bin", new Uint8Array(24));
  good = { model: model("good"), data: data("good") };
});
afterAll(() => rmSync(folder, { recursive: true }));

const path = (name: string): string => join(folder, name);

function write(name: string, bytes: Uint8Array | string): string {
  writeFileSync(path(name), bytes);
  return path(name);
}

/** The small model, y = Relu(x · w + b) with x [batch, 2] and y [batch, 3], changed in one way. */
function model(name: string, graph: Parameters<typeof smallModel>[0] = {}, parts: ModelProto = {}): string {
  return write(`${name}.onnx`, bytesOf(smallModel(graph, parts)));
}

const x: ArrayToWrite = { shape: [4, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8) };
const y: ArrayToWrite = { shape: [4], data: BigInt64Array.of(0n, 1n, 2n, 0n) };

function data(
  name: string,
  arrays: Record<string, ArrayToWrite> = {},
  without: readonly string[] = [],
): string {
  const all = Object.entries({ x, y, ...arrays }).filter(([key]) => !without.includes(key));
  writeNpz(path(`${name}.npz`), Object.fromEntries(all));
  return path(`${name}.npz`);
}

/** Weights of the small model kept in a file beside it. */
function external(name: string, location: string, length = 24): string {
  const entries = Object.entries({ location, offset: "0", length: String(length) });
  const w = {
    name: "w",
    data_type: 1,
    dims: longs([2, 3]),
    data_location: 1,
    external_data: entries.map(([key, value]) => ({ key, value })),
  };
  return model(name, { initializer: [w, floats("b", [3], [0, 0, 0])] });
}

async function refuse(args: readonly string[], message: RegExp, code: string): Promise<void> {
  const before = readdirSync(folder, { recursive: true }).length;
  const { status, out, err } = await run([...args, "--json"]);
  expect(err).toMatch(message);
  expect(err.trimEnd().split("\n")).toHaveLength(1);
  expect(status).toBe(2);
  const { error } = JSON.parse(out) as { error: { code: string; message: string } };
  expect(error.code).toBe(code);
  expect(err).toContain(error.message);
  expect(err).not.toMatch(/internal| {4}at /);
  expect(readdirSync(folder, { recursive: true })).toHaveLength(before);
}

type Case = readonly [what: string, args: () => readonly string[], message: RegExp, code?: string];

function check(cases: readonly Case[], usualCode: string): void {
  for (const [what, args, message, code] of cases) {
    it(what, () => refuse(args(), message, code ?? usualCode));
  }
}

describe("unusable models", () => {
  const inspect = (file: () => string) => () => ["inspect", file()];
  const cases: readonly Case[] = [
    ["no such file", inspect(() => path("none.onnx")), /none\.onnx": no such file/],
    ["a folder that is no artifact", inspect(() => folder), /bad-input-[^"]*".*(folder|artifact)/],
    ["an empty file", inspect(() => write("empty.onnx", "")), /file is empty/],
    ["a text", inspect(() => write("text.onnx", "no model at all\n".repeat(9))), /is not protobuf/],
    [
      "a truncated model",
      inspect(() => write("cut.onnx", bytesOf(smallModel()).slice(0, -30))),
      /is truncated/,
    ],
    ["another protobuf", inspect(() => write("other.onnx", Uint8Array.of(0x52, 2, 1, 1))), /no ONNX model/],
    ["no graph", inspect(() => model("nograph", {}, { graph: null })), /has no graph/],
    [
      "an old opset",
      inspect(() => model("opset", {}, { opset_import: [{ version: 3 as never }] })),
      /opset version: 3/,
    ],
    ["an unknown IR version", inspect(() => model("ir", {}, { ir_version: 77 as never })), /IR version: 77/],
    [
      "an undefined name",
      inspect(() => model("undefined", { node: [node("Relu", ["z"], ["y"])] })),
      /undefined value: "z"/,
    ],
    [
      "a cycle",
      inspect(() => model("cycle", { node: [node("Add", ["x", "y"], ["a"]), node("Relu", ["a"], ["y"])] })),
      /cycle/,
    ],
    [
      "one output of two nodes",
      inspect(() => model("twice", { node: [node("Relu", ["x"], ["y"]), node("Tanh", ["x"], ["y"])] })),
      /duplicate.*"y"/,
    ],
    [
      "bytes that do not match the shape",
      inspect(() => model("bytes", { initializer: [floats("w", [2, 3], [1])] })),
      /"w"/,
    ],
    [
      "an unsupported tensor type",
      inspect(() => model("type", { initializer: [{ name: "w", data_type: 14, dims: longs([1]) }] })),
      /unsupported.*type/,
    ],
    [
      "a negative dimension",
      inspect(() => model("negative", { initializer: [floats("w", [-2, 3], [])] })),
      /negative dimension: "w"/,
    ],
    [
      "dimensions that overflow",
      inspect(() => model("huge", { initializer: [floats("w", [2 ** 40, 2 ** 40], [])] })),
      /overflow: "w"/,
    ],
    [
      "external data that is missing",
      inspect(() => external("missing", "missing.bin")),
      /external data "missing\.bin" of "w" is missing/,
    ],
    [
      "external data that is too short",
      inspect(() => {
        write("short.bin", new Uint8Array(8));
        return external("short", "short.bin");
      }),
      /"short\.bin" of "w" is too short.*24.*8/,
    ],
    [
      "external data above the folder",
      inspect(() => external("up", "../secret.bin")),
      /outside the model's folder: "\.\.\/secret\.bin"/,
    ],
    [
      "external data at an absolute path",
      inspect(() => external("absolute", "/etc/hostname")),
      /outside the model's folder: "\/etc\/hostname"/,
    ],
    [
      "external data behind a link",
      inspect(() => {
        symlinkSync(path("outside/secret.bin"), path("inside/link.bin"));
        return external("inside/link", "link.bin");
      }),
      /"link\.bin" of "w" leads outside the model's folder/,
    ],
    [
      "two outputs and none chosen",
      inspect(() => model("two", { output: [info("y", ["batch", 3]), info("h", ["batch", 3])] })),
      /2 outputs: "y", "h".*--output/,
    ],
    [
      "an output that is not there",
      () => ["inspect", good.model, "--output", "z"],
      /--output: "z".*"y"/,
      "INVALID_OPTION",
    ],
    [
      "weights that are not finite",
      inspect(() =>
        model("nan", {
          initializer: [floats("w", [2, 3], [1, NaN, 1, 1, 1, 1]), floats("b", [3], [0, 0, 0])],
        }),
      ),
      /"w" hold NaN or infinity/,
    ],
  ];
  check(cases, "INVALID_MODEL");
});

describe("unusable data", () => {
  const evaluate =
    (file: () => string, ...more: string[]) =>
    () => ["evaluate", good.model, "--data", file(), ...more];
  const cases: readonly Case[] = [
    ["no such file", evaluate(() => path("none.npz")), /none\.npz": there is no such file/],
    ["an empty file", evaluate(() => write("empty.npz", "")), /empty\.npz": it is empty/],
    [
      "another format",
      evaluate(() => write("table.csv", "1,2,3\n")),
      /table\.csv": unknown format; expected an \.npz/,
    ],
    ["a folder without data", evaluate(() => path("nothing")), /folder has no data/],
    [
      "a missing input",
      evaluate(() => data("noinput", { a: x }, ["x"])),
      /no data for input "x".*it has "y", "a"/,
    ],
    ["no targets", evaluate(() => data("notargets", { labels: y }, ["y"])), /--target/],
    [
      "no targets under that name",
      evaluate(() => good.data, "--target", "label"),
      /no array "label"; it has "x", "y"/,
    ],
    [
      "another shape",
      evaluate(() => data("shape", { x: { ...x, shape: [2, 4] } })),
      /shape \[2, 4\]; expected \[\?, 2\]/,
    ],
    ["another type", evaluate(() => data("integers", { x: y })), /type int64; expected float32/],
    [
      "other counts of samples",
      evaluate(() => data("counts", { y: { shape: [3], data: new BigInt64Array(3) } })),
      /"x" has 4, "y" has 3/,
    ],
    [
      "no samples",
      evaluate(() =>
        data("nosamples", {
          x: { shape: [0, 2], data: new Float32Array(0) },
          y: { shape: [0], data: new BigInt64Array(0) },
        }),
      ),
      /empty data set/,
    ],
    [
      "labels out of range",
      evaluate(() => data("labels", { y: { shape: [4], data: BigInt64Array.of(0n, 1n, 3n, 0n) } })),
      /holds 3 at \[2\]; expected 0 to 2/,
    ],
    [
      "NaN",
      evaluate(() => data("nan", { x: { ...x, data: Float32Array.of(1, 2, NaN, 4, 5, 6, 7, 8) } })),
      /holds NaN at \[1, 0\]/,
    ],
    [
      "infinity",
      evaluate(() =>
        data("infinite", { x: { ...x, data: Float32Array.of(1, 2, 3, 4, 5, 6, 7, -Infinity) } }),
      ),
      /holds -Infinity at \[3, 1\]/,
    ],
    [
      "more samples than there are",
      evaluate(() => good.data, "--samples", "5"),
      /cannot take 5 samples of .* it has 4/,
      "INVALID_OPTION",
    ],
    [
      "a hostile zip entry",
      evaluate(() => write("hostile.npz", rawZip([{ name: "../x.npy", stored: new Uint8Array(9) }]))),
      /unsafe name "\.\.\/x\.npy"/,
    ],
    [
      "a zip that lies about a size",
      evaluate(() =>
        write("lies.npz", rawZip([{ name: "x.npy", stored: new Uint8Array(9), method: 8, size: 4e9 }])),
      ),
      /claims 4000000000 bytes/,
    ],
    [
      "normalisation of another number of channels",
      evaluate(() => good.data, "--scale", "1,2,3"),
      /3 channels.*expected one, or 2/,
      "INVALID_OPTION",
    ],
    [
      "test data that do not fit",
      () => [
        "evaluate",
        good.model,
        "--data",
        good.data,
        "--test-data",
        data("test", { x: { ...x, shape: [8, 1] } }, ["y"]),
      ],
      /test\.npz" has shape \[8, 1\]/,
    ],
  ];
  check(cases, "INVALID_DATA");
});

describe("nothing to differentiate", () => {
  const gradient = (file: () => string) => () => ["gradient", file(), "--data", good.data];
  const cases: readonly Case[] = [
    [
      "operators without a rule, all of them",
      gradient(() =>
        model(
          "norule",
          {
            node: [
              node("MatMul", ["x", "w"], ["a"]),
              node("Bend", ["a"], ["b1"], [], { domain: "com.acme", name: "first" }),
              node("Frobnicate", ["b1"], ["c"], [], { domain: "com.acme", name: "second" }),
              node("Add", ["c", "b"], ["y"]),
            ],
          },
          { opset_import: [{ version: 18 as never }, { domain: "com.acme", version: 1 as never }] },
        ),
      ),
      /Bend.*"first".*Frobnicate.*"second"/,
      "UNSUPPORTED_OP",
    ],
    [
      "random numbers",
      gradient(() =>
        model("random", {
          node: [
            node("MatMul", ["x", "w"], ["a"]),
            node("RandomNormalLike", ["a"], ["r"]),
            node("Add", ["a", "r"], ["y"]),
          ],
        }),
      ),
      /RandomNormalLike draws random numbers.*export without sampling/,
      "UNSUPPORTED_OP",
    ],
    [
      "no parameters",
      () => ["gradient", good.model, "--data", good.data, "--freeze", "*"],
      /no .*parameters/,
    ],
  ];
  check(cases, "INVALID_MODEL");
});

describe("unusable vectors and places", () => {
  const hvp = (vector: () => string) => () => ["hvp", good.model, "--data", good.data, "--vector", vector()];
  const vectors = (array: ArrayToWrite) => {
    writeNpz(path("vectors.npz"), { v: array });
    return `${path("vectors.npz")}:v`;
  };
  const cases: readonly Case[] = [
    ["an address without a key", hvp(() => good.data), /expected FILE\.npz:KEY/, "INVALID_OPTION"],
    ["a key that is not there", hvp(() => `${good.data}:v`), /no array "v"; it has "x", "y"/],
    [
      "another length",
      hvp(() => vectors({ shape: [4], data: Float32Array.of(1, 2, 3, 4) })),
      /has 4 elements; expected one per parameter, 9/,
    ],
    ["zero", hvp(() => vectors({ shape: [9], data: new Float32Array(9) })), /is zero/],
    ["a row that is not there", hvp(() => `${good.data}:x:4`), /row 4 of array "x"/],
    [
      "an .npz that cannot be written",
      () => ["gradient", good.model, "--data", good.data, "--npz", path("none/g.npz")],
      /cannot write .*g\.npz": there is no such folder/,
      "INVALID_OPTION",
    ],
    [
      "an .npz that is a folder, before anything is computed",
      () => ["hvp", path("none.onnx"), "--data", good.data, "--npz", path("nothing")],
      /cannot write .*nothing": it is a folder/,
      "INVALID_OPTION",
    ],
    [
      "an emitted graph without a folder",
      () => ["gradient", good.model, "--data", good.data, "--emit", path("none/g.onnx")],
      /cannot write .*g\.onnx": there is no such folder/,
      "INVALID_OPTION",
    ],
    [
      "a vector that is not finite",
      hvp(() => vectors({ shape: [9], data: Float32Array.of(1, 2, 3, 4, NaN, 6, 7, 8, 9) })),
      /holds NaN at position 4/,
    ],
    [
      "a vector that is not there, with a run folder to be made",
      () => [
        ...["surface", good.model, "--data", good.data, "--out", path("new")],
        ...["--x", `${path("none.npz")}:v`, "--y", `${path("none.npz")}:v`],
      ],
      /none\.npz": there is no such file/,
    ],
    [
      "one direction of two, with a run folder to be made",
      () => ["surface", good.model, "--data", good.data, "--out", path("new/deep"), "--x", `${good.data}:x`],
      /--y is missing; expected both/,
      "INVALID_OPTION",
    ],
    [
      "a run folder below a file",
      () => ["eigs", good.model, "--data", good.data, "--out", join(good.data, "out")],
      /cannot write the run folder .*: its folder is a file\. name a folder that can be written with --out/,
      "RUN_FOLDER",
    ],
    [
      "a run folder that is a file",
      () => ["surface", good.model, "--data", good.data, "--directions", "random", "--out", good.data],
      /good\.npz/,
      "RUN_FOLDER",
    ],
    [
      "a run folder that holds something else",
      () => ["surface", good.model, "--data", good.data, "--directions", "random", "--out", path("outside")],
      /outside/,
      "RUN_FOLDER",
    ],
  ];
  check(cases, "INVALID_DATA");

  const profile = (...more: string[]) => [
    ...["profile", good.model, "--data", good.data, "--direction", "random", "--range", "-1:1:3"],
    ...["--out", path("profile"), ...more],
  ];

  it("a run folder of another run, and which options and files differ", async () => {
    expect(await run(profile())).toMatchObject({ status: 0 });
    const other = data("other", { y: { shape: [4], data: BigInt64Array.of(1n, 1n, 1n, 1n) } });
    const differs = /holds another run: .*seed was 0 and is 1.*\. repeat it with the same, or name another/;
    await refuse(profile("--seed", "1"), differs, "RUN_FOLDER");
    await refuse(profile("--samples", "3"), /samples was 4 and is 3/, "RUN_FOLDER");
    await refuse(
      profile().map((word) => (word === good.data ? other : word)),
      /sha256 of train was "[0-9a-f]+… and is "/,
      "RUN_FOLDER",
    );
  });

  it("a run folder in which another process is working, and which", async () => {
    expect(await run(profile())).toMatchObject({ status: 0 });
    const lock = await lockRun(path("profile"));
    await refuse(profile(), new RegExp(`process ${process.pid} has been working there`), "RUN_FOLDER");
    lock.release();
    expect(await run(profile())).toMatchObject({ status: 0 });
  });

  // No folder is closed to root.
  it.skipIf(process.getuid?.() === 0)("a run folder that cannot be written", async () => {
    const args = ["eigs", good.model, "--data", good.data, "--out", path("closed/out")];
    mkdirSync(path("closed"), { mode: 0o500 });
    await refuse(args, /cannot write the run folder .*: permission denied/, "RUN_FOLDER");
    const npz = ["gradient", good.model, "--data", good.data, "--npz", path("closed/g.npz")];
    await refuse(npz, /g\.npz": permission denied/, "INVALID_OPTION");
  });

  // A file system that lets nobody write, root neither.
  it.runIf(existsSync("/sys/kernel"))("a run folder where nobody can write", async () => {
    const args = ["eigs", good.model, "--data", good.data, "--out", "/sys/onnx-landscape"];
    await refuse(
      args,
      /cannot write the run folder "\/sys\/onnx-landscape": (permission|the file system)/,
      "RUN_FOLDER",
    );
  });

  it("a run of another command, asked for its page", async () => {
    const [out, args] = [path("unfinished"), ["trace", good.model, "--data", good.data, "--probes", "2"]];
    expect(await run([...args, "--out", out])).toMatchObject({ status: 0 });
    await refuse(["report", out], /is a run of "trace"; expected .* the folder of a "report"/, "RUN_FOLDER");
  });
});

describe("wrong usage", () => {
  const evaluate =
    (...more: string[]) =>
    () => ["evaluate", good.model, "--data", good.data, ...more];
  const surface =
    (...more: string[]) =>
    () => ["surface", good.model, "--data", good.data, "--directions", "random", ...more];
  const eigs =
    (...more: string[]) =>
    () => ["eigs", good.model, "--data", good.data, ...more];
  const cases: readonly Case[] = [
    ["no command", () => [], /no command given; expected one of .*inspect/],
    [
      "an unknown command",
      () => ["evalute", good.model],
      /unknown command: "evalute"; did you mean "evaluate"/,
    ],
    ["an unknown option", evaluate("--sample", "3"), /unknown option: --sample; did you mean --samples/],
    ["no model", () => ["evaluate"], /no model given/],
    ["no data", () => ["evaluate", good.model], /no data given; expected --data/],
    ["an option without its value", () => ["evaluate", good.model, "--data"], /--data/],
    ["a number that is none", evaluate("--samples", "ten"), /--samples.*"ten"/],
    ["test samples without test data", evaluate("--test-samples", "3"), /--test-samples is given without/],
    [
      "more test samples than there are",
      () => [...evaluate("--test-data", good.data)(), "--test-samples", "5"],
      /cannot take 5 samples/,
    ],
    ["one option twice", evaluate("--samples", "1", "--samples", "2"), /--samples is given 2 times/],
    ["two models", () => [...evaluate()(), good.model], /unexpected word|two models/],
    ["no samples at all", evaluate("--samples", "0"), /--samples.*"0"/],
    ["a choice that is none", evaluate("--loss", "hinge"), /--loss.*"hinge".*cross-entropy/],
    ["bad normalisation", evaluate("--normalize", "0.5"), /--normalize.*"0\.5".*MEAN,STD/],
    [
      "two ways to normalise",
      evaluate("--normalize", "0,1", "--scale", "2"),
      /--normalize cannot be combined/,
    ],
    ["a range that is none", surface("--range-x", "0:1"), /--range-x.*"0:1".*FROM:TO:COUNT/],
    ["a range from right to left", surface("--range-y", "1:-1:5"), /--range-y.*"1:-1:5"/],
    ["more eigenvalues than parameters", eigs("--top", "10"), /--top.*10.*9/],
    ["more eigenvalues at the other end", eigs("--bottom", "10"), /--bottom.*10.*9/],
    [
      "parameters that match nothing",
      () => ["inspect", good.model, "--params", "ww"],
      /--params matches no initializer: "ww"\. Did you mean "w"/,
    ],
  ];
  check(cases, "INVALID_OPTION");

  it("a device that is not there, and which are", async () => {
    const { status, err } = await run([...evaluate("--device", "cuda")(), "--json"]);
    // Where there is one, it is no error.
    if (status !== 0) expect(err).toMatch(/device not available: "cuda" .*available here: .*cpu/);
  });
});
