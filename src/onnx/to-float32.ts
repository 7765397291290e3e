import type { Tensor } from "./tensor.ts";

/**
 * The elements of a float tensor as float32, in a new array: float16 and bfloat16 are exact, float64 is
 * rounded to nearest.
 */
export function toFloat32(tensor: Tensor): Float32Array {
  const { type, data } = tensor;
  switch (type) {
    case "float32":
    case "float64":
      return Float32Array.from(data as Float32Array | Float64Array);
    case "bfloat16":
      return fromBfloat16(data as Uint16Array);
    case "float16":
      return Float32Array.from(data as Uint16Array, fromFloat16);
    default:
      throw new Error(`internal: ${type} is no float type`);
  }
}

/** bfloat16 is the upper half of a float32. */
function fromBfloat16(bits: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(bits, (b) => b << 16).buffer);
}

function fromFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
