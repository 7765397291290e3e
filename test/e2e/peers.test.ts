import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { afterAll, describe, expect, it } from "vitest";
import type { TrajectoryReport } from "../../src/analysis/trajectory/report.ts";
import { readNpzArray, writeNpz } from "../../src/data/index.ts";
import { bytesOf, floats, info, node, smallModel } from "../onnx/protos.ts";
import { runJson } from "../support/cli.ts";
import { bundled } from "../support/fixtures.ts";
import { arrays, linear, numbers } from "./loss-models.ts";
import { cosine } from "./paper.ts";

// Defects of other tools that show on whole models (docs/method.md): the other's way is computed beside ours.

const folder = mkdtempSync(join(tmpdir(), "peers-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = (name: string): string => join(folder, name);

const fcnn2 = [bundled("fcnn2.onnx"), "--data", bundled("fcnn-train.npz"), "--device", "cpu"];

interface Pair {
  readonly value: number;
  readonly residual: number;
  readonly converged: boolean;
}

/** λ₊ and λ₋. */
async function ends(args: readonly string[]): Promise<[Pair, Pair]> {
  const { eigenvalues } = await runJson(["eigs", ...args, "--top", "1", "--bottom", "1"]);
  return eigenvalues as [Pair, Pair];
}

describe("ranges", () => {
  // loss-landscape asserts that ymin is true, which 0 is not.
  it.each([
    ["0:0.5:3", [0, 0.25, 0.5]],
    ["-0.5:0:3", [-0.5, -0.25, 0]],
  ])("may begin or end at 0 (loss-landscape refuses --y=0:…): %s", async (range, axis) => {
    for (const ranges of [
      ["--range-x", range, "--range-y", range],
      [`--range-x=${range}`, `--range-y=${range}`],
    ]) {
      const plane = ["surface", "toy:T2,n=2,tilde=3", "--directions", "random", ...ranges];
      const { x, y, train } = await runJson(plane);
      expect([x, y]).toEqual([axis, axis]);
      const { loss } = train as { loss: number[][] };
      // θ₀ itself, whose loss is 0.
      expect(loss[axis.indexOf(0)]![axis.indexOf(0)]).toBe(0);
      expect(loss.flat().filter((value) => value === 0)).toHaveLength(1);
    }
  });
});

describe("five samples in batches of 5, of 1, and of 2, 2 and 1", () => {
  const inputs = arrays.x.data as Float32Array;
  const model = path("linear.onnx");
  writeFileSync(model, linear(4));
  writeNpz(path("linear.npz"), { x: arrays.x, y: arrays.severalFloats });
  const args = [model, "--data", path("linear.npz"), "--loss", "mse", "--device", "cpu"];
  const sizes: Readonly<Record<string, readonly number[]>> = { 5: [5], 1: [1, 1, 1, 1, 1], 2: [2, 2, 1] };

  /** Largest eigenvalue of Σ weight·∇²(mean over the batch of (x·W + b − t)², 4 outputs). */
  const largest = (batches: readonly number[], weight: (size: number) => number): number => {
    const hessian = Matrix.zeros(4, 4);
    let from = 0;
    for (const size of batches) {
      const rows = Array.from({ length: size }, (_, i) => [
        ...inputs.slice(3 * (from + i), 3 * (from + i) + 3),
        1,
      ]);
      const x = new Matrix(rows);
      hessian.add(
        x
          .transpose()
          .mmul(x)
          .mul((weight(size) * 2) / (4 * size)),
      );
      from += size;
    }
    return Math.max(...new EigenvalueDecomposition(hessian, { assumeSymmetric: true }).realEigenvalues);
  };
  const exact = largest([5], () => 1);

  it.each(["5", "1", "2"])(
    "of %s: one Hessian (loss-landscape's grows with their number, hessian-eigenthings weights them alike)",
    async (batch) => {
      const batches = sizes[batch]!;
      const [top] = await ends([...args, "--batch", batch]);
      expect(Math.abs(top.value - exact)).toBeLessThan(top.residual);
      expect(top.residual).toBeLessThan(1e-3 * exact);
      // The sum of the batches' means, and their plain average.
      const summed = largest(batches, () => 1);
      const averaged = largest(batches, () => 1 / batches.length);
      expect(summed / exact).toBeGreaterThan(0.9 * batches.length);
      if (batch === "2") expect(Math.abs(averaged - exact)).toBeGreaterThan(10 * top.residual);
      else expect(averaged / exact).toBeCloseTo(1, 10);
    },
  );
});

describe("on a net with ReLUs", () => {
  it("λ₋ is the Hessian's (hessian-eigenthings differences with branches moving: no λ₋)", async () => {
    const [exactTop, exactBottom] = await ends([...fcnn2, "--hvp", "exact"]);
    const [top, bottom] = await ends(fcnn2);
    for (const [found, exact] of [
      [top, exactTop],
      [bottom, exactBottom],
    ] as const) {
      expect(found.converged).toBe(true);
      expect(Math.abs(found.value - exact.value)).toBeLessThan(found.residual + exact.residual);
    }
    expect(bottom.value).toBeLessThan(-5 * bottom.residual);
    // The other way: what comes out is far from λ₋ = −0.0113, and here says so.
    const [, moving] = await ends([...fcnn2, "--kinks", "moving"]);
    expect(Math.abs(moving.value - exactBottom.value)).toBeGreaterThan(2 * Math.abs(exactBottom.value));
    expect(moving.converged).toBe(false);
  });

  it("what is drawn along v₊ has the curvature λ₊ (Landscaper renormalises each tensor of it)", async () => {
    const npz = path("ends.npz");
    const [top] = await ends([...fcnn2, "--npz", npz]);
    const vectors = await readNpzArray(npz, "vectors");
    const n = vectors.shape[1] as number;
    const v = (vectors.data as Float64Array).slice(0, n);
    const gradient = path("gradient.npz");
    const { parameters } = await runJson(["gradient", ...fcnn2, "--npz", gradient]);
    const theta = Float64Array.from((await readNpzArray(gradient, "theta")).data as Float32Array);
    // Every tensor's part of v₊ stretched to the norm of its weights, the whole to length 1.
    const stretched = Float64Array.from(v);
    for (const { offset, size } of parameters as { offset: number; size: number }[]) {
      const part = (x: Float64Array) => Math.hypot(...x.subarray(offset, offset + size));
      const factor = part(theta) / part(v);
      for (let i = offset; i < offset + size; i++) stretched[i]! *= factor;
    }
    const length = Math.hypot(...stretched);
    writeNpz(path("stretched.npz"), { v: { shape: [n], data: stretched.map((x) => x / length) } });
    expect(Math.abs(cosine(stretched, v))).toBeLessThan(0.9);

    const t = 2e-3;
    const curvature = async (direction: string): Promise<number> => {
      const line = ["--direction", direction, "--range", `${-t}:${t}:3`];
      const { train } = await runJson(["profile", ...fcnn2, ...line]);
      const [minus, here, plus] = (train as { loss: [number, number, number] }).loss;
      return (plus - 2 * here + minus) / t ** 2;
    };
    // ReLUs that switch and the fourth derivative add half a percent at that distance.
    expect(Math.abs((await curvature("top")) / top.value - 1)).toBeLessThan(0.01);
    expect(Math.abs((await curvature(`${path("stretched.npz")}:v`)) / top.value - 1)).toBeGreaterThan(0.3);
  });
});

describe("BatchNorm's running statistics", () => {
  // y = BatchNorm(x · w), two features.
  const normed = (scale: number, mean: readonly number[], variance: readonly number[]): Uint8Array =>
    bytesOf(
      smallModel({
        input: [info("x", ["batch", 3])],
        initializer: [
          floats(
            "w",
            [3, 2],
            [...numbers(6, 3)].map((value) => scale * value),
          ),
          floats("bn.weight", [2], [1.5, 0.5]),
          floats("bn.bias", [2], [0.25, -0.5]),
          floats("bn.running_mean", [2], mean),
          floats("bn.running_var", [2], variance),
        ],
        node: [
          node("MatMul", ["x", "w"], ["h"]),
          node(
            "BatchNormalization",
            ["h", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"],
            ["y"],
          ),
        ],
        output: [info("y", ["batch", 2])],
      }),
    );
  const x = arrays.x.data as Float32Array;
  const targets = numbers(10, 5);

  /** Mean square of BatchNorm(x · scale·w) − t, with the statistics given. */
  const lossOf = (scale: number, mean: readonly number[], variance: readonly number[]): number => {
    const w = numbers(6, 3);
    let sum = 0;
    for (let i = 0; i < 5; i++) {
      for (let j = 0; j < 2; j++) {
        const h = [0, 1, 2].reduce((s, k) => s + x[3 * i + k]! * scale * w[2 * k + j]!, 0);
        // 1e-5 is the operator's default epsilon.
        const y = ([1.5, 0.5][j]! * (h - mean[j]!)) / Math.sqrt(variance[j]! + 1e-5) + [0.25, -0.5][j]!;
        sum += (y - targets[2 * i + j]!) ** 2;
      }
    }
    return sum / 10;
  };

  it("are loaded with each checkpoint and stay (loss-landscape-anim: a strict load without them fails)", async () => {
    const first = [1, [0.1, -0.2], [0.5, 2]] as const;
    const last = [0.5, [0.3, 0.1], [1.5, 0.25]] as const;
    const files = [path("epoch-1.onnx"), path("epoch-2.onnx")] as const;
    writeFileSync(files[0], normed(...first));
    writeFileSync(files[1], normed(...last));
    writeNpz(path("normed.npz"), { x: arrays.x, y: { shape: [5, 2], data: targets } });
    const data = ["--data", path("normed.npz"), "--device", "cpu"];
    const few = ["--probes", "2", "--grid", "3", "--frames", "0", "--plane", "pca", "--out", path("run")];
    const report = await runJson(["trajectory", ...files, ...data, ...few]);
    const { checkpoints } = report as unknown as TrajectoryReport;
    // A few dozen rounded operations each.
    const rounding = 100 * 2 ** -24;
    const [a, b] = checkpoints.map((c) => c.checkpoint.train.loss) as [number, number];
    expect(Math.abs(a / lossOf(...first) - 1)).toBeLessThan(rounding);
    expect(Math.abs(b / lossOf(...last) - 1)).toBeLessThan(rounding);
    // The first one's weights in the last one's graph have the last one's statistics.
    const mixed = lossOf(first[0], last[1], last[2]);
    expect(Math.abs(checkpoints[0]!.inLastGraph! / mixed - 1)).toBeLessThan(rounding);
    expect(Math.abs(mixed / a - 1)).toBeGreaterThan(100 * rounding);
    const { parameters } = await runJson(["inspect", files[0]]);
    expect((parameters as { name: string }[]).map((p) => p.name)).toEqual(["w", "bn.weight", "bn.bias"]);
  });
});
