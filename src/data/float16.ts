const float32 = new Float32Array(1);
const bits32 = new Uint32Array(float32.buffer);

/** The value of an IEEE half-precision bit pattern; exact. */
export function decodeFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The bit pattern of `value` rounded once to half precision, ties to even; too large gives infinity. */
export function encodeFloat16(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  // Halfway between the largest half, 65504, and the next power of two.
  if (magnitude >= 65520) return sign | 0x7c00;
  const exponent = magnitude < 2 ** -14 ? -14 : Math.floor(Math.log2(magnitude));
  // A carry out of the fraction runs into the exponent, as it should.
  const units = roundEven(magnitude * 2 ** (10 - exponent));
  return sign | (units + ((exponent + 14) << 10));
}

/** The bit pattern of `value` rounded to bfloat16, ties to even. */
export function encodeBfloat16(value: number): number {
  float32[0] = value;
  const bits = bits32[0]!;
  if (Number.isNaN(value)) return 0x7fc0;
  const odd = (bits >>> 16) & 1;
  return ((bits + 0x7fff + odd) >>> 16) & 0xffff;
}

function roundEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}
