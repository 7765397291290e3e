import { decodeAttributes } from "./attribute-codec.ts";
import {
  decodeGraph,
  decodeNodes,
  type GraphContext,
  metadataOf,
  Scope,
  standardDomain,
} from "./decode-graph.ts";
import { type FunctionDefinition, type OnnxModel, Value } from "./graph.ts";
import { numberOf } from "./int64.ts";
import { invalidModel, Problem, quote } from "./invalid-model.ts";
import { parseModel } from "./parse.ts";
import type { onnx } from "./proto/onnx.js";
import type { ReadExternal } from "./tensor-codec.ts";
import { decodeType } from "./value-type.ts";

export interface DecodeOptions {
  /** The file's path, for messages. */
  readonly path?: string;
  /** How tensors outside the file are read; without it they are refused. */
  readonly readExternal?: ReadExternal;
}

/** Opsets of the standard domain and IR versions that are read. */
const OPSETS = [7, 26] as const;
const IR_VERSIONS = [3, 14] as const;

/**
 * Decodes an ONNX file into objects. Tensors are copied out of `bytes`, Constant nodes become
 * initializers, nodes come out in topological order. Throws INVALID_MODEL, with a sentence of its own for
 * every way in which a file can be bad.
 */
export function decodeModel(bytes: Uint8Array, options: DecodeOptions = {}): OnnxModel {
  try {
    return decode(bytes, options.readExternal ?? refuseExternal);
  } catch (error) {
    if (error instanceof Problem) throw invalidModel(options.path, error.message, error.details);
    // The engine's own limits: an allocation that fails, more entries than a Map can have.
    if (error instanceof RangeError) {
      throw invalidModel(
        options.path,
        `it is too large to be read (${error.message}). Use more memory`,
        {},
        error,
      );
    }
    throw error;
  }
}

const refuseExternal: ReadExternal = ({ location, tensor }) => {
  throw new Problem(
    `external data is not available: ${quote(location)} of ${quote(tensor)}. Read the model from its folder`,
  );
};

function decode(bytes: Uint8Array, readExternal: ReadExternal): OnnxModel {
  const proto = parseModel(bytes);
  const irVersion = numberOf(proto.ir_version);
  assertWithin(irVersion, IR_VERSIONS, "IR version");
  const opset = decodeOpset(proto.opset_import);
  const functionDomains = proto.functions.map((f) => standardDomain(f.domain ?? ""));
  const domains = new Set([...opset.keys(), ...functionDomains]);
  const context: GraphContext = { readExternal, domains, inFunction: false };
  return {
    graph: decodeGraph(proto.graph ?? {}, context),
    functions: decodeFunctions(proto.functions, context),
    opset,
    irVersion,
    producer: [proto.producer_name, proto.producer_version].filter((s) => s !== "").join(" "),
    metadata: { ...metadataOf(proto.graph?.metadata_props), ...metadataOf(proto.metadata_props) },
  };
}

function assertWithin(version: number, [oldest, newest]: readonly [number, number], what: string): void {
  if (version >= oldest && version <= newest) return;
  throw new Problem(
    `unsupported ${what}: ${version}; expected ${oldest} to ${newest}. Export the model again with another opset version, 18 for example`,
  );
}

function decodeOpset(imports: readonly onnx.OperatorSetIdProto.$Properties[]): Map<string, number> {
  if (imports.length === 0) {
    throw new Problem("it states no opset version; expected opset_import. Export the model again");
  }
  const opset = new Map<string, number>();
  for (const { domain, version } of imports) {
    opset.set(standardDomain(domain ?? ""), version ? numberOf(version) : 0);
  }
  const standard = opset.get("");
  if (standard !== undefined) assertWithin(standard, OPSETS, "opset version");
  return opset;
}

function decodeFunctions(
  protos: readonly onnx.FunctionProto.$Properties[],
  context: GraphContext,
): FunctionDefinition[] {
  const seen = new Set<string>();
  return protos.map((proto) => {
    const definition = decodeFunction(proto, context);
    const key = `${definition.domain}::${definition.name}`;
    if (seen.has(key)) throw new Problem(`duplicate function: ${quote(key)}. Export the model again`);
    seen.add(key);
    return definition;
  });
}

function decodeFunction(proto: onnx.FunctionProto.$Properties, outer: GraphContext): FunctionDefinition {
  const base = proto.name ?? "";
  const name = proto.overload ? `${base}:${proto.overload}` : base;
  const opset = decodeOpset(proto.opset_import ?? []);
  const context: GraphContext = {
    readExternal: outer.readExternal,
    domains: new Set([...outer.domains, ...opset.keys()]),
    inFunction: true,
  };
  const scope = new Scope();
  const inputs = (proto.input ?? []).map((input) => {
    const value = new Value("input", input, undefined, undefined);
    scope.define(input, value);
    return value;
  });
  const declared = new Map((proto.value_info ?? []).map((info) => [info.name ?? "", decodeType(info)]));
  const { nodes, constants } = decodeNodes(proto.node ?? [], declared, context, scope);
  const outputs = (proto.output ?? []).map((output) => {
    const value = scope.find(output);
    if (value !== undefined) return value;
    throw new Problem(
      `undefined value: output ${quote(output)} of function ${quote(name)}. Export the model again`,
    );
  });
  const attributeContext = {
    ...context,
    decodeGraph: (graph: onnx.GraphProto.$Properties) => decodeGraph(graph, context, scope),
  };
  return {
    domain: standardDomain(proto.domain ?? ""),
    name,
    attributeNames: proto.attribute ?? [],
    attributeDefaults: decodeAttributes(
      proto.attribute_proto ?? [],
      `function ${quote(name)}`,
      attributeContext,
    ),
    opset,
    graph: { name, inputs, outputs, initializers: constants, nodes },
  };
}
