import { expect, test } from "vitest";
import type { Value } from "../../src/onnx/graph.ts";
import { float32Tensor, int64Tensor } from "../../src/onnx/tensor.ts";
import { GraphBuilder } from "../../src/ops/builder.ts";
import { expandGraph } from "../../src/ops/expand.ts";
import { lookup } from "../../src/ops/registry.ts";
import { runGraph } from "../support/ort.ts";

// How many samples a computed region takes is bounded by the image: a larger one must not be averaged over fewer.
test("a computed region is averaged as a constant one, or gives no number where it is larger than the image", async () => {
  const b = new GraphBuilder(lookup);
  const image = b.constant(float32Tensor([1, 1, 4, 4], [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3]));
  const align = (rois: Value, count: number) =>
    b.call("RoiAlign", [image, rois, b.constant(int64Tensor([count], new Array(count).fill(0)))], {
      output_height: 2,
      output_width: 2,
    });
  const [within, asLarge, larger] = [
    [0.5, 0.5, 3.5, 3.5],
    [-0.5, -0.5, 5.5, 5.5],
    [0.5, 0.5, 6.75, 3.5],
  ] as const;
  const rois = b.input("rois", { type: "float32", dims: [3, 4] });
  const known = b.constant(float32Tensor([2, 4], [...within, ...asLarge]));
  const graph = expandGraph(b.build("regions", [rois], [align(rois, 3), align(known, 2)]), lookup);
  const feed = float32Tensor([3, 4], [...within, ...asLarge, ...larger]);
  const [computed, constant] = (await runGraph(graph, [feed])).map((t) => Array.from(t.data as Float32Array));
  expect(computed?.slice(0, 8)).toEqual(constant);
  expect(computed?.slice(8).every(Number.isNaN)).toBe(true);
});
