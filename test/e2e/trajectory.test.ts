import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TrajectoryReport } from "../../src/analysis/trajectory/report.ts";
import { trajectoryReportSchema } from "../../src/analysis/trajectory/schema.ts";
import { readSteps, stepsOf } from "../../src/commands/checkpoint-series.ts";
import { openNpz, writeNpz } from "../../src/data/npz.ts";
import { bytesOf, floats, info, node, smallModel } from "../onnx/protos.ts";
import { type CommandResult, run as runArgs, runJson } from "../support/cli.ts";
import { describeWithFixtures } from "../support/fixtures.ts";
import { paperFile } from "./paper.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "trajectory-"));
  mkdirSync(path("run"));
  mkdirSync(path("empty"));
  // Weights shrink towards the last; the order of the names is not that of letters.
  for (const [epoch, size] of [
    [2, 1],
    [10, 0.5],
    [100, 0.25],
  ] as const)
    write(`run/epoch-${epoch}.onnx`, model(size));
  writeNpz(path("data.npz"), {
    x: { shape: [6, 2], data: Float32Array.from({ length: 12 }, (_, i) => Math.sin(3 * i)) },
    y: { shape: [6], data: BigInt64Array.of(0n, 1n, 2n, 0n, 1n, 2n) },
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

const path = (name: string): string => join(folder, name);

function write(name: string, bytes: Uint8Array): string {
  writeFileSync(path(name), bytes);
  return path(name);
}

/** y = tanh(x · w) · v with weights of the given size; `v` may have another shape. */
function model(size: number, classes = 3): Uint8Array {
  const draw = (count: number, from: number) =>
    Array.from({ length: count }, (_, i) => size * Math.cos(from + 7 * i) + 0.1 * Math.sin(i));
  return bytesOf(
    smallModel({
      initializer: [floats("w", [2, 4], draw(8, 1)), floats("v", [4, classes], draw(4 * classes, 2))],
      node: [
        node("MatMul", ["x", "w"], ["h"]),
        node("Tanh", ["h"], ["a"]),
        node("MatMul", ["a", "v"], ["y"]),
      ],
      output: [info("y", ["batch", classes])],
    }),
  );
}

const small = ["--probes", "2", "--grid", "3", "--frame-grid", "3", "--device", "cpu"];
const run = (...words: string[]): Promise<CommandResult> => runArgs(["trajectory", ...words]);
const data = (): string[] => ["--data", path("data.npz")];

describe("trajectory", () => {
  it("follows a folder of checkpoints in natural order, into one run folder and one page", async () => {
    const out = path("whole");
    const npz = path("whole.npz");
    const args = ["trajectory", path("run"), ...data(), "--test-data", path("data.npz"), ...small];
    const json = await runJson([...args, "--out", out, "--npz", npz]);
    const { report: page, ...rest } = json;
    const report = rest as unknown as TrajectoryReport;
    expect(page).toBe(join(out, "trajectory.html"));
    expect(trajectoryReportSchema.parse(report)).toEqual(report);
    expect(report.checkpoints.map((p) => [p.name, p.step])).toEqual([
      ["epoch-2", 2],
      ["epoch-10", 10],
      ["epoch-100", 100],
    ]);
    expect(report).toEqual(JSON.parse(readFileSync(join(out, "trajectory.json"), "utf8")));
    expect(readFileSync(page as string, "utf8")).toContain("epoch-10");

    // Each checkpoint's numbers are those that the commands for one checkpoint give.
    for (const p of report.checkpoints) {
      const file = [path(`run/${p.name}.onnx`), ...data()];
      const { loss, accuracy } = await runJson(["evaluate", ...file]);
      expect(p.checkpoint.train).toEqual({ loss, accuracy });
      const { norm } = await runJson(["gradient", ...file]);
      // Groups of samples are added in another order than the whole.
      expect(p.checkpoint.gradientNorm).toBeCloseTo(norm as number, 12);
      const { eigenvalues } = await runJson(["eigs", ...file]);
      for (const [i, pair] of (eigenvalues as { value: number; residual: number }[]).entries()) {
        const mine = p.eigenpairs[i]!;
        expect(Math.abs(mine.value - pair.value)).toBeLessThanOrEqual(mine.residual + pair.residual);
      }
      expect(p.inLastGraph).toBe(p.checkpoint.train.loss);
    }

    const store = await openNpz(npz);
    const read = (name: string) => store.read(name);
    expect(Array.from((await read("path_train_loss")).data as Float64Array)).toEqual(
      report.checkpoints.map((p) => p.checkpoint.train.loss),
    );
    expect((await read("train_loss")).shape).toEqual([3, 3]);
    expect((await read("frame_test_loss")).shape).toEqual([3, 3, 3]);
    await store.close();
  });

  it("continues what was begun, with the same numbers; a finished folder gives its page anew", async () => {
    const args = [path("run"), ...data(), ...small];
    const numbers = (out: string) => {
      const text = readFileSync(join(out, "trajectory.json"), "utf8");
      const { cost: _, provenance: __, ...rest } = JSON.parse(text) as TrajectoryReport;
      return rest;
    };
    const [whole, torn] = [path("once"), path("torn")];
    expect((await run(...args, "--out", whole)).status).toBe(0);
    expect((await run(...args, "--out", torn)).status).toBe(0);
    // As if it had been killed in the middle.
    const journal = join(torn, "journal.ndjson");
    const lines = readFileSync(journal, "utf8").split("\n");
    writeFileSync(journal, `${lines.slice(0, lines.length / 2).join("\n")}\n{"id":`);
    rmSync(join(torn, "trajectory.json"));
    rmSync(join(torn, "trajectory.html"));
    const again = await run(...args, "--out", torn);
    expect(again.err).toContain("continuing in");
    expect(numbers(torn)).toEqual(numbers(whole));
    expect(readFileSync(journal, "utf8").split("\n")).toHaveLength(lines.length);

    const other = await runArgs(["report", whole]);
    expect([other.status, other.err]).toEqual([
      2,
      expect.stringContaining('is a run of "trajectory"; expected a model, or the folder of a "report"'),
    ]);
    rmSync(join(whole, "trajectory.html"));
    const remade = await run(whole);
    expect(remade.status).toBe(0);
    expect(existsSync(join(whole, "trajectory.html"))).toBe(true);
  });

  it("follows each checkpoint's own directions with --follow, on the last one's Hessian plane if told", async () => {
    const options = ["--plane", "hessian", "--follow", "--steps", "1,2,3.5", "--probes", "0", "--quiet"];
    const args = [
      "trajectory",
      path("run"),
      ...data(),
      ...small.slice(2),
      ...options,
      "--out",
      path("follow"),
    ];
    const report = (await runJson(args)) as unknown as TrajectoryReport;
    expect(report.plane.kind).toBe("hessian");
    expect(report.animation!.directions).toBe("follow");
    expect(report.checkpoints.map((p) => [p.step, p.trace])).toEqual([
      [1, null],
      [2, null],
      [3.5, null],
    ]);
  });
});

const bad: readonly [what: string, words: () => string[], message: RegExp][] = [
  ["one checkpoint", () => [path("run/epoch-2.onnx")], /needs at least 2 checkpoints, got 1/],
  ["an empty folder", () => [path("empty")], /needs at least 2 checkpoints, got 0/],
  [
    "a missing file",
    () => [path("run/epoch-2.onnx"), path("run/none.onnx")],
    /no such checkpoint: ".*none\.onnx"; expected \.onnx files of one training run/,
  ],
  [
    "a file that is no model",
    () => [path("data.npz"), path("run/epoch-2.onnx")],
    /cannot read model ".*data\.npz"/,
  ],
  [
    "another architecture",
    () => [write("wide.onnx", model(1, 5)), path("run/epoch-2.onnx")],
    /different architectures: ".*wide\.onnx" has "v" of shape \[4, 5\] where ".*epoch-2\.onnx" has "v" of shape \[4, 3\]/,
  ],
  [
    "the same file twice",
    () => [path("run/epoch-2.onnx"), path("run/epoch-10.onnx"), path("run/epoch-2.onnx")],
    /the same checkpoint twice: ".*epoch-2\.onnx" and ".*epoch-2\.onnx" hold the same weights/,
  ],
  [
    "the same weights under two names",
    () => [path("run"), write("copy.onnx", model(0.5))],
    /the same checkpoint twice: ".*epoch-10\.onnx" and ".*copy\.onnx"/,
  ],
  [
    "steps of another number",
    () => [path("run"), "--steps", "1,2"],
    /invalid --steps: "1,2"; expected 3 rising numbers/,
  ],
  ["steps that fall", () => [path("run"), "--steps", "1,3,2"], /invalid --steps: "1,3,2"/],
];

describe("a trajectory of what is none", () => {
  it.each(bad)("%s: one sentence, exit status 2, nothing written", async (_, words, message) => {
    const out = path("not-made");
    const { status, out: said, err } = await run(...words(), ...data(), "--out", out);
    expect(err).toMatch(message);
    expect(err.trimEnd().split("\n")).toHaveLength(1);
    expect([status, said]).toEqual([2, ""]);
    expect(existsSync(out)).toBe(false);
  });
});

describe("steps of training", () => {
  it.each([
    [
      ["epoch-00", "epoch-02", "epoch-10"],
      [0, 2, 10],
    ],
    [["a-1.5k", "a-2.5k"], null],
    [["epoch-3", "epoch-2"], null],
    [["epoch-00", "resnet20"], null],
    [["start", "end"], null],
    [["step_1_of_9", "step_2_of_9"], null],
  ])("of %j are %j", (names, steps) => {
    expect(stepsOf(names as string[])).toEqual(steps);
  });

  it("are read with commas", () => {
    expect(readSteps("0, 1.5,20", 3)).toEqual([0, 1.5, 20]);
  });
});

describeWithFixtures("trajectory of the reference runs", () => {
  /** Row of the table in the fixtures' README: loss, ‖∇L‖, λ₊, λ₋, trace. */
  const table: Readonly<Record<string, readonly [number, number, number, number, number]>> = {
    "epoch-000000": [1.0432, 2.7311, 8.34154, -6.36671, 6.36673],
    "epoch-000300": [0.11289, 0.52053, 20.3986, -0.693744, 24.4737],
    "epoch-003000": [0.0014895, 0.23175, 20.5848, -0.342458, 78.4078],
  };

  it("fcnn2's numbers are those of the float64 references", async () => {
    const files = Object.keys(table).map((name) => paperFile(`fcnn2-series/${name}.onnx`));
    const sets = ["--data", paperFile("fcnn-train.npz"), "--test-data", paperFile("fcnn-test.npz")];
    const traces = ["--probes", "12", "--estimator", "xtrace"];
    const few = ["--test-samples", "50", ...traces, "--frames", "0", "--grid", "3", "--device", "cpu"];
    const args = ["trajectory", ...files, ...sets, ...few, "--out", path("fcnn2"), "--workers", "1"];
    const { checkpoints } = (await runJson(args)) as unknown as TrajectoryReport;
    for (const p of checkpoints) {
      const [loss, gradient, top, bottom, trace] = table[p.name]!;
      // Five digits are printed.
      expect(p.checkpoint.train.loss / loss).toBeCloseTo(1, 4);
      expect(p.checkpoint.gradientNorm / gradient).toBeCloseTo(1, 4);
      for (const [i, value] of [top, bottom].entries()) {
        const { value: found, residual, converged } = p.eigenpairs[i]!;
        expect(converged).toBe(true);
        expect(Math.abs(found - value)).toBeLessThanOrEqual(residual + 1e-5 * Math.abs(value));
      }
      expect(Math.abs(p.trace!.value - trace)).toBeLessThanOrEqual(4 * p.trace!.standardError);
      expect(p.inLastGraph).toBe(p.checkpoint.train.loss);
    }
  }, 120_000);

  it("takes a folder and a file beside it, told apart by their running statistics", async () => {
    const run = path("resnet20-run");
    mkdirSync(run);
    for (const name of ["resnet20-series/epoch-00.onnx", "resnet20-series/epoch-08.onnx"])
      symlinkSync(paperFile(name), join(run, basename(name)));
    const args = ["trajectory", run, paperFile("resnet20.onnx"), "--data", paperFile("fashion-train.npz")];
    const few = ["--samples", "2", "--normalize", "0.2860,0.3530", "--max-products", "2"];
    const less = ["--probes", "0", "--frames", "0", "--grid", "3", "--device", "cpu", "--workers", "1"];
    const report = await runJson([...args, ...few, ...less, "--out", path("resnet20")]);
    const { checkpoints, health } = report as unknown as TrajectoryReport;
    expect(checkpoints.map((p) => p.name)).toEqual(["epoch-00", "epoch-08", "resnet20"]);
    const graph = health.find((h) => h.id === "graph")!;
    expect(graph.status).toBe("look");
    expect(graph.text).toMatch(/running_(mean|var)/);
    expect(checkpoints[0]!.inLastGraph).not.toBeCloseTo(checkpoints[0]!.checkpoint.train.loss, 2);
    expect(checkpoints[2]!.inLastGraph).toBe(checkpoints[2]!.checkpoint.train.loss);
  }, 180_000);
});
