import { type Attribute, type Attributes, Call, type Graph, Node, type OutputHint, Value } from "./graph.ts";
import type { Tensor } from "./tensor.ts";

/** Takes what a visitor puts in the place of a node. */
export class Emitter {
  readonly nodes: Node[] = [];
  readonly constants: Set<Value> = new Set();

  constant(tensor: Tensor, name: string): Value {
    const value = new Value("initializer", name, tensor.type, tensor.dims, { tensor, fromConstant: true });
    this.constants.add(value);
    return value;
  }

  call(
    op: string,
    inputs: readonly (Value | null)[],
    attributes: Readonly<Record<string, Attribute>>,
    output: OutputHint,
  ): Value {
    return this.node(new Call(op, inputs, new Map(Object.entries(attributes))), [output])[0] as Value;
  }

  node(
    call: Call,
    outputs: readonly OutputHint[],
    name?: string,
    metadata?: Node["metadata"],
  ): readonly Value[] {
    const node = new Node(call, outputs, name, metadata);
    this.nodes.push(node);
    return node.outputs;
  }

  /** Takes over the body of a graph whose inputs are bound. */
  splice(graph: Graph): void {
    for (const node of graph.nodes) this.nodes.push(node);
    for (const value of graph.initializers) this.constants.add(value);
  }
}

/**
 * Sees each node with its new inputs (and as it was) and either emits something in its place, one value
 * per output (undefined for one that is gone and not used), or leaves it by returning undefined.
 */
export type Visit = (node: Node, emit: Emitter, original: Node) => readonly (Value | undefined)[] | undefined;

export interface TransformOptions {
  /** What inputs, or values of the graphs around, become. */
  readonly bindings?: ReadonlyMap<Value, Value>;
  /** Changes attributes before the node is visited. */
  readonly attributes?: (attributes: Attributes) => Attributes;
  /** Changes the names of values. */
  readonly rename?: (value: Value) => string;
}

/** Rebuilds a graph and its subgraphs node by node; what does not change stays the same objects. */
export function transformGraph(graph: Graph, visit: Visit, options: TransformOptions = {}): Graph {
  return transform(graph, visit, options, new Map(options.bindings));
}

function transform(graph: Graph, visit: Visit, options: TransformOptions, became: Map<Value, Value>): Graph {
  const emit = new Emitter();
  for (const node of graph.nodes) {
    const current = rebuilt(node, visit, options, became);
    const outputs = visit(current, emit, node);
    if (outputs === undefined) emit.nodes.push(current);
    for (const [k, value] of node.outputs.entries()) {
      const now = outputs === undefined ? current.outputs[k] : outputs[k];
      if (now !== undefined && now !== value) became.set(value, now);
    }
  }
  const outputs = graph.outputs.map((v) => became.get(v) ?? v);
  const changed =
    emit.constants.size > 0 ||
    emit.nodes.length !== graph.nodes.length ||
    emit.nodes.some((n, i) => n !== graph.nodes[i]) ||
    outputs.some((v, i) => v !== graph.outputs[i]);
  if (!changed) return graph;
  const inputs = graph.inputs.filter((v) => !became.has(v));
  const initializers = [...new Set([...graph.initializers, ...emit.constants])];
  return { name: graph.name, inputs, outputs, initializers, nodes: emit.nodes };
}

function rebuilt(node: Node, visit: Visit, options: TransformOptions, became: Map<Value, Value>): Node {
  const { rename } = options;
  const inputs = node.inputs.map((v) => (v === null ? null : (became.get(v) ?? v)));
  const given = options.attributes?.(node.attributes) ?? node.attributes;
  const attributes = mapGraphs(given, (g) => transform(g, visit, options, became));
  const same = attributes === node.attributes && inputs.every((v, i) => v === node.inputs[i]);
  if (same && rename === undefined) return node;
  const call = new Call(node.op, inputs, attributes, node.domain, node.numOutputs);
  const outputs = node.outputs.map((v) => ({ name: rename?.(v) ?? v.name, type: v.type, shape: v.shape }));
  return new Node(call, outputs, node.name, node.metadata);
}

function mapGraphs(attributes: Attributes, map: (graph: Graph) => Graph): Attributes {
  let changed = false;
  const mapped = [...attributes].map(([name, a]): [string, Attribute] => {
    if (a.kind !== "graph") return [name, a];
    const value = map(a.value);
    changed ||= value !== a.value;
    return [name, { kind: "graph", value }];
  });
  return changed ? new Map(mapped) : attributes;
}
