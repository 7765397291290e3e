import { ONNX_TYPE_CODES } from "./element-type.ts";
import { type Attribute, type Attributes, Call, type Graph, Node, Value } from "./graph.ts";
import { subgraphs } from "./names.ts";
import { type ElementType, sizeOf, type Tensor } from "./tensor.ts";
import { toFloat32 } from "./to-float32.ts";

const HALF: readonly ElementType[] = ["float16", "bfloat16"];

/**
 * The graph with all its floating point in single precision: half-precision models, and models that hold weights
 * or take inputs in double precision. Doubles in the arithmetic of shapes alone stay: single precision would round
 * sizes differently. Gives the graph itself when there is nothing to change.
 */
export function toSinglePrecision(graph: Graph): { graph: Graph; from: readonly ElementType[] } {
  const from = (["float16", "bfloat16", "float64"] as const).filter((type) => holds(graph, type));
  return { graph: from.length === 0 ? graph : new Converter(new Set(from)).graph(graph), from };
}

/** The half-precision types that a graph stores, takes or computes in. */
export function halfPrecisionOf(graph: Graph): readonly ElementType[] {
  return HALF.filter((type) => holds(graph, type));
}

function holds(graph: Graph, type: ElementType): boolean {
  const half = HALF.includes(type);
  const counts = (v: Value) => v.type === type && (half || sizeOf(v.tensor?.dims ?? []) > 1);
  return (
    graph.inputs.some((v) => v.type === type) ||
    graph.initializers.some(counts) ||
    graph.nodes.some((node) => (half && makes(node, type)) || subgraphs(node).some((g) => holds(g, type)))
  );
}

/** A Cast or a generator whose result has the type: mixed precision keeps its weights in float32. */
function makes(node: Node, type: ElementType): boolean {
  return ["to", "dtype"].some((name) => {
    const attribute = node.attributes.get(name);
    return attribute?.kind === "int" && attribute.value === ONNX_TYPE_CODES[type];
  });
}

class Converter {
  private readonly from: ReadonlySet<ElementType>;
  private readonly became = new Map<Value, Value>();

  constructor(from: ReadonlySet<ElementType>) {
    this.from = from;
  }

  graph(graph: Graph): Graph {
    const inputs = graph.inputs.map((v) => this.leaf(v));
    const initializers = graph.initializers.map((v) => this.leaf(v));
    const nodes = graph.nodes.map((node) => this.node(node));
    const outputs = graph.outputs.map((v) => this.find(v));
    return { name: graph.name, inputs, initializers, nodes, outputs };
  }

  private node(node: Node): Node {
    const inputs = node.inputs.map((v) => (v === null ? null : this.find(v)));
    const call = new Call(node.op, inputs, this.attributes(node.attributes), node.domain, node.numOutputs);
    const outputs = node.outputs.map((v) => ({ name: v.name, type: this.type(v.type), shape: v.shape }));
    const converted = new Node(call, outputs, node.name, node.metadata);
    for (const [k, v] of node.outputs.entries()) this.became.set(v, converted.outputs[k] as Value);
    return converted;
  }

  private find(value: Value): Value {
    return this.became.get(value) ?? value;
  }

  private type(type: ElementType | undefined): ElementType | undefined {
    return type !== undefined && this.from.has(type) ? "float32" : type;
  }

  private leaf(value: Value): Value {
    if (this.type(value.type) === value.type) return value;
    const { tensor, fromConstant, metadata } = value;
    const source = { fromConstant, metadata, ...(tensor && { tensor: single(tensor) }) };
    const converted = new Value(value.kind, value.name, "float32", value.shape, source);
    this.became.set(value, converted);
    return converted;
  }

  /** Types that attributes name ("to" of a Cast, "dtype" of generators), tensors in them, and subgraphs. */
  private attributes(attributes: Attributes): Attributes {
    const codes = [...this.from].map((type) => ONNX_TYPE_CODES[type]);
    const converted = (name: string, a: Attribute): Attribute => {
      if (a.kind === "graph") return { kind: "graph", value: this.graph(a.value) };
      if (a.kind === "tensor")
        return this.from.has(a.value.type) ? { kind: "tensor", value: single(a.value) } : a;
      const names = a.kind === "int" && (name === "to" || name === "dtype") && codes.includes(a.value);
      return names ? { kind: "int", value: ONNX_TYPE_CODES.float32 } : a;
    };
    return new Map([...attributes].map(([name, a]) => [name, converted(name, a)]));
  }
}

function single(tensor: Tensor): Tensor {
  return { type: "float32", dims: tensor.dims, data: toFloat32(tensor) };
}
