import type { Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import { toFloat32 } from "../../src/onnx/index.ts";
import { bytesOf, info, intAttribute, node, smallModel } from "./protos.ts";
import { run } from "./run.ts";

/** All bit patterns as onnxruntime casts them. */
async function cast(
  type: "float16" | "bfloat16",
  code: number,
): Promise<{ ours: Float32Array; theirs: Float32Array }> {
  const patterns = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const file = bytesOf(
    smallModel({
      input: [],
      initializer: [
        { name: "bits", data_type: code, dims: [65536 as never], raw_data: new Uint8Array(patterns.buffer) },
      ],
      node: [node("Cast", ["bits"], ["y"], [intAttribute("to", 1)])],
      output: [info("y", [65536])],
    }),
  );
  const theirs = (await run(file, {}))["y"] as Tensor;
  return { ours: toFloat32({ type, dims: [65536], data: patterns }), theirs: theirs.data as Float32Array };
}

test.each([
  ["float16", 10],
  ["bfloat16", 16],
] as const)("all %s patterns are those of onnxruntime", async (type, code) => {
  const { ours, theirs } = await cast(type, code);
  expect(ours.findIndex((v, i) => !Object.is(v, theirs[i]))).toBe(-1);
});

test("float32 is copied, float64 rounded", () => {
  const data = Float32Array.of(1, 2);
  const copy = toFloat32({ type: "float32", dims: [2], data });
  expect(copy).toEqual(data);
  expect(copy.buffer).not.toBe(data.buffer);
  expect(toFloat32({ type: "float64", dims: [1], data: Float64Array.of(0.1) })).toEqual(Float32Array.of(0.1));
  expect(() => toFloat32({ type: "int32", dims: [1], data: Int32Array.of(1) })).toThrow(/no float type/);
});
