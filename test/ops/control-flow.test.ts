import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { gradient } from "../../src/autodiff/gradient.ts";
import type { Value } from "../../src/onnx/graph.ts";
import { GraphBuilder } from "../../src/ops/builder.ts";
import { expandGraph } from "../../src/ops/expand.ts";
import { lookup } from "../../src/ops/registry.ts";
import { rewrite } from "../../src/ops/rewrite.ts";
import {
  type AttributeProto,
  bytesOf,
  decode,
  type GraphProto,
  graphAttribute,
  info,
  intAttribute,
  intsAttribute,
  longs,
  type ModelProto,
  type NodeProto,
  node,
  type TensorProto,
} from "../onnx/protos.ts";
import { runGraph } from "../support/ort.ts";
import { draw, randomFrom } from "../support/sample.ts";
import { tolerance } from "../support/tolerance.ts";

/**
 * Models with control flow and sequences, run by onnxruntime as they are, against what is left of them once they
 * are resolved: the same value, only tensors, and a gradient that agrees with differences of the original.
 */

const [DOUBLE, INT64, BOOL] = [11, 7, 9];

function doubles(name: string, dims: readonly number[], data: readonly number[]): TensorProto {
  return { name, data_type: DOUBLE, dims: longs(dims), double_data: [...data] };
}

function ints(name: string, dims: readonly number[], data: readonly number[]): TensorProto {
  return { name, data_type: INT64, dims: longs(dims), int64_data: longs(data) };
}

function bool(name: string, value: boolean): TensorProto {
  return { name, data_type: BOOL, int32_data: [Number(value)] };
}

function graph(
  nodes: NodeProto[],
  input: GraphProto["input"],
  output: string[],
  more: GraphProto = {},
): GraphProto {
  return {
    name: "body",
    node: nodes,
    input: input ?? [],
    output: output.map((name) => info(name, undefined, name === "go1" ? BOOL : DOUBLE)),
    ...more,
  };
}

const W = doubles("w", [3, 3], [0.5, -0.25, 0.125, 0.75, 0.5, -0.5, 0.25, -0.375, 0.625]);
const S = doubles("s", [3], [0.5, -1, 0.75]);

interface Row {
  readonly name: string;
  readonly nodes: NodeProto[];
  readonly initializers?: TensorProto[];
}

/** x [2, 3] → y, with weights w [3, 3] and s [3]. */
function modelOf(row: Row): ModelProto {
  return {
    ir_version: 8 as never,
    opset_import: [{ domain: "", version: 18 as never }],
    graph: {
      name: "model",
      input: [info("x", [2, 3], DOUBLE)],
      initializer: [W, S, ...(row.initializers ?? [])],
      node: row.nodes,
      output: [info("y", undefined, DOUBLE)],
    },
  };
}

/** h ← tanh(h·w + x), with h's value at each step kept too. */
const stepBody = graph(
  [
    node("MatMul", ["h", "w"], ["hw"]),
    node("Add", ["hw", "x"], ["a"]),
    node("Tanh", ["a"], ["h1"]),
    node("Identity", ["h1"], ["kept"]),
    node("Identity", ["go"], ["go1"]),
  ],
  [info("i", [], INT64), info("go", [], BOOL), info("h", [2, 3], DOUBLE)],
  ["go1", "h1", "kept"],
);

/** Stops by itself once the counter reaches 2. */
const stoppingBody: GraphProto = graph(
  [node("MatMul", ["h", "w"], ["h1"]), node("Less", ["i", "two"], ["go1"])],
  [info("i", [], INT64), info("go", [], BOOL), info("h", [2, 3], DOUBLE)],
  ["go1", "h1"],
  { initializer: [ints("two", [], [2])] },
);

function scan(
  attributes: AttributeProto[],
  inputs: string[],
  body: GraphProto,
  outputs: string[],
): NodeProto {
  return node("Scan", inputs, outputs, [graphAttribute("body", body), ...attributes]);
}

/** Over a row x_t of length 3: c ← c·s + x_t; gives c². */
const scanBody = graph(
  [node("Mul", ["c", "s"], ["cs"]), node("Add", ["cs", "xt"], ["c1"]), node("Mul", ["c1", "c1"], ["sq"])],
  [info("c", [3], DOUBLE), info("xt", [3], DOUBLE)],
  ["c1", "sq"],
);

/** Adds up what the rows of a table of columns give: scans the second axis. */
const columnBody = graph(
  [node("Mul", ["xt", "xt"], ["z"]), node("Add", ["c", "z"], ["c1"]), node("Identity", ["c1"], ["out"])],
  [info("c", [2], DOUBLE), info("xt", [2], DOUBLE)],
  ["c1", "out"],
);

const one = ints("one", [], [1]);
const three = ints("three", [], [3]);
const zeroState = doubles("c0", [3], [0, 0, 0]);

const rows: readonly Row[] = [
  ...[true, false].map((condition) => ({
    name: `If ${condition}`,
    nodes: [
      node(
        "If",
        ["cond"],
        ["y"],
        [
          graphAttribute("then_branch", graph([node("MatMul", ["x", "w"], ["t"])], [], ["t"])),
          graphAttribute("else_branch", graph([node("Mul", ["x", "s"], ["e"])], [], ["e"])),
        ],
      ),
    ],
    initializers: [bool("cond", condition)],
  })),
  ...[-100, 100].map((bound) => ({
    name: `If on data that are all ${bound < 0 ? "greater" : "less"}`,
    nodes: [
      node("ReduceMax", ["x"], ["m"], [intAttribute("keepdims", 0)]),
      node("Greater", ["m", "bound"], ["cond"]),
      node(
        "If",
        ["cond"],
        ["y"],
        [
          graphAttribute("then_branch", graph([node("MatMul", ["x", "w"], ["t"])], [], ["t"])),
          graphAttribute("else_branch", graph([node("Mul", ["x", "s"], ["e"])], [], ["e"])),
        ],
      ),
    ],
    initializers: [doubles("bound", [], [bound])],
  })),
  {
    name: "If on a shape, as TorchScript squeezes",
    nodes: [
      node("Shape", ["x"], ["shape"]),
      node("Gather", ["shape", "one"], ["d"]),
      node("Equal", ["d", "one"], ["cond"]),
      node(
        "If",
        ["cond"],
        ["z"],
        [
          graphAttribute("then_branch", graph([node("Squeeze", ["x"], ["t"])], [], ["t"])),
          graphAttribute("else_branch", graph([node("Identity", ["x"], ["e"])], [], ["e"])),
        ],
      ),
      node("MatMul", ["z", "w"], ["y"]),
    ],
    initializers: [one],
  },
  {
    name: "If inside If",
    nodes: [
      node(
        "If",
        ["cond"],
        ["y"],
        [
          graphAttribute(
            "then_branch",
            graph(
              [
                node("MatMul", ["x", "w"], ["m"]),
                node(
                  "If",
                  ["cond"],
                  ["inner"],
                  [
                    graphAttribute("then_branch", graph([node("Mul", ["m", "s"], ["t"])], [], ["t"])),
                    graphAttribute("else_branch", graph([node("Identity", ["m"], ["e"])], [], ["e"])),
                  ],
                ),
              ],
              [],
              ["inner"],
            ),
          ),
          graphAttribute("else_branch", graph([node("Identity", ["x"], ["o"])], [], ["o"])),
        ],
      ),
    ],
    initializers: [bool("cond", true)],
  },
  {
    name: "Loop with a number of steps, its last state",
    nodes: [node("Loop", ["three", "", "x"], ["y", "all"], [graphAttribute("body", stepBody)])],
    initializers: [three],
  },
  {
    name: "Loop with a number of steps, all states",
    nodes: [node("Loop", ["three", "true", "x"], ["h", "y"], [graphAttribute("body", stepBody)])],
    initializers: [three, bool("true", true)],
  },
  {
    name: "Loop that stops by itself",
    nodes: [node("Loop", ["", "true", "x"], ["y"], [graphAttribute("body", stoppingBody)])],
    initializers: [bool("true", true)],
  },
  {
    name: "Loop that stops by itself, as TorchScript writes while",
    nodes: [node("Loop", ["most", "true", "x"], ["y"], [graphAttribute("body", stoppingBody)])],
    initializers: [ints("most", [], [2 ** 63]), bool("true", true)],
  },
  {
    name: "Loop of no step",
    nodes: [
      node("Loop", ["three", "false", "x"], ["h"], [graphAttribute("body", stoppingBody)]),
      node("MatMul", ["h", "w"], ["y"]),
    ],
    initializers: [three, bool("false", false)],
  },
  {
    name: "Scan, last state",
    nodes: [scan([intAttribute("num_scan_inputs", 1)], ["c0", "x"], scanBody, ["y", "all"])],
    initializers: [zeroState],
  },
  {
    name: "Scan, all outputs",
    nodes: [scan([intAttribute("num_scan_inputs", 1)], ["c0", "x"], scanBody, ["c", "y"])],
    initializers: [zeroState],
  },
  {
    name: "Scan backwards",
    nodes: [
      scan(
        [
          intAttribute("num_scan_inputs", 1),
          intsAttribute("scan_input_directions", [1]),
          intsAttribute("scan_output_directions", [1]),
        ],
        ["c0", "x"],
        scanBody,
        ["c", "y"],
      ),
    ],
    initializers: [zeroState],
  },
  {
    name: "Scan of another axis",
    nodes: [
      node("MatMul", ["x", "w"], ["xw"]),
      scan(
        [
          intAttribute("num_scan_inputs", 1),
          intsAttribute("scan_input_axes", [1]),
          intsAttribute("scan_output_axes", [-1]),
        ],
        ["two", "xw"],
        columnBody,
        ["c", "y"],
      ),
    ],
    initializers: [doubles("two", [2], [1, 2])],
  },
  {
    name: "SplitToSequence and SequenceAt",
    nodes: [
      node("MatMul", ["x", "w"], ["xw"]),
      node("SplitToSequence", ["xw", "one"], ["parts"], [intAttribute("axis", 1)]),
      node("SequenceAt", ["parts", "last"], ["a"]),
      node("SequenceAt", ["parts", "one"], ["b"]),
      node("Mul", ["a", "b"], ["y"]),
    ],
    initializers: [one, ints("last", [], [-1])],
  },
  {
    name: "SplitToSequence by lengths, ConcatFromSequence",
    nodes: [
      node("MatMul", ["x", "w"], ["xw"]),
      node("SplitToSequence", ["xw", "lengths"], ["parts"], [intAttribute("axis", -1)]),
      node("ConcatFromSequence", ["parts"], ["y"], [intAttribute("axis", 1)]),
    ],
    initializers: [ints("lengths", [2], [1, 2])],
  },
  {
    name: "SplitToSequence without keepdims, stacked again",
    nodes: [
      node("MatMul", ["x", "w"], ["xw"]),
      node("SplitToSequence", ["xw"], ["parts"], [intAttribute("axis", 1), intAttribute("keepdims", 0)]),
      node("ConcatFromSequence", ["parts"], ["y"], [intAttribute("axis", 0), intAttribute("new_axis", 1)]),
    ],
  },
  {
    name: "SequenceConstruct, SequenceInsert, SequenceErase, SequenceLength",
    nodes: [
      node("MatMul", ["x", "w"], ["xw"]),
      node("SequenceConstruct", ["x", "xw"], ["s0"]),
      node("SequenceInsert", ["s0", "xw", "zero"], ["s1"]),
      node("SequenceInsert", ["s1", "x"], ["s2"]),
      node("SequenceErase", ["s2", "one"], ["s3"]),
      node("SequenceErase", ["s3"], ["s4"]),
      node("SequenceLength", ["s4"], ["n"]),
      node("Cast", ["n"], ["nd"], [intAttribute("to", DOUBLE)]),
      node("ConcatFromSequence", ["s4"], ["c"], [intAttribute("axis", 0)]),
      node("Mul", ["c", "nd"], ["y"]),
    ],
    initializers: [one, ints("zero", [], [0])],
  },
  {
    name: "SequenceMap",
    nodes: [
      node("SplitToSequence", ["x", "one"], ["parts"], [intAttribute("axis", 0)]),
      node(
        "SequenceMap",
        ["parts", "s"],
        ["mapped"],
        [
          graphAttribute(
            "body",
            graph(
              [node("MatMul", ["row", "w"], ["m"]), node("Mul", ["m", "scale"], ["out"])],
              [info("row", [1, 3], DOUBLE), info("scale", [3], DOUBLE)],
              ["out"],
            ),
          ),
        ],
      ),
      node("ConcatFromSequence", ["mapped"], ["y"], [intAttribute("axis", 0)]),
    ],
    initializers: [one],
  },
  {
    name: "optional values",
    nodes: [
      node("MatMul", ["x", "w"], ["xw"]),
      node("Optional", ["xw"], ["maybe"]),
      node("OptionalHasElement", ["maybe"], ["has"]),
      node("Cast", ["has"], ["number"], [intAttribute("to", DOUBLE)]),
      node("OptionalGetElement", ["maybe"], ["got"]),
      node("Mul", ["got", "number"], ["y"]),
    ],
  },
  {
    name: "a sequence that grows in a Loop",
    nodes: [
      node("SequenceEmpty", [], ["none"], [intAttribute("dtype", DOUBLE)]),
      node(
        "Loop",
        ["three", "", "x", "none"],
        ["h", "parts"],
        [
          graphAttribute("body", {
            name: "body",
            node: [
              node("MatMul", ["h0", "w"], ["h1"]),
              node("SequenceInsert", ["p0", "h1"], ["p1"]),
              node("Identity", ["go"], ["go1"]),
            ],
            input: [
              info("i", [], INT64),
              info("go", [], BOOL),
              info("h0", [2, 3], DOUBLE),
              sequenceInfo("p0"),
            ],
            output: [info("go1", [], BOOL), info("h1", [2, 3], DOUBLE), sequenceInfo("p1")],
          }),
        ],
      ),
      node("ConcatFromSequence", ["parts"], ["y"], [intAttribute("axis", 1)]),
    ],
    initializers: [three],
  },
];

function sequenceInfo(name: string) {
  return { name, type: { sequence_type: { elem_type: { tensor_type: { elem_type: DOUBLE } } } } };
}

/** onnxruntime on the file as it is, with other weights. */
async function original(row: Row, w: readonly number[], s: readonly number[], x: readonly number[]) {
  const model = modelOf({ ...row, initializers: row.initializers ?? [] });
  const initializer = [doubles("w", [3, 3], w), doubles("s", [3], s), ...(row.initializers ?? [])];
  const session = await InferenceSession.create(
    bytesOf({ ...model, graph: { ...model.graph, initializer } }),
    {
      logSeverityLevel: 3,
    },
  );
  const { y } = await session.run({ x: new OrtTensor("float64", Float64Array.from(x), [2, 3]) });
  await session.release();
  return { dims: [...(y as OrtTensor).dims], data: Array.from((y as OrtTensor).data as Float64Array) };
}

/** y and the gradient of ⟨y, c⟩ by w and s, of the resolved model. */
function resolvedGraph(row: Row, c: (n: number) => readonly number[]) {
  const { graph: source } = decode(modelOf(row));
  const b = new GraphBuilder(lookup);
  const parameter = (name: string, dims: number[]) => b.input(name, { type: "float64", dims });
  const [x, w, s] = [parameter("x", [2, 3]), parameter("w", [3, 3]), parameter("s", [3])];
  const byName = new Map([...source.inputs, ...source.initializers].map((v) => [v.name, v]));
  const bindings = new Map<Value, Value>([x, w, s].map((v) => [byName.get(v.name) as Value, v] as const));
  const y = rewrite(source, b, bindings).get(source.outputs[0] as Value) as Value;
  const plain = expandGraph(b.build("resolved", [x, w, s], [y]), lookup);
  const end = plain.outputs[0] as Value;
  const weights = b.constant({
    type: "float64",
    dims: end.dims,
    data: Float64Array.from(c(end.dims.reduce((p, d) => p * d, 1))),
  });
  const loss = b.reduceSum(
    b.mul(end, weights),
    end.dims.map((_, i) => i),
    false,
  );
  return b.build("resolved", [x, w, s], [end, ...gradient(b, loss, [w, s], lookup)]);
}

describe("control flow and sequences are resolved", () => {
  test.each(rows.map((row) => [row.name, row] as const))("%s", async (_name, row) => {
    const random = randomFrom(row.name);
    const [w, s, x] = [[3, 3], [3], [2, 3]].map((dims) => draw(dims, [-1, 1], random)) as [
      number[],
      number[],
      number[],
    ];
    let c: readonly number[] = [];
    const graph = resolvedGraph(row, (n) => {
      c = draw([n], [-1, 1], random);
      return c;
    });
    expect(graph.nodes.filter((n) => /If|Loop|Scan|Sequence|Optional/.test(n.op)).map((n) => n.op)).toEqual(
      [],
    );

    const [y, dw, ds] = await runGraph(
      graph,
      [x, w, s].map((data, i) => ({
        type: "float64" as const,
        dims: [[2, 3], [3, 3], [3]][i] as number[],
        data: Float64Array.from(data),
      })),
    );
    const expected = await original(row, w, s, x);
    expect([...(y?.dims ?? [])]).toEqual(expected.dims);
    const size = Math.max(1, ...expected.data.map(Math.abs));
    for (const [i, v] of expected.data.entries())
      expect(Math.abs(((y?.data[i] as number) ?? NaN) - v)).toBeLessThan(tolerance("float64") * size);

    // A central difference along one direction: h² of truncation and ε/h of rounding, both ε^(2/3), for the third
    // derivatives of six numbers.
    const [vw, vs] = [draw([9], [-1, 1], random), draw([3], [-1, 1], random)];
    const h = Number.EPSILON ** (1 / 3);
    const at = async (t: number) => {
      const moved = await original(
        row,
        w.map((a, i) => a + t * (vw[i] as number)),
        s.map((a, i) => a + t * (vs[i] as number)),
        x,
      );
      return moved.data.reduce((sum, v, i) => sum + v * (c[i] as number), 0);
    };
    const numeric = ((await at(h)) - (await at(-h))) / (2 * h);
    const dot = (g: ArrayLike<number>, v: readonly number[]) =>
      v.reduce((sum, vi, i) => sum + vi * (g[i] as number), 0);
    const analytic = dot(dw?.data as Float64Array, vw) + dot(ds?.data as Float64Array, vs);
    expect(Math.abs(numeric - analytic)).toBeLessThan(64 * tolerance("float64") * size);
  });
});

const unknownCondition: Row = {
  name: "unknown",
  nodes: [
    node("ReduceMax", ["x"], ["m"], [intAttribute("keepdims", 0)]),
    node("Greater", ["m", "zero"], ["cond"]),
    node(
      "If",
      ["cond"],
      ["y"],
      [
        graphAttribute("then_branch", graph([node("MatMul", ["x", "w"], ["t"])], [], ["t"])),
        graphAttribute("else_branch", graph([node("Unsqueeze", ["x", "axis"], ["e"])], [], ["e"])),
      ],
    ),
  ],
  initializers: [doubles("zero", [], [0]), ints("axis", [1], [0])],
};

const endless: Row = {
  name: "endless",
  nodes: [node("Loop", ["", "true", "x"], ["y", "all"], [graphAttribute("body", stepBody)])],
  initializers: [bool("true", true)],
};

const stranger: Row = {
  name: "unknown operator",
  nodes: [
    node(
      "If",
      ["true"],
      ["y"],
      [
        graphAttribute("then_branch", graph([node("Unheard", ["x"], ["t"])], [], ["t"])),
        graphAttribute("else_branch", graph([node("Identity", ["x"], ["e"])], [], ["e"])),
      ],
    ),
  ],
  initializers: [bool("true", true)],
};

const long: Row = {
  name: "long",
  nodes: [node("Loop", ["many", "", "x"], ["y", "all"], [graphAttribute("body", stepBody)])],
  initializers: [ints("many", [], [5000])],
};

describe("what cannot be resolved is said", () => {
  test.each([
    [
      "an unknown condition",
      unknownCondition,
      /cannot resolve If: its condition \("cond"\) depends on the data or the weights; expected branches of one shape/,
    ],
    ["a loop without end", endless, /cannot unroll Loop: it runs for 1025 steps; expected at most 1024/],
    ["a loop that is too long", long, /cannot unroll Loop: it runs for 5000 steps; expected at most 1024/],
    ["an operator without a record inside", stranger, /no rule for Unheard/],
  ])("%s", (_name, row, message) => {
    expect(() => resolvedGraph(row, (n) => new Array(n).fill(1))).toThrow(message);
  });
});
