import { Problem, quote } from "./invalid-model.ts";
import type { onnx } from "./proto/onnx.js";

type NodeProto = onnx.NodeProto.$Properties;
type GraphProto = onnx.GraphProto.$Properties;

/** Who computes each name; `taken` are the names that inputs and initializers already have. */
function producersOf(nodes: readonly NodeProto[], taken: ReadonlySet<string>): Map<string, number> {
  const producers = new Map<string, number>();
  for (const [i, node] of nodes.entries()) {
    for (const name of node.output ?? []) {
      if (name === "") continue;
      if (producers.has(name) || taken.has(name)) {
        const first = producers.get(name);
        const other = first === undefined ? "an input or initializer" : describe(nodes[first] ?? {});
        throw new Problem(
          `duplicate output: ${quote(name)} is computed by ${describe(node)} and by ${other}; expected one producer. Export the model again`,
        );
      }
      producers.set(name, i);
    }
  }
  return producers;
}

/**
 * The nodes in topological order; those that are in order stay in order. Names that no node computes are
 * left to whoever resolves them. Throws at a cycle.
 */
export function sortNodes(nodes: readonly NodeProto[], taken: ReadonlySet<string>): readonly NodeProto[] {
  const producers = producersOf(nodes, taken);
  const dependencies = nodes.map((node) => {
    const names = [...(node.input ?? []), ...capturedBy(node)];
    return names.map((name) => producers.get(name)).filter((i) => i !== undefined);
  });
  const sorted: NodeProto[] = [];
  const state = new Uint8Array(nodes.length);
  // An explicit stack: a chain may be as deep as the file is long.
  const stack: { index: number; next: number }[] = [];
  const enter = (index: number) => {
    if (state[index] === DONE) return;
    if (state[index] === OPEN) throw cycle(nodes, stack, index);
    state[index] = OPEN;
    stack.push({ index, next: 0 });
  };
  for (let i = 0; i < nodes.length; i++) {
    enter(i);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const needed = dependencies[top.index]?.[top.next++];
      if (needed !== undefined) enter(needed);
      else {
        state[top.index] = DONE;
        sorted.push(nodes[top.index] ?? {});
        stack.pop();
      }
    }
  }
  return sorted;
}

const OPEN = 1;
const DONE = 2;

function cycle(nodes: readonly NodeProto[], stack: readonly { index: number }[], index: number): Problem {
  const start = stack.findIndex((s) => s.index === index);
  const members = stack.slice(start).map((s) => describe(nodes[s.index] ?? {}));
  const shown = members.length > 6 ? [...members.slice(0, 5), `${members.length - 5} more`] : members;
  return new Problem(
    `cycle: ${shown.join(", ")} feed one another; expected an acyclic graph. Export the model again`,
  );
}

/** Names from outside that the subgraphs of a node use. */
function capturedBy(node: NodeProto): Set<string> {
  const names = new Set<string>();
  for (const attribute of node.attribute ?? []) {
    if (attribute.g != null) for (const name of freeNames(attribute.g)) names.add(name);
  }
  return names;
}

// Recursion: graphs nest no deeper than the protobuf parser allows.
function freeNames(graph: GraphProto): Set<string> {
  const own = new Set<string>();
  for (const info of graph.input ?? []) own.add(info.name ?? "");
  for (const tensor of graph.initializer ?? []) own.add(tensor.name ?? "");
  const used = new Set<string>();
  for (const node of graph.node ?? []) {
    for (const name of node.output ?? []) own.add(name);
    for (const name of node.input ?? []) used.add(name);
    for (const name of capturedBy(node)) used.add(name);
  }
  for (const info of graph.output ?? []) used.add(info.name ?? "");
  for (const name of own) used.delete(name);
  return used;
}

/** `Conv "layer1/conv"` */
export function describe(node: NodeProto): string {
  const name = node.name || node.output?.find((o) => o !== "");
  return name ? `${node.op_type || "node"} ${quote(name)}` : (node.op_type ?? "a node");
}
