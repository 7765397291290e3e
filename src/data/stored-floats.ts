import { encodeBfloat16, encodeFloat16 } from "./float16.ts";

/**
 * Numbers as a tensor of that element type stores them, each rounded once; half precision as bit patterns. Undefined
 * for a type that is not floating point.
 */
export function encodeFloats(
  type: string,
  values: Float32Array | Float64Array,
): Float32Array | Float64Array | Uint16Array | undefined {
  switch (type) {
    case "float32":
      return Float32Array.from(values);
    case "float64":
      return Float64Array.from(values);
    case "float16":
      return Uint16Array.from(values, encodeFloat16);
    case "bfloat16":
      return Uint16Array.from(values, encodeBfloat16);
    default:
      return undefined;
  }
}
