import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { beforeAll, describe, expect, it } from "vitest";
import { loadDataset, writeNpz } from "../../src/data/index.ts";
import { parseNormalization } from "../../src/data/normalization.ts";
import { decodeModel, encodeModel } from "../../src/onnx/index.ts";
import { run, runJson } from "../support/cli.ts";
import { bundled, describeWithFixtures } from "../support/fixtures.ts";
import { readArray } from "./artifact-sets.ts";
import { arrays, file as encoded, input, ints, linearOf, op, stated } from "./loss-models.ts";
import { cosine, paperArgs, reference, referenceVector, relativeDistance } from "./paper.ts";

const work = mkdtempSync(join(tmpdir(), "landscape-emit-"));
const fcnn2 = [bundled("fcnn2.onnx"), "--data", bundled("fcnn-train.npz"), "--device", "cpu"];

/** Writes the gradient graph of a command line's model and gives the same line for that graph. */
async function emit(args: readonly string[], name: string): Promise<readonly string[]> {
  const file = join(work, `${name}.onnx`);
  const { status, err } = await run(["gradient", ...args, "--emit", file]);
  if (status !== 0) throw new Error(err);
  return [file, ...args.slice(1)];
}

/** Loss and flat gradient as anybody gets them: onnxruntime, inputs by name, outputs in their order. */
async function runRaw(file: string, feeds: Record<string, Tensor>) {
  // The parameters are inputs with defaults, of each of which onnxruntime warns that it is no constant.
  const session = await InferenceSession.create(file, { logSeverityLevel: 3, intraOpNumThreads: 1 });
  const { inputNames, outputNames } = session;
  const results = await session.run(feeds);
  await session.release();
  const parts = outputNames.slice(1).map((name) => results[name]?.data as Float32Array);
  const gradient = Float64Array.from(parts.flatMap((part) => [...part]));
  return { inputNames, outputNames, loss: Number(results["loss"]?.data[0]), gradient };
}

async function feedsOf(args: readonly string[], samples: number): Promise<Record<string, Tensor>> {
  const path = args[args.indexOf("--data") + 1] as string;
  const pixels = args.includes("--normalize");
  const normalization = pixels ? parseNormalization({ normalize: "0.2860,0.3530" }) : undefined;
  const spec = { path, split: "train" as const, samples, target: "y", normalization };
  const dims = pixels ? [null, 1, 28, 28] : [null, 1];
  const data = await loadDataset(spec, { inputs: [{ name: "input", type: "float32", dims }] });
  const { inputs, target } = data.batch(0, samples);
  const x = inputs.get("input");
  if (!x || !target) throw new Error("no data");
  return {
    input: new Tensor("float32", x.data as Float32Array, x.dims),
    y: new Tensor(target.type as "int64", target.data as BigInt64Array, target.dims),
  };
}

describeWithFixtures("emitted gradient graphs in a bare onnxruntime, against float64", () => {
  // Where float32 itself is off by more than 2e-5, twice its error is allowed (paper/README.md).
  it.each([
    { name: "fcnn2", samples: 50 },
    { name: "fcnn10", samples: 50 },
    { name: "resnet20", samples: 128 },
  ])("$name", async ({ name, samples }) => {
    const args = paperArgs(name);
    const [file = ""] = await emit(args, name);
    const found = await runRaw(file, await feedsOf(args, samples));
    const float32 = reference(name, "float32") as {
      loss_relative_error?: number;
      gradient_relative_error?: number;
    };
    const allowed = (goal: number, own = 0) => Math.max(goal, 2 * own);
    const lossError = Math.abs(found.loss / (reference(name, "loss") as number) - 1);
    expect(lossError).toBeLessThan(allowed(1e-5, float32.loss_relative_error));
    const error = relativeDistance(found.gradient, await referenceVector(`${name}/gradient`));
    expect(error).toBeLessThan(allowed(2e-5, float32.gradient_relative_error));
    const parameters = (reference(name, "parameters") as { name: string }[]).map((p) => p.name);
    expect(found.inputNames).toEqual(["input", "y"]);
    expect(found.outputNames).toEqual(["loss", ...parameters.map((p) => `${p}_grad`)]);
  });
});

describe("the tool reads back what it wrote", () => {
  let emitted: readonly string[];
  beforeAll(async () => {
    emitted = await emit(fcnn2, "fcnn2-back");
  });

  it("evaluate and gradient; the same gradient by our rules on its loss", async () => {
    const [a, b] = [join(work, "model.npz"), join(work, "artifact.npz")];
    const model = await runJson(["gradient", ...fcnn2, "--npz", a]);
    const artifact = await runJson(["gradient", ...emitted, "--npz", b]);
    expect(artifact["parameters"]).toMatchObject(
      (model["parameters"] as { name: string }[]).map(({ name }) => ({ name })),
    );
    const [g, h] = [await readArray(a, "gradient"), await readArray(b, "gradient")];
    // Both are float32 sums over 50 samples, in another order.
    expect(relativeDistance(h as Float64Array, g as Float64Array)).toBeLessThan(1e-4);
    await runJson(["gradient", ...emitted, "--gradient", "ours", "--npz", b]);
    expect(
      relativeDistance((await readArray(b, "gradient")) as Float64Array, g as Float64Array),
    ).toBeLessThan(1e-4);
    const losses = [await runJson(["evaluate", ...fcnn2]), await runJson(["evaluate", ...emitted])];
    expect(losses[1]).toEqual({
      loss: expect.closeTo(losses[0]?.["loss"] as number, 9),
      accuracy: null,
      samples: 50,
    });
  });

  it.each(["exact", "fd"])("hvp --method %s", async (method) => {
    const [a, b] = [join(work, "hv.npz"), join(work, "hv-artifact.npz")];
    await runJson(["hvp", ...fcnn2, "--method", method, "--npz", a]);
    await runJson(["hvp", ...emitted, "--method", method, "--npz", b]);
    const [g, h] = [await readArray(a, "hv"), await readArray(b, "hv")];
    expect(relativeDistance(h as Float64Array, g as Float64Array)).toBeLessThan(1e-4);
  });

  it("eigs and surface", async () => {
    const [a, b] = [join(work, "eigs.npz"), join(work, "eigs-artifact.npz")];
    const ends = ["--top", "1", "--bottom", "1"];
    await runJson(["eigs", ...fcnn2, ...ends, "--npz", a]);
    await runJson(["eigs", ...emitted, ...ends, "--npz", b]);
    const n = 20_501;
    const [u, v] = [
      (await readArray(a, "vectors")) as Float64Array,
      (await readArray(b, "vectors")) as Float64Array,
    ];
    for (const k of [0, 1])
      expect(
        Math.abs(cosine(u.subarray(k * n, (k + 1) * n), v.subarray(k * n, (k + 1) * n))),
      ).toBeGreaterThan(0.99);
    const plane = [
      "--x",
      `${a}:vectors:0`,
      "--y",
      `${a}:vectors:1`,
      "--range-x",
      "-0.01:0.01:3",
      "--range-y",
      "-0.1:0.1:3",
    ];
    const [of, on] = [
      await runJson(["surface", ...fcnn2, ...plane]),
      await runJson(["surface", ...emitted, ...plane]),
    ];
    const loss = (s: typeof of) => (s["train"] as { loss: number[][] }).loss.flat();
    for (const [i, x] of loss(of).entries()) expect(loss(on)[i] as number).toBeCloseTo(x, 7);
  });

  it("the accuracy of a classifier, and its report", async () => {
    const data = ["--data", bundled("fashion-train.npz"), "--normalize", "0.2860,0.3530", "--samples", "32"];
    const model = [bundled("resnet20.onnx"), ...data, "--device", "cpu"];
    const artifact = await emit(model, "resnet20-back");
    const [of, on] = [await runJson(["evaluate", ...model]), await runJson(["evaluate", ...artifact])];
    expect(on["accuracy"]).toBe(of["accuracy"]);
    expect(Math.abs((on["loss"] as number) / (of["loss"] as number) - 1)).toBeLessThan(1e-5);
    const small = [
      "--grid",
      "3",
      "--points",
      "3",
      "--probes",
      "2",
      "--top",
      "1",
      "--bottom",
      "1",
      "--max-products",
      "12",
    ];
    const tiny = await emit([...fcnn2, "--samples", "10"], "fcnn2-ten");
    const report = await runJson(["report", ...tiny, ...small, "--out", join(work, "report")]);
    expect(report["verdict"]).not.toHaveLength(0);
  });

  it("the scores are found by the name that they have in the file", async () => {
    const set = ["--data", bundled("fashion-train.npz"), "--samples", "8", "--normalize", "0.2860,0.3530"];
    const [file = ""] = await emit([bundled("resnet20.onnx"), ...set, "--device", "cpu"], "scores");
    const { metadata, graph } = decodeModel(new Uint8Array(readFileSync(file)));
    expect(metadata).toMatchObject({
      format: "onnx-landscape/gradient",
      format_version: "1",
      loss: "cross-entropy",
      target: "y",
      batch: "8",
    });
    const values = graph.nodes.flatMap((n) => n.outputs);
    expect(values.find((v) => v.name === metadata["scores"])?.shape).toEqual([8, 10]);
    expect(graph.outputs.map((v) => v.name)).toEqual([
      "loss",
      ...(JSON.parse(metadata["parameters"] ?? "") as string[]).map((p) => `${p}_grad`),
    ]);
  });

  it("what was written is written again from it, to the same numbers", async () => {
    const again = await emit(emitted, "fcnn2-again");
    const feeds = await feedsOf(fcnn2, 50);
    const [first, second] = [
      await runRaw(emitted[0] as string, feeds),
      await runRaw(again[0] as string, feeds),
    ];
    expect(second.outputNames).toEqual(first.outputNames);
    expect(relativeDistance(second.gradient, first.gradient)).toBeLessThan(1e-6);
  });

  it("samples must fill its batches; several batches are averaged", async () => {
    const [file = ""] = await emit([...fcnn2, "--samples", "10"], "ten");
    const ten = [file, ...fcnn2.slice(1)];
    const whole = await runJson(["gradient", ...fcnn2]);
    const groups = await runJson(["gradient", ...ten]);
    expect(groups["samples"]).toBe(50);
    expect(Math.abs((groups["norm"] as number) / (whole["norm"] as number) - 1)).toBeLessThan(1e-4);
    const { status, err } = await run(["gradient", ...ten, "--samples", "15"]);
    expect(err).toMatch(/batches of 10.*multiple/);
    expect(status).toBe(2);
  });

  it("of a model that takes batches of one size, a graph for that size", async () => {
    const [model, data, file] = [
      join(work, "two.onnx"),
      join(work, "two.npz"),
      join(work, "two-gradient.onnx"),
    ];
    const x = input("x", "float32", [2, 3]);
    // The sizes that are written into it keep it from taking other batches.
    writeFileSync(model, encoded([x], stated(linearOf(op("Reshape", [x, ints(2, 3)]), 4), [2, 4])));
    const labels = { shape: [4], data: (arrays.labels.data as BigInt64Array).slice(0, 4) };
    const four = { shape: [4, 3], data: (arrays.x.data as Float32Array).slice(0, 12) };
    writeNpz(data, { x: four, y: labels });
    const whole = await runJson(["gradient", model, "--data", data, "--emit", file]);
    const emitted = await runJson(["gradient", file, "--data", data]);
    expect(decodeModel(new Uint8Array(readFileSync(file))).metadata["batch"]).toBe("2");
    expect([emitted["samples"], emitted["accuracy"]]).toEqual([4, whole["accuracy"]]);
    expect(Math.abs((emitted["norm"] as number) / (whole["norm"] as number) - 1)).toBeLessThan(1e-6);
  });

  it.each([
    ["of another version", { format_version: "9" }, /format_version is "9"; expected "1"/],
    ["that names a parameter it lacks", { parameters: '["nobody"]' }, /outputs; expected 2/],
    ["whose list of parameters is damaged", { parameters: "[1" }, /parameters is no JSON list/],
    ["of an unknown loss", { loss: "hinge" }, /loss is "hinge"/],
    ["without its targets", { target: "nobody" }, /no input for the targets "nobody"/],
    ["without its scores", { scores: "nobody", target: "y" }, /no value for the class scores "nobody"/],
  ])("refuses one %s", async (_, changed, says) => {
    const model = decodeModel(new Uint8Array(readFileSync(emitted[0] as string)));
    const file = join(work, "damaged.onnx");
    writeFileSync(file, encodeModel(model.graph, { metadata: { ...model.metadata, ...changed } }));
    const { status, err } = await run(["evaluate", file, ...emitted.slice(1)]);
    expect(err).toMatch(says);
    expect(status).toBe(2);
  });
});
