import { expect, test } from "vitest";
import { LandscapeError } from "../../src/errors.ts";
import { decodeModel, encodeModel, inlineFunctions, printGraph, toOpset18 } from "../../src/onnx/index.ts";
import {
  bytesOf,
  floatAttribute,
  floats,
  graphAttribute,
  info,
  intsAttribute,
  node,
  smallModel,
} from "./protos.ts";

/** A small model with a bit of everything. */
const seedModel = bytesOf(
  smallModel(
    {
      input: [info("x", ["batch", 2]), info("c", [], 9)],
      initializer: [
        floats("w", [2, 3], [1, 2, 3, 4, 5, 6]),
        { name: "b", data_type: 1, dims: [3 as never], raw_data: new Uint8Array(12) },
        { name: "shape", data_type: 7, dims: [2 as never], int64_data: [1, -1] as never },
      ],
      node: [
        node("Constant", [], ["k"], [floatAttribute("value_float", 2)]),
        node("MatMul", ["x", "w"], ["h"]),
        node("Twice", ["h"], ["d"], [floatAttribute("by", 1)], { domain: "own" }),
        node("Softmax", ["d"], ["s"]),
        node(
          "If",
          ["c"],
          ["i"],
          [
            graphAttribute("then_branch", {
              name: "t",
              node: [node("Neg", ["s"], ["n"])],
              output: [info("n")],
            }),
          ],
        ),
        node("ReduceMean", ["i"], ["y"], [intsAttribute("axes", [1])]),
      ],
      output: [info("y", ["batch", 3])],
      value_info: [info("h", ["batch", 3])],
    },
    {
      opset_import: [
        { domain: "", version: 11 as never },
        { domain: "own", version: 1 as never },
      ],
      functions: [
        {
          domain: "own",
          name: "Twice",
          input: ["a"],
          output: ["r"],
          attribute: ["by"],
          node: [node("Add", ["a", "a"], ["r"])],
          opset_import: [{ domain: "", version: 11 as never }],
        },
      ],
      metadata_props: [{ key: "k", value: "v" }],
    },
  ),
);

/** Numbers in [0, 2³²) that depend on the seed only (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

function mutated(seed: number): Uint8Array {
  const random = generator(seed);
  let bytes = Uint8Array.from(seedModel);
  for (let k = 1 + (random() % 2); k > 0; k--) {
    const at = random() % bytes.length;
    switch (random() % 4) {
      case 0:
        bytes[at] = random() & 255;
        break;
      case 1:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << (random() % 8));
        break;
      case 2:
        bytes = bytes.slice(0, at + 1);
        break;
      default:
        bytes = Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(at + 1 + (random() % 8)), 0);
    }
  }
  return bytes;
}

test("a thousand damaged models: decoded or refused, never anything else", () => {
  let decoded = 0;
  const messages = new Set<string>();
  const start = performance.now();
  for (let seed = 0; seed < 1000; seed++) {
    try {
      const model = toOpset18(inlineFunctions(decodeModel(mutated(seed))));
      printGraph(model.graph);
      encodeModel(model.graph);
      decoded++;
    } catch (error) {
      if (!(error instanceof LandscapeError)) throw new Error(`seed ${seed}`, { cause: error });
      expect(error.code).toBe("INVALID_MODEL");
      messages.add(error.message.replace(/".*?"|\d+/g, "_"));
    }
  }
  // Both outcomes must be met with, and many ways of refusal, else the mutations test nothing.
  expect(decoded).toBeGreaterThan(100);
  expect(messages.size).toBeGreaterThan(10);
  // About 0.2 s here; a size taken from a damaged file would take far longer.
  expect(performance.now() - start).toBeLessThan(20_000);
});
