import type { Graph, Node, Value } from "./graph.ts";

/** Hands out names: a hint as it is when it is free, else with a number. */
export class UniqueNames {
  private readonly taken: Set<string> = new Set();
  private readonly next: Map<string, number> = new Map();

  take(hint: string): string {
    let name = hint;
    // Numbers go on from the last one, or thousands of equal hints would take quadratic time.
    for (let k = this.next.get(hint) ?? 1; this.taken.has(name); k++) {
      name = `${hint}_${k}`;
      this.next.set(hint, k + 1);
    }
    this.taken.add(name);
    return name;
  }
}

/**
 * Unique names for the values of a graph and its subgraphs, which see the names around them. Hints are
 * kept where they are free, first those of the graph's inputs and outputs; deterministic.
 */
export function assignNames(graph: Graph): ReadonlyMap<Value, string> {
  const names = new Map<Value, string>();
  const unique = new UniqueNames();
  const used = usedValues(graph);
  const assign = (value: Value, fallback: string) => {
    if (!names.has(value)) names.set(value, unique.take(value.name || fallback));
  };
  const visit = (g: Graph) => {
    for (const value of g.inputs) assign(value, "input");
    for (const value of g.outputs) assign(value, "output");
    for (const value of g.initializers) assign(value, "constant");
    for (const node of g.nodes) {
      for (const value of node.outputs) {
        // An output without a name that nobody uses is an absent one.
        if (value.name !== "" || used.has(value)) assign(value, node.op);
      }
      for (const inner of subgraphs(node)) visit(inner);
    }
  };
  visit(graph);
  return names;
}

/** Unique names for the nodes of a graph and its subgraphs, as they are encoded: onnxruntime refuses two nodes of one name. */
export function assignNodeNames(graph: Graph): ReadonlyMap<Node, string> {
  const names = new Map<Node, string>();
  const unique = new UniqueNames();
  const visit = (g: Graph) => {
    for (const node of g.nodes) {
      for (const inner of subgraphs(node)) visit(inner);
      if (node.name !== "") names.set(node, unique.take(node.name));
    }
  };
  visit(graph);
  return names;
}

/** The subgraphs of a node: bodies of If, Loop and Scan. */
export function subgraphs(node: Node): Graph[] {
  return [...node.attributes.values()].flatMap((a) => (a.kind === "graph" ? [a.value] : []));
}

/** Everything a node reads: its inputs, and what its subgraphs use of the graphs around them. */
export function operandsOf(node: Node): readonly (Value | null)[] {
  const inner = subgraphs(node);
  return inner.length === 0 ? node.inputs : [...node.inputs, ...inner.flatMap(capturedBy)];
}

function capturedBy(graph: Graph): Value[] {
  const own = new Set<Value>();
  ownValues(graph, own);
  return [...usedValues(graph)].filter((v) => !own.has(v));
}

function ownValues(graph: Graph, own: Set<Value>): void {
  for (const value of [...graph.inputs, ...graph.initializers]) own.add(value);
  for (const node of graph.nodes) {
    for (const value of node.outputs) own.add(value);
    for (const inner of subgraphs(node)) ownValues(inner, own);
  }
}

/** Values that some node, here or in a subgraph, or an output of a graph refers to. */
export function usedValues(graph: Graph, used: Set<Value> = new Set()): Set<Value> {
  for (const value of graph.outputs) used.add(value);
  for (const node of graph.nodes) {
    for (const value of node.inputs) if (value !== null) used.add(value);
    for (const inner of subgraphs(node)) usedValues(inner, used);
  }
  return used;
}
