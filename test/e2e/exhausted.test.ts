import {
  cpSync,
  existsSync,
  linkSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeNpz } from "../../src/data/index.ts";
import { bytesOf, floats, info, longs, node, smallModel } from "../onnx/protos.ts";
import { run } from "../support/cli.ts";
import { bundled } from "../support/fixtures.ts";
import { linesOf, numbers, program, start, until } from "../support/process.ts";

// What is not there to be had: space, memory, a worker. Exit status 1, one sentence, and what is done stays.

const full = "/dev/full";
const small = [
  "--top",
  "1",
  "--bottom",
  "1",
  "--tol",
  "0.1",
  "--probes",
  "2",
  "--grid",
  "3",
  "--points",
  "3",
];
const report = [
  "report",
  bundled("fcnn2.onnx"),
  "--data",
  bundled("fcnn-train.npz"),
  "--device",
  "cpu",
  ...small,
];

let folder: string;
const path = (name: string): string => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "exhausted-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What a failure says on stderr after the progress: one sentence. */
function sentenceOf(err: string): string {
  const [, sentence] = /(?:^|\n)error: (.*)\n$/.exec(err) ?? [];
  expect(err).toMatch(/(^|\n)error: .*\n$/);
  expect(err.match(/error/gi)).toHaveLength(1);
  expect(err).not.toMatch(/internal| {4}at /);
  return sentence as string;
}

let whole: ReturnType<typeof numbers> | undefined;
/** The numbers of a run that nothing befell. */
async function undisturbed(): Promise<ReturnType<typeof numbers>> {
  if (whole === undefined) {
    expect(await run([...report, "--out", path("whole")])).toMatchObject({ status: 0 });
    whole = numbers(path("whole"));
  }
  return whole;
}

describe.runIf(existsSync(full))("a full disk", () => {
  it.each(["report.json", "report.html"])(
    "for %s: all that was computed is there the next time",
    async (name) => {
      const out = path(`full-${name}`);
      const expected = await undisturbed();
      cpSync(path("whole"), out, { recursive: true });
      for (const file of ["report.html", name]) rmSync(join(out, file), { force: true });
      const before = linesOf(out);
      symlinkSync(full, join(out, `${name}.${process.pid}.tmp`));
      const { status, err } = await run([...report, "--out", out]);
      expect(status).toBe(1);
      expect(sentenceOf(err)).toMatch(/^cannot write ".*report\..*": the disk is full\. free some space/);
      expect(existsSync(join(out, name))).toBe(false);
      expect(await run([...report, "--out", out])).toMatchObject({ status: 0 });
      expect(linesOf(out)).toBe(before);
      expect(numbers(out)).toEqual(expected);
      expect(existsSync(join(out, "report.html"))).toBe(true);
    },
  );

  it.runIf(existsSync(program))(
    "for the journal: the run stops, and continues once there is space",
    async () => {
      const out = path("full-journal");
      const journal = join(out, "journal.ndjson");
      const { ended } = start([...report, "--out", out]);
      await until(() => linesOf(out) >= 10);
      // At once from one file to the other, whatever is being written.
      linkSync(journal, join(folder, "kept"));
      symlinkSync(full, join(folder, "full"));
      renameSync(join(folder, "full"), journal);
      const { status, err } = await ended;
      expect(status).toBe(1);
      expect(sentenceOf(err)).toMatch(/^cannot write ".*journal\.ndjson": the disk is full/);
      expect(existsSync(join(out, "report.json"))).toBe(false);
      renameSync(join(folder, "kept"), journal);
      const before = linesOf(out);
      expect(await run([...report, "--out", out])).toMatchObject({
        status: 0,
        err: expect.stringContaining("continuing"),
      });
      expect(before).toBeGreaterThanOrEqual(10);
      expect(numbers(out)).toEqual(await undisturbed());
    },
  );

  it.runIf(existsSync(program))("behind standard output", async () => {
    const { ended } = start(["inspect", bundled("fcnn2.onnx")], openSync(full, "w"));
    const { status, err } = await ended;
    expect(status).toBe(1);
    expect(sentenceOf(err)).toMatch(/^cannot write the output: the disk is full/);
  });
});

describe("memory that is not there", () => {
  /** y = x·w + b, by way of 3 · 2³⁸ copies of each number: four terabytes for a sample. */
  function hungryModel(): string {
    const int64s = (name: string, values: readonly number[]) => ({
      name,
      data_type: 7,
      dims: longs([values.length]),
      int64_data: longs(values),
    });
    const graph = {
      node: [
        node("MatMul", ["x", "w"], ["a"]),
        node("Add", ["a", "b"], ["c"]),
        node("Unsqueeze", ["c", "axis"], ["u"]),
        node("Expand", ["u", "shape"], ["copies"]),
        node("ReduceMean", ["copies", "axis"], ["z"]),
        node("Squeeze", ["z", "axis"], ["y"]),
      ],
      initializer: [
        floats("w", [2, 3], [1, 2, 3, 4, 5, 6]),
        floats("b", [3], [0, 0, 0]),
        int64s("axis", [2]),
        int64s("shape", [1, 1, 2 ** 38]),
      ],
      output: [info("y", ["batch", 3])],
    };
    writeFileSync(path("hungry.onnx"), bytesOf(smallModel(graph)));
    writeNpz(path("data.npz"), {
      x: { shape: [4, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8) },
      y: { shape: [4], data: BigInt64Array.of(0n, 1n, 2n, 0n) },
    });
    return path("hungry.onnx");
  }

  it.each([
    ["here", ["--workers", "1"]],
    ["in a worker", ["--workers", "2"]],
  ])("for a tensor, %s: says of which operator, and what to lower", async (_, workers) => {
    if (workers[1] !== "1" && !existsSync(program)) return;
    const { status, err } = await run(["evaluate", hungryModel(), "--data", path("data.npz"), ...workers]);
    expect(status).toBe(1);
    expect(sentenceOf(err)).toMatch(
      /^out of memory: onnxruntime could not get 3298\.5 GB for Expand "copies"\. lower --workers.*--memory or --batch/,
    );
  });

  const children = (pid: number | undefined): number[] => {
    const list = `/proc/${pid}/task/${pid}/children`;
    return existsSync(list) ? readFileSync(list, "utf8").split(" ").filter(Boolean).map(Number) : [];
  };

  it.runIf(process.platform === "linux" && existsSync(program))(
    "for a worker, which the kernel kills: the run stops, and continues with fewer",
    async () => {
      const out = path("worker");
      const { child, ended } = start([...report, "--out", out, "--workers", "2"]);
      await until(() => linesOf(out) >= 10);
      const workers = children(child.pid);
      expect(workers).toHaveLength(2);
      process.kill(workers[1] as number, "SIGKILL");
      const { status, signal, err } = await ended;
      expect({ status, signal }).toEqual({ status: 1, signal: null });
      expect(sentenceOf(err)).toMatch(
        /^a worker process was killed \(SIGKILL\), .*lower --workers.*--memory or --batch/,
      );
      expect(workers.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
      expect(existsSync(join(out, "report.json"))).toBe(false);
      expect(await run([...report, "--out", out, "--workers", "1"])).toMatchObject({ status: 0 });
      expect(numbers(out)).toEqual(await undisturbed());
    },
  );

  it.runIf(process.platform === "linux" && existsSync(program))(
    "for a worker that is only starting: nothing waits for it",
    async () => {
      const { child, ended } = start([...report, "--out", path("starting"), "--workers", "2"]);
      await until(() => children(child.pid).length === 2);
      process.kill(children(child.pid)[0] as number, "SIGKILL");
      const { status, err } = await ended;
      expect(status).toBe(1);
      expect(sentenceOf(err)).toMatch(/^a worker process was killed \(SIGKILL\)/);
      expect(existsSync(path("starting"))).toBe(false);
    },
  );
});
