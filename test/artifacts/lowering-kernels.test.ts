import { describe, expect, test } from "vitest";
import { cudaLookup, hasKernelTable } from "../support/cuda-kernels.ts";
import { rows } from "./lowering-cases.ts";
import { loweredGraph } from "./lowering-check.ts";

describe.skipIf(!hasKernelTable)("lowered operators have kernels (skipped without ../shared/onnx)", () => {
  test("CUDA, float32, at both orders", () => {
    const runsOnCuda = cudaLookup();
    const missing = new Map<string, string>();
    for (const row of rows) {
      for (const node of loweredGraph(row).nodes)
        if (!runsOnCuda(node))
          missing.set(`${node.op}(${node.inputs[0]?.type})`, `${row.op} ${row.note ?? ""}`);
    }
    expect([...missing]).toEqual([]);
  });
});
