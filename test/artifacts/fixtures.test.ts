import { beforeAll, describe, expect, it } from "vitest";
import { gradient } from "../../src/autodiff/gradient.ts";
import type { Value } from "../../src/onnx/graph.ts";
import { float32Tensor, sizeOf, type Tensor } from "../../src/onnx/tensor.ts";
import { GraphBuilder } from "../../src/ops/builder.ts";
import { rewriteCalls } from "../../src/ops/expand.ts";
import { lookup } from "../../src/ops/registry.ts";
import { rewrite } from "../../src/ops/rewrite.ts";
import { describeWithFixtures } from "../support/fixtures.ts";
import { runGraph } from "../support/ort.ts";
import {
  type Artifact,
  artifactGradient,
  type GradientGraph,
  openArtifact,
  ourGradient,
} from "./artifact.ts";

/** Relative, in the 2-norm: float32's rounding through the layers (measured by onnxruntime-training: 2e-7). */
const TOLERANCE = 1e-5;

async function evaluated({ graph, feeds }: GradientGraph): Promise<{ loss: number; gradient: number[] }> {
  const [loss, ...gradients] = await runGraph(rewriteCalls(graph, lookup, "lower"), feeds);
  return { loss: numbers(loss as Tensor)[0] as number, gradient: gradients.flatMap(numbers) };
}

function numbers(tensor: Tensor): number[] {
  return Array.from(tensor.data as Float32Array, Number);
}

/** H·v through a gradient graph: the gradient of ⟨∇L, v⟩. */
function product({ graph, theta, feeds }: GradientGraph, v: readonly number[]): GradientGraph {
  const b = new GraphBuilder(lookup);
  const became = rewrite(graph, b, new Map(graph.inputs.map((x) => [x, x])));
  const [loss, ...gradients] = graph.outputs.map((y) => became.get(y) as Value);
  let offset = 0;
  const dots = gradients.map((g) => {
    const n = sizeOf(g.dims);
    const part = b.constant(float32Tensor(g.dims, v.slice(offset, offset + n)));
    offset += n;
    return b.reduceSum(
      b.mul(g, part),
      g.dims.map((_, i) => i),
      false,
    );
  });
  const hv = gradient(
    b,
    dots.reduce((x, y) => b.add(x, y)),
    theta,
    lookup,
  );
  return { graph: b.build("product", graph.inputs, [loss as Value, ...hv]), theta, feeds };
}

function distance(got: readonly number[], expected: readonly number[]): number {
  expect(got.length).toBe(expected.length);
  const norm = (x: readonly number[]) => Math.hypot(...x);
  return norm(got.map((x, i) => x - (expected[i] as number))) / norm(expected);
}

describeWithFixtures("artifacts of onnxruntime-training", () => {
  describe.each(["mlp-mse", "cnn-ce"])("%s", (name) => {
    let artifact: Artifact;
    beforeAll(async () => {
      artifact = await openArtifact(name);
    });

    it("gives the recorded loss and gradient", async () => {
      const found = await evaluated(artifactGradient(artifact));
      expect(Math.abs(found.loss / (artifact.measured["ort_train_loss"] as number) - 1)).toBeLessThan(
        TOLERANCE,
      );
      expect(distance(found.gradient, artifact.reference["ort_grad"] ?? [])).toBeLessThan(TOLERANCE);
    });

    it("gives our own gradient of the evaluated model", async () => {
      const [theirs, ours] = [artifactGradient(artifact), ourGradient(artifact)];
      expect(distance((await evaluated(theirs)).gradient, (await evaluated(ours)).gradient)).toBeLessThan(
        TOLERANCE,
      );
    });

    it("gives the exact Hessian-vector product", async () => {
      const v = artifact.reference["v"] ?? [];
      const found = await evaluated(product(artifactGradient(artifact), v));
      expect(distance(found.gradient, artifact.reference["hv"] ?? [])).toBeLessThan(TOLERANCE);
    });
  });
});
