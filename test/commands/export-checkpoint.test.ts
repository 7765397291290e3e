import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeWhole } from "../../src/analysis/run/files.ts";
import {
  encodeCheckpoint,
  type NamedTensor,
  readCheckpoint,
  type TrainingCheckpoint,
} from "../../src/artifacts/checkpoint.ts";
import { writeNpz } from "../../src/data/npz.ts";
import { readVector } from "../../src/data/vector.ts";
import { loadCheckpoint } from "../../src/model/load-checkpoint.ts";
import { floats, named, sample } from "../artifacts/checkpoints.ts";
import { bytesOf, smallModel } from "../onnx/protos.ts";
import { run, runJson } from "../support/cli.ts";
import { describeWithFixtures, requireFixture } from "../support/fixtures.ts";

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "export-checkpoint-"));
  writeFileSync(path("m.onnx"), bytesOf(smallModel()));
  writeNpz(path("w.npz"), {
    theta: { shape: [9], data: Float32Array.from(theta) },
    halves: { shape: [9], data: Float64Array.from(theta, (x) => x + 2 ** -12) },
    short: { shape: [8], data: new Float64Array(8).fill(1) },
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

const path = (name: string): string => join(folder, name);
/** w [2, 3] and b [3] of the small model, in this order. */
const theta = [0.5, -1, 2, -3, 4, -5, 10, 20, 30];

const exported = (...args: string[]): Promise<Record<string, unknown>> =>
  runJson(["export-checkpoint", path("m.onnx"), "--weights", `${path("w.npz")}:theta`, ...args]);

function write(name: string, checkpoint: TrainingCheckpoint): string {
  writeFileSync(path(name), encodeCheckpoint(checkpoint).file);
  return path(name);
}

const numbers = ({ name, tensor: { type, dims, data } }: NamedTensor) => ({
  name,
  type,
  dims,
  data: [...data],
});

/** A checkpoint of the small model in another order, with another frozen tensor and everything else. */
function other(change: Partial<TrainingCheckpoint> = {}): TrainingCheckpoint {
  const w = named("w", { type: "float64", dims: [2, 3], data: new Float64Array(6) }, "weights");
  const kept = named("kept", floats([2], [7, 8]));
  return sample({ trained: [named("b", floats([3], [0, 0, 0])), kept], frozen: [w], ...change });
}

describe("export-checkpoint", () => {
  it("makes a checkpoint of a model: its parameters, in their order", async () => {
    const found = await exported("--to", path("new"));
    const checkpoint = await readCheckpoint(path("new"));
    expect(checkpoint.trained.map(numbers)).toEqual([
      { name: "w", type: "float32", dims: [2, 3], data: theta.slice(0, 6) },
      { name: "b", type: "float32", dims: [3], data: theta.slice(6) },
    ]);
    expect([checkpoint.frozen, checkpoint.optimizerGroups, checkpoint.properties]).toEqual([
      [],
      [],
      new Map(),
    ]);
    const { theta: before } = await loadCheckpoint(path("m.onnx"));
    expect(found).toEqual({
      written: path("new"),
      from: null,
      distance: Math.hypot(...theta.map((x, i) => x - before[i]!)),
      parameters: [
        { name: "w", shape: [2, 3], type: "float32", trained: true, source: "weights" },
        { name: "b", shape: [3], type: "float32", trained: true, source: "weights" },
      ],
      properties: 0,
      optimizer: "none",
    });
    expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("freezes what --freeze names, with the model's values", async () => {
    writeNpz(path("b.npz"), { b: { shape: [3], data: Float32Array.of(1, 2, 3) } });
    const weights = ["--weights", `${path("b.npz")}:b`];
    await runJson(["export-checkpoint", path("m.onnx"), ...weights, "--freeze", "w", "--to", path("frozen")]);
    const checkpoint = await readCheckpoint(path("frozen"));
    expect(checkpoint.trained.map(numbers)).toEqual([
      { name: "b", type: "float32", dims: [3], data: [1, 2, 3] },
    ]);
    const { theta: before } = await loadCheckpoint(path("m.onnx"));
    expect(checkpoint.frozen.map((t) => numbers(t).data)).toEqual([[...before.slice(0, 6)]]);
  });

  it("puts weights into a checkpoint: its lists, types, other values and properties stay", async () => {
    const old = write("old", other());
    const found = await exported("--checkpoint", old, "--to", path("into"));
    const checkpoint = await readCheckpoint(path("into"));
    expect([...checkpoint.trained, ...checkpoint.frozen].map(numbers)).toEqual([
      { name: "b", type: "float32", dims: [3], data: theta.slice(6) },
      { name: "kept", type: "float32", dims: [2], data: [7, 8] },
      { name: "w", type: "float64", dims: [2, 3], data: theta.slice(0, 6) },
    ]);
    expect(checkpoint.frozen[0]?.documentation).toBe("weights");
    expect(checkpoint.properties).toEqual(sample().properties);
    // Momentums of other weights would push the next step in a direction of no meaning.
    expect(checkpoint.optimizerGroups).toEqual([]);
    expect(found).toMatchObject({ from: old, properties: 4, optimizer: "dropped" });
    expect((found["parameters"] as { source: string }[]).map((p) => p.source)).toEqual([
      "weights",
      "checkpoint",
      "weights",
    ]);
  });

  it("writes over the checkpoint that it reads, and keeps the optimizer when told", async () => {
    const old = write("same", other());
    const found = await exported("--checkpoint", old, "--keep-optimizer", "--to", old);
    const { optimizerGroups, trained } = await readCheckpoint(old);
    expect(optimizerGroups.map((g) => g.name)).toEqual(["group0", "empty group"]);
    expect(optimizerGroups[0]?.states[0]?.momentums.map((m) => numbers(m).data)).toEqual([
      [1, 2, 3, 4, 5, 6],
      [6, 5, 4, 3, 2, 1],
    ]);
    expect(numbers(trained[0]!).data).toEqual(theta.slice(6));
    expect(found["optimizer"]).toBe("kept");
  });

  it("fills a nominal checkpoint", async () => {
    const trained = [named("b", floats([3], [0, 0, 0])), named("w", floats([2, 3], []))];
    const old = write("nominal", sample({ isNominal: true, trained, frozen: [], optimizerGroups: [] }));
    await exported("--checkpoint", old, "--to", path("filled"));
    const checkpoint = await readCheckpoint(path("filled"));
    expect(checkpoint.isNominal).toBe(false);
    expect(checkpoint.trained.map(numbers)).toEqual([
      { name: "b", type: "float32", dims: [3], data: theta.slice(6) },
      { name: "w", type: "float32", dims: [2, 3], data: theta.slice(0, 6) },
    ]);
  });

  it("rounds to the checkpoint's half precision", async () => {
    const half = (name: string, dims: number[], size: number) =>
      named(name, { type: "float16", dims, data: new Uint16Array(size) });
    const old = write("half", other({ trained: [half("b", [3], 3), half("w", [2, 3], 6)], frozen: [] }));
    const args = ["--weights", `${path("w.npz")}:halves`, "--checkpoint", old, "--to", path("halved")];
    await runJson(["export-checkpoint", path("m.onnx"), ...args]);
    const { trained } = await readCheckpoint(path("halved"));
    // 10 + 2⁻¹² is nearest to 10, and 0.5 + 2⁻¹² lies between 0.5 and 0.5 + 2⁻¹¹: ties go to even.
    expect(numbers(trained[0]!).data[0]).toBe(0x4900);
    expect(numbers(trained[1]!).data[0]).toBe(0x3800);
  });

  it.each<[string, (to: string) => string[], RegExp]>([
    ["no weights", (to) => ["--to", to], /^error: no --weights given; expected F.npz:KEY/],
    ["nowhere to write", () => ["--weights", "w.npz:theta"], /^error: no --to given; expected the name/],
    [
      "too few weights",
      (to) => ["--weights", `${path("w.npz")}:short`, "--to", to],
      /8 elements; expected one per parameter, 9/,
    ],
    [
      "no such checkpoint",
      (to) => ["--weights", `${path("w.npz")}:theta`, "--checkpoint", "absent", "--to", to],
      /cannot read checkpoint "absent": no such file/,
    ],
    [
      "a model as checkpoint",
      (to) => ["--weights", `${path("w.npz")}:theta`, "--checkpoint", path("m.onnx"), "--to", to],
      /it is no checkpoint of onnxruntime-training/,
    ],
    [
      "a checkpoint without a parameter",
      (to) => {
        const old = write("lacking", other({ trained: [] }));
        return ["--weights", `${path("w.npz")}:theta`, "--checkpoint", old, "--to", to];
      },
      /lacks parameters of the model: "b"\. Use the checkpoint made with this model/,
    ],
    [
      "a checkpoint with another shape",
      (to) => {
        const old = write("shaped", other({ trained: [named("b", floats([1, 3], [0, 0, 0]))] }));
        return ["--weights", `${path("w.npz")}:theta`, "--checkpoint", old, "--to", to];
      },
      /has another shape than the model: "b"; expected \[3\], got \[1, 3\]/,
    ],
    [
      "a checkpoint of whole numbers",
      (to) => {
        const b = named("b", { type: "int32", dims: [3], data: new Int32Array(3) });
        const old = write("whole", other({ trained: [b] }));
        return ["--weights", `${path("w.npz")}:theta`, "--checkpoint", old, "--to", to];
      },
      /whole numbers for a parameter: "b"; expected a float type, got int32/,
    ],
    [
      "a nominal checkpoint with a name that the model lacks",
      (to) => {
        const old = write("foreign", other({ isNominal: true, optimizerGroups: [] }));
        return ["--weights", `${path("w.npz")}:theta`, "--checkpoint", old, "--to", to];
      },
      /no values for "kept": the checkpoint ".*foreign" is nominal/,
    ],
  ])("writes nothing: %s", async (name, args, message) => {
    const to = path(`refused ${name}`);
    const { status, err } = await run(["export-checkpoint", path("m.onnx"), ...args(to)]);
    expect(err).toMatch(message);
    expect(status).toBe(2);
    expect(existsSync(to)).toBe(false);
  });

  it("writes a file of external data piece by piece", async () => {
    await writeWhole(path("pieces"), [Uint8Array.of(1, 2), Uint8Array.of(), Uint8Array.of(3)]);
    expect([...readFileSync(path("pieces"))]).toEqual([1, 2, 3]);
  });
});

describeWithFixtures("export-checkpoint of onnxruntime-training's artifacts", () => {
  it.each(["mlp-mse", "cnn-ce", "dropout-ce"])(
    "%s: the model's own weights give its own checkpoint",
    async (name) => {
      const root = `ort-artifacts/${name}`;
      const { theta: weights, parameters } = await loadCheckpoint(requireFixture(`${root}/forward.onnx`));
      writeNpz(path("own.npz"), { theta: { shape: [weights.length], data: weights } });
      const args = ["--weights", `${path("own.npz")}:theta`, "--to", path(name)];
      const found = await runJson([
        "export-checkpoint",
        requireFixture(`${root}/forward.onnx`),
        ...args,
        "--checkpoint",
        requireFixture(`${root}/checkpoint`),
      ]);
      expect(found["distance"]).toBe(0);
      expect((found["parameters"] as object[]).length).toBe(parameters.length);
      const original = await readCheckpoint(requireFixture(`${root}/checkpoint`));
      expect((await readCheckpoint(path(name))).trained.map(numbers)).toEqual(original.trained.map(numbers));
    },
  );

  it("a folder: its checkpoint with other trained weights, frozen ones as they were", async () => {
    const root = requireFixture("ort-artifacts/mlp-ce-frozen");
    const { theta: weights, parameters } = await loadCheckpoint(root);
    const moved = weights.map((x) => 2 * x + 1);
    writeNpz(path("moved.npz"), { theta: { shape: [weights.length], data: moved } });
    const args = ["--weights", `${path("moved.npz")}:theta`, "--to", path("moved")];
    const found = await runJson(["export-checkpoint", root, ...args]);
    expect(found["from"]).toBe(join(root, "checkpoint"));
    const [before, after] = [
      await readCheckpoint(join(root, "checkpoint")),
      await readCheckpoint(path("moved")),
    ];
    expect(after.trained.map((t) => t.name)).toEqual(parameters.map((p) => p.name));
    expect(after.trained.flatMap((t) => numbers(t).data)).toEqual([...moved]);
    expect(after.frozen.map(numbers)).toEqual(before.frozen.map(numbers));
  });

  it("a folder with the new checkpoint has the new weights, and what gradient --npz writes is what is taken", async () => {
    const root = requireFixture("ort-artifacts/mlp-mse");
    const copy = path("artifacts");
    mkdirSync(copy);
    for (const name of ["training_model.onnx", "eval_model.onnx", "checkpoint"]) {
      copyFileSync(join(root, name), join(copy, name));
    }
    // Readable only, in the fixtures.
    chmodSync(join(copy, "checkpoint"), 0o644);
    const { theta: weights } = await loadCheckpoint(copy);
    writeNpz(path("step.npz"), { w: { shape: [weights.length], data: weights.map((x) => x / 2) } });
    await runJson([
      "export-checkpoint",
      copy,
      "--weights",
      `${path("step.npz")}:w`,
      "--to",
      join(copy, "checkpoint"),
    ]);
    const args = ["--data", join(root, "data.npz"), "--device", "cpu", "--npz", path("again.npz")];
    await runJson(["gradient", copy, ...args]);
    const found = await readVector(`${path("again.npz")}:theta`, weights.length, "theta");
    expect([...found]).toEqual([...weights].map((x) => x / 2));
    await runJson([
      "export-checkpoint",
      copy,
      "--weights",
      `${path("again.npz")}:theta`,
      "--to",
      path("twice"),
    ]);
    expect(Buffer.compare(readFileSync(path("twice")), readFileSync(join(copy, "checkpoint")))).toBe(0);
  });
});
