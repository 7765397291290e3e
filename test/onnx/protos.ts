import type { OnnxModel } from "../../src/onnx/graph.ts";
import { decodeModel } from "../../src/onnx/index.ts";
import { longOf } from "../../src/onnx/int64.ts";
import { onnx } from "../../src/onnx/proto/onnx.js";

// Files written field by field, so that they can be wrong in any way.

export type ModelProto = onnx.ModelProto.$Properties;
export type GraphProto = onnx.GraphProto.$Properties;
export type NodeProto = onnx.NodeProto.$Properties;
export type AttributeProto = onnx.AttributeProto.$Properties;
export type TensorProto = onnx.TensorProto.$Properties;

/** 64-bit integers in halves, as protobufjs gives them. */
export function longs(values: readonly number[]): ReturnType<typeof longOf>[] {
  return values.map(longOf);
}

export function floats(name: string, dims: readonly number[], data: readonly number[]): TensorProto {
  return { name, data_type: 1, dims: longs(dims), float_data: [...data] };
}

export function info(
  name: string,
  dims?: readonly (number | string)[],
  elemType = 1,
): onnx.ValueInfoProto.$Properties {
  const dim = dims?.map((d) => (typeof d === "string" ? { dim_param: d } : { dim_value: d as never }));
  return {
    name,
    type: { tensor_type: { elem_type: elemType, ...(dim && { shape: { dim } }) } },
  };
}

export function node(
  op: string,
  input: string[],
  output: string[],
  attribute: AttributeProto[] = [],
  more: NodeProto = {},
): NodeProto {
  return { op_type: op, input, output, attribute, ...more };
}

export function graphAttribute(name: string, g: GraphProto): AttributeProto {
  return { name, type: onnx.AttributeProto.AttributeType.GRAPH, g };
}

export function intsAttribute(name: string, values: readonly number[]): AttributeProto {
  return { name, type: onnx.AttributeProto.AttributeType.INTS, ints: longs(values) };
}

export function intAttribute(name: string, value: number): AttributeProto {
  return { name, type: onnx.AttributeProto.AttributeType.INT, i: value as never };
}

export function floatAttribute(name: string, value: number): AttributeProto {
  return { name, type: onnx.AttributeProto.AttributeType.FLOAT, f: value };
}

export function stringAttribute(name: string, value: string): AttributeProto {
  return { name, type: onnx.AttributeProto.AttributeType.STRING, s: new TextEncoder().encode(value) };
}

/** A reference to an attribute of the enclosing function. */
export function referenceAttribute(
  name: string,
  to: string,
  type: onnx.AttributeProto.AttributeType,
): AttributeProto {
  return { name, type, ref_attr_name: to };
}

/** y = Relu(x · w + b) with a 2×3 weight, unless parts are replaced. */
export function smallGraph(parts: GraphProto = {}): GraphProto {
  return {
    name: "small",
    input: [info("x", ["batch", 2])],
    initializer: [floats("w", [2, 3], [1, 2, 3, 4, 5, 6]), floats("b", [3], [0.5, -0.5, 0])],
    node: [
      node("MatMul", ["x", "w"], ["h"], [], { name: "matmul" }),
      node("Add", ["h", "b"], ["a"], [], { name: "add" }),
      node("Relu", ["a"], ["y"], [], { name: "relu" }),
    ],
    output: [info("y", ["batch", 3])],
    ...parts,
  };
}

export function smallModel(graph: GraphProto = {}, parts: ModelProto = {}): ModelProto {
  return {
    ir_version: 8 as never,
    opset_import: [{ domain: "", version: 18 as never }],
    graph: smallGraph(graph),
    ...parts,
  };
}

export function bytesOf(model: ModelProto): Uint8Array {
  return onnx.ModelProto.encode(model).finish();
}

export function decode(model: ModelProto): OnnxModel {
  return decodeModel(bytesOf(model));
}

/** A model that does nothing but hold one tensor. */
export function holding(tensor: TensorProto): ModelProto {
  return smallModel({ input: [], initializer: [tensor], node: [], output: [] });
}
