import { expect, test } from "vitest";
import { printGraph } from "../../src/onnx/index.ts";
import {
  decode,
  floatAttribute,
  floats,
  graphAttribute,
  info,
  intsAttribute,
  node,
  smallModel,
  stringAttribute,
} from "./protos.ts";

test("a graph as text", () => {
  const { graph } = decode(
    smallModel({
      input: [info("x", ["batch", 2]), info("c", [], 9)],
      initializer: [
        floats("w", [3, 3], [1, -0, 0.1, 4, 1e-9, 6, 7, 8, 9]),
        floats("s", [], [0.5]),
        { name: "i", data_type: 6, dims: [], int32_data: [3] },
      ],
      node: [
        node("Clip", ["x", "", "s"], ["h"]),
        node(
          "Foo",
          ["h", "w", "i"],
          ["a", "", "b"],
          [
            intsAttribute("axes", [0, -1]),
            floatAttribute("alpha", 1),
            stringAttribute("mode", "edge"),
            { name: "value", type: 4, t: floats("", [1], [2]) },
          ],
          { domain: "" },
        ),
        node(
          "If",
          ["c"],
          ["y"],
          [
            graphAttribute("then_branch", {
              name: "then",
              node: [node("Neg", ["b"], ["t"])],
              output: [info("t")],
            }),
          ],
        ),
      ],
      value_info: [info("h", ["batch", 2])],
      output: [info("y")],
    }),
  );
  expect(printGraph(graph)).toMatchInlineSnapshot(`
    "small(x: float32[batch, 2], c: bool[]) -> (y)
      w: float32[3, 3] = [1.0, -0.0, 0.1, 4.0, 1e-9, 6.0, 7.0, 8.0, …]
      s: float32[] = 0.5
      i: int32[] = 3
      h: float32[batch, 2] = Clip(x, _, s)
      a: ?, _: ?, b: ? = Foo(h, w, i) {axes=[0, -1], alpha=1.0, mode="edge", value=float32[1] [2.0]}
      y: float32 = If(c) {then_branch=then}
        then() -> (t)
          t: float32 = Neg(b)"
  `);
});

test("the same text for the same graph", () => {
  expect(printGraph(decode(smallModel()).graph)).toBe(printGraph(decode(smallModel()).graph));
});
