import type { Graph, Value } from "../../src/onnx/graph.ts";
import { isFloat, type Tensor } from "../../src/onnx/tensor.ts";
import { type AttributeInit, GraphBuilder, numbersAs } from "../../src/ops/builder.ts";
import type { RecordLookup } from "../../src/ops/record.ts";
import { draw, randomFrom, type Sampler } from "./sample.ts";

export type FloatType = "float32" | "float64";

/** A float operand, fed; its type is the checker's choice. */
export interface Operand {
  readonly dims: readonly number[];
  readonly sample?: Sampler;
}

/** One row of the table: an operator on some operands. */
export interface Case {
  readonly op: string;
  readonly domain?: string;
  /** A tensor is a constant (float ones take the type that is checked); null leaves an input out. */
  readonly inputs: readonly (Operand | Tensor | null)[];
  readonly attrs?: Readonly<Record<string, AttributeInit>>;
  readonly outputs?: number;
  /** Differentiated inputs; all that the record names and that are fed if not given. */
  readonly wrt?: readonly number[];
  /** Linear in each of one or two inputs: a central difference with step 1 is then exact. */
  readonly linear?: boolean;
  /** Highest order that is checked; 2 if not given. */
  readonly order?: 1 | 2;
  /** The point lies on kinks or ties: no difference is the gradient there, but the frozen form must agree with it. */
  readonly atKink?: boolean;
  /** Standard opset that onnxruntime needs for the operator itself; 18 if not given. */
  readonly opset?: number;
  /** The only element type to check in; float64 where the runtime has kernels, else float32, if not given. */
  readonly type?: FloatType;
  /** How far from the point the frozen form is checked too; 2 if not given. */
  readonly reach?: number;
  readonly note?: string;
  /** What the operator is in standard ones, where onnxruntime's CPU provider has no kernel for it. */
  readonly means?: (b: GraphBuilder, inputs: readonly Value[]) => readonly Value[];
}

export function nameOf(c: Case): string {
  const dims = c.inputs.map((x) => (x === null ? "-" : `[${x.dims}]`)).join(" ");
  const attrs = Object.entries(c.attrs ?? {}).map(
    ([name, a]) => `${name}=${typeof a === "object" && "kind" in a ? String(a.value) : a}`,
  );
  return [c.domain ? `${c.domain}::${c.op}` : c.op, dims, ...attrs, c.note ? `(${c.note})` : ""]
    .join(" ")
    .trim();
}

/** The operator on fed inputs, as the file would hold it. */
export interface Forward {
  readonly graph: Graph;
  /** The fed inputs, and their numbers. */
  readonly inputs: readonly Value[];
  readonly point: readonly number[][];
  /** Those that are differentiated. */
  readonly wrt: readonly Value[];
}

export function forwardOf(c: Case, type: FloatType, records: RecordLookup): Forward {
  const b = new GraphBuilder(records);
  const random = randomFrom(nameOf(c));
  const fed: Value[] = [];
  const point: number[][] = [];
  const values = c.inputs.map((spec, i) => {
    if (spec === null) return null;
    if ("data" in spec) return b.constant(isFloat(spec.type) ? retyped(spec, type) : spec);
    const x = b.input(`x${i}`, { type, dims: spec.dims });
    fed.push(x);
    point.push(draw(spec.dims, spec.sample ?? "default", random));
    return x;
  });
  const options = { domain: c.domain ?? "", outputs: c.outputs ?? 1 };
  const outputs = b.calls(c.op, values, c.attrs ?? {}, options);
  const record = records(options.domain, c.op);
  const wanted = c.wrt ?? (record?.wrt === "all" ? values.keys() : (record?.wrt ?? []));
  const wrt = [...wanted].map((i) => values[i]).filter((x): x is Value => x != null && fed.includes(x));
  return { graph: b.build(c.op, fed, outputs), inputs: fed, point, wrt };
}

function retyped(tensor: Tensor, type: FloatType): Tensor {
  return { type, dims: tensor.dims, data: numbersAs(type, Array.from(tensor.data as ArrayLike<number>)) };
}

/** Whether the row feeds an operand of an operator that has differentiable inputs. */
export function isDifferentiable(c: Case, records: RecordLookup): boolean {
  const fed = c.inputs.some((x) => x !== null && !("data" in x));
  return fed && records(c.domain ?? "", c.op)?.wrt.length !== 0;
}
