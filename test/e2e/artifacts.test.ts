import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { AnalysisReport } from "../../src/analysis/analysis-report.ts";
import { writeNpz } from "../../src/data/npz.ts";
import { run, runJson } from "../support/cli.ts";
import { describeWithFixtures, requireFixture } from "../support/fixtures.ts";
import { type ArtifactSet, artifactSet, readArray, SET_NAMES } from "./artifact-sets.ts";
import { relativeDistance } from "./paper.ts";

const work = mkdtempSync(join(tmpdir(), "landscape-artifacts-"));

// onnxruntime-training, PyTorch and this tool round differently: each is within some 1e-7 of float64 on these sets.
const FLOAT32 = 1e-5;

const names = SET_NAMES.map((name) => ({ name }));

describeWithFixtures("folders of onnxruntime-training", () => {
  it.each(names)("$name: loss and gradient are those of the training step", async ({ name }) => {
    const set = artifactSet(name);
    const out = join(work, `${name}.npz`);
    const found = await runJson(["gradient", ...set.args, "--npz", out]);
    const parameters = found["parameters"] as { name: string }[];
    expect(parameters.map((p) => p.name)).toEqual(set.parameters);
    const gradient = (await readArray(out, "gradient")) as Float64Array;
    const recorded = (await set.reference("ort_grad")) ?? (await set.reference("ort_grad_eval"));
    const float64 = (await set.reference("grad_batch")) ?? (await set.reference("grad"));
    expect(relativeDistance(gradient, recorded as Float64Array)).toBeLessThan(FLOAT32);
    expect(relativeDistance(gradient, float64 as Float64Array)).toBeLessThan(FLOAT32);
    if (name !== "cnn-bn-ce")
      expect(Math.abs((found["loss"] as number) / set.loss - 1)).toBeLessThan(FLOAT32);
  });

  it.each(names)("$name: our rules on the eval model give its gradient", async ({ name }) => {
    const set = artifactSet(name);
    const out = join(work, `${name}-ours.npz`);
    const found = await runJson(["gradient", ...set.args, "--gradient", "ours", "--npz", out]);
    const gradient = (await readArray(out, "gradient")) as Float64Array;
    expect(relativeDistance(gradient, (await set.reference("grad")) as Float64Array)).toBeLessThan(FLOAT32);
    expect(Math.abs((found["loss"] as number) / set.loss - 1)).toBeLessThan(FLOAT32);
  });

  it.each(names)("$name: exact products of both routes are the Hessian's", async ({ name }) => {
    const set = artifactSet(name);
    const own = await product(set, ["--method", "exact"]);
    const ours = await product(set, ["--method", "exact", "--eval-mode"]);
    const evaluated = (await set.reference("hv")) as Float64Array;
    expect(relativeDistance(ours, evaluated)).toBeLessThan(1e-4);
    expect(relativeDistance(own, (await set.reference("hv_batch")) ?? evaluated)).toBeLessThan(1e-4);
  });

  it.each(names)("$name: differences with frozen branches agree with them", async ({ name }) => {
    const set = artifactSet(name);
    const hv = await product(set, ["--method", "fd"]);
    const expected = (await set.reference("hv_batch")) ?? ((await set.reference("hv")) as Float64Array);
    // Their own estimates lie between 6e-6 and 5e-5 here.
    expect(relativeDistance(hv, expected)).toBeLessThan(2e-4);
  });

  it("onnxruntime's own test data: loss and gradient of the recorded training step", async () => {
    const folder = requireFixture("ort-training-testdata");
    const data = join(work, "testdata.npz");
    const [, numbers = ""] = readFileSync(join(folder, "input-0.in"), "utf8").split(/\n(.*)/s);
    const x = Float32Array.from(JSON.parse(numbers.slice(numbers.indexOf("["))).flat(3) as number[]);
    writeNpz(data, {
      "input-0": { shape: [2, 784], data: x },
      y: { shape: [2], data: BigInt64Array.from([1n, 1n]) },
    });
    const out = join(work, "testdata-gradient.npz");
    const found = await runJson(["gradient", folder, "--data", data, "--device", "cpu", "--npz", out]);
    const reference = join(folder, "ref.npz");
    const index = (await readArray(reference, "index")) as Float64Array;
    const gradient = (await readArray(out, "gradient")) as Float64Array;
    const picked = index.map((i) => gradient[i] as number);
    const recorded = (await readArray(reference, "ort_grad")) as Float64Array;
    expect(relativeDistance(picked, recorded)).toBeLessThan(FLOAT32);
    expect(Math.abs((found["loss"] as number) / 2.178624693984797 - 1)).toBeLessThan(1e-6);
    const ref = JSON.parse(readFileSync(join(folder, "ref.json"), "utf8")) as Record<string, unknown>;
    expect(ref).toBeTypeOf("object");
    expect(Math.abs((found["norm"] as number) / 10.419379 - 1)).toBeLessThan(1e-6);
  });

  it("train and test data of unequal size, each in one run", async () => {
    const set = artifactSet("encoder-ce");
    const ids = (await readArray(`${set.folder}/data.npz`, "ids")) as Float64Array;
    const y = (await readArray(`${set.folder}/data.npz`, "y")) as Float64Array;
    const part = (name: string, n: number) => {
      const file = join(work, name);
      const some = (x: Float64Array, k: number) => BigInt64Array.from(x.subarray(0, n * k), BigInt);
      writeNpz(file, { ids: { shape: [n, 6], data: some(ids, 6) }, y: { shape: [n], data: some(y, 1) } });
      return file;
    };
    const [train, test] = [part("train.npz", 6), part("test.npz", 4)];
    const range = ["--direction", "random", "--range", "-0.1:0.1:3"];
    const both = await runJson(["profile", set.folder, "--data", train, "--test-data", test, ...range]);
    const alone = await runJson(["evaluate", set.folder, "--data", test]);
    const { loss } = both["test"] as { loss: number[] };
    expect(Math.abs((loss[1] as number) / (alone["loss"] as number) - 1)).toBeLessThan(FLOAT32);
  });

  // The other sets' reports are as whole (by hand: each takes about as long).
  it.each([
    { name: "mlp-ce-frozen", loss: "cross-entropy", says: null },
    { name: "mlp-mse", loss: "mse", says: null },
    { name: "rnn-ce", loss: "cross-entropy", says: "NO_LOWERING" },
  ])("report on $name gives the whole report", async ({ name, loss, says }) => {
    const set = artifactSet(name);
    const out = join(work, `report-${name}`);
    const small = ["--grid", "3", "--points", "3", "--probes", "2", "--top", "1", "--bottom", "1"];
    const data = [...set.args, "--test-data", set.args[2] as string];
    const found = await runJson(["report", ...data, ...small, "--density-probes", "1", "--out", out]);
    const report = found as unknown as AnalysisReport;
    expect(report.verdict).not.toHaveLength(0);
    expect(report.planes.map((p) => p.kind)).toEqual(["hessian", "random", "filter"]);
    expect(report.profiles.length).toBeGreaterThan(4);
    expect(report.eigenpairs?.pairs).toHaveLength(2);
    for (const part of [report.trace, report.density, report.randomSlices]) expect(part).not.toBeNull();
    expect(report.data.loss).toBe(loss);
    const { accuracy } = report.checkpoint.train;
    if (loss === "mse") expect(accuracy).toBeNull();
    else expect(accuracy).toBeGreaterThan(0);
    const health = report.health.map((h) => h.id);
    expect(health.includes("NO_LOWERING")).toBe(says === "NO_LOWERING");
    expect(readFileSync(join(out, "report.html"), "utf8")).toContain(name);
  });

  it("inspect shows what the checkpoint holds", async () => {
    const folder = copyOf("mlp-ce-frozen");
    cpSync(requireFixture("ort-artifacts/checkpoints/adamw-3-steps"), join(folder, "checkpoint"));
    const found = await runJson(["inspect", folder]);
    expect(found["artifacts"]).toMatchObject({
      version: 2,
      trained: expect.arrayContaining(["fc2.weight", "fc3.weight", "fc3.bias"]),
      frozen: expect.arrayContaining(["fc1.weight", "fc1.bias", "fc2.bias"]),
      properties: { epoch: 3, note: "three AdamW steps" },
      optimizerGroups: [{ step: 3 }],
    });
    expect(found["gradient"]).toBe("artifact");
    expect(found["differentiable"]).toBe(true);
  });

  it("inspect --compare runs both routes: equal, or apart by the batch's statistics", async () => {
    const same = artifactSet("encoder-ce");
    const equal = (await runJson(["inspect", ...same.args, "--compare"]))["comparison"] as Comparison;
    expect(equal.gradientDifference).toBeLessThan(FLOAT32);
    const other = artifactSet("cnn-bn-ce");
    const apart = (await runJson(["inspect", ...other.args, "--compare"]))["comparison"] as Comparison;
    expect(apart.lossDifference).toBeCloseTo(1.840483 / 1.801311 - 1, 4);
    expect(apart.gradientDifference).toBeGreaterThan(0.1);
  });

  it.each([
    { name: "dropout-ce", says: /dropout nodes .* are taken as in evaluation/ },
    { name: "cnn-bn-ce", says: /use the statistics of the batch.*--eval-mode/ },
    { name: "rnn-ce", says: /LSTMTraining.*eval_model.onnx is differentiated instead/ },
  ])("$name: says how it is taken", async ({ name, says }) => {
    const { err } = await run(["evaluate", ...artifactSet(name).args]);
    expect(err).toMatch(says);
  });

  it("targets may be stored as integers, with axes of length 1 more or less", async () => {
    const set = artifactSet("mlp-mse");
    const x = (await readArray(`${set.folder}/data.npz`, "x")) as Float64Array;
    const [n, outputs] = [16, 2];
    const y = Array.from({ length: n * outputs }, (_, i) => i % 3);
    const write = (name: string, array: { shape: number[]; data: Float32Array | BigInt64Array }) => {
      const file = join(work, name);
      writeNpz(file, { x: { shape: [n, x.length / n], data: Float32Array.from(x) }, y: array });
      return file;
    };
    const whole = write("floats.npz", { shape: [n, outputs], data: Float32Array.from(y) });
    const odd = write("integers.npz", { shape: [n, 1, outputs], data: BigInt64Array.from(y, BigInt) });
    const at = (file: string) => runJson(["evaluate", set.folder, "--data", file, "--device", "cpu"]);
    expect(await at(odd)).toEqual(await at(whole));
  });

  it("a split batch is said", async () => {
    const { err } = await run(["evaluate", ...artifactSet("mlp-mse").args, "--batch", "8"]);
    expect(err).toMatch(/16 samples .* run in batches of 8/);
  });

  it("parameters can be left out by name", async () => {
    const found = await runJson(["gradient", ...artifactSet("mlp-mse").args, "--freeze", "*.bias"]);
    const left = (found["parameters"] as { name: string }[]).map((p) => p.name);
    expect(left.every((name) => name.endsWith(".weight"))).toBe(true);
    expect(left).not.toHaveLength(0);
  });

  describe("what cannot be used is said", () => {
    const without = (set: string, ...files: string[]) => {
      const folder = copyOf(set);
      for (const f of files) rmSync(join(folder, f));
      return folder;
    };
    const cases: readonly [string, () => string, readonly string[], RegExp][] = [
      [
        "a folder that is no artifact",
        () => work,
        [],
        /is a folder without training_model.onnx or eval_model.onnx/,
      ],
      ["no checkpoint", () => without("mlp-ce-frozen", "checkpoint"), [], /it has no checkpoint; expected/],
      ["nominal only", () => without("mlp-mse", "checkpoint"), [], /"nominal_checkpoint" is a nominal one/],
      [
        "no training model, but its gradient asked for",
        () => without("mlp-mse", "training_model.onnx"),
        ["--gradient", "artifact"],
        /it has no training_model.onnx/,
      ],
      [
        "no eval model, but ours asked for",
        () => without("mlp-mse", "eval_model.onnx"),
        ["--gradient", "ours"],
        /it has no eval_model.onnx/,
      ],
      [
        "the checkpoint of another model",
        () => {
          const folder = copyOf("mlp-mse");
          cpSync(requireFixture("ort-artifacts/mlp-ce-frozen/checkpoint"), join(folder, "checkpoint"));
          return folder;
        },
        [],
        /checkpoint and graph do not belong together/,
      ],
      [
        "a damaged checkpoint",
        () => {
          const folder = copyOf("mlp-mse");
          writeFileSync(join(folder, "checkpoint"), "not a checkpoint");
          return folder;
        },
        [],
        /checkpoint/,
      ],
      [
        "operators without a lowering",
        () => artifactSet("rnn-ce").folder,
        ["--gradient", "artifact"],
        /LSTMTraining/,
      ],
      [
        "another loss",
        () => artifactSet("mlp-mse").folder,
        ["--loss", "bce"],
        /the loss lies inside the model/,
      ],
      ["an output", () => artifactSet("mlp-mse").folder, ["--output", "x"], /the model brings its own loss/],
      [
        "routes that exclude one another",
        () => artifactSet("mlp-mse").folder,
        ["--gradient", "artifact", "--eval-mode"],
        /exclude one another/,
      ],
      [
        "a model without a gradient of its own",
        () => requireFixture("paper/fcnn2.onnx"),
        ["--gradient", "artifact"],
        /brings no gradient/,
      ],
    ];
    it.each(cases)("%s", async (_, folder, options, says) => {
      const data = artifactSet("mlp-mse").args.slice(1);
      const { status, err } = await run(["evaluate", folder(), ...data, ...options]);
      expect(err).toMatch(says);
      expect(status).toBe(2);
    });

    it("labels out of range", async () => {
      const set = artifactSet("mlp-ce-frozen");
      const data = join(work, "labels.npz");
      const x = (await readArray(`${set.folder}/data.npz`, "x")) as Float64Array;
      const y = BigInt64Array.from({ length: x.length / 8 }, (_, i) => BigInt(i));
      writeNpz(data, {
        x: { shape: [y.length, 8], data: Float32Array.from(x) },
        y: { shape: [y.length], data: y },
      });
      const { status, err } = await run(["evaluate", set.folder, "--data", data]);
      expect(err).toMatch(/holds 4 at \[4\]; expected 0 to 3/);
      expect(status).toBe(2);
    });
  });
});

interface Comparison {
  readonly lossDifference: number;
  readonly gradientDifference: number;
}

let copies = 0;
function copyOf(name: string): string {
  const folder = join(work, `copy-${copies++}`);
  mkdirSync(folder);
  cpSync(artifactSet(name).folder, folder, { recursive: true });
  return folder;
}

async function product(set: ArtifactSet, options: readonly string[]): Promise<Float64Array> {
  const out = join(work, `${set.name}${options.join("")}.npz`);
  const vector = `${set.folder}/ref.npz:v`;
  await runJson(["hvp", ...set.args, "--vector", vector, ...options, "--npz", out]);
  return (await readArray(out, "hv")) as Float64Array;
}
