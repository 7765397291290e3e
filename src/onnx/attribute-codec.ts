import type { Attribute, Attributes, Graph } from "./graph.ts";
import { longOf, numberOf } from "./int64.ts";
import { Problem, quote } from "./invalid-model.ts";
import { onnx } from "./proto/onnx.js";
import { decodeTensor, encodeTensor, type ReadExternal, utf8 } from "./tensor-codec.ts";

type AttributeProto = onnx.AttributeProto.$Properties;
type GraphProto = onnx.GraphProto.$Properties;
const { AttributeType } = onnx.AttributeProto;

/** What attributes need from the graph they stand in. */
export interface AttributeContext {
  readonly readExternal: ReadExternal;
  /** References to the attributes of a calling node are meaningful in function bodies only. */
  readonly inFunction: boolean;
  decodeGraph(proto: GraphProto): Graph;
}

export function decodeAttributes(
  protos: readonly AttributeProto[],
  node: string,
  context: AttributeContext,
): Attributes {
  return new Map(protos.map((p) => [p.name ?? "", decodeAttribute(p, node, context)]));
}

function decodeAttribute(proto: AttributeProto, node: string, context: AttributeContext): Attribute {
  const label = `attribute ${quote(proto.name ?? "")} of ${node}`;
  if (proto.ref_attr_name) {
    if (context.inFunction) return { kind: "reference", value: proto.ref_attr_name };
    throw new Problem(`${label} refers to a function's attribute, but is not inside a function`);
  }
  switch (typeOf(proto)) {
    case AttributeType.FLOAT:
      return { kind: "float", value: proto.f ?? 0 };
    case AttributeType.INT:
      return { kind: "int", value: proto.i ? numberOf(proto.i) : 0 };
    case AttributeType.STRING:
      return { kind: "string", value: proto.s ? utf8(proto.s) : "" };
    case AttributeType.FLOATS:
      return { kind: "floats", value: proto.floats ?? [] };
    case AttributeType.INTS:
      return { kind: "ints", value: (proto.ints ?? []).map(numberOf) };
    case AttributeType.STRINGS:
      return { kind: "strings", value: (proto.strings ?? []).map(utf8) };
    case AttributeType.TENSOR:
      return { kind: "tensor", value: decodeTensor(present(proto.t, label), label, context.readExternal) };
    case AttributeType.GRAPH:
      return { kind: "graph", value: context.decodeGraph(present(proto.g, label)) };
    case AttributeType.SPARSE_TENSOR:
    case AttributeType.SPARSE_TENSORS:
      throw new Problem(`unsupported sparse tensor: ${label}. Export the model with dense tensors`);
    default:
      throw new Problem(
        `unsupported ${label}; expected numbers, strings, a tensor or a graph, got ${AttributeType[proto.type ?? 0] ?? `type ${proto.type}`}`,
      );
  }
}

function present<T>(value: T | null | undefined, label: string): T {
  if (value == null) throw new Problem(`${label} has no value. The file is damaged: export it again`);
  return value;
}

const FIELDS = [
  ["f", AttributeType.FLOAT],
  ["i", AttributeType.INT],
  ["s", AttributeType.STRING],
  ["t", AttributeType.TENSOR],
  ["g", AttributeType.GRAPH],
  ["floats", AttributeType.FLOATS],
  ["ints", AttributeType.INTS],
  ["strings", AttributeType.STRINGS],
] as const;

/** Files of old IR versions do not state the type: it is that of the field that is set. */
function typeOf(proto: AttributeProto): onnx.AttributeProto.AttributeType {
  if (proto.type) return proto.type;
  const set = FIELDS.find(([field]) => {
    const value = proto[field];
    return Object.hasOwn(proto, field) && value != null && !(Array.isArray(value) && value.length === 0);
  });
  return set?.[1] ?? AttributeType.UNDEFINED;
}

export function encodeAttributes(
  attributes: Attributes,
  encodeGraph: (graph: Graph) => GraphProto,
): AttributeProto[] {
  return [...attributes].map(([name, a]) => ({ name, ...encodeAttribute(name, a, encodeGraph) }));
}

function encodeAttribute(
  name: string,
  attribute: Attribute,
  encodeGraph: (graph: Graph) => GraphProto,
): AttributeProto {
  switch (attribute.kind) {
    case "float":
      return { type: AttributeType.FLOAT, f: attribute.value };
    case "int":
      return { type: AttributeType.INT, i: longOf(attribute.value) };
    case "string":
      return { type: AttributeType.STRING, s: new TextEncoder().encode(attribute.value) };
    case "floats":
      return { type: AttributeType.FLOATS, floats: [...attribute.value] };
    case "ints":
      return { type: AttributeType.INTS, ints: attribute.value.map(longOf) };
    case "strings": {
      const encoder = new TextEncoder();
      return { type: AttributeType.STRINGS, strings: attribute.value.map((s) => encoder.encode(s)) };
    }
    case "tensor":
      return { type: AttributeType.TENSOR, t: encodeTensor(attribute.value, "") };
    case "graph":
      return { type: AttributeType.GRAPH, g: encodeGraph(attribute.value) };
    case "reference":
      throw new Error(
        `internal: attribute "${name}" refers to a function's attribute; inline functions first`,
      );
  }
}
