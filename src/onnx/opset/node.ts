import { ONNX_TYPE_CODES } from "../element-type.ts";
import {
  type Attribute,
  Call,
  floatAttribute,
  intAttribute,
  type Node,
  type OutputHint,
  stringAttribute,
  type Value,
} from "../graph.ts";
import { float32Tensor, int64Tensor } from "../tensor.ts";
import type { Emitter } from "../transform.ts";
import type { Rewrite } from "./rule.ts";

export interface Changes {
  readonly op?: string;
  readonly inputs?: readonly (Value | null)[];
  /** Attributes to add or replace; undefined removes one. */
  readonly attributes?: Readonly<Record<string, Attribute | undefined>>;
  readonly outputs?: readonly OutputHint[];
}

/** Emits a node again with changes; its outputs keep their names and types. */
export function reemit(node: Node, emit: Emitter, changes: Changes): readonly Value[] {
  const attributes = new Map(node.attributes);
  for (const [name, attribute] of Object.entries(changes.attributes ?? {})) {
    if (attribute === undefined) attributes.delete(name);
    else attributes.set(name, attribute);
  }
  const inputs = [...(changes.inputs ?? node.inputs)];
  while (inputs.at(-1) === null) inputs.pop();
  const outputs = changes.outputs ?? node.outputs;
  const call = new Call(changes.op ?? node.op, inputs, attributes, node.domain, outputs.length);
  return emit.node(call, outputs, node.name, node.metadata);
}

/** Name of a value that belongs to a node. */
export function nameOf(node: Node, what: string): string {
  return `${node.outputs[0]?.name || node.name || node.op}/${what}`;
}

export function int64s(node: Node, emit: Emitter, what: string, values: readonly number[]): Value {
  return emit.constant(int64Tensor([values.length], values), nameOf(node, what));
}

/**
 * A scalar of the element type of `like`. Where the file does not state that type, float32: what was an
 * attribute in old opsets became an input of the data's type.
 */
export function scalarLike(node: Node, emit: Emitter, what: string, value: number, like: Value): Value {
  const name = nameOf(node, what);
  if (like.type === "float64") {
    return emit.constant({ type: "float64", dims: [], data: Float64Array.of(value) }, name);
  }
  const single = emit.constant(float32Tensor([], [value]), name);
  if (like.type === undefined || like.type === "float32") return single;
  const hint = { name: `${name}/cast`, type: like.type, shape: [] };
  return emit.call("Cast", [single], { to: intAttribute(ONNX_TYPE_CODES[like.type]) }, hint);
}

/** Rewrites by removing attributes that say nothing to the operators of opset 18. */
export function without(...names: string[]): Rewrite {
  return (node, emit) => {
    if (!names.some((name) => node.attributes.has(name))) return undefined;
    return reemit(node, emit, { attributes: Object.fromEntries(names.map((name) => [name, undefined])) });
  };
}

/** Rewrites by giving the operator its new name. */
export function renamed(op: string): Rewrite {
  return (node, emit) => reemit(node, emit, { op });
}

/** Rewrites by stating an attribute whose default has changed. */
export function setDefault(name: string, value: string | number): Rewrite {
  const attribute = typeof value === "string" ? stringAttribute(value) : floatAttribute(value);
  return (node, emit) =>
    node.attributes.has(name) ? undefined : reemit(node, emit, { attributes: { [name]: attribute } });
}
