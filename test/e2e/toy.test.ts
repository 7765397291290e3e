import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeNpz } from "../../src/data/npz.ts";
import { gaussian } from "../../src/numerics/random.ts";
import { Call, type Graph, Node, Value } from "../../src/onnx/graph.ts";
import { encodeModel } from "../../src/onnx/index.ts";
import { float32Tensor } from "../../src/onnx/tensor.ts";
import { run, runJson } from "../support/cli.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "toy-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Eigenvalue {
  readonly value: number;
  readonly residual: number;
  readonly converged: boolean;
  readonly end: string;
  readonly multiplicity: number;
}

async function eigenvalues(args: readonly string[]): Promise<readonly Eigenvalue[]> {
  return (await runJson(["eigs", ...args]))["eigenvalues"] as Eigenvalue[];
}

describe("a toy loss takes the path of any model", () => {
  test("eigs of T1: 1 and −1 to 1e-6, at least ten-fold", async () => {
    const found = await eigenvalues(["toy:T1", "--top", "2", "--bottom", "2"]);
    expect(found.map((e) => e.end)).toEqual(["top", "top", "bottom", "bottom"]);
    for (const { value, end, converged, multiplicity } of found) {
      expect(Math.abs(value - (end === "top" ? 1 : -1))).toBeLessThan(1e-6);
      expect(converged).toBe(true);
      expect(multiplicity).toBeGreaterThanOrEqual(10);
    }
  });

  test("eigs of a small T2 finds all of its eigenvalues, the zero among them", async () => {
    const found = await eigenvalues(["toy:T2,n=3,tilde=4", "--top", "5", "--bottom", "2"]);
    const exact = [1, 1, 1, 1, 0, -1, -1];
    for (const [i, { value }] of found.entries())
      expect(Math.abs(value - (exact[i] as number))).toBeLessThan(1e-6);
  });

  test.each([
    ["toy:T1", 0],
    ["toy:T2,tilde=510", 20],
  ])("trace of %s: %i", async (model, exact) => {
    const { trace, standardError, frobeniusNorm } = await runJson(["trace", model, "--probes", "4"]);
    // On a diagonal Hessian every Rademacher probe is exact: what is left is the rounding of the products.
    const rounding = 1000 * 2 ** -24;
    expect(Math.abs((trace as number) - exact)).toBeLessThan(rounding);
    // The probes agree to the last bit, so that the stated error is the products' own.
    expect(Math.abs((trace as number) - exact)).toBeLessThan(3 * (standardError as number));
    expect(standardError).toBeLessThan(rounding);
    expect(Math.abs((frobeniusNorm as number) - Math.sqrt(1000))).toBeLessThan(rounding);
  });

  test("profile: along any line L = ½(1 + αη_{2n+1})α²ηᵀHη", async () => {
    const [n, tilde] = [50, 60];
    const eta = new Float64Array(2 * n + 1);
    gaussian({ seed: 1, purpose: "test", name: "eta", index: 0 }, eta);
    const path = join(folder, "eta.npz");
    writeNpz(path, { eta: { shape: [eta.length], data: eta } });
    const { t, train } = await runJson([
      ...["profile", `toy:T2,n=${n},tilde=${tilde}`, "--direction", `${path}:eta`, "--range", "-1.5:1.5:13"],
    ]);
    const squares = eta.slice(0, 2 * n).map((x) => x * x);
    const curvature = squares.reduce((sum, x, i) => sum + (i < tilde ? x : -x), 0);
    const size = squares.reduce((sum, x) => sum + x, 0);
    for (const [k, alpha] of (t as number[]).entries()) {
      const factor = 0.5 * (1 + alpha * (eta[2 * n] as number)) * alpha ** 2;
      // Two sums of squares in float32, of rounded θ: a few units in the last place of each.
      const rounding = 8 * 2 ** -24 * (Math.abs(factor) + alpha ** 2) * size;
      const loss = (train as { loss: number[] }).loss[k] as number;
      expect(Math.abs(loss - factor * curvature)).toBeLessThanOrEqual(rounding);
    }
  });

  test("inspect, evaluate, gradient, hvp and surface", async () => {
    const inspected = await runJson(["inspect", "toy:T1"]);
    expect(inspected["differentiable"]).toBe(true);
    expect(inspected["parameters"]).toEqual([{ name: "theta", shape: [1001], size: 1001 }]);
    expect(await runJson(["evaluate", "toy:T1", "--loss", "output"])).toEqual({
      loss: 0,
      accuracy: null,
      samples: 1,
    });
    expect((await runJson(["gradient", "toy:T1"]))["norm"]).toBe(0);
    const { rayleigh, norm } = await runJson(["hvp", "toy:T1", "--vector", "ones"]);
    expect(Math.abs(rayleigh as number)).toBeLessThan(1e-6);
    expect(norm as number).toBeCloseTo(Math.sqrt(1000), 4);
    const { x, y, minimum } = await runJson([
      ...["surface", "toy:T1", "--directions", "hessian"],
      ...["--range-x", "-1:1:3", "--range-y", "-1:1:3"],
    ]);
    expect([x, y]).toEqual([
      [-1, 0, 1],
      [-1, 0, 1],
    ]);
    // Along v₋ alone the loss is −½·y².
    expect(minimum).toMatchObject({ x: 0 });
    expect((minimum as { loss: number }).loss).toBeCloseTo(-0.5, 5);
  });

  test("report", async () => {
    const out = join(folder, "report");
    const { checkpoint, health } = await runJson([
      ...["report", "toy:T2,n=20,tilde=30", "--out", out, "--grid", "5", "--points", "5"],
    ]);
    expect(checkpoint).toMatchObject({ train: { loss: 0 }, gradientNorm: 0 });
    const failed = (health as { id: string; status: string }[]).filter((h) => h.status === "failed");
    expect(failed).toEqual([]);
  });
});

test("any model without inputs is run without data, its output as its loss", async () => {
  const theta = new Value("initializer", "net.theta", "float32", [2], {
    tensor: float32Tensor([2], [3, -4]),
  });
  const square = new Node(
    new Call("ReduceSumSquare", [theta], new Map([["keepdims", { kind: "int", value: 0 }]])),
    [{ name: "loss", type: "float32", shape: [] }],
  );
  const graph: Graph = {
    name: "bowl",
    inputs: [],
    outputs: square.outputs,
    initializers: [theta],
    nodes: [square],
  };
  const path = join(folder, "bowl.onnx");
  writeFileSync(path, encodeModel(graph));
  expect(await runJson(["gradient", path])).toMatchObject({ loss: 25, norm: 10 });
});

test("a model with inputs still needs data, and samples need data to be taken from", async () => {
  const misspelt = await run(["evaluate", "toy:T4"]);
  expect(misspelt.status).toBe(2);
  expect(misspelt.err).toContain('invalid toy loss: "toy:T4"');
  const sampled = await run(["evaluate", "toy:T1", "--samples", "5"]);
  expect(sampled.status).toBe(2);
  expect(sampled.err).toContain("--samples is given without --data; expected both");
});
