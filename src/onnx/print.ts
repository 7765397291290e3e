import type { Attribute, Graph, Node, Value } from "./graph.ts";
import { assignNames } from "./names.ts";
import { sizeOf, type Tensor } from "./tensor.ts";

/** A graph as text, one line per initializer and per node, with types and shapes; deterministic. */
export function printGraph(graph: Graph): string {
  return new Printer(assignNames(graph)).graph(graph, "").join("\n");
}

class Printer {
  private readonly names: ReadonlyMap<Value, string>;

  constructor(names: ReadonlyMap<Value, string>) {
    this.names = names;
  }

  graph(graph: Graph, indent: string): string[] {
    const inputs = graph.inputs.map((v) => this.typed(v)).join(", ");
    const outputs = graph.outputs.map((v) => this.names.get(v)).join(", ");
    return [
      `${indent}${graph.name || "graph"}(${inputs}) -> (${outputs})`,
      ...graph.initializers.map(
        (v) => `${indent}  ${this.typed(v)} = ${v.tensor ? contents(v.tensor) : "?"}`,
      ),
      ...graph.nodes.flatMap((n) => this.node(n, `${indent}  `)),
    ];
  }

  private typed(value: Value): string {
    const type = value.type ?? "?";
    return `${this.names.get(value) || "_"}: ${type}${value.shape ? shapeText(value.shape) : ""}`;
  }

  private node(node: Node, indent: string): string[] {
    const outputs = node.outputs.map((v) => this.typed(v)).join(", ");
    const inputs = node.inputs.map((v) => (v === null ? "_" : this.names.get(v))).join(", ");
    const attributes = [...node.attributes].map(([name, a]) => `${name}=${attributeText(a)}`);
    const op = node.domain === "" ? node.op : `${node.domain}::${node.op}`;
    const tail = attributes.length === 0 ? "" : ` {${attributes.join(", ")}}`;
    const bodies = [...node.attributes.values()].flatMap((a) =>
      a.kind === "graph" ? this.graph(a.value, `${indent}  `) : [],
    );
    return [`${indent}${outputs} = ${op}(${inputs})${tail}`, ...bodies];
  }
}

function shapeText(shape: readonly (number | string | null)[]): string {
  return `[${shape.map((d) => d ?? "?").join(", ")}]`;
}

function attributeText(attribute: Attribute): string {
  switch (attribute.kind) {
    case "int":
      return String(attribute.value);
    case "float":
      return floatText(attribute.value);
    case "string":
      return JSON.stringify(attribute.value);
    case "ints":
      return `[${attribute.value.join(", ")}]`;
    case "floats":
      return `[${attribute.value.map(floatText).join(", ")}]`;
    case "strings":
      return JSON.stringify(attribute.value);
    case "tensor":
      return `${attribute.value.type}${shapeText(attribute.value.dims)} ${contents(attribute.value)}`;
    case "graph":
      return attribute.value.name || "graph";
    case "reference":
      return `@${attribute.value}`;
  }
}

const SHOWN = 8;

function contents(tensor: Tensor): string {
  const shown = Array.from(tensor.data.slice(0, SHOWN) as ArrayLike<number | bigint | string>, (v) => {
    if (typeof v === "string") return JSON.stringify(v);
    return typeof v === "number" && tensor.type.startsWith("float") ? floatText(v) : String(v);
  });
  if (tensor.dims.length === 0) return shown[0] ?? "";
  return `[${shown.join(", ")}${sizeOf(tensor.dims) > SHOWN ? ", …" : ""}]`;
}

/** Six digits, and always seen to be a float. */
function floatText(value: number): string {
  const text = String(Number(value.toPrecision(6)));
  return /^-?\d+$/.test(text) ? `${Object.is(value, -0) ? "-0" : text}.0` : text;
}
