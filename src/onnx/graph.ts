import type { ElementType, Tensor, TensorType } from "./tensor.ts";

/** One axis: its length, the name of a symbolic length, or null when the file says nothing. */
export type Dim = number | string | null;

/** Where a value comes from: fed by the caller, stored in the file, or computed by a node. */
export type ValueKind = "input" | "initializer" | "node";

/**
 * A tensor in a graph. Identity is the object; `name` is a hint that `encode` makes unique.
 * `type` and `shape` are what is known: `undefined` means unknown. A value built by `GraphBuilder`
 * always has both, and a static shape.
 */
export class Value {
  name: string;
  readonly kind: ValueKind;
  readonly type: ElementType | undefined;
  readonly shape: readonly Dim[] | undefined;
  /** The node that computes it (kind "node"). */
  readonly producer: Node | undefined;
  /** Its contents when they are known: initializers and folded constants. */
  readonly tensor: Tensor | undefined;
  /** An initializer that was a Constant node: written by the exporter, so never a trained weight. */
  readonly fromConstant: boolean;
  /** What the exporter noted of an initializer: where it comes from. */
  readonly metadata: Readonly<Record<string, string>>;

  constructor(
    kind: ValueKind,
    name: string,
    type: ElementType | undefined,
    shape: readonly Dim[] | undefined,
    source: {
      producer?: Node;
      tensor?: Tensor;
      fromConstant?: boolean;
      metadata?: Readonly<Record<string, string>>;
    } = {},
  ) {
    this.kind = kind;
    this.name = name;
    this.type = type;
    this.shape = shape;
    this.producer = source.producer;
    this.tensor = source.tensor;
    this.fromConstant = source.fromConstant ?? false;
    this.metadata = source.metadata ?? {};
  }

  /** The static type; throws (internal) when it is not known. */
  get static(): TensorType {
    if (
      this.type === undefined ||
      this.shape === undefined ||
      this.shape.some((d) => typeof d !== "number")
    ) {
      throw new Error(`internal: type of "${this.name}" is not static: ${this.type} [${this.shape}]`);
    }
    return { type: this.type, dims: this.shape as readonly number[] };
  }

  get dims(): readonly number[] {
    return this.static.dims;
  }
}

/** Attribute values. Integers are numbers; those beyond 2⁵³ only occur as "to the end" and are clamped. */
export type Attribute =
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "ints"; readonly value: readonly number[] }
  | { readonly kind: "floats"; readonly value: readonly number[] }
  | { readonly kind: "strings"; readonly value: readonly string[] }
  | { readonly kind: "tensor"; readonly value: Tensor }
  | { readonly kind: "graph"; readonly value: Graph }
  /** Inside a function body only: the caller's attribute of this name. */
  | { readonly kind: "reference"; readonly value: string };

export type Attributes = ReadonlyMap<string, Attribute>;

/** An operator applied to inputs: what a shape rule sees. An absent optional input is null. */
export class Call {
  readonly op: string;
  /** "" for standard operators. */
  readonly domain: string;
  readonly inputs: readonly (Value | null)[];
  readonly attributes: Attributes;
  readonly numOutputs: number;

  constructor(
    op: string,
    inputs: readonly (Value | null)[],
    attributes: Attributes = new Map(),
    domain = "",
    numOutputs = 1,
  ) {
    this.op = op;
    this.domain = domain;
    this.inputs = inputs;
    this.attributes = attributes;
    this.numOutputs = numOutputs;
  }

  /** Input `i`; throws (internal) when it is absent. */
  x(i: number): Value {
    const value = this.inputs[i];
    if (value == null) throw new Error(`internal: ${this.op} has no input ${i}`);
    return value;
  }

  has(i: number): boolean {
    return this.inputs[i] != null;
  }

  int(name: string, otherwise: number): number {
    const a = this.attributes.get(name);
    return a?.kind === "int" ? a.value : otherwise;
  }

  float(name: string, otherwise: number): number {
    const a = this.attributes.get(name);
    return a?.kind === "float" || a?.kind === "int" ? a.value : otherwise;
  }

  string(name: string, otherwise: string): string {
    const a = this.attributes.get(name);
    return a?.kind === "string" ? a.value : otherwise;
  }

  ints(name: string): readonly number[] | undefined {
    const a = this.attributes.get(name);
    return a?.kind === "ints" ? a.value : undefined;
  }

  floats(name: string): readonly number[] | undefined {
    const a = this.attributes.get(name);
    return a?.kind === "floats" ? a.value : undefined;
  }

  tensor(name: string): Tensor | undefined {
    const a = this.attributes.get(name);
    return a?.kind === "tensor" ? a.value : undefined;
  }

  graph(name: string): Graph | undefined {
    const a = this.attributes.get(name);
    return a?.kind === "graph" ? a.value : undefined;
  }
}

/** What is known of a node's output before it exists; an absent optional output has an empty name. */
export interface OutputHint {
  readonly name: string;
  readonly type?: ElementType | undefined;
  readonly shape?: readonly Dim[] | undefined;
}

/** A call with its results: one operation of a graph. */
export class Node extends Call {
  readonly name: string;
  readonly outputs: readonly Value[];
  readonly metadata: Readonly<Record<string, string>>;

  constructor(
    call: Call,
    outputs: readonly OutputHint[],
    name = "",
    metadata: Readonly<Record<string, string>> = {},
  ) {
    super(call.op, call.inputs, call.attributes, call.domain, outputs.length);
    this.name = name;
    this.metadata = metadata;
    this.outputs = outputs.map((o) => new Value("node", o.name, o.type, o.shape, { producer: this }));
  }
}

/** A computation: `nodes` in topological order; `initializers` are the values with contents. */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly initializers: readonly Value[];
  readonly nodes: readonly Node[];
}

/** A function defined in the file (a local function); its body is a graph whose inputs are the formal inputs. */
export interface FunctionDefinition {
  readonly domain: string;
  readonly name: string;
  readonly attributeNames: readonly string[];
  /** Attributes that a caller may leave out, with their values. */
  readonly attributeDefaults: Attributes;
  readonly opset: ReadonlyMap<string, number>;
  readonly graph: Graph;
}

/** A decoded file. */
export interface OnnxModel {
  readonly graph: Graph;
  readonly functions: readonly FunctionDefinition[];
  /** Opset version by domain ("" is the standard one). */
  readonly opset: ReadonlyMap<string, number>;
  readonly irVersion: number;
  readonly producer: string;
  /** Of the file, and of its graph. */
  readonly metadata: Readonly<Record<string, string>>;
}

export function intAttribute(value: number): Attribute {
  return { kind: "int", value };
}

export function intsAttribute(value: readonly number[]): Attribute {
  return { kind: "ints", value };
}

export function floatAttribute(value: number): Attribute {
  return { kind: "float", value };
}

export function stringAttribute(value: string): Attribute {
  return { kind: "string", value };
}
