import type { ElementType } from "./tensor.ts";

/** Codes of TensorProto.DataType. */
export const ONNX_TYPE_CODES: Readonly<Record<ElementType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
};

/** Bytes per element in raw data; strings have no raw form. */
export const ELEMENT_BYTES: Readonly<Record<ElementType, number>> = {
  float32: 4,
  float64: 8,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint64: 8,
  uint32: 4,
  uint16: 2,
  uint8: 1,
  bool: 1,
  string: Number.NaN,
};

const TYPE_OF_CODE: ReadonlyMap<number, ElementType> = new Map(
  Object.entries(ONNX_TYPE_CODES).map(([type, code]) => [code, type as ElementType]),
);

/** The element type of a TensorProto.DataType code, if it is one that we read. */
export function elementTypeOf(code: number): ElementType | undefined {
  return TYPE_OF_CODE.get(code);
}
