import { describe, expect, test } from "vitest";
import { LandscapeError } from "../../src/errors.ts";
import { Call, Node, type Value } from "../../src/onnx/graph.ts";
import { sizeOf, type Tensor } from "../../src/onnx/tensor.ts";
import { type AttributeInit, attributeMap, GraphBuilder } from "../../src/ops/builder.ts";
import { expandGraph } from "../../src/ops/expand.ts";
import { lookup } from "../../src/ops/registry.ts";
import { runGraph } from "../support/ort.ts";
import { draw, type Random, randomFrom } from "../support/sample.ts";
import { naiveAverage, naiveConv, naiveTranspose } from "./naive.ts";

type Attributes = Record<string, AttributeInit>;

interface Draw {
  readonly inputs: readonly Tensor[];
  readonly attributes: Attributes;
}

const integer = (random: Random, low: number, high: number) => low + Math.floor(random() * (high - low + 1));

function tensor(dims: readonly number[], random: Random): Tensor {
  return { type: "float32", dims, data: Float32Array.from(draw(dims, "default", random)) };
}

const list = (n: number, f: (i: number) => number): number[] => Array.from({ length: n }, (_, i) => f(i));

/** Strides, dilations and pads (explicit or automatic) for `rank` axes, each left out now and then. */
function windows(random: Random, kernel: readonly number[], dilated: boolean): Attributes {
  const n = kernel.length;
  const attributes: Attributes = {};
  if (random() < 0.6) attributes["strides"] = list(n, () => integer(random, 1, 3));
  const automatic = random() < 0.25;
  // onnxruntime has no automatic padding of dilated kernels.
  if (dilated && !automatic && random() < 0.4) attributes["dilations"] = list(n, () => integer(random, 1, 2));
  if (automatic)
    attributes["auto_pad"] = ["SAME_UPPER", "SAME_LOWER", "VALID"][integer(random, 0, 2)] as string;
  else if (random() < 0.7)
    attributes["pads"] = list(2 * n, (i) => integer(random, 0, (kernel[i % n] as number) - 1));
  return attributes;
}

function drawConv(random: Random, transposed: boolean): Draw {
  const rank = integer(random, 1, 3);
  const kernel = list(rank, () => integer(random, 1, 4));
  const group = integer(random, 1, 2);
  const [n, c, m] = [integer(random, 1, 2), group * integer(random, 1, 2), group * integer(random, 1, 2)];
  const x = tensor([n, c, ...list(rank, () => integer(random, 1, 7))], random);
  const w = tensor(transposed ? [c, m / group, ...kernel] : [m, c / group, ...kernel], random);
  const attributes: Attributes = { ...windows(random, kernel, true), group };
  if (transposed && random() < 0.3) {
    const strides = attributes["strides"] as number[] | undefined;
    attributes["output_padding"] = list(rank, (i) => integer(random, 0, (strides?.[i] ?? 1) - 1));
  }
  return { inputs: random() < 0.5 ? [x, w] : [x, w, tensor([m], random)], attributes };
}

function drawPool(random: Random, op: string): Draw {
  const rank = integer(random, 1, 3);
  const kernel = list(rank, () => integer(random, 1, 4));
  const x = tensor(
    [integer(random, 1, 2), integer(random, 1, 2), ...list(rank, () => integer(random, 1, 8))],
    random,
  );
  const attributes: Attributes = { ...windows(random, kernel, op === "MaxPool"), kernel_shape: kernel };
  if (attributes["auto_pad"] === undefined) attributes["ceil_mode"] = integer(random, 0, 1);
  if (op === "AveragePool") attributes["count_include_pad"] = integer(random, 0, 1);
  if (op === "LpPool") attributes["p"] = integer(random, 1, 3);
  return { inputs: [x], attributes };
}

/** Our shapes, or undefined where we call the attributes impossible; and onnxruntime's results. */
async function evaluated(op: string, drawn: Draw, outputs: number) {
  const b = new GraphBuilder(lookup);
  const values = drawn.inputs.map((t, i) => b.input(`x${i}`, t));
  const call = new Call(op, values, attributeMap(drawn.attributes), "", outputs);
  const infer = (lookup("", op) as NonNullable<ReturnType<typeof lookup>>).infer;
  let types: ReturnType<typeof infer>;
  try {
    types = infer(call);
  } catch (error) {
    expect(error).toBeInstanceOf(LandscapeError);
    return undefined;
  }
  const node = new Node(
    call,
    types.map((t, k) => ({ name: `y${k}`, type: t.type })),
  );
  const graph = {
    name: op,
    inputs: values,
    initializers: [] as Value[],
    nodes: [node],
    outputs: node.outputs,
  };
  try {
    return { types, results: await runGraph(graph, drawn.inputs, { opset: 18 }) };
  } catch (error) {
    // onnxruntime's pools give up where automatic padding would have to crop: a window shorter than its stride.
    expect(String(error)).toContain("padding values must be non-negative");
    return undefined;
  }
}

type Reference = (drawn: Draw, dims: readonly number[]) => Float64Array;

/** Sums of up to 64 products in another order. */
const ROUNDING = 64 * 2 ** -23;

const operators: [op: string, drawOne: (random: Random) => Draw, reference?: Reference][] = [
  ["Conv", (r) => drawConv(r, false), naiveConv],
  ["ConvTranspose", (r) => drawConv(r, true), naiveTranspose],
  ["MaxPool", (r) => drawPool(r, "MaxPool")],
  ["AveragePool", (r) => drawPool(r, "AveragePool"), naiveAverage],
  ["LpPool", (r) => drawPool(r, "LpPool")],
];

describe("shapes and values of random geometries are onnxruntime's", () => {
  test.each(operators)("%s", async (op, drawOne, reference) => {
    const random = randomFrom(`geometry of ${op}`);
    let possible = 0;
    for (let k = 0; k < 150; k++) {
      const drawn = drawOne(random);
      const label = `${k}: ${drawn.inputs.map((t) => `[${t.dims}]`).join(" ")} ${JSON.stringify(drawn.attributes)}`;
      const found = await evaluated(op, drawn, op === "MaxPool" ? 2 : 1);
      if (found === undefined) continue;
      possible++;
      for (const [i, t] of found.types.entries())
        expect([...(found.results[i] as Tensor).dims], label).toEqual([...t.dims]);
      const dims = (found.types[0] as Tensor).dims;
      const y = (found.results[0] as Tensor).data as Float32Array;
      const expected = reference?.(drawn, dims);
      for (let j = 0; expected !== undefined && j < sizeOf(dims); j++)
        expect(Math.abs((y[j] as number) - (expected[j] as number)), label).toBeLessThan(ROUNDING * 8);
    }
    // Most draws must be of use.
    expect(possible).toBeGreaterThan(75);
  });
});

describe("output padding that reaches the stride, which onnxruntime refuses and PyTorch does not", () => {
  const rows: readonly Attributes[] = [
    { strides: [2, 2], dilations: [3, 3], output_padding: [2, 2] },
    { dilations: [1, 2], output_padding: [0, 1], pads: [1, 0, 0, 1] },
  ];
  test.each(rows)("%j", async (attributes) => {
    const random = randomFrom("output padding");
    const inputs = [[1, 2, 3, 3], [2, 2, 3, 2], [2]].map((dims) => tensor(dims, random));
    const b = new GraphBuilder(lookup);
    const values = inputs.map((t, i) => b.input(`x${i}`, t));
    const y = b.call("ConvTranspose", values, attributes);
    const [got] = await runGraph(expandGraph(b.build("transposed", values, [y]), lookup), inputs);
    const expected = naiveTranspose({ inputs, attributes }, y.dims);
    expect([...(got as Tensor).dims]).toEqual([...y.dims]);
    for (const [i, v] of expected.entries())
      expect(Math.abs(((got as Tensor).data as Float32Array)[i]! - v)).toBeLessThan(ROUNDING * 8);
  });
});

describe("impossible geometries are named", () => {
  const cases: readonly [string, readonly (readonly number[])[], Attributes, RegExp][] = [
    [
      "Conv",
      [
        [1, 2, 3, 3],
        [1, 2, 5, 5],
      ],
      {},
      /kernel that fits into the padded axis 2/,
    ],
    [
      "Conv",
      [
        [1, 2, 5],
        [1, 2, 3],
      ],
      { strides: [0] },
      /strides of 1 integers ≥ 1, not \[0\]/,
    ],
    [
      "Conv",
      [
        [1, 2, 5],
        [1, 2, 3],
      ],
      { pads: [1] },
      /pads of 2 integers ≥ 0, not \[1\]/,
    ],
    [
      "Conv",
      [
        [1, 2, 5],
        [1, 2, 3],
      ],
      { auto_pad: "SAME" },
      /auto_pad among/,
    ],
    [
      "Conv",
      [
        [1, 3, 5],
        [1, 2, 3],
      ],
      {},
      /channels of x and the weight that fit 1 groups/,
    ],
    [
      "Conv",
      [
        [1, 2, 5],
        [1, 2, 3],
      ],
      { kernel_shape: [2] },
      /kernel_shape as the weight's/,
    ],
    ["Conv", [[1, 2, 5], [4, 2, 3], [3]], {}, /bias of shape \[4\]/],
    [
      "Conv",
      [
        [1, 2],
        [1, 2],
      ],
      {},
      /rank ≥ 3/,
    ],
    [
      "ConvTranspose",
      [
        [1, 2, 1],
        [2, 2, 2],
      ],
      { pads: [1, 1] },
      /no empty axis/,
    ],
    ["MaxPool", [[1, 2, 3]], {}, /a kernel_shape/],
    ["MaxPool", [[1, 2]], { kernel_shape: [] }, /spatial axes/],
    ["AveragePool", [[1, 2, 3]], { kernel_shape: [2, 2] }, /kernel_shape of 1 integers/],
    [
      "MatMul",
      [
        [2, 3],
        [2, 3],
      ],
      {},
      /matrices \[..., m, k\] and \[..., k, n\] that fit/,
    ],
    [
      "Gemm",
      [
        [2, 3],
        [3, 4],
        [3, 4],
      ],
      {},
      /addend that broadcasts to \[2, 4\]/,
    ],
    ["Einsum", [[2, 3], [2]], { equation: "ij,j->i" }, /one length for label "j"/],
    ["Einsum", [[2, 3]], { equation: "i->i" }, /operand 0 of rank 1/],
    ["Einsum", [[2, 3]], { equation: "ij->k" }, /labels are distinct and of the operands/],
    ["Einsum", [[2, 3]], { equation: "i.j->i" }, /a term of letters/],
    ["GroupNormalization", [[2, 3, 4], [3], [3]], { num_groups: 2 }, /num_groups that divides 3/],
  ];
  test.each(cases)("%s of %j with %j", (op, shapes, attributes, message) => {
    const b = new GraphBuilder(lookup);
    const inputs = shapes.map((dims, i) => b.input(`x${i}`, { type: "float32", dims }));
    expect(() => b.call(op, inputs, attributes)).toThrow(message);
    expect(() => b.call(op, inputs, attributes)).toThrow(LandscapeError);
  });
});
