import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeNpz } from "../../src/data/index.ts";
import {
  bytesOf,
  floats,
  type GraphProto,
  info,
  intAttribute,
  longs,
  node,
  smallModel,
  stringAttribute,
  type TensorProto,
} from "../onnx/protos.ts";
import { run, runJson } from "../support/cli.ts";

// Samples that see one another: the nodes of a graph, or whatever is centred by the mean of its batch. Such losses are
// defined for all samples at once only.

let folder: string;
const path = (name: string): string => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "undivided-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const INT64 = 7;
const ints = (name: string, values: number[]): TensorProto => ({
  name,
  data_type: INT64,
  dims: longs([values.length]),
  int64_data: longs(values),
});
const W = [
  [0.5, -1, 0.25],
  [1.5, 0.75, -0.5],
] as const;

const N = 9;
const x = Array.from({ length: N }, (_, i) => [Math.sin(i), Math.cos(2 * i)] as const);
const labels = Array.from({ length: N }, (_, i) => (i * i) % 3);
const edges = Array.from({ length: 14 }, (_, k) => [(k * 5) % N, (k * k) % N] as const);

const products = x.map(([a, b]) => [0, 1, 2].map((j) => a * W[0][j]! + b * W[1][j]!));

/** Mean cross-entropy and its gradient with respect to the logits, in float64. */
function crossEntropy(logits: readonly (readonly number[])[]): { loss: number; dy: number[][] } {
  let loss = 0;
  const dy = logits.map((z, i) => {
    const sum = z.reduce((s, v) => s + Math.exp(v), 0);
    loss += (Math.log(sum) - z[labels[i]!]!) / N;
    return z.map((v, j) => (Math.exp(v) / sum - Number(j === labels[i])) / N);
  });
  return { loss, dy };
}

/** ‖∂L/∂W‖ where each row of the logits is a sum of rows of xW. */
function gradientNorm(rows: readonly (readonly number[])[], dy: readonly number[][]): number {
  let sum = 0;
  for (const a of [0, 1])
    for (const j of [0, 1, 2]) sum += rows.reduce((s, r, i) => s + r[a]! * dy[i]![j]!, 0) ** 2;
  return Math.sqrt(sum);
}

/** What arrives at each node over its edges: features, or their products with W. */
function received(rows: readonly (readonly number[])[], used: typeof edges): number[][] {
  const sums = rows.map((r) => r.map(() => 0));
  for (const [from, to] of used) for (const [j, v] of rows[from]!.entries()) sums[to]![j]! += v;
  return sums;
}

function write(
  name: string,
  graph: Pick<GraphProto, "node" | "initializer">,
  input = [info("x", ["nodes", 2])],
) {
  const all = { ...graph, initializer: [floats("w", [2, 3], W.flat()), ...(graph.initializer ?? [])] };
  writeFileSync(path(`${name}.onnx`), bytesOf(smallModel({ ...all, input, output: [info("y")] })));
}

const edgeInput = (length: string | number) => info("edges", [2, length], INT64);
/** What arrives last at each node. */
function receivedLast(rows: readonly (readonly number[])[]): number[][] {
  const last = rows.map((r) => r.map(() => 0));
  for (const [from, to] of edges) last[to] = [...rows[from]!];
  return last;
}

/** What each node gets over a graph's edges: the sum, or the last. */
const overEdges = (reduction = "add") => [
  node("MatMul", ["x", "w"], ["h"]),
  node("Split", ["kept"], ["from", "to"], [intAttribute("axis", 0), intAttribute("num_outputs", 2)]),
  node("Squeeze", ["from", "first"], ["source"]),
  node("Transpose", ["to"], ["target"]),
  node("Gather", ["h", "source"], ["sent"]),
  node("Sub", ["h", "h"], ["zeros"]),
  node("ScatterND", ["zeros", "target", "sent"], ["y"], [stringAttribute("reduction", reduction)]),
];

const data = {
  x: { shape: [N, 2], data: Float32Array.from(x.flat()) },
  edges: {
    shape: [2, edges.length],
    data: BigInt64Array.from([0, 1].flatMap((k) => edges.map((e) => BigInt(e[k]!)))),
  },
  y: { shape: [N], data: BigInt64Array.from(labels, BigInt) },
};

async function expectWhole(name: string, logits: number[][], rows: readonly (readonly number[])[]) {
  const { loss, dy } = crossEntropy(logits);
  const found = await runJson(["gradient", path(`${name}.onnx`), "--data", path(`${name}.npz`)]);
  expect(found["loss"]).toBeCloseTo(loss, 6);
  expect(found["norm"]).toBeCloseTo(gradientNorm(rows, dy), 6);
}

/** What is said on stderr about the data. */
async function saidOf(name: string): Promise<string> {
  const { status, err } = await run(["evaluate", path(`${name}.onnx`), "--data", path(`${name}.npz`)]);
  expect(status).toBe(0);
  return err;
}

describe("a graph of nodes and edges", () => {
  const all = node("Identity", ["edges"], ["kept"]);
  const withoutLoops = [
    node("Split", ["edges"], ["a", "b"], [intAttribute("axis", 0), intAttribute("num_outputs", 2)]),
    node("Equal", ["a", "b"], ["loops"]),
    node("Not", ["loops"], ["others"]),
    node("Squeeze", ["others", "first"], ["mask"]),
    node("NonZero", ["mask"], ["found"]),
    node("Squeeze", ["found", "first"], ["places"]),
    node("Gather", ["edges", "places"], ["kept"], [intAttribute("axis", 1)]),
  ];
  const first = ints("first", [0]);

  it("has loops", () => {
    expect(edges.some(([a, b]) => a === b)).toBe(true);
  });

  it.each([
    ["edges of any number", [all], "edges", edges],
    ["loops left out: shapes depend on the edges", withoutLoops, "edges", edges.filter(([a, b]) => a !== b)],
    ["of fixed size, loops left out", withoutLoops, edges.length, edges.filter(([a, b]) => a !== b)],
  ])("%s: loss and gradient are those of the whole", async (_, kept, length, used) => {
    const nodes = typeof length === "number" ? N : "nodes";
    const input = [info("x", [nodes, 2]), edgeInput(length)];
    write("graph", { node: [...kept, ...overEdges()], initializer: [first] }, input);
    writeNpz(path("graph.npz"), data);
    await expectWhole("graph", received(products, used), received(x, used));
  });

  it("that keeps the last of each node's edges: only that one has a gradient", async () => {
    const input = [info("x", ["nodes", 2]), edgeInput("edges")];
    write("last", { node: [all, ...overEdges("none")], initializer: [first] }, input);
    writeNpz(path("last.npz"), data);
    await expectWhole("last", receivedLast(products), receivedLast(x));
  });

  it("says that it runs at once, and takes no part of it", async () => {
    write("graph", { node: [all, ...overEdges()], initializer: [first] }, [
      info("x", ["nodes", 2]),
      edgeInput("edges"),
    ]);
    writeNpz(path("graph.npz"), data);
    expect(await saidOf("graph")).toMatch(
      /the 9 samples of ".*graph\.npz" run at once, undivided: "edges" \[2, 14\] does not divide among them/,
    );
    const part = await run(["evaluate", path("graph.onnx"), "--data", path("graph.npz"), "--samples", "4"]);
    expect(part.status).toBe(2);
    expect(part.err).toMatch(/cannot take 4 samples .*run at once.*Leave the option out/);
  });
});

describe("samples centred by the mean of their batch", () => {
  const mean = (rows: readonly (readonly number[])[], j: number) => rows.reduce((s, r) => s + r[j]! / N, 0);
  const centred = (rows: readonly (readonly number[])[]) =>
    rows.map((r) => r.map((v, j) => v - mean(rows, j)));

  it("run at once, which is said", async () => {
    const initializer = [ints("axes", [0])];
    write("centred", {
      initializer,
      node: [
        node("MatMul", ["x", "w"], ["h"]),
        node("ReduceMean", ["h", "axes"], ["m"]),
        node("Sub", ["h", "m"], ["y"]),
      ],
    });
    writeNpz(path("centred.npz"), { x: data.x, y: data.y });
    await expectWhole("centred", centred(products), centred(x));
    expect(await saidOf("centred")).toMatch(/the loss of a few depends on which others run with them/);
  });
});

describe("samples that do not see one another", () => {
  it.each([
    ["rows of their own", [node("MatMul", ["x", "w"], ["y"])], []],
    [
      "an axis in between that holds all of them",
      [
        node("MatMul", ["x", "w"], ["h"]),
        node("Reshape", ["h", "flat"], ["f"]),
        node("Reshape", ["f", "back"], ["y"]),
      ],
      [ints("flat", [1, -1]), ints("back", [-1, 3])],
    ],
  ])("%s: run in batches, and nothing is said", async (_, nodes, initializer) => {
    write("apart", { node: nodes, initializer });
    writeNpz(path("apart.npz"), { x: data.x, y: data.y });
    await expectWhole("apart", products, x);
    expect(await saidOf("apart")).not.toContain("at once");
  });
});

/** A product for `samples`, with as many features, and rows of the weight, as the longest of the samples has. */
function writeCut(name: string, samples: string | number): void {
  const nodes = [
    node("ReduceMax", ["lengths"], ["longest"], [intAttribute("keepdims", 0)]),
    node("Reshape", ["longest", "one"], ["end"]),
    node("Slice", ["x", "zero", "end", "one"], ["cut"]),
    node("Slice", ["w", "zero", "end"], ["rows"]),
    node("MatMul", ["cut", "rows"], ["y"]),
  ];
  write(name, { node: nodes, initializer: [ints("one", [1]), ints("zero", [0])] }, [
    info("x", [samples, 2]),
    info("lengths", [samples], INT64),
  ]);
}

describe("samples cut at the longest of their lengths", () => {
  it("run at once, so that the shapes are known", async () => {
    writeCut("lengths", "n");
    const lengths = { shape: [N], data: BigInt64Array.from(labels, (k) => BigInt(k > 0 ? 1 : 0)) };
    writeNpz(path("lengths.npz"), { x: data.x, y: data.y, lengths });
    const cut = x.map(([a]) => [a, 0] as const);
    await expectWhole(
      "lengths",
      cut.map(([a]) => W[0].map((w) => a * w)),
      cut,
    );
    expect(await saidOf("lengths")).toMatch(/run at once, undivided: the model's shapes depend on integers/);
  });
});

describe("a model for three samples, with shapes that depend on integers of theirs", () => {
  const SIZE = 3;

  it("cut at the longest of each three", async () => {
    writeCut("threes", SIZE);
    const lengths = [1, 1, 0, 2, 1, 1, 0, 0, 0];
    const longest = lengths.map((_, i) => Math.max(...lengths.slice(i - (i % SIZE), i - (i % SIZE) + SIZE)));
    const numbers = { shape: [N], data: BigInt64Array.from(lengths, BigInt) };
    writeNpz(path("threes.npz"), { x: data.x, y: data.y, lengths: numbers });
    const cut = x.map((r, i) => r.map((v, j) => (j < longest[i]! ? v : 0)));
    await expectWhole(
      "threes",
      cut.map((r) => [0, 1, 2].map((j) => r[0]! * W[0][j]! + r[1]! * W[1][j]!)),
      cut,
    );
  });

  it("in more than 64 batches: no gradient, which is said, but a loss", async () => {
    writeCut("many", 1);
    const n = 65;
    writeNpz(path("many.npz"), {
      x: { shape: [n, 2], data: new Float32Array(2 * n) },
      lengths: { shape: [n], data: new BigInt64Array(n).fill(1n) },
      y: { shape: [n], data: new BigInt64Array(n) },
    });
    const command = [path("many.onnx"), "--data", path("many.npz")];
    const { status, err } = await run(["gradient", ...command]);
    expect(status).toBe(2);
    expect(err).toMatch(/Shapes must not depend on the data .*a few batches \(--samples\)/);
    expect((await runJson(["evaluate", ...command]))["loss"]).toBeCloseTo(Math.log(3), 6);
    expect((await run(["gradient", ...command, "--samples", "64"])).status).toBe(0);
  });

  it("a trained row in the place of some, none of them in some three: products are exact", async () => {
    const nodes = [
      node("Equal", ["marks", "one"], ["isMarked"]),
      node("NonZero", ["isMarked"], ["found"]),
      node("Transpose", ["found"], ["places"]),
      node("Cast", ["isMarked"], ["ones"], [intAttribute("to", INT64)]),
      node("ReduceSum", ["ones", "zero"], ["count"]),
      node("Concat", ["count", "three"], ["shape"], [intAttribute("axis", 0)]),
      node("Expand", ["e", "shape"], ["copies"]),
      node("Reshape", ["copies", "flat"], ["numbers"]),
      node("Reshape", ["numbers", "shape"], ["rows"]),
      node("ScatterND", ["x", "places", "rows"], ["y"]),
    ];
    const e = [0.5, -0.25, 1];
    const graph: Pick<GraphProto, "node" | "initializer" | "input" | "output"> = {
      node: nodes,
      initializer: [
        floats("e", [3], e),
        ints("one", [1]),
        ints("zero", [0]),
        ints("three", [3]),
        ints("flat", [-1]),
      ],
      input: [info("x", [SIZE, 3]), info("marks", [SIZE], INT64)],
      output: [info("y")],
    };
    writeFileSync(path("marked.onnx"), bytesOf(smallModel(graph)));
    const marks = [1, 0, 1, 0, 0, 0, 0, 1, 0];
    writeNpz(path("marked.npz"), {
      x: { shape: [N, 3], data: Float32Array.from(products.flat()) },
      marks: { shape: [N], data: BigInt64Array.from(marks, BigInt) },
      y: data.y,
    });
    const v = [0.5, 2, -1];
    writeNpz(path("v.npz"), { v: { shape: [3], data: Float32Array.from(v) } });
    // The Hessian of each marked row's cross-entropy is diag(p) − ppᵀ.
    const p = e.map((z) => Math.exp(z) / e.reduce((s, w) => s + Math.exp(w), 0));
    const mean = p.reduce((s, q, j) => s + q * v[j]!, 0);
    const hv = p.map((q, j) => (3 / N) * q * (v[j]! - mean));
    const vector = ["--vector", `${path("v.npz")}:v`];
    const found = await runJson(
      ["hvp", path("marked.onnx"), "--data", path("marked.npz"), "--method", "exact"].concat(vector),
    );
    expect(found["norm"]).toBeCloseTo(Math.hypot(...hv), 6);
  });
});

describe("samples of which no number suits the model, or only another one", () => {
  const product = node("MatMul", ["x", "w"], ["h"]);

  it.each([
    {
      name: "a type",
      nodes: [
        product,
        node("Einsum", ["whole", "scale"], ["s"], [stringAttribute("equation", "i,i->i")]),
        node("Add", ["h", "s"], ["y"]),
      ],
      said: /^error: inputs of Einsum do not fit: expected input 0 to be floating-point.*Check the model file and the shapes of the data$/m,
    },
    {
      name: "an axis, of shapes with the number of samples in them",
      nodes: [product, node("Unsqueeze", ["h", "whole"], ["y"])],
      said: /^error: inputs of Unsqueeze do not fit: expected an axis.*Check the model file and the shapes of the data$/m,
    },
    {
      name: "an odd number",
      nodes: [product, node("Reshape", ["h", "pairs"], ["p"]), node("Reshape", ["p", "rows"], ["y"])],
      said: /^error: the model takes neither a few samples of ".*" nor all 9 at once: .* Use --samples 2, or export it/m,
    },
  ])("$name: says so, and blames the data for no more than it is", async ({ nodes, said }) => {
    const initializer = [
      ints("whole", [5, 6, 7]),
      floats("scale", [3], [1, 2, 3]),
      ints("pairs", [2, -1]),
      ints("rows", [-1, 3]),
    ];
    write("stuck", { node: nodes, initializer });
    writeNpz(path("stuck.npz"), { x: data.x, y: data.y });
    const { status, err } = await run(["evaluate", path("stuck.onnx"), "--data", path("stuck.npz")]);
    expect(status).toBe(2);
    expect(err).toMatch(said);
  });
});
