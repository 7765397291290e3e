import { LandscapeError } from "../errors.ts";
import { Call, type Graph, type Node, type Value } from "../onnx/graph.ts";
import { ancestors, type GraphBuilder, type RunGraph } from "./builder.ts";

/** Emits something else for a node by returning its outputs; sees the node, and the same call on the new inputs. */
export type VisitCall = (call: Call, node: Node) => readonly Value[] | undefined;

/**
 * Emits every node that the outputs of `graph` need again into `b`, with inputs replaced, unless `visit` emits something else.
 * `bindings` says what the inputs (and, if wanted, initializers or inner values) become; other
 * initializers stay constants. Control flow and sequences are resolved on the way. Returns what each old
 * value became; those of subgraphs, which may run many times, are not in it.
 */
export function rewrite(
  graph: Graph,
  b: GraphBuilder,
  bindings: ReadonlyMap<Value, Value>,
  visit: VisitCall = () => undefined,
): Map<Value, Value> {
  const became = new Map<Value, Value>(bindings);
  const scope = new Scope(b, became, visit);
  const needed = new Set(ancestors(graph.outputs).nodes);
  scope.emit(graph.nodes.filter((node) => needed.has(node)));
  for (const output of graph.outputs) scope.find(output);
  return became;
}

/** Unrolled loops multiply: two nested ones of a thousand steps would be millions of nodes. */
const MAX_NODES = 1_000_000;

/** What the values of a graph became; a subgraph sees those around it. */
class Scope {
  private readonly b: GraphBuilder;
  private readonly became: Map<Value, Value>;
  private readonly visit: VisitCall;
  private readonly outer: Scope | undefined;
  private readonly root: Scope;
  private nodes = 0;

  constructor(b: GraphBuilder, became: Map<Value, Value>, visit: VisitCall, outer?: Scope) {
    this.b = b;
    this.became = became;
    this.visit = visit;
    this.outer = outer;
    this.root = outer?.root ?? this;
  }

  emit(nodes: readonly Node[]): void {
    for (const node of nodes) {
      const inputs = node.inputs.map((v) => (v === null ? null : this.find(v)));
      const call = new Call(node.op, inputs, node.attributes, node.domain, node.numOutputs);
      const outputs = this.visit(call, node) ?? this.call(call, node);
      for (const [k, value] of node.outputs.entries()) {
        const now = outputs[k];
        if (now !== undefined && !this.became.has(value)) this.became.set(value, now);
      }
    }
  }

  private call(call: Call, node: Node): readonly Value[] {
    if (this.outer) this.count(node);
    const resolve = this.b.recordOf(call)?.resolve;
    return resolve ? resolve(this.b, call, this.run) : this.b.emit(call, node.outputs[0]?.name);
  }

  private readonly run: RunGraph = (graph, inputs) => {
    const bound = new Map(graph.inputs.map((v, i): [Value, Value] => [v, inputs[i] as Value]));
    const inner = new Scope(this.b, bound, this.visit, this);
    inner.emit(graph.nodes);
    return graph.outputs.map((v) => inner.find(v));
  };

  find(value: Value): Value {
    const now = this.lookup(value);
    if (now !== undefined) return now;
    if (value.tensor === undefined) throw new Error(`internal: "${value.name}" is not bound`);
    const constant = this.b.constant(value.tensor, value.name);
    // Once for all runs of a subgraph.
    this.root.became.set(value, constant);
    return constant;
  }

  private lookup(value: Value): Value | undefined {
    return this.became.get(value) ?? this.outer?.lookup(value);
  }

  /** Nodes of subgraphs: unlike those of the file they may be too many, or of operators that nobody asked for yet. */
  private count(node: Node): void {
    if (this.b.recordOf(node) === undefined) {
      const label = node.domain ? `${node.domain}::${node.op}` : node.op;
      throw new LandscapeError(
        "UNSUPPORTED_OP",
        `cannot resolve the model's control flow: no rule for ${label} "${node.name}" inside it. Run "onnx-landscape inspect" for the whole list`,
        { op: node.op, domain: node.domain },
      );
    }
    if (++this.root.nodes <= MAX_NODES) return;
    throw new LandscapeError(
      "UNSUPPORTED_OP",
      `cannot unroll the model's loops: they come to more than ${MAX_NODES} nodes. Use data with shorter sequences`,
      {},
    );
  }
}
