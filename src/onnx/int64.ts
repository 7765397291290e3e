import type Long from "long";
import { toInt64 } from "./tensor.ts";

// protobufjs gives 64-bit integers as objects of two 32-bit halves and takes the same.

/** Exact up to 2⁵³, rounded beyond. */
export function numberOf(long: Long): number {
  return (long.unsigned ? long.high >>> 0 : long.high) * 2 ** 32 + (long.low >>> 0);
}

export function bigintOf(long: Long): bigint {
  return (BigInt(long.unsigned ? long.high >>> 0 : long.high) << 32n) | BigInt(long.low >>> 0);
}

/** A number as int64; ±2⁶³ and beyond are clamped. */
export function longOf(value: number): Long {
  const bits = toInt64(value);
  const low = Number(BigInt.asIntN(32, bits));
  return { low, high: Number(BigInt.asIntN(32, bits >> 32n)), unsigned: false } as Long;
}
