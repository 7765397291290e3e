import { encodeAttributes } from "./attribute-codec.ts";
import { Call, type Graph, Node, type Value } from "./graph.ts";
import { longOf } from "./int64.ts";
import { assignNames, assignNodeNames, subgraphs } from "./names.ts";
import { onnx } from "./proto/onnx.js";
import { encodeExternalTensor, encodeTensor, type TensorProto } from "./tensor-codec.ts";
import { encodeValueInfo } from "./value-type.ts";

export interface EncodeOptions {
  /** Opset version of the standard operators. */
  readonly opset?: number;
  /** Versions of other domains that the graph uses; 1 where nothing is said. */
  readonly domains?: ReadonlyMap<string, number>;
  readonly irVersion?: number;
  readonly producer?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Initializers for which `offsetOf` gives a number lie at that byte of the file `location`. */
  readonly external?: { readonly location: string; offsetOf(value: Value): number | undefined };
}

type GraphProto = onnx.GraphProto.$Properties;

/**
 * Encodes a graph as an ONNX file. Names are made unique; inputs and outputs keep their hints where these
 * are distinct. Equal graphs give equal bytes.
 */
export function encodeModel(graph: Graph, options: EncodeOptions = {}): Uint8Array {
  const whole = withDistinctOutputs(graph);
  const opset = new Map([["", options.opset ?? 18]]);
  for (const domain of [...domainsOf(whole)].sort()) {
    if (domain !== "") opset.set(domain, options.domains?.get(domain) ?? 1);
  }
  const encoder = new GraphEncoder(whole, assignNames(whole), options.external);
  const model: onnx.ModelProto.$Properties = {
    ir_version: longOf(options.irVersion ?? 8),
    producer_name: options.producer ?? "onnx-landscape",
    opset_import: [...opset].map(([domain, version]) => ({ domain, version: longOf(version) })),
    graph: encoder.graph(whole),
    metadata_props: entriesOf(options.metadata ?? {}),
  };
  const bytes = onnx.ModelProto.encode(model).finish();
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A file cannot name one output twice: repeated ones go through Identity. */
function withDistinctOutputs(graph: Graph): Graph {
  const seen = new Set<Value>();
  const copies: Node[] = [];
  const outputs = graph.outputs.map((value) => {
    if (!seen.has(value)) {
      seen.add(value);
      return value;
    }
    const copy = new Node(new Call("Identity", [value]), [value]);
    copies.push(copy);
    return copy.outputs[0] as Value;
  });
  return copies.length === 0 ? graph : { ...graph, outputs, nodes: [...graph.nodes, ...copies] };
}

function domainsOf(graph: Graph, found: Set<string> = new Set()): Set<string> {
  for (const node of graph.nodes) {
    found.add(node.domain);
    for (const inner of subgraphs(node)) domainsOf(inner, found);
  }
  return found;
}

class GraphEncoder {
  private readonly names: ReadonlyMap<Value, string>;
  private readonly external: EncodeOptions["external"];
  private readonly defined = new Set<Value>();
  private readonly nodeNames: ReadonlyMap<Node, string>;

  constructor(graph: Graph, names: ReadonlyMap<Value, string>, external: EncodeOptions["external"]) {
    this.names = names;
    this.nodeNames = assignNodeNames(graph);
    this.external = external;
  }

  graph(graph: Graph): GraphProto {
    for (const value of [...graph.inputs, ...graph.initializers]) this.defined.add(value);
    const node = graph.nodes.map((n) => this.node(n));
    const ends = new Set(graph.outputs);
    for (const value of ends) this.use(value, `output of graph "${graph.name}"`);
    const inner = graph.nodes.flatMap((n) => n.outputs).filter((v) => !ends.has(v) && v.type !== undefined);
    return {
      name: graph.name || "graph",
      input: graph.inputs.map((v) => this.info(v)),
      initializer: graph.initializers.map((v) => this.initializer(v)),
      node,
      output: graph.outputs.map((v) => this.info(v)),
      value_info: inner.filter((v) => this.names.has(v)).map((v) => this.info(v)),
    };
  }

  private info(value: Value): onnx.ValueInfoProto.$Properties {
    return encodeValueInfo(this.names.get(value) ?? "", value);
  }

  private initializer(value: Value): TensorProto {
    const name = this.names.get(value) ?? "";
    const offset = this.external?.offsetOf(value);
    if (offset !== undefined && this.external !== undefined) {
      return encodeExternalTensor(value.static, name, this.external.location, offset);
    }
    if (value.tensor === undefined) throw new Error(`internal: initializer "${name}" has no contents`);
    return encodeTensor(value.tensor, name);
  }

  private node(node: Node): onnx.NodeProto.$Properties {
    const end = node.inputs.findLastIndex((v) => v !== null) + 1;
    const input = node.inputs
      .slice(0, end)
      .map((v) => (v === null ? "" : this.use(v, `used by ${node.op} "${node.name}"`)));
    const attribute = encodeAttributes(node.attributes, (g) => this.graph(g));
    for (const value of node.outputs) this.defined.add(value);
    const output = node.outputs.map((v) => this.names.get(v) ?? "");
    const [op_type, overload = ""] = node.op.split(":");
    return {
      input,
      output,
      name: this.nodeNames.get(node) ?? "",
      op_type: op_type ?? "",
      domain: node.domain,
      attribute,
      metadata_props: entriesOf(node.metadata),
      ...(overload && { overload }),
    };
  }

  private use(value: Value, where: string): string {
    if (this.defined.has(value)) return this.names.get(value) ?? "";
    throw new Error(`internal: "${value.name}", ${where}, is not defined before it`);
  }
}

function entriesOf(record: Readonly<Record<string, string>>): onnx.StringStringEntryProto.$Properties[] {
  return Object.entries(record).map(([key, value]) => ({ key, value }));
}
