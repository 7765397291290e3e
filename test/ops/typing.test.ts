import { describe, expect, test } from "vitest";
import { LandscapeError } from "../../src/errors.ts";
import { int64Tensor, type Tensor, type TensorType } from "../../src/onnx/tensor.ts";
import { type AttributeInit, GraphBuilder } from "../../src/ops/builder.ts";
import { lookup } from "../../src/ops/registry.ts";
import { type Case, nameOf } from "../support/case.ts";
import { type Random, randomFrom } from "../support/sample.ts";
import { cases } from "./cases.ts";

type Spec = TensorType | Tensor | null;

function emit(op: string, specs: readonly Spec[], attrs: Record<string, AttributeInit> = {}, outputs = 1) {
  const b = new GraphBuilder(lookup);
  const values = specs.map((s, i) => (s === null ? null : "data" in s ? b.constant(s) : b.input(`x${i}`, s)));
  return b.calls(op, values, attrs, { outputs });
}

const f = (...dims: number[]): TensorType => ({ type: "float32", dims });
const i = (...values: number[]): Tensor => int64Tensor([values.length], values);

type Row = readonly [string, readonly Spec[], Record<string, AttributeInit>, RegExp];

const invalid: readonly Row[] = [
  [
    "Add",
    [f(2, 3), f(2)],
    {},
    /^inputs of Add do not fit: expected shapes that broadcast, got "x0" float32 \[2, 3\], "x1" float32 \[2\]\. Check the model file and the shapes of the data$/,
  ],
  ["Mul", [f(2), { type: "float64", dims: [2] }], {}, /one element type/],
  ["Sub", [f(2)], {}, /shapes|input 1/],
  ["Where", [f(2), f(2), f(2)], {}, /bool condition/],
  ["Concat", [f(2, 3), f(3, 3)], { axis: 1 }, /agree in all axes but 1/],
  ["Softmax", [f(2, 3)], { axis: 2 }, /axis within \[-2, 1\], not 2/],
  ["Reshape", [f(2, 3), i(4)], {}, /a shape for 6 elements, not \[4\]/],
  ["Reshape", [f(2, 3), i(-1, 4)], {}, /a shape for 6 elements/],
  ["Squeeze", [f(2, 3), i(0)], {}, /axes of length 1/],
  ["Unsqueeze", [f(2), i(0, 0)], {}, /distinct axes/],
  ["Transpose", [f(2, 3)], { perm: [0, 0] }, /permutation of 2 axes/],
  ["Expand", [f(3), i(2)], {}, /broadcasts with \[2\]/],
  ["Expand", [f(1), i(2 ** 30, 2 ** 30)], {}, /at most \d+ elements/],
  ["Tile", [f(3), i(1, 2)], {}, /one repeat for each axis/],
  ["Pad", [f(3), i(1)], {}, /2 pads, not 1/],
  ["Pad", [f(3), i(-2, -2)], {}, /pads that axis 0 can fill/],
  ["Pad", [f(3), i(3, 0)], { mode: "reflect" }, /can fill by "reflect"/],
  ["Pad", [f(3), i(3, 0)], { mode: "mirror" }, /a mode among/],
  ["Split", [f(5), i(2, 2)], {}, /parts that add up to 5/],
  ["Slice", [f(5), i(0), i(1, 2)], {}, /as many starts as ends/],
  ["Gather", [f(5), i(5)], {}, /indices within \[-5, 4\], not 5/],
  ["GatherND", [f(2, 2), int64Tensor([1, 3], [0, 0, 0])], {}, /k ≤ the data's rank/],
  ["GatherElements", [f(2, 2), i(0)], {}, /data's rank/],
  ["TopK", [f(3), i(4)], {}, /k within \[0, 3\], not 4/],
  ["Range", [int64Tensor([], [0]), int64Tensor([], [3]), int64Tensor([], [0])], {}, /a step other than 0/],
  [
    "Range",
    [int64Tensor([], [0]), int64Tensor([], [2 ** 50]), int64Tensor([], [1])],
    {},
    /at most \d+ elements/,
  ],
  ["Cast", [f(2)], { to: 99 }, /not code 99/],
  ["ReduceSum", [f(2, 3), i(2)], {}, /axis within/],
  ["PRelu", [f(2, 3), f(4, 2, 3)], {}, /slope that broadcasts/],
  ["SoftmaxCrossEntropyLoss", [f(2, 3), i(0)], {}, /labels of shape \[2\]/],
  ["RoiAlign", [f(1, 2, 4, 4), f(3, 5), i(0, 0, 0)], {}, /regions \[R, 4\]/],
  ["RoiAlign", [f(1, 2, 4, 4), f(3, 4), i(0)], {}, /the image of each region/],
  ["RoiAlign", [f(1, 2, 4, 4), f(1, 4), i(0)], { output_width: 2 ** 40 }, /1 to 1024 bins/],
  ["MaxRoiPool", [f(1, 2, 4, 4), f(3, 5)], {}, /1 to 1024 bins/],
  ["DeformConv", [f(1, 2, 4, 4), f(2, 2, 2, 2), f(1, 8, 4, 4)], {}, /offsets \[1,8,3,3\]/],
  ["TensorScatter", [f(2, 3, 4), f(2, 4, 4)], {}, /steps that fit into it/],
  ["TensorScatter", [f(2, 3), f(2, 3)], { axis: 0 }, /an axis other than that of the samples/],
  ["HannWindow", [int64Tensor([], [-1])], {}, /axes ≥ 0/],
  [
    "Attention",
    [f(1, 1, 1, 2), f(1, 1, 1, 2), f(1, 1, 1, 2), null, f(1, 1, 1, 2), f(1, 1, 1, 2), i(1)],
    {},
    /lengths of keys and no past ones/,
  ],
  ["DepthToSpace", [f(1, 3, 2, 2)], { blocksize: 2 }, /blocks of 2 divide/],
];

describe("a call that does not fit is an invalid model, said in one sentence", () => {
  test.each(invalid)("%s (row %#)", (op, specs, attrs, message) => {
    expect(() => emit(op, specs, attrs)).toThrow(message);
    expect(() => emit(op, specs, attrs)).toThrow(expect.objectContaining({ code: "INVALID_MODEL" }));
  });

  test.each([2, 4])("one side of %i frequencies for a signal of 5 is unsupported", (there) => {
    const invert = () => emit("DFT", [f(1, there, 2), int64Tensor([], [5])], { inverse: 1, onesided: 1 });
    expect(invert).toThrow(expect.objectContaining({ code: "UNSUPPORTED_OP" }));
    expect(invert).toThrow(/3 complex frequencies for a real signal of 5/);
  });

  test("a shape that depends on data is unsupported", () => {
    const shape: TensorType = { type: "int64", dims: [2] };
    expect(() => emit("Reshape", [f(2, 3), shape])).toThrow(
      expect.objectContaining({ code: "UNSUPPORTED_OP" }),
    );
    expect(() => emit("NonZero", [f(3)])).toThrow(
      /^inputs of NonZero do not fit: expected input 0 known before running, got "x0" float32 \[3\]\. Shapes must not depend on the data .*integers of a few batches \(--samples\)$/,
    );
  });
});

/** A row with something broken: other lengths, other integers, inputs or attributes gone. */
function broken(c: Case, random: Random): { specs: Spec[]; attrs: Record<string, AttributeInit> } {
  const pick = (n: number) => Math.floor(random() * n);
  const specs: Spec[] = c.inputs.map((x) =>
    x === null || "data" in x ? x : { type: "float32", dims: x.dims },
  );
  const at = pick(specs.length);
  const spec = specs[at] ?? null;
  const attrs = { ...(c.attrs ?? {}) };
  const kind = pick(5);
  if (kind === 0) specs[at] = null;
  else if (kind === 1) specs.length = at;
  else if (kind === 2 && spec !== null)
    specs[at] = { type: spec.type, dims: [...spec.dims.slice(0, pick(spec.dims.length + 1)), pick(4)] };
  else if (kind === 3 && spec !== null && "data" in spec && spec.type === "int64")
    specs[at] = int64Tensor(
      spec.dims,
      Array.from(spec.data as BigInt64Array, () => pick(9) - 4),
    );
  else for (const name of Object.keys(attrs)) attrs[name] = pick(9) - 4;
  return { specs, attrs };
}

describe("no broken call crashes", () => {
  test.each(cases.map((c) => [nameOf(c), c] as const))("%s", (name, c) => {
    const random = randomFrom(`broken ${name}`);
    for (let k = 0; k < 40; k++) {
      const { specs, attrs } = broken(c, random);
      try {
        const b = new GraphBuilder(lookup);
        const values = specs.map((s, n) =>
          s === null ? null : "data" in s ? b.constant(s) : b.input(`x${n}`, s),
        );
        b.calls(c.op, values, attrs, { domain: c.domain ?? "", outputs: c.outputs ?? 1 });
      } catch (error) {
        const what = JSON.stringify({ specs, attrs }, (_key, v) => (typeof v === "bigint" ? Number(v) : v));
        expect(error, `${what}: ${(error as Error).stack}`).toBeInstanceOf(LandscapeError);
      }
    }
  });
});
