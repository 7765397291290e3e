import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { expect, it } from "vitest";
import { LandscapeError } from "../../src/errors.ts";
import { bindModel } from "../../src/model/bind.ts";
import type { Checkpoint } from "../../src/model/checkpoint.ts";
import { resolveLoss } from "../../src/model/choose-loss.ts";
import { emitGradientModel } from "../../src/model/emit.ts";
import { loadCheckpoint } from "../../src/model/load-checkpoint.ts";
import { type BatchTypes, makePrograms } from "../../src/model/programs.ts";
import type { TensorType } from "../../src/onnx/tensor.ts";
import { describeWithFixtures, requireFixture } from "../support/fixtures.ts";
import { type Random, randomFrom } from "../support/sample.ts";

// Of every set; the whole check is `LANDSCAPE_FUZZ=10000 npx vitest run test/model/artifacts-fuzz.test.ts` (half an hour).
const COUNT = Number(process.env["LANDSCAPE_FUZZ"] ?? 60);

/** Growth of the process's memory. */
const MOST_KIB = 300 * 2 ** 10;

const auto = { loss: "auto", logits: "auto", ignoreIndex: null, classAxis: null } as const;

/** A batch of three of whatever the model says that it takes. */
function typesOf(checkpoint: Checkpoint, target: TensorType | null): BatchTypes {
  const inputs = checkpoint.inputs.map((v): [string, TensorType] => [
    v.name,
    { type: v.type ?? "float32", dims: (v.shape ?? []).map((d) => (typeof d === "number" ? d : 3)) },
  ]);
  return { inputs: new Map(inputs), target };
}

/** All that is done with a model before it runs: every program, encoded. */
async function build(path: string): Promise<void> {
  const checkpoint = await loadCheckpoint(path);
  const types = typesOf(checkpoint, null);
  const bound = bindModel(checkpoint, types.inputs);
  const programs = makePrograms(bound, resolveLoss(auto, bound, null), null);
  for (const name of ["loss", "gradient", "decisions", "smoothGradient", "product"] as const) {
    programs[name]()?.encode();
  }
}

/** One to three bytes replaced, or with a bit flipped. */
function mutated(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = bytes.slice();
  const below = (n: number) => Math.floor(random() * n);
  for (let k = below(3); k >= 0; k--) {
    const at = below(copy.length);
    copy[at] = below(2) === 0 ? below(256) : (copy[at] as number) ^ (1 << below(8));
  }
  return copy;
}

/** Mutates one file of what lies at `path` again and again; says how many could be used all the same. */
async function fuzz(path: string, file: string, name: string): Promise<{ used: number; bad: unknown[] }> {
  const bytes = new Uint8Array(readFileSync(file));
  const random = randomFrom(`mutations of ${name}`);
  const bad: unknown[] = [];
  let used = 0;
  const before = process.resourceUsage().maxRSS;
  for (let k = 0; k < COUNT; k++) {
    writeFileSync(file, mutated(bytes, random));
    try {
      await build(path);
      used++;
    } catch (error) {
      if (!(error instanceof LandscapeError) || error.code === "INTERNAL") bad.push({ k, error });
    }
  }
  // The files have some 10 kB; 1500 mutations of each left 80 MB, most of which waits for the garbage collector.
  expect(process.resourceUsage().maxRSS - before).toBeLessThan(MOST_KIB);
  return { used, bad };
}

describeWithFixtures("mutated artifacts", () => {
  it.each([
    ["mlp-ce-frozen", "training_model.onnx"],
    ["dropout-ce", "training_model.onnx"],
    ["cnn-ce", "training_model.onnx"],
    ["mlp-mse", "eval_model.onnx"],
  ])("%s/%s: programs, or an error that says why", { timeout: 20_000 * COUNT }, async (name, file) => {
    const folder = mkdtempSync(join(tmpdir(), "landscape-fuzz-"));
    cpSync(requireFixture(`ort-artifacts/${name}`), folder, { recursive: true });
    if (file.startsWith("eval")) rmSync(join(folder, "training_model.onnx"));
    const { used, bad } = await fuzz(folder, join(folder, file), name);
    expect(bad).toEqual([]);
    expect(used).toBeGreaterThan(COUNT / 20);
  });

  it("a gradient graph of ours: programs, or an error", { timeout: 20_000 * COUNT }, async () => {
    const checkpoint = await loadCheckpoint(requireFixture("ort-artifacts/mlp-mse/forward.onnx"));
    const target: TensorType = {
      type: "float32",
      dims: [3, ...(checkpoint.output.shape ?? []).slice(1)].map(Number),
    };
    const types = typesOf(checkpoint, target);
    const spec = resolveLoss(auto, bindModel(checkpoint, types.inputs), target);
    const file = join(mkdtempSync(join(tmpdir(), "landscape-fuzz-")), "gradient.onnx");
    writeFileSync(file, emitGradientModel(checkpoint, types, spec, "y"));
    const { used, bad } = await fuzz(file, file, "emitted");
    expect(bad).toEqual([]);
    expect(used).toBeGreaterThan(COUNT / 20);
  });
});
