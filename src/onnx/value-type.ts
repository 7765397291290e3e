import { elementTypeOf, ONNX_TYPE_CODES } from "./element-type.ts";
import type { Dim, Value } from "./graph.ts";
import { longOf, numberOf } from "./int64.ts";
import { Problem, quote } from "./invalid-model.ts";
import type { onnx } from "./proto/onnx.js";
import type { ElementType } from "./tensor.ts";
import { decodeElementType } from "./tensor-codec.ts";

/** What a file says of a value; undefined means nothing. */
export interface DeclaredType {
  readonly type: ElementType | undefined;
  readonly shape: readonly Dim[] | undefined;
}

export const UNDECLARED: DeclaredType = { type: undefined, shape: undefined };

/** The declared type of a value. Sequences, maps and optionals, which are no tensors, count as undeclared. */
export function decodeType(info: onnx.ValueInfoProto.$Properties): DeclaredType {
  const tensor = info.type?.tensor_type;
  if (tensor == null) return UNDECLARED;
  const name = info.name ?? "";
  const shape = tensor.shape?.dim?.map((d) => decodeDim(d, name));
  return { type: elementTypeOf(tensor.elem_type ?? 0), shape };
}

/** As `decodeType`, for what must be fed: a type that we cannot feed is refused. */
export function decodeInputType(info: onnx.ValueInfoProto.$Properties): DeclaredType {
  const name = info.name ?? "";
  if (info.type?.sparse_tensor_type != null) {
    throw new Problem(`unsupported sparse tensor: input ${quote(name)}. Export the model with dense tensors`);
  }
  const code = info.type?.tensor_type?.elem_type;
  // 0: an exporter that left the type to be inferred.
  if (code) decodeElementType(code, name);
  return decodeType(info);
}

function decodeDim(dim: onnx.TensorShapeProto.Dimension.$Properties, name: string): Dim {
  if (dim.dim_param) return dim.dim_param;
  if (dim.dim_value == null || !Object.hasOwn(dim, "dim_value")) return null;
  const size = numberOf(dim.dim_value);
  // Exporters without a notion of symbolic sizes write −1 for "any".
  if (size === -1) return null;
  if (size < 0) throw new Problem(`negative dimension: ${quote(name)}; expected a size ≥ 0, got ${size}`);
  if (!Number.isSafeInteger(size)) {
    throw new Problem(`dimension overflows: ${quote(name)}; expected a size below 2^53, got ${size}`);
  }
  return size;
}

export function encodeValueInfo(name: string, value: Value): onnx.ValueInfoProto.$Properties {
  if (value.type === undefined) return { name };
  const elem_type = ONNX_TYPE_CODES[value.type];
  const shape = value.shape && { dim: value.shape.map(encodeDim) };
  return { name, type: { tensor_type: shape ? { elem_type, shape } : { elem_type } } };
}

function encodeDim(dim: Dim): onnx.TensorShapeProto.Dimension.$Properties {
  if (dim === null) return {};
  return typeof dim === "string" ? { dim_param: dim } : { dim_value: longOf(dim) };
}
