import {
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
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Improvement, Round } from "../../src/analysis/improve.ts";
import { lowestAlong } from "../../src/curvature/index.ts";
import { encodeFloat16 } from "../../src/data/float16.ts";
import { parseNormalization, readNpzArray, writeNpz } from "../../src/data/index.ts";
import { loadCheckpoint } from "../../src/model/load-checkpoint.ts";
import { openProblem } from "../../src/objective/index.ts";
import { onnx } from "../../src/onnx/proto/onnx.js";
import { bytesOf, longs, smallModel, type TensorProto } from "../onnx/protos.ts";
import { run, runJson } from "../support/cli.ts";
import { bundled, describeWithFixtures, requireFixture } from "../support/fixtures.ts";
import { paperFile, referenceVector } from "./paper.ts";

let folder: string;
const path = (name: string) => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "improve-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Result extends Omit<Improvement, "theta"> {
  readonly gain: { readonly train: number; readonly watched: number | null };
  readonly watched: string | null;
  readonly written: string | null;
}

async function improve(args: readonly string[]): Promise<Result> {
  return (await runJson(["improve", ...args])) as unknown as Result;
}

/** Mean squared error of a model in a bare onnxruntime, which knows nothing of this tool. */
async function squaredError(model: string, data: string): Promise<number> {
  const [x, y] = [await readNpzArray(data, "x"), await readNpzArray(data, "y")];
  const session = await InferenceSession.create(model, { logSeverityLevel: 3 });
  try {
    const input = new Tensor("float32", x.data as Float32Array, [...x.shape]);
    const results = await session.run({ [session.inputNames[0] as string]: input });
    const output = results[session.outputNames[0] as string]?.data as Float32Array;
    return output.reduce((sum, f, i) => sum + (f - (y.data[i] as number)) ** 2, 0) / output.length;
  } finally {
    await session.release();
  }
}

/** Two sessions with other kernels agree to the rounding of the loss: 1e-5 of it on these nets. */
const KERNELS = 1e-4;

describe("fcnn2", () => {
  const data = bundled("fcnn-train.npz");
  const args = [bundled("fcnn2.onnx"), "--data", data, "--rounds", "1"];
  let result: Result;
  let round: Round;
  beforeAll(async () => {
    result = await improve([
      ...args,
      "--to",
      path("fcnn2.onnx"),
      "--out",
      path("run"),
      "--npz",
      path("w.npz"),
    ]);
    round = result.rounds[0] as Round;
  });

  test("gains what lies along its v₋: 2.8 %, told apart by order", () => {
    expect(result.gain.train).toBeGreaterThan(0.028);
    expect(result.stopped).toBe("rounds");
    expect(result.written).toBe(path("fcnn2.onnx"));
    const { whole, slope, curvature, rest } = round.train.decrease;
    expect(whole).toBeGreaterThan(round.threshold);
    expect(slope + curvature + rest).toBeCloseTo(whole, 15);
    // v₋ has the curvature that the reference has, and of the decrease it is the greater part.
    expect(round.train.curvatures[0]).toBeCloseTo(-0.01134, 4);
    expect(curvature).toBeGreaterThan(slope);
    expect(result.watched).toBe(null);
  });

  test("the written model gives that loss in a bare onnxruntime", async () => {
    const loss = await squaredError(path("fcnn2.onnx"), data);
    expect(Math.abs(loss / result.after.train.loss - 1)).toBeLessThan(KERNELS);
    const before = await squaredError(bundled("fcnn2.onnx"), data);
    expect(Math.abs(before / result.before.train.loss - 1)).toBeLessThan(KERNELS);
  });

  test("the written file is the model's but for the elements of its weights", async () => {
    const [old, written] = [readFileSync(bundled("fcnn2.onnx")), readFileSync(path("fcnn2.onnx"))];
    const [a, b] = [onnx.ModelProto.decode(old), onnx.ModelProto.decode(written)];
    for (const tensor of [...(a.graph?.initializer ?? []), ...(b.graph?.initializer ?? [])])
      tensor.raw_data?.fill?.(0);
    // raw_data are views: both files now have zeros there.
    expect(old.equals(written)).toBe(true);
    const { theta } = await loadCheckpoint(path("fcnn2.onnx"));
    expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    expect((await readNpzArray(path("w.npz"), "theta")).data).toEqual(theta);
  });

  test("a finished run started again gives the same from its folder", async () => {
    const again = await improve([
      ...args,
      "--to",
      path("again.onnx"),
      "--out",
      path("run"),
      "--npz",
      path("w2.npz"),
    ]);
    expect({ ...again, written: "" }).toEqual({ ...result, written: "" });
    expect(readFileSync(path("again.onnx")).equals(readFileSync(path("fcnn2.onnx")))).toBe(true);
  });

  test("the plane of v₊ and v₋ gains more, on data that are held out too", async () => {
    const { gain, watched, rounds } = await improve([...args, "--plane", "--hold-out", "0.2"]);
    expect(gain.train).toBeGreaterThan(0.2);
    expect(watched).toBe("held out");
    expect(rounds[0]?.searched.map((s) => s.along)).toEqual(["frozen", "plane"]);
    expect(rounds[0]?.step.directions).toEqual(["v+", "v-"]);
    expect(rounds[0]?.watched?.slopes).toHaveLength(2);
  });
});

test("a toy falls along −1 to the end of the search, and is written as a file", async () => {
  const { rounds, after, gain } = await improve([
    "toy:T2,n=6,tilde=9",
    "--rounds",
    "1",
    "--to",
    path("toy.onnx"),
  ]);
  expect(after.train.loss).toBeCloseTo(-0.5 * (rounds[0]?.step.at[0] as number) ** 2, 3);
  expect(rounds[0]?.searched[0]?.isOpen).toEqual([true]);
  expect(gain.train).toBe(null);
  expect((await runJson(["evaluate", path("toy.onnx")]))["loss"]).toBe(after.train.loss);
});

describe("how weights are stored", () => {
  const weights = { w: [0.3, -0.2, 0.5, 0.7, -0.4, 0.1], b: [0.1, -0.2, 0.05] };
  let data: string[];

  beforeAll(() => {
    const count = 40;
    const x = Float32Array.from({ length: 2 * count }, (_, i) => Math.sin(1.7 * i));
    const y = Float32Array.from({ length: 3 * count }, (_, i) => Math.cos(0.9 * i) + 1);
    writeNpz(path("xy.npz"), { x: { shape: [count, 2], data: x }, y: { shape: [count, 3], data: y } });
    data = ["--data", path("xy.npz"), "--rounds", "1", "--plane"];
  });

  test("external data stay external, and the model's own are left alone", async () => {
    mkdirSync(path("external"));
    const values = new Float32Array(16);
    values.set(weights.w, 1);
    values.set(weights.b, 9);
    writeFileSync(path("external/all.bin"), new Uint8Array(values.buffer));
    const tensor = (name: string, dims: number[], offset: number): TensorProto => ({
      ...{ name, data_type: 1, dims: longs(dims), data_location: 1 },
      external_data: Object.entries({ location: "all.bin", offset: `${offset}` }).map(([key, value]) => ({
        key,
        value,
      })),
    });
    writeFileSync(
      path("external/m.onnx"),
      bytesOf(smallModel({ initializer: [tensor("w", [2, 3], 4), tensor("b", [3], 36)] })),
    );
    const { after, written } = await improve([path("external/m.onnx"), ...data, "--to", path("better.onnx")]);
    expect(written).toBe(path("better.onnx"));
    expect(new Float32Array(new Uint8Array(readFileSync(path("external/all.bin"))).buffer)).toEqual(values);
    const patched = new Float32Array(new Uint8Array(readFileSync(path("better.onnx.data"))).buffer);
    const { theta } = await loadCheckpoint(path("better.onnx"));
    expect([...patched.subarray(1, 7), ...patched.subarray(9, 12)]).toEqual([...theta]);
    expect([patched[0], patched[7], patched[8], patched[12]]).toEqual([0, 0, 0, 0]);
    expect(
      Math.abs((await squaredError(path("better.onnx"), path("xy.npz"))) / after.train.loss - 1),
    ).toBeLessThan(KERNELS);
    const over = await run(["improve", path("external/m.onnx"), ...data, "--to", path("external/m.onnx")]);
    expect([over.status, over.err]).toEqual([
      2,
      expect.stringContaining("would write over the model itself"),
    ]);
  });

  test("half precision: the loss is that of the weights as the file holds them", async () => {
    const half = (name: string, dims: number[], values: readonly number[]): TensorProto => ({
      ...{ name, data_type: 10, dims: longs(dims) },
      raw_data: new Uint8Array(Uint16Array.from(values, encodeFloat16).buffer),
    });
    const model = smallModel({ initializer: [half("w", [2, 3], weights.w), half("b", [3], weights.b)] });
    const tensorTypes = [...(model.graph?.input ?? []), ...(model.graph?.output ?? [])];
    for (const { type } of tensorTypes) if (type?.tensor_type) type.tensor_type.elem_type = 10;
    writeFileSync(path("half.onnx"), bytesOf(model));
    const { after, before } = await improve([path("half.onnx"), ...data, "--to", path("half-better.onnx")]);
    expect(after.train.loss).toBeLessThan(before.train.loss);
    const { loss } = await runJson(["evaluate", path("half-better.onnx"), "--data", path("xy.npz")]);
    expect(loss).toBe(after.train.loss);
  });
});

describeWithFixtures("reference gains", () => {
  test("a step along the moving direction is not written as one along v₋", async () => {
    const args = [paperFile("tiny.onnx"), "--data", paperFile("tiny-train.npz"), "--rounds", "1"];
    const moving = (await run(["improve", ...args, "--direction", "moving", "--moving-products", "4"])).out;
    expect(moving).toMatch(/step +\S+·v₋ \(moving\),/);
    // Four products find no direction worth the name.
    expect(moving).toContain("A step along v₋ (frozen) goes lower: --direction frozen takes it.");
    expect((await run(["improve", ...args])).out).toMatch(/step +\S+·v₋,/);
  });

  test("fcnn2 at epoch 3000: 57 %, on test data too", async () => {
    const { gain, after, rounds } = await improve([
      ...[paperFile("fcnn2-series/epoch-003000.onnx"), "--data", paperFile("fcnn-train.npz")],
      ...["--test-data", paperFile("fcnn-test.npz"), "--rounds", "1", "--to", path("e3000.onnx")],
    ]);
    expect(gain.train).toBeGreaterThan(0.57);
    expect(gain.watched).toBeGreaterThan(0.4);
    expect(rounds[0]?.watched?.curvatures[0]).toBeLessThan(0);
    const loss = await squaredError(path("e3000.onnx"), paperFile("fcnn-train.npz"));
    expect(Math.abs(loss / after.train.loss - 1)).toBeLessThan(KERNELS);
  });

  test("fcnn10: 8e-6 along v₋ is below the noise of float32, and nothing is changed", async () => {
    const args = [
      paperFile("fcnn10.onnx"),
      "--data",
      paperFile("fcnn-train.npz"),
      "--to",
      path("fcnn10.onnx"),
    ];
    const { status, out } = await run(["improve", ...args]);
    expect(status).toBe(0);
    expect(out).toMatch(/is not told from the rounding noise of the float32 loss/);
    expect(out).toContain(`nothing written to ${path("fcnn10.onnx")}`);
    expect(existsSync(path("fcnn10.onnx"))).toBe(false);
  });

  test("resnet20: 17 % along its v₋", async () => {
    const { train, close } = await openProblem({
      model: paperFile("resnet20.onnx"),
      ...{ params: [], freeze: [], test: null, device: "cpu", threads: 1, workers: 1, batch: null },
      train: {
        ...{ path: paperFile("fashion-train.npz"), split: "train", samples: 128, target: "y" },
        normalization: parseNormalization({ normalize: "0.2860,0.3530" }),
      },
      loss: { loss: "auto", logits: "auto", ignoreIndex: null, classAxis: null },
      memory: 2 ** 29,
    });
    try {
      const { loss } = await train.evaluate();
      const vector = await referenceVector("resnet20/bottom1");
      const found = await lowestAlong(train, [{ id: "v-", vector }], { loss, noise: 1e-8 });
      expect(1 - found.loss / loss).toBeGreaterThan(0.17);
    } finally {
      await close();
    }
  });

  test("a folder of training artifacts is sent to export-checkpoint, before the work", async () => {
    const artifacts = requireFixture("ort-artifacts/mlp-mse");
    const { status, err } = await run([
      ...["improve", artifacts, "--data", join(artifacts, "data.npz"), "--to", path("a.onnx")],
    ]);
    expect(status).toBe(2);
    expect(err).toMatch(/is a folder of training artifacts\. Write the weights with --npz w\.npz, then run/);
  });
});

test("held-out and test data exclude one another", async () => {
  const { status, err } = await run([
    ...["improve", bundled("fcnn2.onnx"), "--data", bundled("fcnn-train.npz")],
    ...["--test-data", bundled("fcnn-test.npz"), "--hold-out", "0.5"],
  ]);
  expect(status).toBe(2);
  expect(err).toContain("both --hold-out and --test-data are given");
});
