import { type ErrorCode, LandscapeError } from "../errors.ts";
import type { Call, Value } from "../onnx/graph.ts";
import { type ElementType, isFloat, sizeOf, type TensorType } from "../onnx/tensor.ts";

/** What shape rules share: reading operands, broadcasting, and saying clearly what does not fit. */

/** No tensor of a file may claim more elements than this (2⁴⁰: far beyond memory, far below overflow). */
const MAX_ELEMENTS = 2 ** 40;
const MAX_RANK = 64;

function described(value: Value | null): string {
  if (value === null) return "(absent)";
  return `"${value.name}" ${value.type} [${(value.shape ?? ["?"]).join(", ")}]`;
}

/** The error of a call whose operands do not fit; `expected` completes "expected …". */
export function misfit(call: Call, expected: string, code: ErrorCode = "INVALID_MODEL"): LandscapeError {
  return doNotFit(call, expected, "Check the model file and the shapes of the data", code);
}

/** The error of a call whose shape depends on `what`, which is not known before running. */
export function unknownShape(call: Call, what: string): LandscapeError {
  const remedy =
    "Shapes must not depend on the data or the weights, except on integers of a few batches (--samples)";
  return doNotFit(call, `${what} known before running`, remedy, "UNSUPPORTED_OP");
}

function doNotFit(call: Call, expected: string, remedy: string, code: ErrorCode): LandscapeError {
  const operands = call.inputs.map(described).join(", ");
  return new LandscapeError(
    code,
    `inputs of ${call.domain ? `${call.domain}::` : ""}${call.op} do not fit: expected ${expected}, got ${operands || "no inputs"}. ${remedy}`,
    { op: call.op, domain: call.domain },
  );
}

/** Input `i`; a file that leaves it out is invalid. */
export function operand(call: Call, i: number): Value {
  const value = call.inputs[i];
  if (value == null) throw misfit(call, `an input ${i}`);
  return value;
}

/** Type and static shape of input `i`. */
export function typeOf(call: Call, i: number): TensorType {
  return operand(call, i).static;
}

export function floatOperand(call: Call, i: number): TensorType {
  const t = typeOf(call, i);
  if (!isFloat(t.type)) throw misfit(call, `input ${i} to be floating-point`);
  return t;
}

/** A type whose size was checked against what a tensor can be. */
export function tensorType(call: Call, type: ElementType, dims: readonly number[]): TensorType {
  const bad = dims.some((d) => !Number.isSafeInteger(d) || d < 0);
  if (bad || dims.length > MAX_RANK || sizeOf(dims) > MAX_ELEMENTS)
    throw misfit(
      call,
      `a result with at most ${MAX_ELEMENTS} elements and axes ≥ 0, not [${dims.join(", ")}]`,
    );
  return { type, dims };
}

/** The common type of the given inputs. */
export function sameType(call: Call, indices: readonly number[]): ElementType {
  const types = indices.map((i) => typeOf(call, i).type);
  if (types.some((t) => t !== types[0])) throw misfit(call, "operands of one element type");
  return types[0] as ElementType;
}

/** NumPy's broadcasting; undefined when the shapes do not fit. */
export function broadcast(...shapes: (readonly number[])[]): number[] | undefined {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  const dims = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    const lead = rank - shape.length;
    for (let i = 0; i < shape.length; i++) {
      const d = shape[i]!;
      const sofar = dims[lead + i]!;
      if (d === sofar || d === 1) continue;
      if (sofar !== 1) return undefined;
      dims[lead + i] = d;
    }
  }
  return dims;
}

export function broadcastOperands(call: Call, indices: readonly number[]): number[] {
  const dims = broadcast(...indices.map((i) => typeOf(call, i).dims));
  if (dims === undefined) throw misfit(call, "shapes that broadcast");
  return dims;
}

/** `axis` as 0 … rank − 1. */
export function axisOf(call: Call, axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank)
    throw misfit(call, `an axis within [${-rank}, ${rank - 1}], not ${axis}`);
  return axis < 0 ? axis + rank : axis;
}

/** Distinct axes as 0 … rank − 1, ascending. */
export function axesOf(call: Call, axes: readonly number[], rank: number): number[] {
  const found = axes.map((a) => axisOf(call, a, rank)).sort((a, b) => a - b);
  if (found.some((a, i) => a === found[i - 1])) throw misfit(call, `distinct axes, not [${axes.join(", ")}]`);
  return found;
}

/** The contents of a constant as numbers. */
export function numbersOf(value: Value): number[] | undefined {
  const tensor = value.tensor;
  if (tensor === undefined || tensor.type === "string") return undefined;
  if (tensor.type === "float16" || tensor.type === "bfloat16") return undefined;
  return Array.from(tensor.data as ArrayLike<number | bigint>, Number);
}

/** Input `i` as integers, which must be constants: shapes, axes, pads. Undefined when the input is absent. */
export function constantInts(call: Call, i: number, what: string): number[] | undefined {
  const value = call.inputs[i];
  if (value == null) return undefined;
  const numbers = numbersOf(value);
  if (numbers === undefined) throw unknownShape(call, what);
  return numbers;
}

export function requiredInts(call: Call, i: number, what: string): number[] {
  const ints = constantInts(call, i, what);
  if (ints === undefined) throw misfit(call, `an input ${i}: ${what}`);
  return ints;
}

export function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}

export function sameDims(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

/** The number a constant is filled with, if it is one number throughout. Looks through Expand and Reshape. */
export function uniformOf(value: Value): number | undefined {
  let v = value;
  while (v.producer?.op === "Expand" || v.producer?.op === "Reshape") v = v.producer.x(0);
  const tensor = v.tensor;
  if (tensor === undefined || sizeOf(tensor.dims) > 4096) return undefined;
  const numbers = numbersOf(v);
  const first = numbers?.[0];
  return numbers?.every((x) => Object.is(x, first)) ? first : undefined;
}
