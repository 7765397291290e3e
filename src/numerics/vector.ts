import { LandscapeError } from "../errors.ts";

/** A real vector in either precision; everything is computed in float64. */
export type RealVector = Float64Array | Float32Array;

/** Block of the pairwise-like sums: partial sums of a block stay small, so errors grow with n/BLOCK, not n. */
const BLOCK = 2048;

/**
 * Inner product xᵀy of two vectors of length n.
 * Four running sums within blocks, blocks added with Neumaier's compensation: relative error about
 * BLOCK/4·2⁻⁵³ of Σ|xᵢyᵢ| for any n, and the same bits on every run.
 */
export function dot(x: RealVector, y: RealVector): number {
  assertSameLength("dot", x, y);
  let sum = 0;
  let carry = 0;
  for (let start = 0; start < x.length; start += BLOCK) {
    const part = blockDot(x, y, start, Math.min(x.length, start + BLOCK));
    const next = sum + part;
    carry += Math.abs(sum) >= Math.abs(part) ? sum - next + part : part - next + sum;
    sum = next;
  }
  // An infinite sum makes the carry NaN; the sum alone then says what happened.
  return Number.isNaN(carry) ? sum : sum + carry;
}

function blockDot(x: RealVector, y: RealVector, start: number, end: number): number {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let i = start;
  for (; i + 3 < end; i += 4) {
    a += x[i]! * y[i]!;
    b += x[i + 1]! * y[i + 1]!;
    c += x[i + 2]! * y[i + 2]!;
    d += x[i + 3]! * y[i + 3]!;
  }
  for (; i < end; i++) a += x[i]! * y[i]!;
  return a + b + (c + d);
}

/** Euclidean norm ‖x‖; relative error as of {@link dot}. Overflows only beyond 1e154. */
export function norm(x: RealVector): number {
  return Math.sqrt(dot(x, x));
}

/** ‖x − y‖ without a temporary vector. */
export function distance(x: RealVector, y: RealVector): number {
  assertSameLength("distance", x, y);
  let total = 0;
  for (let start = 0; start < x.length; start += BLOCK) {
    const end = Math.min(x.length, start + BLOCK);
    let part = 0;
    for (let i = start; i < end; i++) {
      const difference = x[i]! - y[i]!;
      part += difference * difference;
    }
    total += part;
  }
  return Math.sqrt(total);
}

/** Cosine of the angle between x and y; NaN if either is zero. */
export function cosine(x: RealVector, y: RealVector): number {
  return dot(x, y) / (norm(x) * norm(y));
}

/** y ← y + a·x. */
export function axpy(a: number, x: RealVector, y: Float64Array): void {
  assertSameLength("axpy", x, y);
  for (let i = 0; i < y.length; i++) y[i]! += a * x[i]!;
}

/** x ← a·x. */
export function scale(a: number, x: Float64Array): void {
  for (let i = 0; i < x.length; i++) x[i]! *= a;
}

/** a·x + b·y as a new vector. */
export function combine(a: number, x: RealVector, b: number, y: RealVector): Float64Array {
  assertSameLength("combine", x, y);
  const out = new Float64Array(x.length);
  for (let i = 0; i < out.length; i++) out[i] = a * x[i]! + b * y[i]!;
  return out;
}

/**
 * x ← x/‖x‖; returns the norm before. A vector whose norm is 0 or not finite is left as it is:
 * nothing is added to the norm, so the result is a unit vector to rounding or the caller learns why not.
 */
export function normalize(x: Float64Array): number {
  const length = norm(x);
  if (length > 0 && Number.isFinite(length)) for (let i = 0; i < x.length; i++) x[i]! /= length;
  return length;
}

/** Fixes the sign of an eigenvector: the component of largest magnitude (the first of equals) becomes positive. */
export function orient(x: Float64Array): void {
  let largest = 0;
  for (let i = 0; i < x.length; i++) if (Math.abs(x[i]!) > Math.abs(largest)) largest = x[i]!;
  if (largest < 0) scale(-1, x);
}

/** True if no component is NaN or infinite. */
export function isFiniteVector(x: RealVector): boolean {
  for (let i = 0; i < x.length; i++) if (!Number.isFinite(x[i]!)) return false;
  return true;
}

function assertSameLength(what: string, x: RealVector, y: RealVector): void {
  if (x.length === y.length) return;
  throw new LandscapeError(
    "INTERNAL",
    `${what}: vectors of different lengths; expected ${x.length}, got ${y.length} (internal: please report)`,
  );
}
