import { ONNX_TYPE_CODES } from "../onnx/element-type.ts";
import {
  type Attribute,
  type Attributes,
  Call,
  floatAttribute,
  type Graph,
  intAttribute,
  intsAttribute,
  Node,
  stringAttribute,
  Value,
} from "../onnx/graph.ts";
import { operandsOf } from "../onnx/names.ts";
import { type ElementType, int64Tensor, sizeOf, type Tensor, type TensorType } from "../onnx/tensor.ts";
import { attributesKey, constantKey } from "./call-keys.ts";

/** Attributes in short: whole numbers are ints unless wrapped by `float`. */
export type AttributeInit = Attribute | number | string | readonly number[];

export interface CallOptions {
  readonly domain?: string;
  readonly name?: string;
  readonly outputs?: number;
}

/** The part of an operator's record that emits its calls. */
export interface EmissionRules {
  /** Types of the outputs. */
  readonly infer: (call: Call) => readonly TensorType[];
  /** Value when it follows from constants or static shapes alone. */
  readonly fold?: (call: Call) => readonly Tensor[] | undefined;
  /** An existing or simpler value that this call equals, if there is one. */
  readonly simplify?: (b: GraphBuilder, call: Call) => Value | undefined;
  /**
   * For control flow and sequences, which are gone once shapes are bound: emits what the call comes to. It sees
   * subgraphs as they are in the file, and `run` emits one.
   */
  readonly resolve?: (b: GraphBuilder, call: Call, run: RunGraph) => readonly Value[];
  /** Two equal calls may differ (random numbers): never merged, never folded. */
  readonly impure?: boolean;
}

/** Emits the nodes of a subgraph with its inputs given; what it captures is known. Gives its outputs. */
export type RunGraph = (graph: Graph, inputs: readonly Value[]) => readonly Value[];

type EmissionLookup = (domain: string, op: string) => EmissionRules | undefined;
type Operand = Value | number;

/**
 * Emits nodes one by one, each typed by its record as it is made. Equal calls give the same value,
 * calls on constants are folded, and calls that change nothing give their input back, so that a graph
 * is simplified by the way it is built. Deterministic: equal input gives equal graphs.
 */
export class GraphBuilder {
  private readonly records: EmissionLookup;
  private readonly known = new Map<string, readonly Value[]>();
  private readonly constants = new Map<string, Value>();
  private readonly ids = new Map<Value, number>();
  private hint = "";
  private count = 0;

  constructor(records: EmissionLookup) {
    this.records = records;
  }

  /** Names of values emitted inside `emit` start with `prefix`. */
  scoped<T>(prefix: string, emit: () => T): T {
    const outer = this.hint;
    this.hint = prefix;
    try {
      return emit();
    } finally {
      this.hint = outer;
    }
  }

  input(name: string, type: TensorType): Value {
    return new Value("input", name, type.type, type.dims);
  }

  /** A constant; small equal ones are one value. */
  constant(tensor: Tensor, name?: string): Value {
    const make = () =>
      new Value("initializer", name ?? `constant_${this.count++}`, tensor.type, tensor.dims, { tensor });
    if (sizeOf(tensor.dims) > 4096) return make();
    return getOrMake(this.constants, constantKey(tensor), make);
  }

  scalar(value: number, type: ElementType = "float32"): Value {
    return this.constant({ type, dims: [], data: numbersAs(type, [value]) });
  }

  ints(values: readonly number[]): Value {
    return this.constant(int64Tensor([values.length], values));
  }

  /** A constant filled with one number. */
  filled(type: TensorType, value: number): Value {
    return this.expand(this.scalar(value, type.type), type.dims);
  }

  /** Emits a call and gives all its outputs. */
  calls(
    op: string,
    inputs: readonly (Value | null)[],
    attributes: Readonly<Record<string, AttributeInit | undefined>> | Attributes = {},
    options: CallOptions = {},
  ): readonly Value[] {
    const attrs =
      attributes instanceof Map ? attributes : attributeMap(attributes as Record<string, AttributeInit>);
    const call = new Call(op, trimmed(inputs), attrs, options.domain ?? "", options.outputs ?? 1);
    return this.emit(call, options.name);
  }

  /** Emits a call that has one output. */
  call(
    op: string,
    inputs: readonly (Value | null)[],
    attributes: Readonly<Record<string, AttributeInit | undefined>> | Attributes = {},
    options: CallOptions = {},
  ): Value {
    return this.calls(op, inputs, attributes, options)[0] as Value;
  }

  recordOf(call: Call): EmissionRules | undefined {
    return this.records(call.domain, call.op);
  }

  /** A list of tensors: a value without a type, for rules that take sequences apart again. */
  sequence(elements: readonly Value[]): Value {
    return new Node(new Call("SequenceConstruct", elements), [{ name: "sequence" }]).outputs[0] as Value;
  }

  /** An optional value that holds nothing. */
  nothing(): Value {
    return new Node(new Call("Optional", []), [{ name: "nothing" }]).outputs[0] as Value;
  }

  emit(call: Call, name?: string): readonly Value[] {
    const record = this.recordOf(call);
    if (record === undefined) throw new Error(`internal: no record for ${call.domain}::${call.op}`);
    if (!record.impure) {
      const folded = record.fold?.(call);
      if (folded !== undefined) return folded.map((t) => this.constant(t));
      const simpler = record.simplify?.(this, call);
      if (simpler !== undefined) return [simpler];
    }
    const make = () => this.make(call, record.infer(call), name);
    return record.impure ? make() : getOrMake(this.known, this.keyOf(call), make);
  }

  private make(call: Call, types: readonly TensorType[], name: string | undefined): readonly Value[] {
    // Kernels are little tested on tensors without elements, and onnxruntime's optimiser drops an Expand to one.
    if (types.every(({ type, dims }) => type === "float32" && sizeOf(dims) === 0))
      return types.map(({ type, dims }) => this.constant({ type, dims, data: numbersAs(type, []) }));
    const base = name ?? `${this.hint ? `${this.hint}/` : ""}${call.op}_${this.count++}`;
    const outputs = types.map((t, k) => ({
      name: k === 0 ? base : `${base}:${k}`,
      type: t.type,
      shape: t.dims,
    }));
    return new Node(call, outputs, base).outputs;
  }

  private keyOf(call: Call): string {
    const inputs = call.inputs.map((v) => (v === null ? "-" : this.idOf(v))).join(",");
    return `${call.domain}::${call.op}/${call.numOutputs}(${inputs})${attributesKey(call.attributes)}`;
  }

  private idOf(value: Value): number {
    let id = this.ids.get(value);
    if (id === undefined) {
      id = this.ids.size;
      this.ids.set(value, id);
    }
    return id;
  }

  // The vocabulary of the rules. A number operand becomes a scalar of the other operand's type.

  add(a: Operand, b: Operand): Value {
    return this.binary("Add", a, b);
  }

  sub(a: Operand, b: Operand): Value {
    return this.binary("Sub", a, b);
  }

  mul(a: Operand, b: Operand): Value {
    return this.binary("Mul", a, b);
  }

  div(a: Operand, b: Operand): Value {
    return this.binary("Div", a, b);
  }

  pow(a: Operand, b: Operand): Value {
    return this.binary("Pow", a, b);
  }

  greater(a: Operand, b: Operand): Value {
    return this.binary("Greater", a, b);
  }

  less(a: Operand, b: Operand): Value {
    return this.binary("Less", a, b);
  }

  equal(a: Operand, b: Operand): Value {
    return this.binary("Equal", a, b);
  }

  private binary(op: string, a: Operand, b: Operand): Value {
    const type = typeof a === "number" ? (b as Value).static.type : a.static.type;
    const value = (x: Operand) => (typeof x === "number" ? this.scalar(x, type) : x);
    return this.call(op, [value(a), value(b)]);
  }

  unary(op: string, x: Value): Value {
    return this.call(op, [x]);
  }

  neg(x: Value): Value {
    return this.call("Neg", [x]);
  }

  /** `whenTrue` where `condition` (bool), else `whenFalse`; one of them may be a number. */
  where(condition: Value, whenTrue: Operand, whenFalse: Operand): Value {
    const type = typeof whenTrue === "number" ? (whenFalse as Value).static.type : whenTrue.static.type;
    const value = (x: Operand) => (typeof x === "number" ? this.scalar(x, type) : x);
    return this.call("Where", [condition, value(whenTrue), value(whenFalse)]);
  }

  cast(x: Value, type: ElementType): Value {
    return this.call("Cast", [x], { to: ONNX_TYPE_CODES[type] });
  }

  matmul(a: Value, b: Value): Value {
    return this.call("MatMul", [a, b]);
  }

  transpose(x: Value, perm: readonly number[]): Value {
    return this.call("Transpose", [x], { perm });
  }

  /** Swaps the last two axes. */
  transposeLast(x: Value): Value {
    const n = x.dims.length;
    const perm = x.dims.map((_, i) => i);
    [perm[n - 2], perm[n - 1]] = [n - 1, n - 2];
    return this.transpose(x, perm);
  }

  reshape(x: Value, dims: readonly number[]): Value {
    // Without the attribute a 0 means "as before".
    return this.call("Reshape", [x, this.ints(dims)], dims.includes(0) ? { allowzero: 1 } : {});
  }

  expand(x: Value, dims: readonly number[]): Value {
    return this.call("Expand", [x, this.ints(dims)]);
  }

  reduceSum(x: Value, axes: readonly number[], keepdims = true): Value {
    if (axes.length === 0) return x;
    return this.call("ReduceSum", [x, this.ints(axes)], { keepdims: keepdims ? 1 : 0 });
  }

  concat(values: readonly Value[], axis: number): Value {
    return values.length === 1 ? (values[0] as Value) : this.call("Concat", values, { axis });
  }

  slice(
    x: Value,
    starts: readonly number[],
    ends: readonly number[],
    axes: readonly number[],
    steps?: readonly number[],
  ): Value {
    return this.call("Slice", [
      x,
      this.ints(starts),
      this.ints(ends),
      this.ints(axes),
      steps ? this.ints(steps) : null,
    ]);
  }

  /** Zeros around: `pads` lists the beginnings of all axes, then the ends; negative crops. */
  pad(x: Value, pads: readonly number[]): Value {
    return this.call("Pad", [x, this.ints(pads), this.scalar(0, x.static.type)], { mode: "constant" });
  }

  gather(x: Value, indices: Value, axis: number): Value {
    return this.call("Gather", [x, indices], { axis });
  }

  /** Sums a broadcast result back to `dims`. */
  sumTo(x: Value, dims: readonly number[]): Value {
    const from = x.dims;
    const lead = from.length - dims.length;
    const axes = from.map((_, i) => i).filter((i) => i < lead || (dims[i - lead] === 1 && from[i] !== 1));
    return this.reshape(this.reduceSum(x, axes), dims);
  }

  /** The part of what was built that `outputs` need, in topological order. */
  build(name: string, inputs: readonly Value[], outputs: readonly Value[]): Graph {
    const { nodes, leaves } = ancestors(outputs);
    return {
      name,
      inputs,
      outputs,
      nodes,
      initializers: leaves.filter((v) => v.kind === "initializer"),
    };
  }
}

/** Everything that `outputs` are computed from: nodes in topological order, and inputs and constants. */
export function ancestors(outputs: readonly Value[]): { nodes: Node[]; leaves: Value[] } {
  const nodes: Node[] = [];
  const leaves: Value[] = [];
  const seen = new Set<Node | Value>();
  // An explicit stack: graphs from files may be tens of thousands of nodes deep.
  const stack: { node: Node; edges: readonly (Value | null)[]; next: number }[] = [];
  const enter = (value: Value | null) => {
    const item = value?.producer ?? value;
    if (item == null || seen.has(item)) return;
    seen.add(item);
    if (item instanceof Node) stack.push({ node: item, edges: operandsOf(item), next: 0 });
    else leaves.push(item);
  };
  for (const output of outputs) {
    enter(output);
    while (stack.length > 0) {
      const top = stack[stack.length - 1] as (typeof stack)[number];
      if (top.next < top.edges.length) enter(top.edges[top.next++] ?? null);
      else {
        nodes.push(top.node);
        stack.pop();
      }
    }
  }
  return { nodes, leaves };
}

export { ONNX_TYPE_CODES } from "../onnx/element-type.ts";

/** A float attribute, for values that happen to be whole. */
export function float(value: number): Attribute {
  return floatAttribute(value);
}

export function attributeMap(init: Readonly<Record<string, AttributeInit | undefined>>): Attributes {
  const map = new Map<string, Attribute>();
  for (const [name, value] of Object.entries(init)) {
    if (value === undefined) continue;
    if (typeof value === "number")
      map.set(name, Number.isInteger(value) ? intAttribute(value) : floatAttribute(value));
    else if (typeof value === "string") map.set(name, stringAttribute(value));
    else if ("kind" in value) map.set(name, value);
    else map.set(name, intsAttribute(value));
  }
  return map;
}

/** Numbers as the storage of an element type. */
export function numbersAs(type: ElementType, values: readonly number[]): Tensor["data"] {
  switch (type) {
    case "float32":
      return Float32Array.from(values);
    case "float64":
      return Float64Array.from(values);
    case "int64":
      return BigInt64Array.from(values, (v) => BigInt(Math.trunc(v)));
    case "int32":
      return Int32Array.from(values);
    case "uint8":
    case "bool":
      return Uint8Array.from(values);
    default:
      throw new Error(`internal: constants of type ${type} are not emitted`);
  }
}

function trimmed(inputs: readonly (Value | null)[]): readonly (Value | null)[] {
  let end = inputs.length;
  while (end > 0 && inputs[end - 1] === null) end--;
  return end === inputs.length ? inputs : inputs.slice(0, end);
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
