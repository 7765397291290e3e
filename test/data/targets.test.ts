import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ArrayToWrite, type InputRequirement, loadDataset, writeNpz } from "../../src/data/index.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "targets-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const spec = { split: "train", samples: null, target: "y", normalization: undefined } as const;
const image: InputRequirement = { name: "image", type: "float32", dims: [null, 2] };
const labels: InputRequirement = { name: "labels", type: "int32", dims: [null] };
const pixels = (n: number): ArrayToWrite => ({
  shape: [n, 2],
  data: Float32Array.from({ length: 2 * n }, (_, i) => i),
});
const classes = (...shape: number[]): ArrayToWrite => {
  const n = shape.reduce((a, b) => a * b, 1);
  return { shape, data: BigInt64Array.from({ length: n }, (_, i) => BigInt(i % 3)) };
};

let files = 0;
function load(
  arrays: Record<string, ArrayToWrite>,
  target: string | null = "labels",
  inputs = [image, labels],
) {
  const path = join(folder, `${files++}.npz`);
  writeNpz(path, arrays);
  return loadDataset({ ...spec, path }, { inputs, target });
}

describe("the input of a model's own loss", () => {
  it("takes the targets, in the type that it has", async () => {
    const batch = (await load({ image: pixels(4), y: classes(4) })).batch(1, 3);
    expect(batch.inputs.get("labels")).toEqual({ type: "int32", dims: [2], data: Int32Array.of(1, 2) });
    expect(batch.target?.data).toEqual(BigInt64Array.of(1n, 2n));
  });

  it("takes them beside x", async () => {
    const { inputs } = (await load({ x: pixels(4), y: classes(4) })).batch(0, 1);
    expect([...inputs.keys()]).toEqual(["image", "labels"]);
  });

  it("takes the array of its own name, which then holds the targets", async () => {
    const data = await load({ image: pixels(4), labels: classes(4) });
    expect(data.batch(0, 2).target?.dims).toEqual([2]);
    expect(() => data.assertLabels({ classes: 2, ignoreIndex: null })).toThrow(
      /array "labels".*holds 2 at \[2\]/,
    );
    const x = await load({ x: pixels(4), labels: classes(4) });
    expect(x.batch(0, 2).inputs.get("image")?.dims).toEqual([2, 2]);
  });

  it("is the one that the data lack, whatever was thought", async () => {
    const weights: InputRequirement = { name: "weights", type: "float32", dims: [null, 2] };
    const arrays = { image: pixels(4), weights: pixels(4), y: classes(4) };
    const { inputs } = (await load(arrays, "weights", [image, labels, weights])).batch(0, 2);
    expect(inputs.get("labels")?.data).toEqual(Int32Array.of(0, 1));
  });

  it("takes labels of all positions, flattened, in one run", async () => {
    const data = await load({ image: pixels(4), y: classes(12) });
    expect(data.batchSize).toBe(12);
    const { inputs } = data.batch(0, 12);
    expect(inputs.get("image")?.dims).toEqual([4, 2]);
    expect(inputs.get("labels")?.dims).toEqual([12]);
    await expect(load({ image: pixels(4), y: classes(11) })).rejects.toThrow(/numbers of samples differ/);
  });

  it("says under which names it looked", async () => {
    await expect(load({ image: pixels(4) })).rejects.toThrow(
      /no data for input "labels" \(as "labels" or "y"\)/,
    );
  });

  it("is no matter of models without a loss", async () => {
    const path = join(folder, "plain.npz");
    writeNpz(path, { image: pixels(4), y: classes(4) });
    await expect(loadDataset({ ...spec, path }, { inputs: [image, labels] })).rejects.toThrow(
      /no data for input "labels"/,
    );
  });
});
