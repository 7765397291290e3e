import { describe, expect, test } from "vitest";
import { Call, type Graph, Node, type Value } from "../../src/onnx/graph.ts";
import type { Tensor } from "../../src/onnx/tensor.ts";
import { attributeMap, GraphBuilder } from "../../src/ops/builder.ts";
import { expandGraph, rewriteCalls } from "../../src/ops/expand.ts";
import { lookup } from "../../src/ops/registry.ts";
import { type Case, forwardOf, nameOf } from "../support/case.ts";
import { openGraph, runGraph } from "../support/ort.ts";
import { draw, randomFrom } from "../support/sample.ts";
import { epsilon } from "../support/tolerance.ts";
import { cases } from "./cases.ts";

/** The operator itself, as a file would hold it: neither simplified nor folded nor expanded. */
function rawGraph(c: Case, operands: readonly (Value | null)[]): Graph {
  const call = new Call(c.op, operands, attributeMap(c.attrs ?? {}), c.domain ?? "", c.outputs ?? 1);
  const types = (lookup(call.domain, call.op) as NonNullable<ReturnType<typeof lookup>>).infer(call);
  const node = new Node(
    call,
    types.map((t, k) => ({ name: `y${k}`, type: t.type, shape: t.dims })),
  );
  const given = operands.filter((v) => v !== null);
  return {
    name: "raw",
    inputs: given.filter((v) => v.kind === "input"),
    initializers: given.filter((v) => v.kind === "initializer"),
    nodes: [node],
    outputs: node.outputs,
  };
}

/** Operands of a row: fed, or all constants. */
function operandsOf(
  c: Case,
  constant: boolean,
): { b: GraphBuilder; values: (Value | null)[]; feeds: Tensor[] } {
  const b = new GraphBuilder(lookup);
  const random = randomFrom(nameOf(c));
  const feeds: Tensor[] = [];
  const values = c.inputs.map((spec, i) => {
    if (spec === null) return null;
    if ("data" in spec) return b.constant(spec);
    const data = Float32Array.from(draw(spec.dims, spec.sample ?? "default", random));
    const tensor: Tensor = { type: "float32", dims: spec.dims, data };
    if (constant) return b.constant(tensor);
    feeds.push(tensor);
    return b.input(`x${i}`, tensor);
  });
  return { b, values, feeds };
}

/** A handful of float32 operations in another order; more for the polynomials behind Erf and Exp. */
const ROUNDINGS = 32;

function expectClose(got: Tensor, expected: Tensor): void {
  expect({ type: got.type, dims: [...got.dims] }).toEqual({ type: expected.type, dims: [...expected.dims] });
  const [a, b] = [got, expected].map((t) => Array.from(t.data as ArrayLike<number | bigint>, Number));
  for (const [i, x] of (a as number[]).entries()) {
    const y = (b as number[])[i] as number;
    if (Object.is(x, y) || x === y) continue;
    expect(Math.abs(x - y), `element ${i}: ${x} and ${y}`).toBeLessThanOrEqual(
      ROUNDINGS * epsilon("float32") * Math.max(1, Math.abs(y)),
    );
  }
}

async function referenceOf(c: Case): Promise<readonly Tensor[]> {
  const { b, values, feeds } = operandsOf(c, false);
  const fed = values.filter((v) => v !== null);
  if (c.means) return await runGraph(b.build("meant", fed, c.means(b, fed)), feeds);
  return await runGraph(rawGraph(c, values), feeds, { opset: c.opset ?? 18 });
}

describe("what we make of an operator gives onnxruntime's value and shape", () => {
  test.each(cases.map((c) => [nameOf(c), c] as const))("%s", async (_name, c) => {
    const reference = await referenceOf(c);

    const forward = forwardOf(c, "float32", lookup);
    const open = await openGraph(rewriteCalls(expandGraph(forward.graph, lookup), lookup, "lower"));
    const { feeds } = operandsOf(c, false);
    const outputs = await open.run(feeds);
    await open.release();
    for (const [k, y] of outputs.entries()) expectClose(y, reference[k] as Tensor);

    const { b, values } = operandsOf(c, true);
    const folded = b.calls(c.op, values, c.attrs ?? {}, { domain: c.domain ?? "", outputs: c.outputs ?? 1 });
    for (const [k, y] of folded.entries()) if (y.tensor) expectClose(y.tensor, reference[k] as Tensor);
  });
});

/** Shape arithmetic must be folded, or shapes would not be static. */
const FOLDED =
  "Abs Add And Cast Ceil Clip Concat ConstantOfShape CumSum Div Equal Expand Flatten Floor Gather GatherElements GatherND Greater GreaterOrEqual Identity Less LessOrEqual Max Min Mod Mul Neg Not Or Range ReduceMax ReduceMin ReduceProd ReduceSum Reshape Round Shape Sign Size Slice Split Sqrt Squeeze Sub Tile Transpose Trilu Unsqueeze Where".split(
    " ",
  );

describe("constants are folded", () => {
  test.each(FOLDED)("%s", (op) => {
    const rows = cases.filter((c) => c.op === op && (c.domain ?? "") === "");
    expect(rows.length).toBeGreaterThan(0);
    for (const c of rows) {
      const { b, values } = operandsOf(c, true);
      const outputs = b.calls(op, values, c.attrs ?? {}, { outputs: c.outputs ?? 1 });
      expect(
        outputs.every((y) => y.tensor !== undefined),
        nameOf(c),
      ).toBe(true);
    }
  });
});
