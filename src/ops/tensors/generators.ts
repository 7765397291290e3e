import type { Call, Value } from "../../onnx/graph.ts";
import type { Tensor, TensorType } from "../../onnx/tensor.ts";
import { ONNX_TYPE_CODES } from "../builder.ts";
import { foldFilled, foldIndexed, foldRange } from "../fold/arithmetic.ts";
import type { RuleTable } from "../record.ts";
import {
  misfit,
  numbersOf,
  operand,
  requiredInts,
  sameType,
  tensorType,
  typeOf,
  unknownShape,
} from "../typing.ts";

/** Operators that make tensors from shapes and numbers: constants all. */

const ZERO: Tensor = { type: "float32", dims: [1], data: new Float32Array(1) };

function filling(call: Call): { value: Tensor; type: TensorType } {
  const dims = requiredInts(call, 0, "a shape");
  const value = call.tensor("value") ?? ZERO;
  if (value.data.length !== 1) throw misfit(call, "a value of one element");
  return { value, type: tensorType(call, value.type, dims) };
}

function numberIn(call: Call, i: number): number {
  const value: Value = operand(call, i);
  const number = numbersOf(value)?.[0];
  if (number === undefined) throw unknownShape(call, "bounds");
  return number;
}

function rangeOf(call: Call): { start: number; step: number; type: TensorType } {
  const type = sameType(call, [0, 1, 2]);
  const [start, limit, step] = [numberIn(call, 0), numberIn(call, 1), numberIn(call, 2)];
  if (step === 0) throw misfit(call, "a step other than 0");
  const n = Math.max(0, Math.ceil((limit - start) / step));
  return { start, step, type: tensorType(call, type, [n]) };
}

function eyeType(call: Call): TensorType {
  const x = typeOf(call, 0);
  if (x.dims.length !== 2) throw misfit(call, "two axes");
  const code = call.int("dtype", 0);
  const named = Object.entries(ONNX_TYPE_CODES).find(([, c]) => c === code)?.[0] as
    | TensorType["type"]
    | undefined;
  return { type: named ?? x.type, dims: x.dims };
}

export const generators: RuleTable = {
  ConstantOfShape: {
    wrt: [],
    infer: (call) => [filling(call).type],
    fold: (call) => {
      const { value, type } = filling(call);
      return foldFilled(value, type.dims);
    },
    // A filled tensor has one form, so that equal ones are one value.
    simplify: (b, call) => {
      const { value, type } = filling(call);
      return b.expand(b.constant({ ...value, dims: [] }), type.dims);
    },
  },
  Range: {
    wrt: [],
    infer: (call) => [rangeOf(call).type],
    fold: (call) => {
      const { start, step, type } = rangeOf(call);
      return foldRange(type.type, start, step, type.dims[0]!);
    },
  },
  EyeLike: {
    wrt: [],
    infer: (call) => [eyeType(call)],
    fold: (call) => {
      const { type, dims } = eyeType(call);
      const k = call.int("k", 0);
      return foldIndexed(type, dims, ([i, j]) => Number(j! - i! === k));
    },
  },
};
