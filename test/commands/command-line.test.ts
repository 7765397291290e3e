import { describe, expect, it } from "vitest";
import { commands } from "../../src/commands/index.ts";
import { type CommandResult, run as runArgs } from "../support/cli.ts";

const run = (...argv: string[]): Promise<CommandResult> => runArgs(argv);

const wrong: readonly [line: string, message: RegExp][] = [
  ["", /no command given; expected one of /],
  ["reprot m.onnx", /unknown command: "reprot"; did you mean "report"\?/],
  ["xyzzy m.onnx", /unknown command: "xyzzy"; expected one of /],
  ["model.onnx", /did you mean "report model.onnx"\?/],
  ["evaluate", /no model given; expected "onnx-landscape evaluate MODEL/],
  ["evaluate a.onnx b.onnx", /unexpected word: "b.onnx"; expected one MODEL/],
  ["evaluate m.onnx --dataset d.npz", /unknown option: --dataset; did you mean --data\?/],
  ["evaluate m.onnx --sampels 3", /unknown option: --sampels; did you mean --samples\?/],
  ["evaluate m.onnx --batch-size 3", /did you mean --batch\?/],
  ["evaluate m.onnx -x", /unknown option: -x; see "onnx-landscape evaluate --help"/],
  ["doctor --xyzzy", /unknown option: --xyzzy; expected one of --/],
  ["eigs toy:T1 --n 50", /unknown option: -n; a toy's sizes are part of its name: toy:T2,n=500,tilde=510/],
  ["evaluate m.onnx --top 3", /unknown option: --top/],
  ["evaluate m.onnx --data", /missing value of --data/],
  ["evaluate m.onnx --data --json", /missing value of --data/],
  ["evaluate m.onnx --data a --data b", /--data is given 2 times/],
  ["evaluate m.onnx --samples ten", /invalid --samples: "ten"; expected a whole number of at least 1/],
  ["evaluate m.onnx --samples 0", /invalid --samples: "0"/],
  ["evaluate m.onnx --samples 1.5", /invalid --samples: "1.5"/],
  ["evaluate m.onnx --samples NaN", /invalid --samples: "NaN"/],
  ["evaluate m.onnx --samples 0x10", /invalid --samples: "0x10"/],
  ["evaluate m.onnx --samples=", /invalid --samples: ""/],
  ["evaluate m.onnx --memory lots", /invalid --memory: "lots"; expected a size such as 2GB/],
  ["evaluate m.onnx --loss l1", /invalid --loss: "l1"; expected auto, cross-entropy/],
  ["evaluate m.onnx --device tpu", /invalid --device: "tpu"; expected auto, cpu, cuda, webgpu/],
  ["hvp m.onnx --kinks melted", /expected frozen, moving/],
  ["evaluate no-such-file.onnx --data x.npz", /no such model: "no-such-file.onnx"/],
  ["evaluate package.json", /cannot read model "package.json"/],
  ["doctor m.onnx", /unexpected word: "m.onnx"; expected no MODEL/],
];

describe("wrong command lines", () => {
  it.each(wrong)("%s", async (line, message) => {
    const { status, out, err } = await run(...line.split(" ").filter((w) => w !== ""));
    expect(err).toMatch(message);
    expect(err).not.toMatch(/at .*\.ts:/);
    expect(err.trimEnd().split("\n")).toHaveLength(1);
    expect(status).toBe(2);
    if (!line.includes("--json")) expect(out).toBe("");
  });

  it("are an object on stdout with --json", async () => {
    const { status, out, err } = await run("evaluate", "m.onnx", "--dataset", "d.npz", "--json");
    expect(status).toBe(2);
    const { error } = JSON.parse(out);
    expect(error).toMatchObject({ code: "INVALID_OPTION", details: { option: "dataset" } });
    expect(err).toContain(error.message);
  });

  it("show the stack with --debug", async () => {
    const { err } = await run("evaluate", "no-such.onnx", "--data", "x", "--debug");
    expect(err).toMatch(/at .*problem\.ts:/);
  });
});

describe("help", () => {
  it("lists every command with its purpose", async () => {
    const { status, out } = await run("--help");
    expect(status).toBe(0);
    for (const command of commands) expect(out).toContain(command.name);
  });

  it.each(commands.map((c) => c.name))("of %s: purpose, three examples, 80 columns", async (name) => {
    const { out, err, status } = await run(name, "--help");
    const command = commands.find((c) => c.name === name);
    expect(status).toBe(0);
    expect(err).toBe("");
    expect(out).toContain(command?.purpose ?? "?");
    expect(command?.examples).toHaveLength(3);
    for (const example of command?.examples ?? []) expect(out).toContain(example);
    for (const line of out.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
  });

  it("is shorter as -h, which says how to see all", async () => {
    const short = await run("evaluate", "-h");
    const all = await run("evaluate", "--help");
    expect(short.out.length).toBeLessThan(all.out.length);
    expect(short.out).toContain("More options: onnx-landscape evaluate --help");
    expect(all.out).toContain("--class-axis");
    expect(short.out).not.toContain("--class-axis");
  });

  it("gives the version of the package", async () => {
    expect((await run("--version")).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
