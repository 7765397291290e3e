import { readFileSync } from "node:fs";
import process from "node:process";
import { expect, it } from "vitest";
import { emitTraining, lowerTraining } from "../../src/artifacts/lower-training.ts";
import { LandscapeError } from "../../src/errors.ts";
import type { Value } from "../../src/onnx/graph.ts";
import { decodeModel } from "../../src/onnx/index.ts";
import { GraphBuilder } from "../../src/ops/builder.ts";
import { expandGraph } from "../../src/ops/expand.ts";
import { lookup } from "../../src/ops/registry.ts";
import { describeWithFixtures, requireFixture } from "../support/fixtures.ts";
import { type Random, randomFrom } from "../support/sample.ts";

/** All that is done with a training model before it runs, for a batch of three. */
function lower(bytes: Uint8Array): void {
  const training = lowerTraining(decodeModel(bytes));
  const b = new GraphBuilder(lookup);
  const bindings = new Map<Value, Value>();
  for (const v of training.graph.inputs) {
    const dims = (v.shape ?? []).map((d) => (typeof d === "number" ? d : 3));
    bindings.set(v, b.input(v.name, { type: v.type ?? "float32", dims }));
  }
  const became = emitTraining(training, b, bindings);
  const outputs = training.graph.outputs.map((v) => became.get(v) as Value);
  expandGraph(b.build("fuzzed", [...bindings.values()], outputs), lookup);
}

/** One to three bytes replaced, or with a bit flipped. */
function mutated(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = bytes.slice();
  const below = (n: number) => Math.floor(random() * n);
  for (let k = below(3); k >= 0; k--) {
    const at = below(copy.length);
    copy[at] = below(2) === 0 ? below(256) : copy[at]! ^ (1 << below(8));
  }
  return copy;
}

// Ten thousand in all; of each set with `LANDSCAPE_FUZZ=10000 npx vitest run test/artifacts/lowering-fuzz.test.ts`.
const EACH = process.env["LANDSCAPE_FUZZ"];

describeWithFixtures("mutated training models", () => {
  it.each([
    ["mlp-mse", 4000],
    ["dropout-ce", 2000],
    ["cnn-ce", 2000],
    ["cnn-bn-ce", 1500],
    ["elementwise-mse", 500],
  ])("%s: a lowered graph or an error that says why", { timeout: 3_600_000 }, (name, usual) => {
    const count = Number(EACH ?? usual);
    const bytes = new Uint8Array(readFileSync(requireFixture(`ort-artifacts/${name}/training_model.onnx`)));
    const random = randomFrom(`mutations of ${name}`);
    const bad: unknown[] = [];
    let lowered = 0;
    for (let k = 0; k < count; k++) {
      try {
        lower(mutated(bytes, random));
        lowered++;
      } catch (error) {
        if (!(error instanceof LandscapeError) || error.code === "INTERNAL") bad.push(error);
      }
    }
    expect(bad).toEqual([]);
    expect(lowered).toBeGreaterThan(count / 20);
  });
});
