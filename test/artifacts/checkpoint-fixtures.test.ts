import { readdirSync, readFileSync } from "node:fs";
import { Tensor } from "onnxruntime-node";
import { expect, it } from "vitest";
import {
  decodeCheckpoint,
  encodeCheckpoint,
  type NamedTensor,
  readCheckpoint,
  type TrainingCheckpoint,
} from "../../src/artifacts/checkpoint.ts";
import { openNpz } from "../../src/data/npz.ts";
import { readModel } from "../../src/onnx/index.ts";
import type { TensorData } from "../../src/onnx/tensor.ts";
import { run, tensor } from "../onnx/run.ts";
import { describeWithFixtures, fixture, requireFixture } from "../support/fixtures.ts";
import { plain } from "./checkpoints.ts";

interface Stated {
  readonly name: string;
  readonly shape: readonly number[];
}

const json = (path: string) => JSON.parse(readFileSync(requireFixture(path), "utf8"));

const bytesOf = (data: TensorData): Buffer => {
  const { buffer, byteOffset, byteLength } = data as Float32Array;
  return Buffer.from(buffer, byteOffset, byteLength);
};

const shapes = (tensors: readonly NamedTensor[]): Stated[] =>
  tensors.map(({ name, tensor: { dims } }) => ({ name, shape: [...dims] }));

const parameters = (checkpoint: TrainingCheckpoint) => [...checkpoint.trained, ...checkpoint.frozen];

/** Everything survives writing and reading, and a second writing gives the same bytes. */
function expectRoundTrip(checkpoint: TrainingCheckpoint): void {
  const { file } = encodeCheckpoint(checkpoint);
  const again = decodeCheckpoint(file);
  expect(plain(again)).toEqual(plain(checkpoint));
  expect(Buffer.compare(encodeCheckpoint(again).file, file)).toBe(0);
}

describeWithFixtures("checkpoints of onnxruntime-training", () => {
  const folder = "ort-artifacts/checkpoints";

  it.each(["adamw-3-steps", "trained-no-optimizer", "external"])("%s", async (name) => {
    const stated = json(`${folder}/expected.json`)[name];
    const checkpoint = await readCheckpoint(requireFixture(`${folder}/${name}`));
    const plainStated = (list: Stated[]) => list.map(({ name: n, shape }) => ({ name: n, shape }));
    expect(checkpoint.isNominal).toBe(false);
    expect(shapes(checkpoint.trained)).toEqual(plainStated(stated.requires_grad));
    expect(shapes(checkpoint.frozen)).toEqual(plainStated(stated.frozen));
    const properties = [...checkpoint.properties].map(([k, v]) => [k, typeof v === "bigint" ? Number(v) : v]);
    expect(Object.fromEntries(properties)).toEqual(stated.properties);
    const groups = checkpoint.optimizerGroups.map((g) => ({
      group_name: g.name,
      step: Number(g.step),
      initial_learning_rate: g.initialLearningRate,
      states: g.states.map((s) => ({ param: s.parameter, momentums: shapes(s.momentums) })),
    }));
    expect(groups).toEqual(stated.optimizer_groups);

    const store = await openNpz(requireFixture(`${folder}/${name}.npz`));
    const momentums = checkpoint.optimizerGroups.flatMap((g) =>
      g.states.flatMap((s) => s.momentums.map((m) => [`${s.parameter}:${m.name}`, m.tensor] as const)),
    );
    const all = [...parameters(checkpoint).map((p) => [p.name, p.tensor] as const), ...momentums];
    expect(all.map(([key]) => key).sort()).toEqual([...store.arrays].sort());
    for (const [key, { data }] of all) {
      expect(bytesOf(data).equals(bytesOf((await store.read(key)).data as Float32Array))).toBe(true);
    }
    await store.close();
    expectRoundTrip(checkpoint);
  });

  it.each([
    [`${folder}/nominal`, ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias", "fc3.weight", "fc3.bias"]],
    ["ort-training-testdata/nominal_checkpoint", ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]],
  ])("%s", async (path, names) => {
    const checkpoint = await readCheckpoint(requireFixture(path));
    expect(checkpoint.isNominal).toBe(true);
    expect(parameters(checkpoint).map((p) => p.name)).toEqual(names);
    expect(() => checkpoint.trained[0]?.tensor).toThrow(
      /it is nominal: it names "fc1.weight" but holds no values/,
    );
    expectRoundTrip(checkpoint);
  });

  const sets = (
    fixture("ort-artifacts") === undefined ? [] : readdirSync(requireFixture("ort-artifacts"))
  ).filter((name) => fixture(`ort-artifacts/${name}/checkpoint`) !== undefined);

  it("there are eight sets of artifacts", () => expect(sets).toHaveLength(8));

  it.each(sets)("%s holds the weights of the model that the artifacts were made from", async (name) => {
    const stated = json(`ort-artifacts/${name}/case.json`);
    const checkpoint = await readCheckpoint(requireFixture(`ort-artifacts/${name}/checkpoint`));
    // The two lists are in the order of the model's initializers, as case.json's are.
    expect(shapes(checkpoint.trained)).toEqual(stated.parameters);
    expect(shapes(checkpoint.frozen)).toEqual(stated.frozen);
    const { model } = await readModel(requireFixture(`ort-artifacts/${name}/forward.onnx`));
    const weights = new Map(model.graph.initializers.map((v) => [v.name, v.tensor]));
    for (const { name: parameter, tensor: found } of parameters(checkpoint)) {
      const weight = weights.get(parameter);
      expect(weight?.type).toBe(found.type);
      expect(bytesOf(weight?.data ?? []).equals(bytesOf(found.data))).toBe(true);
    }
    expectRoundTrip(checkpoint);
  });

  it("checkpoint.ckpt of onnxruntime's own tests gives its eval model the recorded loss", async () => {
    const root = "ort-training-testdata";
    const checkpoint = await readCheckpoint(requireFixture(`${root}/checkpoint.ckpt`));
    expect(shapes(checkpoint.trained)).toEqual([
      { name: "fc1.bias", shape: [500] },
      { name: "fc1.weight", shape: [500, 784] },
      { name: "fc2.bias", shape: [10] },
      { name: "fc2.weight", shape: [10, 500] },
    ]);
    expect([checkpoint.frozen.length, checkpoint.properties.size, checkpoint.optimizerGroups.length]).toEqual(
      [0, 0, 0],
    );
    const numbers = /\[(.*)\]/s.exec(readFileSync(requireFixture(`${root}/input-0.in`), "utf8"))?.[1] ?? "";
    const feeds = Object.fromEntries(
      checkpoint.trained.map((p) => [p.name, tensor(p.tensor.dims, [...(p.tensor.data as Float32Array)])]),
    );
    const results = await run(readFileSync(requireFixture(`${root}/eval_model.onnx`)), {
      ...feeds,
      "input-0": tensor([2, 784], numbers.split(",").map(Number)),
      labels: new Tensor("int32", Int32Array.of(1, 1), [2]),
    });
    const loss = Object.values(results)[0]?.data[0];
    // float32 sums of 784 products.
    expect(Math.abs(Number(loss) - json(`${root}/ref.json`).torch_float64_loss)).toBeLessThan(1e-6);
    expectRoundTrip(checkpoint);
  });
});
