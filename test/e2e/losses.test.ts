import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type ArrayToWrite, readNpzArray, writeNpz } from "../../src/data/index.ts";
import { run, runJson } from "../support/cli.ts";
import {
  arrays,
  averaged,
  cut,
  doubled,
  language,
  linear,
  noAndYes,
  numbers,
  ownLoss,
  segmentation,
  sigmoid,
  twoOutputs,
} from "./loss-models.ts";
import { relativeDistance } from "./paper.ts";

interface Reference {
  readonly loss: number;
  readonly gradient: readonly number[];
  readonly hv: readonly number[];
}

const references = JSON.parse(
  readFileSync(new URL("loss-references.json", import.meta.url), "utf8"),
) as Readonly<Record<string, Reference>>;

const folder = mkdtempSync(join(tmpdir(), "losses-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function write(model: Uint8Array, data: Readonly<Record<string, ArrayToWrite>>): string[] {
  const path = join(folder, `${files++}`);
  writeFileSync(`${path}.onnx`, model);
  writeNpz(`${path}.npz`, data);
  return [`${path}.onnx`, "--data", `${path}.npz`];
}

const weightsFile = join(folder, "weights.npz");
writeNpz(weightsFile, { w: { shape: [4], data: Float64Array.of(1, 0.25, 2, 0.5) } });

const { x, image, ids, labels, zeros, words, flatWords, mask, maskOfOneChannel } = arrays;
const { several, severalFloats, first, firstColumn } = arrays;

interface Case {
  readonly reference: string;
  readonly name?: string;
  readonly model: Uint8Array;
  readonly data: Readonly<Record<string, ArrayToWrite>>;
  readonly options?: readonly string[];
}

const ignoreWords = ["--ignore-index", "-100"];
const ignorePixels = ["--ignore-index", "255"];
const weights = ["--class-weights", "1,0.25,2,0.5"];

const cases: readonly Case[] = [
  { reference: "classifier", model: linear(4), data: { x, y: labels } },
  {
    reference: "classifier",
    name: "one of several outputs",
    model: twoOutputs(),
    data: { x, y: labels },
    options: ["--output", "gemm_out"],
  },
  {
    reference: "classifier",
    name: "averaged probabilities, told by the name of an output that is expanded",
    model: averaged(4),
    data: { x, y: labels },
  },
  { reference: "class weights", model: linear(4), data: { x, y: labels }, options: weights },
  {
    reference: "class weights",
    name: "class weights from a file",
    model: linear(4),
    data: { x, y: labels },
    options: ["--class-weights", `${weightsFile}:w`],
  },
  {
    reference: "label smoothing",
    model: linear(4),
    data: { x, y: labels },
    options: ["--label-smoothing", "0.1"],
  },
  {
    reference: "weights, smoothing and an ignored class",
    model: linear(4),
    data: { x, y: labels },
    options: [...weights, "--label-smoothing", "0.2", "--ignore-index", "2"],
  },
  {
    reference: "one class",
    model: linear(1),
    data: { x, y: zeros },
    options: ["--loss", "cross-entropy"],
  },
  { reference: "segmentation", model: segmentation(), data: { x: image, y: mask }, options: ignorePixels },
  {
    reference: "segmentation",
    name: "segmentation with masks of one channel",
    model: segmentation(),
    data: { x: image, y: maskOfOneChannel },
    options: ignorePixels,
  },
  {
    reference: "segmentation",
    name: "segmentation with flattened masks",
    model: segmentation(),
    data: { x: image, y: { ...mask, shape: [24] } },
    options: ignorePixels,
  },
  {
    reference: "weighted segmentation",
    model: segmentation(),
    data: { x: image, y: mask },
    options: [...ignorePixels, "--class-weights", "1,0.25,2", "--label-smoothing", "0.1"],
  },
  { reference: "language model", model: language(), data: { ids, y: words }, options: ignoreWords },
  {
    reference: "language model",
    name: "language model with flattened labels",
    model: language(),
    data: { ids, y: flatWords },
    options: ignoreWords,
  },
  {
    reference: "language model",
    name: "language model that flattens its positions, with flattened labels",
    model: language(true),
    data: { ids, y: flatWords },
    options: ignoreWords,
  },
  {
    reference: "language model",
    name: "language model that flattens its positions",
    model: language(true),
    data: { ids, y: words },
    options: ignoreWords,
  },
  {
    reference: "smoothed language model",
    model: language(),
    data: { ids, y: words },
    options: [...ignoreWords, "--label-smoothing", "0.1"],
  },
  { reference: "several labels", model: linear(4), data: { x, y: several } },
  {
    reference: "several labels",
    name: "several labels, as floats",
    model: linear(4),
    data: { x, y: severalFloats },
    options: ["--loss", "bce"],
  },
  { reference: "two classes by one number", model: linear(1), data: { x, y: first } },
  {
    reference: "two classes by one number",
    name: "two classes by one number, labels in a column",
    model: linear(1),
    data: { x, y: firstColumn },
  },
  { reference: "regression", model: linear(4), data: { x, y: severalFloats } },
  ...[
    { reference: "classifier", data: { x, y: labels } },
    { reference: "several labels", data: { x, y: several } },
    { reference: "regression", data: { x, y: severalFloats } },
  ].map((c) => ({ ...c, name: `${c.reference} with an output in float64`, model: doubled(4) })),
  ...[
    { reference: "several labels", model: sigmoid(4), data: { x, y: several } },
    { reference: "two classes by one number", model: sigmoid(1), data: { x, y: first } },
  ].map((c) => ({ ...c, name: `${c.reference}, whose probabilities are reshaped or float64` })),
  { reference: "own loss", model: ownLoss(false), data: { x, t: severalFloats } },
  {
    reference: "own loss",
    name: "own loss of each sample",
    model: ownLoss(true),
    data: { x, t: severalFloats },
  },
  {
    reference: "own loss",
    name: "own loss that takes y itself",
    model: ownLoss(false, "y"),
    data: { x, y: severalFloats },
  },
  {
    reference: "own loss",
    name: "own loss beside labels that it does not take",
    model: ownLoss(false),
    data: { x, t: severalFloats, y: labels },
  },
];

// Sums of a few dozen float32 terms, of three times as many rounded operations.
const rounding = 200 * 2 ** -24;

describe.each(cases.map((c) => ({ ...c, title: c.name ?? c.reference })))("$title", (c) => {
  const { loss, gradient, hv } = references[c.reference] as Reference;
  const command = write(c.model, c.data);
  const v = join(folder, `v${gradient.length}.npz`);
  writeNpz(v, {
    v: { shape: [gradient.length], data: Float64Array.from(gradient, (_, i) => Math.cos(0.7 * i)) },
  });
  const npz = `${command[0]}.out.npz`;
  const array = async (key: string) => (await readNpzArray(npz, key)).data as Float64Array;

  // Of one sample, of two and a rest, of all.
  it.each(["1", "2", "8"])("in batches of %s", async (batch) => {
    const args = [...command, ...(c.options ?? []), "--batch", batch, "--npz", npz];
    const found = await runJson(["gradient", ...args]);
    expect(Math.abs((found["loss"] as number) - loss)).toBeLessThanOrEqual(rounding * Math.abs(loss));
    const distance = async (key: string, exact: readonly number[]) =>
      exact.every((g) => g === 0)
        ? Math.max(...(await array(key)).map(Math.abs))
        : relativeDistance(await array(key), Float64Array.from(exact));
    expect(await distance("gradient", gradient)).toBeLessThan(rounding);
    await runJson(["hvp", ...args, "--method", "exact", "--vector", `${v}:v`]);
    expect(await distance("hv", hv)).toBeLessThan(rounding);
  });
});

it("the Gauss-Newton matrix of a linear model is its Hessian, weights and smoothing in it", async () => {
  const found = cases.find((c) => c.reference.startsWith("weights, smoothing")) as Case;
  const command = [...write(found.model, found.data), ...(found.options ?? [])];
  const npz = join(folder, "ggn.npz");
  const vector = `${join(folder, "v16.npz")}:v`;
  await runJson(["hvp", ...command, "--operator", "ggn", "--vector", vector, "--npz", npz]);
  const hv = (await readNpzArray(npz, "hv")).data as Float64Array;
  const exact = Float64Array.from((references[found.reference] as Reference).hv);
  expect(relativeDistance(hv, exact)).toBeLessThan(rounding);
});

describe("probabilities of 0 for what is not the label add nothing", () => {
  // No input, so that the biases alone decide: two are negative.
  const p = numbers(3, 4)[2] as number;
  const none = { shape: [1, 3], data: new Float32Array(3) };
  it.each([
    ["cross-entropy", { shape: [1], data: BigInt64Array.of(2n) }, 1],
    ["bce", { shape: [1, 3], data: Float32Array.of(0, 0, 1) }, 3],
  ])("%s", async (loss, y, parts) => {
    const npz = join(folder, `${loss}.npz`);
    const options = ["--loss", loss, "--logits", "probabilities", "--npz", npz];
    const found = await runJson(["gradient", ...write(cut(3), { x: none, y }), ...options]);
    expect(found["loss"]).toBeCloseTo(-Math.log(p) / parts, 6);
    const gradient = (await readNpzArray(npz, "gradient")).data as Float64Array;
    expect([...gradient.subarray(0, 11)].map((v) => v + 0)).toEqual(new Array(11).fill(0));
    expect(gradient[11]).toBeCloseTo(-1 / p / parts, 5);
  });
});

describe("probabilities of no and yes, too close to 0 and 1 for single precision", () => {
  // Logits far from 0 on either side.
  const far = { shape: x.shape, data: Float32Array.from(x.data as Float32Array, (v) => 200 * v) };
  it.each([false, true])("yes first: %s", async (isYesFirst) => {
    const npz = join(folder, "yes.npz");
    const [n] = x.shape as [number];
    const yes = Array.from({ length: n }, (_, i) => i % 2);
    const y = { shape: [n], data: BigInt64Array.from(yes, (v) => BigInt(isYesFirst ? 1 - v : v)) };
    const found = await runJson(["gradient", ...write(noAndYes(isYesFirst), { x: far, y }), "--npz", npz]);
    const theta = (await readNpzArray(npz, "theta")).data as Float32Array;
    const width = theta.length - 1;
    const z = yes.map((_, i) =>
      far.data.subarray(i * width, (i + 1) * width).reduce((s, v, j) => s + v * theta[j]!, theta[width]!),
    );
    expect(Math.max(...z.map(Math.abs))).toBeGreaterThan(100);
    const losses = z.map((v, i) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v))) - yes[i]! * v);
    const loss = losses.reduce((s, v) => s + v, 0) / n;
    expect((found["loss"] as number) / loss).toBeCloseTo(1, 6);
    const slope = z.reduce((s, v, i) => s + (1 / (1 + Math.exp(-v)) - yes[i]!) / n, 0);
    const gradient = (await readNpzArray(npz, "gradient")).data as Float64Array;
    expect(gradient[width]).toBeCloseTo(slope, 6);
  });
});

describe("counting", () => {
  it("accuracy is of positions, whatever their weights; samples are those that count", async () => {
    const command = write(linear(4), { x, y: labels });
    const plain = await runJson(["evaluate", ...command]);
    const weighted = await runJson(["evaluate", ...command, ...weights]);
    expect(weighted["accuracy"]).toBe(plain["accuracy"]);
    expect(weighted["samples"]).toBe(5);
    const text = write(language(), { ids, y: words });
    expect(await runJson(["evaluate", ...text, ...ignoreWords])).toMatchObject({ samples: 7 });
  });

  it("an emitted gradient keeps the weights", async () => {
    const command = write(linear(4), { x, y: labels });
    const emitted = join(folder, "emitted.onnx");
    await runJson(["gradient", ...command, ...weights, "--emit", emitted]);
    const { loss } = await runJson(["evaluate", emitted, ...command.slice(1)]);
    const exact = (references["class weights"] as Reference).loss;
    expect(Math.abs((loss as number) - exact)).toBeLessThan(rounding * exact);
  });
});

describe("what does not fit is said", () => {
  const classifier = () => write(linear(4), { x, y: labels });
  const floats = { shape: [5], data: Float32Array.of(0, 1, 2, 3, 1) };
  const only = (label: bigint) => ({ shape: [5], data: new BigInt64Array(5).fill(label) });
  const refused: readonly [string, () => string[], RegExp][] = [
    [
      "labels out of range",
      () => write(linear(3), { x, y: labels }),
      /array "y".* holds 3 at \[1\]; expected 0 to 2$/m,
    ],
    [
      "negative labels",
      () => write(linear(4), { x, y: only(-1n) }),
      /holds -1 at \[0\]; expected 0 to 3. to leave such positions out: --ignore-index -1/,
    ],
    [
      "labels as floats",
      () => write(linear(4), { x, y: floats }),
      /array "y".* has type float32; expected integers from 0 to 3. Save labels as integers/,
    ],
    [
      "only ignored labels",
      () => [...write(linear(4), { x, y: only(-100n) }), "--ignore-index", "-100"],
      /holds only the ignored label -100; expected others too/,
    ],
    [
      "labels of classes without weight",
      () => [...write(linear(4), { x, y: only(1n) }), "--class-weights", "1,0,1,1"],
      /holds only labels without weight; expected one with a weight above 0. Check --class-weights/,
    ],
    [
      "too few class weights",
      () => [...classifier(), "--class-weights", "1,2"],
      /--class-weights has 2 numbers; expected one for each of the 4 classes/,
    ],
    [
      "negative class weights",
      () => [...classifier(), "--class-weights", "1,2,-1,0"],
      /invalid --class-weights: "1,2,-1,0" holds -1 at position 2; expected a number for each class, none negative/,
    ],
    [
      "class weights from nowhere",
      () => [...classifier(), "--class-weights", `${weightsFile}:v`],
      /has no array "v"; it has "w"/,
    ],
    [
      "smoothing beyond 1",
      () => [...classifier(), "--label-smoothing", "1.5"],
      /--label-smoothing: "1.5"; expected a number from 0 to 1/,
    ],
    [
      "class weights of a regression",
      () => [...write(linear(4), { x, y: severalFloats }), "--class-weights", "1,1,1,1"],
      /--class-weights is of the cross-entropy, but the loss is mse. Leave it out, or take --loss cross-entropy/,
    ],
    [
      "smoothing of a loss in the model",
      () => [...write(ownLoss(true), { x, t: severalFloats }), "--label-smoothing", "0.1"],
      /--label-smoothing is of the cross-entropy, but the loss lies in the model. Leave it out$/m,
    ],
    [
      "labels of two classes that are no yes or no",
      () => write(linear(1), { x, y: labels }),
      /holds 3 at \[1\]; expected 0 to 1/,
    ],
    [
      "masks of another size",
      () => write(segmentation(), { x: image, y: { shape: [4, 2, 2], data: mask.data.slice(0, 16) } }),
      /targets do not fit the output: shape \[1,2,2\]; expected \[1,3,2,3\] without its class axis/,
    ],
    [
      "labels for fewer samples",
      () => write(linear(4), { x, y: { ...labels, shape: [4], data: labels.data.slice(0, 4) } }),
      /numbers of samples differ.*"x" has 5, "y" has 4/,
    ],
    [
      "labels of another number of positions",
      () => write(language(), { ids, y: { ...words, shape: [4, 2], data: words.data.slice(0, 8) } }),
      /targets do not fit the output: shape \[1,2\]; expected \[1,3,5\] without its class axis/,
    ],
    [
      "an output that is no loss",
      () => [...classifier(), "--loss", "output"],
      /the output "out" is no loss: shape \[1,4\]; expected a scalar or one number per sample/,
    ],
    [
      "a loss without targets",
      () => write(linear(4), { x }),
      /no targets in the data: the output "out" of shape \[1,4\] is no loss by itself/,
    ],
  ];

  it.each(refused)("%s", async (_, args, sentence) => {
    const { status, err } = await run(["evaluate", ...args()]);
    expect(err).toMatch(sentence);
    expect(err.trim().split("\n")).toHaveLength(1);
    expect(status).toBe(2);
  });
});
