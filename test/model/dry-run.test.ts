import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { dryRun } from "../../src/model/dry-run.ts";
import { listedAsMissing } from "../../src/model/kernels.ts";
import { loadCheckpoint } from "../../src/model/load-checkpoint.ts";
import { bytesOf, floats, type GraphProto, info, node, smallModel } from "../onnx/protos.ts";

const folder = mkdtempSync(join(tmpdir(), "landscape-dry-run-"));
const W = floats("w", [2, 3], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);

async function of(graph: GraphProto) {
  const path = join(folder, "model.onnx");
  writeFileSync(path, bytesOf(smallModel({ initializer: [W], output: [info("y")], ...graph })));
  return dryRun(await loadCheckpoint(path));
}

describe("what a gradient takes, without running it", () => {
  test("bytes of one sample, and no operator left to the CPU", async () => {
    const found = await of({ node: [node("MatMul", ["x", "w"], ["h"]), node("Tanh", ["h"], ["y"])] });
    // At least the product and the tanh, forward and back: 4 values of 3 floats.
    expect(found?.bytesPerSample).toBeGreaterThanOrEqual(4 * 3 * 4);
    expect(found?.bytesPerSample).toBeLessThan(1000);
    expect(found?.assumed).toEqual({});
    expect(found?.devices).toEqual([
      { name: "cuda", onCpu: [] },
      { name: "webgpu", onCpu: [] },
    ]);
  });

  test("a batch that is fixed", async () => {
    const found = await of({
      input: [info("x", [4, 2])],
      node: [node("MatMul", ["x", "w"], ["h"]), node("Softmax", ["h"], ["y"], [])],
    });
    expect(found?.bytesPerSample).toBeGreaterThan(0);
  });

  test("open sizes are assumed, and said", async () => {
    const found = await of({
      input: [info("x", ["n", "time", 2])],
      node: [node("MatMul", ["x", "w"], ["y"])],
    });
    expect(found?.assumed).toEqual({ time: 16 });
  });

  test("operators without a kernel", async () => {
    const found = await of({ node: [node("MatMul", ["x", "w"], ["h"]), node("Atan", ["h"], ["y"])] });
    expect(found?.devices[0]).toEqual({ name: "cuda", onCpu: ["Atan"] });
  });

  test("nothing is said where there is no gradient", async () => {
    expect(await of({ node: [node("MatMul", ["x", "w"], ["h"]), node("Strange", ["h"], ["y"])] })).toBeNull();
  });
});

const path = fileURLToPath(new URL("../../../shared/onnx/ort-kernels.json", import.meta.url));
type Kernels = Readonly<Record<string, readonly { since: number; until: number | null }[]>>;

describe.skipIf(!existsSync(path))("operators without a kernel (skipped without ../shared/onnx)", () => {
  test.each([
    ["cuda", "CUDA"],
    ["webgpu", "WEBGPU_NATIVE"],
  ] as const)("%s", (device, key) => {
    const kernels = (JSON.parse(readFileSync(path, "utf8")) as Record<string, Kernels>)[key] as Kernels;
    const has = (op: string) =>
      (kernels[`ai.onnx::${op}`] ?? []).some((k) => k.since <= 18 && (k.until === null || k.until >= 18));
    expect(listedAsMissing(device).filter(has)).toEqual([]);
  });
});
