import { describe, expect, test } from "vitest";
import { lookup } from "../../src/ops/registry.ts";
import { isDifferentiable, nameOf } from "../support/case.ts";
import { cudaLookup, hasKernelTable } from "../support/cuda-kernels.ts";
import { gradientGraph } from "../support/gradcheck.ts";
import { cases } from "./cases.ts";

describe.skipIf(!hasKernelTable)("emitted graphs have kernels (skipped without ../shared/onnx)", () => {
  test("CUDA, float32", () => {
    const runsOnCuda = cudaLookup();
    const missing = new Map<string, string>();
    for (const c of cases.filter((row) => isDifferentiable(row, lookup))) {
      for (const node of gradientGraph(c, "float32", lookup).nodes)
        if (!runsOnCuda(node)) missing.set(`${node.op}(${node.inputs[0]?.type})`, nameOf(c));
    }
    expect([...missing]).toEqual([]);
  });
});
