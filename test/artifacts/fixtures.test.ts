import { beforeAll, describe, expect, it } from "vitest";
import { lowerTraining, unsupportedTraining } from "../../src/artifacts/lower-training.ts";
import { decide, smooth } from "../../src/autodiff/freeze.ts";
import { gradient } from "../../src/autodiff/gradient.ts";
import type { Value } from "../../src/onnx/graph.ts";
import { readModel } from "../../src/onnx/index.ts";
import { float32Tensor, sizeOf, type Tensor } from "../../src/onnx/tensor.ts";
import { GraphBuilder } from "../../src/ops/builder.ts";
import { rewriteCalls } from "../../src/ops/expand.ts";
import { lookup } from "../../src/ops/registry.ts";
import { rewrite } from "../../src/ops/rewrite.ts";
import { describeWithFixtures, requireFixture } from "../support/fixtures.ts";
import { openGraph, runGraph } from "../support/ort.ts";
import { epsilon, tolerance } from "../support/tolerance.ts";
import {
  type Artifact,
  artifactGradient,
  type GradientGraph,
  openArtifact,
  openTestData,
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

interface Frozen {
  /** How many tensors are held. */
  readonly decisions: number;
  readonly theta: readonly number[];
  /** The gradient of the piece that θ₀ lies in, at θ₀ + t·v. */
  gradient(t: number, v: readonly number[]): Promise<number[]>;
  release(): Promise<void>;
}

/** Takes the decisions at θ₀ and gives the smooth gradient graph, with nothing left to decide. */
async function freeze({ graph, theta, feeds }: GradientGraph): Promise<Frozen> {
  const same = new Map<Value, Value>(graph.inputs.map((x) => [x, x]));
  const first = new GraphBuilder(lookup);
  const decisions = decide(graph, first, same, theta, lookup);
  const decided = [...new Set([...decisions.values()].flat())];
  const values = decided.length ? await runGraph(first.build("decisions", graph.inputs, decided), feeds) : [];
  const b = new GraphBuilder(lookup);
  const given = new Map(decided.map((v, i) => [v, b.input(`decision${i}`, v.static)]));
  const held = new Map([...decisions].map(([node, list]) => [node, list.map((v) => given.get(v) as Value)]));
  const became = smooth(graph, b, same, held, lookup);
  const outputs = graph.outputs.map((y) => became.get(y) as Value);
  const inputs = [...graph.inputs, ...given.values()];
  const left = decide(
    b.build("smooth", inputs, outputs),
    new GraphBuilder(lookup),
    new Map(inputs.map((x) => [x, x])),
    theta,
    lookup,
  );
  expect([...left].filter(([, list]) => list.length > 0).map(([node]) => node.op)).toEqual([]);
  const session = await openGraph(rewriteCalls(b.build("smooth", inputs, outputs), lookup, "lower"));
  const offsets = new Map<Value, number>();
  let n = 0;
  for (const x of theta) {
    offsets.set(x, n);
    n += sizeOf(x.dims);
  }
  const moved = (x: Value, tensor: Tensor, t: number, v: readonly number[]): Tensor => {
    const offset = offsets.get(x);
    if (offset === undefined || t === 0) return tensor;
    return float32Tensor(
      tensor.dims,
      numbers(tensor).map((w, i) => w + t * (v[offset + i] as number)),
    );
  };
  return {
    decisions: decided.length,
    theta: theta.flatMap((x) => numbers(feeds[graph.inputs.indexOf(x)] as Tensor)),
    gradient: async (t, v) => {
      const point = graph.inputs.map((x, i) => moved(x, feeds[i] as Tensor, t, v));
      return (await session.run([...point, ...values])).slice(1).flatMap(numbers);
    },
    release: session.release,
  };
}

/** Which recorded numbers the training graph must give. */
interface Expected {
  readonly name: string;
  readonly loss: (artifact: Artifact) => number | undefined;
  readonly gradient: string;
  readonly hv: string;
  readonly warnings: readonly string[];
}

const trainLoss = ({ measured }: Artifact) => measured["ort_train_loss"];
const plain = { loss: trainLoss, gradient: "ort_grad", hv: "hv", warnings: [] };
const SETS: readonly Expected[] = [
  ...["mlp-mse", "mlp-ce-frozen", "cnn-ce", "elementwise-mse", "encoder-ce"].map((name) => ({
    name,
    ...plain,
  })),
  { ...plain, name: "cnn-bn-ce", hv: "hv_batch", warnings: ["BATCH_STATISTICS"] },
  {
    name: "dropout-ce",
    loss: ({ loss }) => loss,
    gradient: "ort_grad_eval",
    hv: "hv",
    warnings: ["DROPOUT_OFF"],
  },
];

describeWithFixtures("artifacts of onnxruntime-training", () => {
  describe.each(SETS.map((s) => [s.name, s] as const))("%s", (name, expected) => {
    let artifact: Artifact;
    let theirs: GradientGraph;
    beforeAll(async () => {
      artifact = await openArtifact(name);
      theirs = artifactGradient(artifact);
    });
    const recorded = (key: string) => artifact.reference[key] ?? [];

    it("gives the recorded loss and gradient", async () => {
      const found = await evaluated(theirs);
      expect(Math.abs(found.loss / (expected.loss(artifact) ?? Number.NaN) - 1)).toBeLessThan(TOLERANCE);
      expect(distance(found.gradient, recorded(expected.gradient))).toBeLessThan(TOLERANCE);
    });

    it("gives the exact Hessian-vector product", async () => {
      const found = await evaluated(product(theirs, recorded("v")));
      expect(distance(found.gradient, recorded(expected.hv))).toBeLessThan(TOLERANCE);
    });

    it.skipIf(name === "cnn-bn-ce")("gives our own gradient of the evaluated model", async () => {
      const [found, ours] = [await evaluated(theirs), await evaluated(ourGradient(artifact))];
      expect(Math.abs(found.loss / ours.loss - 1)).toBeLessThan(TOLERANCE);
      expect(distance(found.gradient, ours.gradient)).toBeLessThan(TOLERANCE);
    });

    it("gives the exact product by differences of its frozen gradient", async () => {
      const frozen = await freeze(theirs);
      const here = await frozen.gradient(0, []);
      expect(here).toEqual((await evaluated(theirs)).gradient);
      const v = recorded("v");
      // Central differences of float32 gradients: truncation h² and rounding ε/h balance at ε^(1/3).
      const h = (epsilon("float32") ** (1 / 3) / Math.hypot(...v)) * Math.hypot(...frozen.theta);
      const [up, down] = [await frozen.gradient(h, v), await frozen.gradient(-h, v)];
      const difference = up.map((g, i) => (g - (down[i] as number)) / (2 * h));
      // Rounding over all layers, ε^(2/3) for one of them (2e-5 found for the small nets, 7e-4 for the encoder).
      expect(distance(difference, recorded(expected.hv))).toBeLessThan(100 * tolerance("float32"));
      await frozen.release();
    });

    it("says where training differs from evaluation", () => {
      expect(lowerTraining(artifact.training).warnings.map((w) => w.code)).toEqual(expected.warnings);
    });
  });

  it.each([
    ["mlp-mse", 2],
    // Four Relu and a MaxPool.
    ["cnn-ce", 5],
    ["encoder-ce", 0],
  ])("decides once for the forward pass and the gradient of %s", async (name, decisions) => {
    const frozen = await freeze(artifactGradient(await openArtifact(name)));
    await frozen.release();
    expect(frozen.decisions).toBe(decisions);
  });

  it("names what it cannot lower, all at once", async () => {
    const { training } = await openArtifact("rnn-ce");
    const found = new Set(unsupportedTraining(lowerTraining(training)).map((n) => n.op));
    expect([...found].sort()).toEqual(["GRUGrad", "GRUTraining", "LSTMGrad", "LSTMTraining"]);
  });

  it("gives the numbers of onnxruntime's own test data, of opset 14 and with int32 labels", async () => {
    const artifact = await openTestData();
    const index = artifact.reference["index"] ?? [];
    const at = (flat: readonly number[]) => index.map((i) => flat[i] as number);
    const theirs = artifactGradient(artifact);
    const found = await evaluated(theirs);
    expect(Math.abs(found.loss / artifact.loss - 1)).toBeLessThan(TOLERANCE);
    expect(distance(at(found.gradient), artifact.reference["ort_grad"] ?? [])).toBeLessThan(TOLERANCE);
    const v = Array.from(found.gradient, (_, i) => ((i * 7919) % 1009) / 1009 - 0.5);
    const hv = await evaluated(product(theirs, v));
    expect(distance(at(hv.gradient), artifact.reference["hv"] ?? [])).toBeLessThan(TOLERANCE);
  });

  it("refuses an optimizer model by the operator in it", async () => {
    const { model } = await readModel(requireFixture("ort-artifacts/mlp-ce-frozen/optimizer_model.onnx"));
    expect(() => lowerTraining(model)).toThrow(/no training model.*AdamWOptimizer \(1 node\)/);
  });
});
