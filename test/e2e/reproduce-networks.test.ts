import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ReproductionReport } from "../../src/analysis/reproduction/report.ts";
import { reproductionJsonSchema, reproductionReportSchema } from "../../src/analysis/reproduction/schema.ts";
import { main } from "../../src/cli.ts";
import { writeNpz } from "../../src/data/npz.ts";
import { bytesOf, floats, info, node, smallModel } from "../onnx/protos.ts";
import { captureIo } from "../support/capture-io.ts";
import { run, runJson } from "../support/cli.ts";
import { linesOf, until } from "../support/process.ts";

// A folder as one's own: a network of the paper's name on CIFAR-10's images, one with its own data, and files that do not work.
const small = ["--slices", "2", "--lines", "2", "--points", "3", "--probes", "4", "--grid", "5"];
const few = ["--samples", "12", "--device", "cpu", "--workers", "1"];

let folder: string;
const path = (...parts: string[]): string => join(folder, ...parts);
const args = (out: string): string[] => [
  ...["reproduce", "--fixtures", path("nets"), "--cifar", path("cifar"), ...small, ...few],
  ...["--out", path(out)],
];

const wave = (count: number, from: number): number[] =>
  Array.from({ length: count }, (_, i) => 0.7 * Math.cos(from + 7 * i));

const hidden = (inputs: number, classes: number) => ({
  initializer: [
    floats("w", [inputs, 6], wave(6 * inputs, 1)),
    floats("v", [6, classes], wave(6 * classes, 2)),
  ],
  node: [node("MatMul", ["h", "w"], ["a"]), node("Tanh", ["a"], ["t"]), node("MatMul", ["t", "v"], ["y"])],
  output: [info("y", ["batch", classes])],
});

/** Mean colours, one layer of tanh, ten classes: nothing like ResNet-56. */
function colours(): Uint8Array {
  const rest = hidden(3, 10);
  return bytesOf(
    smallModel({
      ...rest,
      input: [info("x", ["batch", 3, 32, 32])],
      node: [node("GlobalAveragePool", ["x"], ["g"]), node("Flatten", ["g"], ["h"]), ...rest.node],
    }),
  );
}

function plain(): Uint8Array {
  return bytesOf(smallModel({ ...hidden(2, 3), input: [info("h", ["batch", 2])] }));
}

/** A record: label, then three planes of one colour each. */
function cifarRecords(count: number): Uint8Array {
  const bytes = new Uint8Array(count * 3073);
  for (let i = 0; i < count; i++) {
    bytes[i * 3073] = i % 10;
    for (let c = 0; c < 3; c++)
      bytes.fill((i * 37 + c * 81) % 256, i * 3073 + 1 + c * 1024, i * 3073 + 1025 + c * 1024);
  }
  return bytes;
}

let whole: ReproductionReport;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "reproduce-networks-"));
  for (const name of ["nets", "cifar"]) mkdirSync(path(name));
  writeFileSync(path("nets", "resnet56.onnx"), colours());
  writeFileSync(path("nets", "mine.onnx"), plain());
  writeFileSync(path("nets", "broken.onnx"), "no model");
  for (const [name, phase] of [
    ["train", 0],
    ["test", 1],
  ] as const) {
    writeNpz(path("nets", `mine-${name}.npz`), {
      x: { shape: [9, 2], data: Float32Array.from({ length: 18 }, (_, i) => Math.sin(3 * i + phase)) },
      y: { shape: [9], data: BigInt64Array.from({ length: 9 }, (_, i) => BigInt(i % 3)) },
    });
  }
  for (let k = 1; k <= 5; k++) writeFileSync(path("cifar", `data_batch_${k}.bin`), cifarRecords(8));
  writeFileSync(path("cifar", "test_batch.bin"), cifarRecords(16));
  whole = (await runJson(args("whole"))) as unknown as ReproductionReport;
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));

describe("reproduce on a folder of checkpoints", () => {
  it("a report as its schema has it", () => {
    const { report: _, ...report } = whole as ReproductionReport & { report: string };
    expect(reproductionReportSchema.parse(report)).toEqual(report);
    expect(reproductionReportSchema.safeParse({ ...report, toys: [{}] }).success).toBe(false);
    const file = new URL("../../src/analysis/reproduction.schema.json", import.meta.url);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(reproductionJsonSchema());
  });

  it("images for the paper's classifier, its own data for another, the reason for a file that is no model", () => {
    expect(whole.table.map((r) => [r.name, r.group, r.parameters, r.samples])).toEqual([
      ["resnet56", "image classifiers", 78, 12],
      ["mine", "image classifiers", 30, 9],
    ]);
    const resnet = whole.paper.find((n) => n.name === "resnet56");
    expect(resnet).toMatchObject({ parameters: 855_770, parametersHere: 78, missing: null });
    expect(whole.leftOut).toEqual([{ name: "broken", why: expect.stringContaining("broken.onnx") }]);
  });

  it("each row is what the other commands find on the same data", async () => {
    const pixels = "0.4914,0.4822,0.4465,0.2471,0.2435,0.2616";
    const model = [
      path("nets", "resnet56.onnx"),
      "--data",
      path("cifar"),
      "--samples",
      "12",
      "--normalize",
      pixels,
    ];
    const found = await runJson(["evaluate", ...model]);
    const eigs = (await runJson(["eigs", ...model, "--top", "1", "--bottom", "1"])) as unknown as {
      eigenvalues: { value: number; residual: number }[];
    };
    const [row] = whole.table;
    // The same sums in another order.
    expect(row!.checkpoint.train.loss).toBeCloseTo(found["loss"] as number, 6);
    expect(row!.checkpoint.train.accuracy).toBe(found["accuracy"]);
    for (const [k, end] of [row!.top, row!.bottom].entries()) {
      const other = eigs.eigenvalues[k]!;
      expect(Math.abs(end.value - other.value)).toBeLessThanOrEqual(end.residual + other.residual);
    }
  });

  it("no minimum of a plane lies above the checkpoint, and test values are those of the same point", () => {
    for (const row of whole.table) {
      const planes = whole.networks.find((n) => n.name === row.name)!.analysis.planes;
      for (const kind of ["random", "hessian"] as const) {
        const { x, y, train, test } = row[kind];
        const plane = planes.find((p) => p.kind === kind)!;
        expect(train.loss).toBeLessThanOrEqual(row.checkpoint.train.loss);
        expect(train.loss).toBeLessThanOrEqual(plane.train.minimum.loss);
        const [i, j] = [plane.y.indexOf(y), plane.x.indexOf(x)];
        if (i >= 0 && j >= 0 && (x !== 0 || y !== 0)) expect(test?.loss).toBe(plane.test?.loss[i]?.[j]);
      }
    }
  });

  it("stopped and started again: the same numbers, nothing done twice", async () => {
    const out = path("stopped");
    const stop = new AbortController();
    const { io } = captureIo({ signal: stop.signal });
    let over = false;
    const ended = main(args("stopped"), io).finally(() => {
      over = true;
    });
    await until(() => over || linesOf(out) > linesOf(path("whole")) - 60);
    stop.abort();
    expect(await ended).toBe(130);
    const before = linesOf(out);
    expect(before).toBeLessThan(linesOf(path("whole")));
    const again = (await runJson(args("stopped"))) as unknown as ReproductionReport;
    expect(again.cost.resumed).toBe(true);
    const numbers = ({ toys, traces, table, findings }: ReproductionReport) => ({
      toys,
      traces,
      table,
      findings,
    });
    expect(numbers(again)).toEqual(numbers(whole));
    const ids = (name: string) =>
      readFileSync(path(name, "journal.ndjson"), "utf8")
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line).id as string);
    expect(ids("stopped").toSorted()).toEqual(ids("whole").toSorted());
  });

  it("one network that cannot be used, alone, is an error; so are images without a folder", async () => {
    mkdirSync(path("bad"));
    copyFileSync(path("nets", "broken.onnx"), path("bad", "resnet56.onnx"));
    const words = ["reproduce", "--fixtures", path("bad"), ...small, ...few, "--out", path("none")];
    const broken = await run([...words, "--cifar", path("cifar")]);
    expect([broken.status, broken.err]).toEqual([2, expect.stringContaining("resnet56.onnx")]);
    const { status, out } = await run(words);
    expect(status).toBe(0);
    expect(out).toContain("resnet56 (855,770 parameters): its images are missing");
  });
});
