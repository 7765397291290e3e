import { describe, expect, it } from "vitest";
import { gradient } from "../../src/autodiff/gradient.ts";
import { hessianVectorProduct } from "../../src/autodiff/hessian-vector.ts";
import { LandscapeError } from "../../src/errors.ts";
import { Call, Node, type Value } from "../../src/onnx/graph.ts";
import { encodeModel } from "../../src/onnx/index.ts";
import { GraphBuilder } from "../../src/ops/builder.ts";
import type { RecordLookup } from "../../src/ops/record.ts";
import { lookup } from "../../src/ops/registry.ts";
import { runGraph } from "../support/ort.ts";

const vector = { type: "float64", dims: [3] } as const;

function feed(values: readonly number[]) {
  return { type: "float64", dims: [values.length], data: Float64Array.from(values) } as const;
}

/** The outputs' numbers for these inputs, in the order of `inputs`. */
async function evaluate(
  b: GraphBuilder,
  inputs: readonly Value[],
  numbers: readonly (readonly number[])[],
  outputs: readonly Value[],
): Promise<number[][]> {
  const found = await runGraph(b.build("test", inputs, outputs), numbers.map(feed));
  return found.map((t) => [...(t.data as Float64Array)]);
}

describe("gradient", () => {
  it("adds up over all uses of a value", async () => {
    // f = Σ x³ + x·y: ∂x = 3x² + y, ∂y = x.
    const b = new GraphBuilder(lookup);
    const [x, y] = [b.input("x", vector), b.input("y", vector)];
    const f = b.reduceSum(b.add(b.mul(b.mul(x, x), x), b.mul(x, y)), [0], false);
    const grads = gradient(b, f, [x, y], lookup);
    const [gx, gy] = await evaluate(
      b,
      [x, y],
      [
        [1, 2, -1],
        [5, 6, 7],
      ],
      grads,
    );
    expect(gx).toEqual([8, 18, 10]);
    expect(gy).toEqual([1, 2, -1]);
  });

  it("is zero for what the loss does not depend on", async () => {
    const b = new GraphBuilder(lookup);
    const [x, y] = [b.input("x", vector), b.input("y", vector)];
    const grads = gradient(b, b.reduceSum(b.mul(x, x), [0], false), [x, y], lookup);
    expect(grads[1]?.tensor ?? grads[1]?.producer?.op).toBeDefined();
    const [gx] = await evaluate(b, [x], [[1, 2, 3]], [grads[0] as Value]);
    expect(gx).toEqual([2, 4, 6]);
  });

  it("names every operator without a rule at once", () => {
    const b = new GraphBuilder(lookup);
    const x = b.input("x", vector);
    const strange = (op: string, input: Value) => {
      const call = new Call(op, [input], new Map(), "acme");
      return new Node(call, [{ name: `${op}_out`, type: "float64", shape: [3] }], `my_${op}`)
        .outputs[0] as Value;
    };
    const loss = b.reduceSum(strange("Second", strange("First", x)), [0], false);
    let error: unknown;
    try {
      gradient(b, loss, [x], lookup);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(LandscapeError);
    expect((error as LandscapeError).code).toBe("UNSUPPORTED_OP");
    expect((error as Error).message).toContain(
      'acme::First (1 node: "my_First"), acme::Second (1 node: "my_Second")',
    );
  });

  it("refuses a rule that gives the wrong type", () => {
    const wrong: RecordLookup = (domain, op) => {
      const record = lookup(domain, op);
      return op === "Exp" && record ? { ...record, vjp: (s) => s.b.cast(s.dy(), "float32") } : record;
    };
    const b = new GraphBuilder(wrong);
    const x = b.input("x", vector);
    const loss = b.reduceSum(b.unary("Exp", x), [0], false);
    expect(() => gradient(b, loss, [x], wrong)).toThrow(/gradient of Exp .* expected float64 \[3\]/);
  });

  it("gives equal bytes for equal graphs", () => {
    const make = () => {
      const b = new GraphBuilder(lookup);
      const x = b.input("x", vector);
      const loss = b.reduceSum(b.mul(b.unary("Tanh", x), b.unary("Exp", x)), [0], false);
      return encodeModel(b.build("g", [x], [...gradient(b, loss, [x], lookup)]));
    };
    expect(Buffer.compare(make(), make())).toBe(0);
  });
});

describe("Hessian-vector product", () => {
  it("is that of a polynomial, and symmetric", async () => {
    // f = Σ x²y: H = [[2y, 2x], [2x, 0]] per element.
    const b = new GraphBuilder(lookup);
    const [x, y, u, v] = ["x", "y", "u", "v"].map((n) => b.input(n, vector)) as [Value, Value, Value, Value];
    const loss = b.reduceSum(b.mul(b.mul(x, x), y), [0], false);
    const hv = hessianVectorProduct(b, loss, [x, y], [u, v], lookup);
    const numbers = [
      [1, 2, 3],
      [4, 5, 6],
      [1, 0, 2],
      [0, 1, -1],
    ];
    const [hx, hy] = await evaluate(b, [x, y, u, v], numbers, hv);
    expect(hx).toEqual([8, 4, 18]);
    expect(hy).toEqual([2, 0, 12]);
  });
});
