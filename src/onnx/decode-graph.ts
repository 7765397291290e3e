import { type AttributeContext, decodeAttributes } from "./attribute-codec.ts";
import { constantTensor } from "./constant.ts";
import { Call, type Graph, Node, Value } from "./graph.ts";
import { Problem, quote } from "./invalid-model.ts";
import type { onnx } from "./proto/onnx.js";
import { describe, sortNodes } from "./sort.ts";
import type { Tensor } from "./tensor.ts";
import { decodeTensor, type ReadExternal } from "./tensor-codec.ts";
import { type DeclaredType, decodeInputType, decodeType, UNDECLARED } from "./value-type.ts";

export interface GraphContext {
  readonly readExternal: ReadExternal;
  readonly inFunction: boolean;
  /** Opset versions by domain, and the domains of local functions. */
  readonly domains: ReadonlySet<string>;
}

/** The values that a name may mean; a subgraph sees those around it. */
export class Scope {
  private readonly values = new Map<string, Value>();
  private readonly outer: Scope | undefined;

  constructor(outer?: Scope) {
    this.outer = outer;
  }

  define(name: string, value: Value): void {
    this.values.set(name, value);
  }

  has(name: string): boolean {
    return this.values.has(name);
  }

  names(): ReadonlySet<string> {
    return new Set(this.values.keys());
  }

  find(name: string): Value | undefined {
    return this.values.get(name) ?? this.outer?.find(name);
  }
}

export function decodeGraph(proto: onnx.GraphProto.$Properties, context: GraphContext, outer?: Scope): Graph {
  const scope = new Scope(outer);
  const declared = declaredTypes(proto);
  const initializers = decodeInitializers(proto, context, scope);
  const inputs = decodeInputs(proto, scope);
  const body = decodeNodes(proto.node ?? [], declared, context, scope);
  const outputs = (proto.output ?? []).map((info) => {
    const value = scope.find(info.name ?? "");
    if (value !== undefined) return value;
    throw new Problem(
      `undefined value: graph output ${quote(info.name ?? "")} is computed by no node. Export the model again`,
    );
  });
  return {
    name: proto.name ?? "",
    inputs,
    outputs,
    initializers: [...initializers, ...body.constants],
    nodes: body.nodes,
  };
}

/** Types of the values that nodes compute, by name. */
function declaredTypes(proto: onnx.GraphProto.$Properties): Map<string, DeclaredType> {
  const infos = [...(proto.value_info ?? []), ...(proto.output ?? [])];
  return new Map(infos.map((info) => [info.name ?? "", decodeType(info)]));
}

function decodeInitializers(
  proto: onnx.GraphProto.$Properties,
  context: GraphContext,
  scope: Scope,
): Value[] {
  if (proto.sparse_initializer?.length) {
    const name = proto.sparse_initializer[0]?.values?.name ?? "";
    throw new Problem(`unsupported sparse tensor: initializer ${quote(name)}. Export it as a dense tensor`);
  }
  const noted = new Map((proto.value_info ?? []).map((info) => [info.name ?? "", info.metadata_props]));
  return (proto.initializer ?? []).map((t) => {
    const name = t.name ?? "";
    if (name === "") throw new Problem("an initializer has no name. Export the model again");
    if (scope.has(name)) throw new Problem(`duplicate initializer: ${quote(name)}. Export the model again`);
    const metadata = metadataOf([...(noted.get(name) ?? []), ...(t.metadata_props ?? [])]);
    return initializer(name, decodeTensor(t, name, context.readExternal), scope, { metadata });
  });
}

function initializer(
  name: string,
  tensor: Tensor,
  scope: Scope,
  source: { fromConstant?: boolean; metadata?: Readonly<Record<string, string>> },
): Value {
  const value = new Value("initializer", name, tensor.type, tensor.dims, { tensor, ...source });
  scope.define(name, value);
  return value;
}

/** Graph inputs that are no initializers: files before IR 4 list both. */
function decodeInputs(proto: onnx.GraphProto.$Properties, scope: Scope): Value[] {
  const seen = new Set<string>();
  const inputs: Value[] = [];
  for (const info of proto.input ?? []) {
    const name = info.name ?? "";
    if (seen.has(name)) throw new Problem(`duplicate input: ${quote(name)}. Export the model again`);
    seen.add(name);
    if (scope.has(name)) continue;
    const { type, shape } = decodeInputType(info);
    const value = new Value("input", name, type, shape);
    scope.define(name, value);
    inputs.push(value);
  }
  return inputs;
}

/** Nodes in topological order; Constant nodes become initializers. */
export function decodeNodes(
  protos: readonly onnx.NodeProto.$Properties[],
  declared: ReadonlyMap<string, DeclaredType>,
  context: GraphContext,
  scope: Scope,
): { nodes: Node[]; constants: Value[] } {
  const nodes: Node[] = [];
  const constants: Value[] = [];
  for (const proto of sortNodes(protos, scope.names())) {
    const call = decodeCall(proto, context, scope);
    const tensor = constantTensor(call, () => describe(proto));
    if (tensor !== undefined) {
      constants.push(initializer(proto.output?.[0] ?? "", tensor, scope, { fromConstant: true }));
      continue;
    }
    const outputs = (proto.output ?? []).map((name) => ({ name, ...(declared.get(name) ?? UNDECLARED) }));
    const node = new Node(call, outputs, proto.name ?? "", metadataOf(proto.metadata_props));
    for (const output of node.outputs) if (output.name !== "") scope.define(output.name, output);
    nodes.push(node);
  }
  return { nodes, constants };
}

function decodeCall(proto: onnx.NodeProto.$Properties, context: GraphContext, scope: Scope): Call {
  const op = proto.op_type ?? "";
  if (op === "") throw new Problem(`a node has no operator: ${describe(proto)}. Export the model again`);
  const domain = standardDomain(proto.domain ?? "");
  if (!context.domains.has(domain)) {
    throw new Problem(
      `undeclared domain: ${quote(domain || "ai.onnx")} of ${describe(proto)}; expected an opset version for it in the file. Export the model again`,
    );
  }
  const inputs = (proto.input ?? []).map((name) => resolve(name, proto, scope));
  while (inputs.at(-1) === null) inputs.pop();
  const attributeContext: AttributeContext = {
    ...context,
    decodeGraph: (graph) => decodeGraph(graph, context, scope),
  };
  const attributes = decodeAttributes(proto.attribute ?? [], describe(proto), attributeContext);
  // An overload is another function: its name says so.
  const name = proto.overload ? `${op}:${proto.overload}` : op;
  return new Call(name, inputs, attributes, domain, proto.output?.length ?? 0);
}

function resolve(name: string, node: onnx.NodeProto.$Properties, scope: Scope): Value | null {
  if (name === "") return null;
  const value = scope.find(name);
  if (value !== undefined) return value;
  throw new Problem(
    `undefined value: ${quote(name)} used by ${describe(node)}; expected an input, an initializer or a node's output. Export the model again`,
  );
}

/** The standard operators have two names in files. */
export function standardDomain(domain: string): string {
  return domain === "ai.onnx" ? "" : domain;
}

export function metadataOf(
  entries: readonly onnx.StringStringEntryProto.$Properties[] | null | undefined,
): Readonly<Record<string, string>> {
  return Object.fromEntries((entries ?? []).map((e) => [e.key ?? "", e.value ?? ""]));
}
