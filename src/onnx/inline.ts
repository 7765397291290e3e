import { constantTensor } from "./constant.ts";
import {
  type Attribute,
  type Attributes,
  Call,
  type FunctionDefinition,
  type Graph,
  type Node,
  type OnnxModel,
  type Value,
} from "./graph.ts";
import { invalidModel, Problem, quote } from "./invalid-model.ts";
import { graphToOpset18, toOpset18 } from "./opset.ts";
import { type Emitter, transformGraph, type Visit } from "./transform.ts";

/** Functions may call functions; a definition that calls itself never ends. */
const MAX_DEPTH = 32;
/** Calls multiply: functions that call one another twice, 30 deep, would make 2³⁰ nodes. */
const MAX_NODES = 1_000_000;

/**
 * Replaces calls of the file's own functions by their bodies. When a function is written for another
 * opset than the model, both are brought to 18 on the way.
 */
export function inlineFunctions(model: OnnxModel): OnnxModel {
  if (model.functions.length === 0) return model;
  const version = model.opset.get("");
  const mixed = model.functions.some((f) => f.opset.has("") && f.opset.get("") !== version);
  const base = mixed ? toOpset18(model) : model;
  try {
    return { ...base, graph: new Inliner(model.functions, mixed).graph(base.graph), functions: [] };
  } catch (error) {
    if (error instanceof Problem) throw invalidModel(undefined, error.message);
    throw error;
  }
}

class Inliner {
  private readonly functions: ReadonlyMap<string, FunctionDefinition>;
  private readonly convert: boolean;
  private nodes = 0;
  private depth = 0;

  constructor(functions: readonly FunctionDefinition[], convert: boolean) {
    this.convert = convert;
    this.functions = new Map(functions.map((f) => [`${f.domain}::${f.name}`, f]));
  }

  graph(graph: Graph): Graph {
    return transformGraph(graph, this.visit);
  }

  private readonly visit: Visit = (node, emit) => {
    if (++this.nodes > MAX_NODES) throw tooMuch(`more than ${MAX_NODES} nodes`);
    const definition = this.functions.get(`${node.domain}::${node.op}`);
    return definition && this.call(definition, node, emit);
  };

  private call(definition: FunctionDefinition, node: Node, emit: Emitter): (Value | undefined)[] {
    if (++this.depth > MAX_DEPTH)
      throw tooMuch(`calls nested more than ${MAX_DEPTH} deep at ${quote(node.op)}`);
    const body = instantiate(definition, node);
    // Only now: before, attributes that the conversion reads may be the caller's to give.
    const version = this.convert ? definition.opset.get("") : undefined;
    const inlined = transformGraph(version ? graphToOpset18(body, version) : body, this.visit);
    this.depth--;
    emit.splice(inlined);
    return node.outputs.map((output, k) => {
      const value = inlined.outputs[k];
      // The body may hand an input or a constant through, which keeps its own name.
      if (value === undefined || value.name === output.name) return value;
      return emit.call(
        "Identity",
        [value],
        {},
        { name: output.name, type: output.type, shape: output.shape },
      );
    });
  }
}

/** The body of a function with the caller's inputs and attributes, its values named after the caller. */
function instantiate(definition: FunctionDefinition, node: Node): Graph {
  const { graph } = definition;
  const prefix = node.name || node.outputs.find((v) => v.name !== "")?.name || node.op;
  const names = new Map<Value, string>();
  for (const [k, value] of graph.outputs.entries()) {
    const name = node.outputs[k]?.name;
    if (name && value.kind === "node" && !names.has(value)) names.set(value, name);
  }
  const bindings = new Map<Value, Value>();
  const absent = new Set<Value>();
  for (const [k, formal] of graph.inputs.entries()) {
    const actual = node.inputs[k];
    if (actual == null) absent.add(formal);
    else bindings.set(formal, actual);
  }
  return transformGraph(graph, (inner, emit) => withoutAbsent(inner, emit, absent), {
    bindings,
    attributes: (attributes) => substitute(attributes, definition, node),
    rename: (v) => (v.name === "" ? "" : (names.get(v) ?? `${prefix}/${v.name}`)),
  });
}

/** Drops inputs that the caller left out, and turns Constant nodes whose value is known by now into constants. */
function withoutAbsent(node: Node, emit: Emitter, absent: ReadonlySet<Value>): readonly Value[] | undefined {
  const tensor = constantTensor(node, () => `Constant ${quote(node.outputs[0]?.name ?? "")}`);
  if (tensor !== undefined) return [emit.constant(tensor, node.outputs[0]?.name ?? "constant")];
  if (!node.inputs.some((v) => v !== null && absent.has(v))) return undefined;
  const inputs = node.inputs.map((v) => (v !== null && absent.has(v) ? null : v));
  while (inputs.at(-1) === null) inputs.pop();
  const call = new Call(node.op, inputs, node.attributes, node.domain, node.numOutputs);
  return emit.node(call, node.outputs, node.name, node.metadata);
}

/** Attributes that refer to the caller's get their values, or go when the caller gives none. */
function substitute(attributes: Attributes, definition: FunctionDefinition, node: Node): Attributes {
  if (![...attributes.values()].some((a) => a.kind === "reference")) return attributes;
  const given = (name: string) => node.attributes.get(name) ?? definition.attributeDefaults.get(name);
  return new Map(
    [...attributes].flatMap(([name, a]): [string, Attribute][] => {
      const value = a.kind === "reference" ? given(a.value) : a;
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function tooMuch(what: string): Problem {
  return new Problem(
    `its functions cannot be inlined: ${what}. Export the model without functions that nest so much`,
  );
}
