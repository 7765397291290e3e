import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { encodeCheckpoint } from "../../src/artifacts/checkpoint.ts";
import { type ArrayToWrite, readNpzArray, writeNpz } from "../../src/data/index.ts";
import { type Attribute, Call, type Dim, Node, Value } from "../../src/onnx/graph.ts";
import { float32Tensor, sizeOf } from "../../src/onnx/tensor.ts";
import { floats, named } from "../artifacts/checkpoints.ts";
import { run, runJson } from "../support/cli.ts";
import { arrays, file, input, ints, linear, numbers, op, outputsOf, stated } from "./loss-models.ts";
import { relativeDistance } from "./paper.ts";

// Folders of artifacts built here, whose losses are those of loss-references.py.

const folder = mkdtempSync(join(tmpdir(), "artifact-labels-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = (name: string): string => join(folder, name);

interface Reference {
  readonly loss: number;
  readonly gradient: readonly number[];
  readonly hv: readonly number[];
}
const references = JSON.parse(
  readFileSync(new URL("loss-references.json", import.meta.url), "utf8"),
) as Readonly<Record<string, Reference>>;

// Sums of a few dozen float32 terms, of three times as many rounded operations.
const rounding = 200 * 2 ** -24;

/** An operator of onnxruntime-training. */
function training(name: string, inputs: readonly Value[], attributes: Record<string, Attribute> = {}): Value {
  const call = new Call(name, inputs, new Map(Object.entries(attributes)), "com.microsoft");
  return new Node(call, [{ name: `${name.toLowerCase()}_out` }], name.toLowerCase()).outputs[0] as Value;
}

function scalar(value: number): Value {
  return new Value("initializer", "one", "float32", [], { tensor: float32Tensor([], [value]) });
}

/** User inputs, shapes of the parameters w0, w1, …, and what loss and gradients are of them. */
interface Design {
  readonly inputs: readonly Value[];
  readonly shapes: readonly (readonly number[])[];
  readonly make: (parameters: readonly Value[]) => { loss: Value; gradients: readonly Value[] };
}

/** Writes training_model.onnx, eval_model.onnx and a checkpoint, as onnxruntime.training.artifacts lays them out. */
function writeFolder(name: string, { inputs, shapes, make }: Design): string {
  mkdirSync(path(name));
  const parameters = shapes.map((dims, i) => input(`w${i}`, "float32", dims));
  const { loss, gradients } = make(parameters);
  const result = stated(loss, []);
  writeFileSync(path(`${name}/eval_model.onnx`), file([...inputs, ...parameters], result));
  const buffers = shapes.map((dims, i) => input(`w${i}_grad.accumulation.buffer`, "float32", dims));
  const reset = input("lazy_reset_grad", "bool", [1]);
  const added = gradients.map((g, i) => training("InPlaceAccumulatorV2", [buffers[i]!, g, reset]));
  const all = [...inputs, ...parameters, ...buffers, reset];
  writeFileSync(path(`${name}/training_model.onnx`), file(all, result, ...added));
  const trained = shapes.map((dims, i) => named(`w${i}`, floats(dims, [...numbers(sizeOf(dims), 3 + i)])));
  const checkpoint = { isNominal: false, trained, frozen: [], optimizerGroups: [], properties: new Map() };
  writeFileSync(path(`${name}/checkpoint`), encodeCheckpoint(checkpoint).file);
  return path(name);
}

const int = (value: number): Attribute => ({ kind: "int", value });

/** A table and a product, its positions in one row: labels [N·T] of ids [N, T]. */
function language(rows: Dim = "rows", batch: Dim = "batch"): Design {
  const ids = input("ids", "int64", [batch, 3]);
  const labels = input("labels", "int64", [rows]);
  return {
    inputs: [ids, labels],
    shapes: [
      [4, 2],
      [2, 5],
    ],
    make: ([table, w]) => {
      const h = op("Reshape", [op("Gather", [table!, ids]), ints(-1, 2)]);
      const ignored = { ignore_index: int(-100) };
      const scores = op("MatMul", [h, w!]);
      const [loss, log] = outputsOf(
        "SoftmaxCrossEntropyLoss",
        [scores, labels],
        ["loss", "log_prob"],
        ignored,
      );
      const dScores = training("SoftmaxCrossEntropyLossGrad", [scalar(1), log!, labels], ignored);
      const dH = op("Reshape", [op("MatMul", [dScores, op("Transpose", [w!])]), ints(-1, 3, 2)]);
      const dTable = training("GatherGrad", [op("Shape", [table!]), ids, dH]);
      return { loss: loss!, gradients: [dTable, op("MatMul", [op("Transpose", [h]), dScores])] };
    },
  };
}

/** Four yes or no of x·w + b, as onnxblock's BCEWithLogitsLoss; or another loss of them. */
function several(form: "plain" | "weighted" | "hinge"): Design {
  const x = input("x", "float32", ["batch", 3]);
  const y = input("target", "float32", ["batch", 4]);
  return {
    inputs: [x, y],
    shapes: [[3, 4], [4]],
    make: ([w, b]) => {
      const z = op("Gemm", [x, w!, b!]);
      const p = op("Sigmoid", [z]);
      const weight = form === "weighted" ? scalar(2) : scalar(1);
      const yes = op("Mul", [op("Mul", [op("Log", [p]), y]), weight]);
      const no = op("Mul", [op("Log", [op("Sub", [scalar(1), p])]), op("Sub", [scalar(1), y])]);
      const hinge = op("Relu", [op("Sub", [scalar(1), op("Mul", [z, y])])]);
      const each = form === "hinge" ? hinge : op("Neg", [op("Add", [yes, no])]);
      const loss = op("ReduceMean", [each], { keepdims: int(0) });
      const size = op("Cast", [op("Size", [z])], { to: int(1) });
      const dz = op("Div", [op("Sub", [p, y]), size]);
      const gradients = [
        op("Gemm", [x, dz], { transA: int(1) }),
        op("ReduceSum", [dz, ints(0)], { keepdims: int(0) }),
      ];
      return { loss, gradients };
    },
  };
}

async function compare(args: readonly string[], { loss, gradient, hv }: Reference): Promise<void> {
  const npz = path("out.npz");
  const array = async (key: string) => (await readNpzArray(npz, key)).data as Float64Array;
  const found = await runJson(["gradient", ...args, "--npz", npz]);
  expect(Math.abs((found["loss"] as number) / loss - 1)).toBeLessThan(rounding);
  expect(relativeDistance(await array("gradient"), Float64Array.from(gradient))).toBeLessThan(rounding);
  const v = Float64Array.from(gradient, (_, i) => Math.cos(0.7 * i));
  writeNpz(path("v.npz"), { v: { shape: [v.length], data: v } });
  await runJson(["hvp", ...args, "--method", "exact", "--vector", `${path("v.npz")}:v`, "--npz", npz]);
  expect(relativeDistance(await array("hv"), Float64Array.from(hv))).toBeLessThan(rounding);
}

const routes = ["artifact", "ours"].map((route) => ({ route }));

describe("a folder that takes the labels of all positions in one row", () => {
  const reference = references["language model"] as Reference;
  const { ids, words, flatWords } = arrays;
  const data = (name: string, values: Readonly<Record<string, ArrayToWrite>>): string[] => {
    writeNpz(path(name), values);
    return ["--data", path(name), "--device", "cpu"];
  };
  const free = writeFolder("language", language());
  const sets: readonly [string, string[]][] = [
    ["y as [N, T]", data("rows.npz", { ids, y: words })],
    ["labels as [N, T]", data("labels.npz", { ids, labels: words })],
    ["y as [N·T]", data("flat.npz", { ids, y: flatWords })],
    ["y as [N, T, 1]", data("column.npz", { ids, y: { ...words, shape: [4, 3, 1] } })],
  ];

  describe.each(routes)("by --gradient $route", ({ route }) => {
    it.each(sets)("%s: the same loss, gradient and product", async (_, set) => {
      await compare([free, ...set, "--gradient", route], reference);
    });

    it("with a static batch as well", async () => {
      const fixed = writeFolder(`static-${route}`, language(12, 4));
      for (const [, set] of sets) await compare([fixed, ...set, "--gradient", route], reference);
    });
  });

  it("counts positions that are not ignored, and the right ones among them", async () => {
    const model = path("language.onnx");
    const from = input("ids", "int64", ["batch", 3]);
    const parameters = [0, 1].map((i) => {
      const dims = i === 0 ? [4, 2] : [2, 5];
      const tensor = float32Tensor(dims, numbers(sizeOf(dims), 3 + i));
      return new Value("initializer", `w${i}`, "float32", dims, { tensor });
    });
    const logits = op("MatMul", [op("Gather", [parameters[0]!, from]), parameters[1]!]);
    writeFileSync(model, file([from], stated(logits, ["batch", 3, 5])));
    const plain = await runJson(["evaluate", model, ...sets[0]![1], "--ignore-index", "-100"]);
    for (const [, set] of sets) {
      const found = await runJson(["evaluate", free, ...set]);
      expect([found["samples"], found["accuracy"]]).toEqual([7, plain["accuracy"]]);
    }
  });

  it("takes the first samples with their labels", async () => {
    const some = await runJson(["evaluate", free, ...sets[0]![1], "--samples", "3"]);
    const first = (values: ArrayToWrite, rows: number[]) => ({
      shape: rows,
      data: (values.data as BigInt64Array).slice(0, 9),
    });
    const cut = data("cut.npz", { ids: first(ids, [3, 3]), y: first(words, [3, 3]) });
    expect(some).toEqual(await runJson(["evaluate", free, ...cut]));
    expect(some["samples"]).toBe(5);
  });

  it("refuses two numbers to a sample that has three positions", async () => {
    const odd = { shape: [4, 2], data: (words.data as BigInt64Array).slice(0, 8) };
    const { status, err } = await run(["evaluate", free, ...data("odd.npz", { ids, y: odd })]);
    expect(err).toMatch(
      /input "labels": array "y" of ".*odd.npz" has shape \[4, 2\], 2 to a sample; expected \[4\], a label for each sample, or as many to a sample as another input has positions/,
    );
    expect(status).toBe(2);
  });
});

describe("a folder with a binary cross-entropy", () => {
  const reference = references["several labels"] as Reference;
  writeNpz(path("several.npz"), { x: arrays.x, y: arrays.severalFloats });
  const data = ["--data", path("several.npz"), "--device", "cpu"];
  writeFileSync(path("linear.onnx"), linear(4));
  const plain = [path("linear.onnx"), ...data, "--loss", "bce"];
  const own = writeFolder("several", several("plain"));

  it.each(routes)("by --gradient $route: loss, gradient and product", async ({ route }) => {
    await compare([own, ...data, "--gradient", route], reference);
  });

  it.each(routes)(
    "by --gradient $route: the accuracy of an ordinary model with that loss",
    async ({ route }) => {
      const { accuracy, samples } = await runJson(["evaluate", ...plain]);
      expect(accuracy).toBeGreaterThan(0);
      expect(accuracy).toBeLessThan(1);
      const found = await runJson(["evaluate", own, ...data, "--gradient", route]);
      expect(found).toMatchObject({ accuracy, samples });
      const weighted = writeFolder(`weighted-${route}`, several("weighted"));
      const other = await runJson(["evaluate", weighted, ...data, "--gradient", route]);
      expect(other["accuracy"]).toBe(accuracy);
      expect(other["loss"]).not.toBeCloseTo(found["loss"] as number, 3);
    },
  );

  it.each(["the model", "the folder"])("what --emit writes of %s keeps the accuracy", async (what) => {
    const from = what === "the model" ? plain : [own, ...data];
    const emitted = path(`${what}.onnx`);
    await runJson(["gradient", ...from, "--emit", emitted]);
    const { accuracy } = await runJson(["evaluate", ...plain]);
    expect((await runJson(["evaluate", emitted, ...data]))["accuracy"]).toBe(accuracy);
  });

  it("has none for another loss: a right answer is not to be seen in it", async () => {
    const found = await runJson(["evaluate", writeFolder("hinge", several("hinge")), ...data]);
    expect(found["accuracy"]).toBeNull();
  });

  it("takes probabilities as targets, nothing beyond 0 and 1", async () => {
    const soft = (values: readonly number[]) => {
      writeNpz(path("soft.npz"), { x: arrays.x, y: { shape: [5, 4], data: Float32Array.from(values) } });
      return run(["evaluate", own, "--data", path("soft.npz")]);
    };
    const values = Array.from({ length: 20 }, (_, i) => i / 19);
    expect((await soft(values)).status).toBe(0);
    const { status, err } = await soft([...values.slice(1), 1.5]);
    expect(err).toMatch(/array "y" .* holds 1.5 at \[4, 3\]; expected 0 to 1/);
    expect(status).toBe(2);
  });
});
