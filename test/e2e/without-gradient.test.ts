import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { analysisReportSchema } from "../../src/analysis/schema.ts";
import { writeNpz } from "../../src/data/index.ts";
import type { Value } from "../../src/onnx/graph.ts";
import { run, runJson } from "../support/cli.ts";
import { arrays, file, input, linearOf, numbers, op, outputsOf, parameter, stated } from "./loss-models.ts";

/**
 * relu(x·W + b)·V. Unless `plain` the values between go through Unique and back by Gather: the same numbers, by an
 * operator without a rule that gives as many as the data have different ones.
 */
function net(plain: boolean): Uint8Array {
  const x = input("x", "float32", ["batch", 3]);
  const hidden = op("Relu", [linearOf(x, 4)]);
  const logits = op("MatMul", [plain ? hidden : thereAndBack(hidden), parameter(2, [4, 4])]);
  return file([x], stated(logits, plain ? ["batch", 4] : undefined));
}

function thereAndBack(value: Value): Value {
  const [values, , inverse] = outputsOf("Unique", [value], ["values", "", "inverse"]) as [
    Value,
    Value,
    Value,
  ];
  return op("Reshape", [op("Gather", [values, inverse]), op("Shape", [value])]);
}

const folder = mkdtempSync(join(tmpdir(), "without-gradient-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const path = (name: string) => join(folder, name);
writeFileSync(path("plain.onnx"), net(true));
writeFileSync(path("unique.onnx"), net(false));
const samples = 40;
const data = {
  x: { shape: [samples, 3], data: numbers(3 * samples, 1) },
  y: { shape: [samples], data: BigInt64Array.from({ length: samples }, (_, i) => BigInt((i * i) % 4)) },
};
writeNpz(path("data.npz"), data);
const parameters = 3 * 4 + 4 + 4 * 4;
const vectors = { a: numbers(parameters, 5), b: numbers(parameters, 6) };
writeNpz(path("v.npz"), {
  a: { shape: [parameters], data: vectors.a },
  b: { shape: [parameters], data: vectors.b },
});

const plain = [path("plain.onnx"), "--data", path("data.npz")];
const unique = [path("unique.onnx"), "--data", path("data.npz")];

// Losses of a few float32 sums of some dozen terms; the two graphs round in different places.
const rounding = 64 * 2 ** -24;
const close = (a: number, b: number) => expect(Math.abs(a - b)).toBeLessThanOrEqual(rounding * Math.abs(b));

interface Surface {
  readonly x: number[];
  readonly y: number[];
  readonly train: { readonly loss: number[][] };
}

describe("a model with an operator that has no gradient rule", () => {
  it.each([
    [[]],
    [["--class-weights", "1,0.5,2,0", "--label-smoothing", "0.1", "--ignore-index", "1"]],
    [["--batch", "7"]],
    [["--test-data", path("data.npz"), "--workers", "1"]],
  ])("is evaluated as its file has it: %j", async (options) => {
    const found = await runJson(["evaluate", ...unique, ...options]);
    const exact = await runJson(["evaluate", ...plain, ...options]);
    close(found["loss"] as number, exact["loss"] as number);
    expect(found["accuracy"]).toBe(exact["accuracy"]);
    expect(found["samples"]).toBe(exact["samples"]);
  });

  it.each([
    ["random", ["--directions", "random"]],
    ["filter-normalised", ["--directions", "filter"]],
    ["given", ["--x", `${path("v.npz")}:a`, "--y", `${path("v.npz")}:b`]],
  ])("has surfaces along %s directions", async (_, options) => {
    const ranges = ["--range-x", "-1:1:3", "--range-y", "-0.5:0.5:2"];
    const found = (await runJson(["surface", ...unique, ...options, ...ranges])) as unknown as Surface;
    const exact = (await runJson(["surface", ...plain, ...options, ...ranges])) as unknown as Surface;
    for (const [i, row] of exact.train.loss.entries())
      for (const [j, loss] of row.entries()) close(found.train.loss[i]?.[j] as number, loss);
  });

  it("has profiles, and chooses their range", async () => {
    const found = await runJson(["profile", ...unique, "--direction", "random"]);
    const { loss } = found["train"] as { loss: number[] };
    const { loss: here } = (await runJson(["evaluate", ...plain])) as { loss: number };
    close(loss[(loss.length - 1) / 2] as number, here);
  });

  it.each([
    ["trace", ["--estimator", "curvature", "--probes", "8"], "trace"],
    ["slices", ["--by", "loss", "--slices", "4"], "kappaPlus"],
  ])("%s from losses alone", async (command, options, key) => {
    const found = await runJson([command, ...unique, ...options]);
    const exact = await runJson([command, ...plain, ...options]);
    expect(found[key]).toBeDefined();
    const numbersIn = (value: unknown): number =>
      typeof value === "number" ? value : (value as { mean: number }).mean;
    const [a, b] = [numbersIn(found[key]), numbersIn(exact[key])];
    // Fits divide the rounding of losses by the square of their half-width.
    expect(Math.abs(a - b)).toBeLessThan(0.02 * Math.abs(b));
  });

  it.each([
    ["gradient", []],
    ["hvp", ["--vector", "random"]],
    ["eigs", []],
    ["trace", []],
    ["slices", []],
    ["surface", []],
    ["profile", []],
  ])("%s names the operator and what works without", async (command, options) => {
    const { status, err } = await run([command, ...unique, ...options]);
    expect(err).toMatch(/no gradient rule for Unique \(1 node: "unique"\)\. .*"surface".*"profile"/);
    expect(status).toBe(2);
  });

  it("inspect says what works", async () => {
    const found = await runJson(["inspect", path("unique.onnx")]);
    expect(found).toMatchObject({
      differentiable: false,
      unsupported: [{ op: "Unique", nodes: ["unique"], runs: true }],
    });
    expect(found["works"]).toContain("surface --directions random");
    expect((await runJson(["inspect", path("plain.onnx")]))["works"]).toBeUndefined();
    expect((await run(["inspect", path("unique.onnx")])).out).toMatch(/works without\s+evaluate, .*surface/);
  });
});

describe("a model with an operator that onnxruntime does not know", () => {
  // As tf2onnx leaves what it cannot translate.
  const erfc = path("erfc.onnx");
  const x = input("x", "float32", ["batch", 3]);
  writeFileSync(erfc, file([x], stated(op("Erfc", [linearOf(x, 4)]), ["batch", 4])));

  it("inspect says that nothing runs", async () => {
    const found = await runJson(["inspect", erfc]);
    expect(found).toMatchObject({ differentiable: false, unsupported: [{ op: "Erfc", runs: false }] });
    expect(found["works"]).toBeUndefined();
    const { out } = await run(["inspect", erfc]);
    expect(out).toMatch(
      /no gradient rule: Erfc \(1 node: .*\), and onnxruntime has no such operator: nothing/,
    );
  });
});

describe("its report", () => {
  const out = path("run");
  const report = [
    ...["report", ...unique, "--test-data", path("data.npz"), "--out", out],
    ...["--grid", "5", "--points", "5", "--probes", "4"],
  ];
  const why = 'there is no gradient rule for Unique (1 node: "unique")';

  it("has what losses tell, and says why the rest is missing", async () => {
    const found = await runJson(report);
    expect(analysisReportSchema.safeParse(found).error).toBeUndefined();
    expect(found).toMatchObject({
      model: { obstacle: why },
      checkpoint: { gradientNorm: null, gradientNoise: null },
      eigenpairs: null,
      trace: { estimator: "curvature", probes: 4 },
      lossSlices: { planes: 50 },
      planes: [{ kind: "random" }, { kind: "filter" }],
    });
    expect(found["profiles"]).toHaveLength(6);
    const { loss } = await runJson(["evaluate", ...plain]);
    close((found["checkpoint"] as { train: { loss: number } }).train.loss, loss as number);
    const verdict = found["verdict"] as { id: string; answer: string; text: string }[];
    for (const id of ["slope", "saddle", "curvature", "gain"]) {
      const sentence = verdict.find((s) => s.id === id);
      expect(sentence?.answer).toBe("cannot tell");
      expect(sentence?.text).toContain(why);
    }
    const checks = found["health"] as { id: string; status: string; text: string }[];
    const not = checks.filter((c) => c.status === "not done");
    expect(not.map((c) => c.id).sort()).toEqual([
      "density",
      "exact",
      "gradient-noise",
      "kinks",
      "products",
      "residuals",
      "subsets",
    ]);
    for (const check of not) expect(check.text).toBe(`Not done: ${why}.`);
  });

  it("is a page on which every missing section says so", () => {
    const page = readFileSync(join(out, "report.html"), "utf8").replaceAll("&quot;", '"');
    const section = (id: string) =>
      new RegExp(`<section id="${id}">.*?</section>`, "s").exec(page)?.[0] ?? `no section ${id}`;
    expect(section("spectrum")).toContain(`No eigenvalues: ${why}.`);
    expect(section("where")).toContain(`Curvature is not located in the tensors: ${why}.`);
    expect(section("not-computed")).toContain(`They need the gradient, and ${why}.`);
    expect(section("slices")).toMatch(/of 50 random planes show a saddle .* from fits to losses up to ‖Δθ‖/);
    expect(section("planes")).toContain("Random plane");
    expect(section("profiles")).toContain("5 random directions");
  });

  it("is finished: only its page is made anew", async () => {
    const { status, err } = await run(report);
    expect(status).toBe(0);
    expect(err).toContain("is finished: only its page is made anew");
  });

  it("of a model with a gradient says nothing of that", async () => {
    const found = await runJson([
      ...["report", ...plain, "--out", path("plain"), "--grid", "3", "--points", "3", "--probes", "2"],
      ...["--max-products", "12"],
    ]);
    expect(found["model"]).not.toHaveProperty("obstacle");
    expect(found).not.toHaveProperty("lossSlices");
  });
});

describe("what cannot be run either is said", () => {
  it("an output that is no number", async () => {
    const x = input("x", "float32", ["batch", 3]);
    const [values] = outputsOf("Unique", [linearOf(x, 4)], ["values"]) as [Value];
    writeFileSync(path("some.onnx"), file([x], stated(values, [null])));
    writeNpz(path("some.npz"), { x: arrays.x, y: arrays.labels });
    const { status, err } = await run(["evaluate", path("some.onnx"), "--data", path("some.npz")]);
    // As many numbers as the sample has different ones: no class axis.
    expect(err).toMatch(/targets do not fit the output: shape \[1\]/);
    expect(status).toBe(2);
  });
});
