import { expect, test } from "vitest";
import type { OnnxModel } from "../../src/onnx/graph.ts";
import { encodeModel, inlineFunctions, printGraph, toOpset18 } from "../../src/onnx/index.ts";
import { onnx } from "../../src/onnx/proto/onnx.js";
import {
  bytesOf,
  decode,
  floatAttribute,
  graphAttribute,
  info,
  intsAttribute,
  longs,
  type ModelProto,
  node,
  referenceAttribute,
  smallModel,
} from "./protos.ts";
import { ramp, run } from "./run.ts";

type FunctionProto = onnx.FunctionProto.$Properties;
const { FLOAT, INTS } = onnx.AttributeProto.AttributeType;

function definition(name: string, parts: FunctionProto, opset = 18): FunctionProto {
  return {
    domain: "own",
    name,
    input: ["a"],
    output: ["r"],
    opset_import: [
      { domain: "", version: longs([opset])[0] as never },
      { domain: "own", version: longs([1])[0] as never },
    ],
    ...parts,
  };
}

/** A model of calls in domain "own". */
function calling(nodes: ModelProto["graph"], functions: FunctionProto[], opset = 18): ModelProto {
  return smallModel(
    { initializer: [], output: [info("y")], ...nodes },
    {
      functions,
      opset_import: [
        { domain: "", version: longs([opset])[0] as never },
        { domain: "own", version: longs([1])[0] as never },
      ],
    },
  );
}

const own = { domain: "own" };

/** Leaky y = x where x > 0, else slope · x, by a reference; slope has a default. */
const leaky = definition("Leaky", {
  attribute_proto: [floatAttribute("slope", 0.5)],
  node: [
    node("Constant", [], ["k"], [referenceAttribute("value_float", "slope", FLOAT)]),
    node("Mul", ["a", "k"], ["scaled"]),
    node("Max", ["a", "scaled"], ["r"]),
  ],
});

async function expectSame(model: ModelProto): Promise<OnnxModel> {
  const inlined = inlineFunctions(decode(model));
  const feeds = { x: ramp([4, 2]) };
  const before = await run(bytesOf(model), feeds);
  const after = await run(encodeModel(inlined.graph, { opset: inlined.opset.get("") ?? 0 }), feeds);
  expect(after["y"]?.data).toEqual(before["y"]?.data);
  expect(inlined.functions).toEqual([]);
  return inlined;
}

test("attributes, defaults and names", async () => {
  const model = calling(
    {
      node: [
        node("Leaky", ["x"], ["h"], [], { ...own, name: "first" }),
        node("Leaky", ["h"], ["y"], [floatAttribute("slope", 0.25)], { ...own, name: "second" }),
      ],
    },
    [leaky],
  );
  const { graph } = await expectSame(model);
  expect(printGraph(graph)).toMatchInlineSnapshot(`
    "small(x: float32[batch, 2]) -> (y)
      first/k: float32[] = 0.5
      second/k: float32[] = 0.25
      first/scaled: ? = Mul(x, first/k)
      h: ? = Max(x, first/scaled)
      second/scaled: ? = Mul(h, second/k)
      y: ? = Max(h, second/scaled)"
  `);
});

test("functions that call functions", async () => {
  const twice = definition("Twice", {
    node: [
      node("Leaky", ["a"], ["b"], [floatAttribute("slope", 0.1)], own),
      node("Leaky", ["b"], ["r"], [], own),
    ],
  });
  const { graph } = await expectSame(
    calling({ node: [node("Twice", ["x"], ["y"], [], own)] }, [leaky, twice]),
  );
  expect(graph.nodes.map((n) => n.op)).toEqual(["Mul", "Max", "Mul", "Max"]);
  expect(graph.outputs[0]?.name).toBe("y");
});

test("an attribute handed on from function to function", async () => {
  const outer = definition("Outer", {
    attribute: ["by"],
    node: [node("Leaky", ["a"], ["r"], [referenceAttribute("slope", "by", FLOAT)], own)],
  });
  const call = node("Outer", ["x"], ["y"], [floatAttribute("by", -2)], own);
  await expectSame(calling({ node: [call] }, [leaky, outer]));
});

test("optional inputs that the caller leaves out, and absent attributes", async () => {
  const clip = definition("MyClip", {
    input: ["a", "low", "high"],
    attribute: ["perm"],
    node: [
      node("Clip", ["a", "low", "high"], ["c"]),
      node("Transpose", ["c"], ["r"], [referenceAttribute("perm", "perm", INTS)]),
    ],
  });
  const { graph } = await expectSame(calling({ node: [node("MyClip", ["x"], ["y"], [], own)] }, [clip]));
  expect(graph.nodes[0]?.inputs).toHaveLength(1);
  expect(graph.nodes[1]?.attributes.size).toBe(0);
});

test("a body that hands its input through keeps the caller's name", async () => {
  const same = definition("Same", { output: ["a"] });
  const model = calling({ node: [node("Same", ["x"], ["y"], [], own)] }, [same]);
  const { graph } = inlineFunctions(decode(model));
  expect(graph.nodes.map((n) => n.op)).toEqual(["Identity"]);
  expect(graph.outputs[0]?.name).toBe("y");
});

test("calls inside subgraphs, and subgraphs inside functions", async () => {
  const body = (op: string, domain = "") => ({
    name: op,
    node: [node(op, ["x"], ["t"], [], { domain })],
    output: [info("t")],
  });
  const choose = definition("Choose", {
    node: [
      node("ReduceMax", ["a"], ["m"], [], {}),
      node("Cast", ["m"], ["c"], [{ name: "to", type: 2, i: longs([9])[0] as never }]),
      node("Squeeze", ["c"], ["s"]),
      node(
        "If",
        ["s"],
        ["r"],
        [
          graphAttribute("then_branch", {
            name: "t",
            node: [node("Neg", ["a"], ["t"])],
            output: [info("t")],
          }),
          graphAttribute("else_branch", {
            name: "e",
            node: [node("Leaky", ["a"], ["e"], [], own)],
            output: [info("e")],
          }),
        ],
      ),
    ],
  });
  const model = calling(
    {
      node: [
        node("Choose", ["x"], ["d"], [], own),
        node("ReduceMin", ["x"], ["n"]),
        node("Cast", ["n"], ["nc"], [{ name: "to", type: 2, i: longs([9])[0] as never }]),
        node("Squeeze", ["nc"], ["c"]),
        node(
          "If",
          ["c"],
          ["z"],
          [graphAttribute("then_branch", body("Leaky", "own")), graphAttribute("else_branch", body("Abs"))],
        ),
        node("Add", ["d", "z"], ["y"]),
      ],
    },
    [leaky, choose],
  );
  await expectSame(model);
});

test("functions of another opset than the model", async () => {
  const old = definition(
    "Old",
    {
      attribute: ["axes"],
      node: [node("ReduceMean", ["a"], ["r"], [referenceAttribute("axes", "axes", INTS)])],
    },
    13,
  );
  const model = calling({ node: [node("Old", ["x"], ["y"], [intsAttribute("axes", [1])], own)] }, [old], 18);
  const inlined = inlineFunctions(decode(model));
  expect(inlined.opset.get("")).toBe(18);
  expect(inlined.graph.nodes[0]?.attributes.has("axes")).toBe(false);
  const x = ramp([4, 2]);
  const { y } = await run(encodeModel(inlined.graph), { x });
  const pairs = Array.from({ length: 4 }, (_, i) => (x.data as Float32Array).subarray(2 * i, 2 * i + 2));
  expect(y?.data).toEqual(Float32Array.from(pairs, ([a, b]) => Math.fround(Math.fround(a! + b!) / 2)));
});

test("converting before inlining or after is the same", () => {
  const mean = definition(
    "Mean1",
    {
      attribute: ["axes"],
      node: [node("ReduceMean", ["a"], ["r"], [referenceAttribute("axes", "axes", INTS)])],
    },
    13,
  );
  const call = node("Mean1", ["x"], ["h"], [intsAttribute("axes", [1])], own);
  const model = decode(calling({ node: [call, node("Squeeze", ["h"], ["y"], [])] }, [mean], 13));
  const after = toOpset18(inlineFunctions(model)).graph;
  const before = inlineFunctions(toOpset18(model)).graph;
  expect(printGraph(after)).toBe(printGraph(before));
});

test("a model without functions is left alone", () => {
  const model = decode(smallModel());
  expect(inlineFunctions(model)).toBe(model);
});

test("endless recursion is refused", () => {
  const endless = definition("Endless", { node: [node("Endless", ["a"], ["r"], [], own)] });
  const model = decode(calling({ node: [node("Endless", ["x"], ["y"], [], own)] }, [endless]));
  expect(() => inlineFunctions(model)).toThrow(
    /cannot be inlined: calls nested more than 32 deep at "Endless"/,
  );
});

test("calls that multiply are refused before they fill the memory", () => {
  // Each level calls the one below sixteen times: 16⁷ calls at the top.
  const levels = Array.from({ length: 7 }, (_, k) =>
    definition(`L${k}`, {
      node: Array.from({ length: 16 }, (_, i) =>
        node(
          k === 0 ? "Neg" : `L${k - 1}`,
          [i === 0 ? "a" : `v${i}`],
          [i === 15 ? "r" : `v${i + 1}`],
          [],
          k === 0 ? {} : own,
        ),
      ),
    }),
  );
  const model = decode(calling({ node: [node("L6", ["x"], ["y"], [], own)] }, levels));
  const start = performance.now();
  expect(() => inlineFunctions(model)).toThrow(/more than \d+ nodes/);
  expect(performance.now() - start).toBeLessThan(30_000);
});

test("a constant whose value nobody gives is refused", () => {
  const bad = definition("Bad", {
    attribute: ["v"],
    node: [node("Constant", [], ["r"], [referenceAttribute("value_float", "v", FLOAT)])],
  });
  const model = decode(calling({ node: [node("Bad", ["x"], ["y"], [], own)] }, [bad]));
  expect(() => inlineFunctions(model)).toThrow(/Constant "y" has no value/);
});
