import type { Call, Value } from "../../onnx/graph.ts";
import { type ElementType, isFloat, type TensorType } from "../../onnx/tensor.ts";
import { type GraphBuilder, ONNX_TYPE_CODES } from "../builder.ts";
import { foldBinary, foldCast, foldUnary, foldWhere } from "../fold/arithmetic.ts";
import { IN_TRAINING, type OpRecord, type RuleTable } from "../record.ts";
import {
  broadcastOperands,
  misfit,
  operand,
  range,
  sameType,
  tensorType,
  typeOf,
  uniformOf,
} from "../typing.ts";
import { inferPair, inferSame, keeps } from "./elementwise.ts";

/** Comparisons, logic, and the choices made with them. */

function comparison(f: (x: number, y: number) => boolean): OpRecord {
  return {
    wrt: [],
    infer: (call) => [tensorType(call, "bool", inferPair(call)[0]!.dims)],
    fold: foldBinary((x, y) => Number(f(x, y)), "bool"),
  };
}

function logic(f: (x: number, y: number) => number): OpRecord {
  return {
    wrt: [],
    infer: (call) => {
      if (sameType(call, [0, 1]) !== "bool") throw misfit(call, "bool operands");
      return inferPair(call);
    },
    fold: foldBinary(f),
  };
}

function inferInteger(call: Call): readonly TensorType[] {
  const all = range(call.inputs.length);
  const type = sameType(call, all);
  if (isFloat(type) || type === "bool" || type === "string") throw misfit(call, "integer operands");
  return [tensorType(call, type, broadcastOperands(call, all))];
}

/** JavaScript's operators see 32 bits: wider numbers are left to the runtime. */
function bitwise(f: (x: number, y: number) => number): OpRecord {
  const narrow = (x: number) => x >= 0 && x < 2 ** 31;
  return {
    wrt: [],
    infer: inferInteger,
    fold: foldBinary((x, y) => (narrow(x) && narrow(y) ? f(x, y) : undefined)),
  };
}

function test(f: (call: Call) => (x: number) => boolean): OpRecord {
  return {
    wrt: [],
    infer: (call) => [tensorType(call, "bool", typeOf(call, 0).dims)],
    fold: (call) => foldUnary((x) => Number(f(call)(x)), "bool")(call),
  };
}

const TYPES = new Map<number, ElementType>(
  Object.entries(ONNX_TYPE_CODES).map(([type, code]) => [code, type as ElementType]),
);

function castTarget(call: Call): ElementType {
  const type = TYPES.get(call.int("to", 0));
  if (type === undefined) throw misfit(call, `a supported element type, not code ${call.int("to", 0)}`);
  return type;
}

function simplifyCast(_b: GraphBuilder, call: Call): Value | undefined {
  const x = operand(call, 0);
  if (x.static.type === castTarget(call)) return x;
  // bool → number → bool
  const inner = x.producer?.op === "Cast" ? x.producer.x(0) : undefined;
  return inner?.static.type === "bool" && castTarget(call) === "bool" ? inner : undefined;
}

function inferWhere(call: Call): readonly TensorType[] {
  if (typeOf(call, 0).type !== "bool") throw misfit(call, "a bool condition");
  return [tensorType(call, sameType(call, [1, 2]), broadcastOperands(call, [0, 1, 2]))];
}

function simplifyWhere(_b: GraphBuilder, call: Call): Value | undefined {
  if (operand(call, 1) === operand(call, 2)) return keeps(call, 1);
  const always = uniformOf(operand(call, 0));
  return always === undefined ? undefined : keeps(call, always ? 1 : 2);
}

/**
 * Where(IsNaN(y), z, y) with y a Softmax is how exporters give attention that may see nothing its zeros. The Softmax
 * is taken of what has a score, so that no gradient meets the NaN.
 */
function guardedSoftmax(b: GraphBuilder, call: Call): readonly Value[] | undefined {
  const [test, guarded] = [call.x(0).producer, call.x(2)];
  const softmax = guarded.producer;
  if (test?.op !== "IsNaN" || test.x(0) !== guarded || softmax?.op !== "Softmax") return undefined;
  const scores = softmax.x(0);
  const axis = softmax.int("axis", -1);
  const most = b.call("ReduceMax", [scores, b.ints([axis])], { keepdims: 1 });
  const some = b.greater(most, -Infinity);
  const y = b.call("Softmax", [b.where(some, scores, 0)], softmax.attributes);
  return [b.where(some, y, call.x(1))];
}

/** Where(x = 0, z, a/d), as of a sinc: what is not taken is divided by 1, so that its gradient is 0 and not 0·∞. */
function guardedQuotient(b: GraphBuilder, call: Call): readonly Value[] | undefined {
  const [test, quotient] = [call.x(0).producer, call.x(2).producer];
  if (test?.op !== "Equal" || uniformOf(test.x(1)) !== 0 || quotient?.op !== "Div") return undefined;
  const divisor = quotient.x(1);
  if (divisor.producer?.op === "Where") return undefined;
  return [b.where(call.x(0), call.x(1), b.div(quotient.x(0), b.where(call.x(0), 1, divisor)))];
}

/** Whether a Dropout is in training mode, or may be. */
export function drops(call: Call): boolean {
  return call.has(2) && uniformOf(call.x(2)) !== 0;
}

export const comparisons: RuleTable = {
  Greater: comparison((x, y) => x > y),
  GreaterOrEqual: comparison((x, y) => x >= y),
  Less: comparison((x, y) => x < y),
  LessOrEqual: comparison((x, y) => x <= y),
  Equal: comparison((x, y) => x === y),
  And: logic((x, y) => x & y),
  Or: logic((x, y) => x | y),
  Xor: logic((x, y) => x ^ y),
  BitwiseAnd: bitwise((x, y) => x & y),
  BitwiseOr: bitwise((x, y) => x | y),
  BitwiseXor: bitwise((x, y) => x ^ y),
  BitwiseNot: { wrt: [], infer: inferInteger },
  BitShift: { wrt: [], infer: inferInteger },
  Not: {
    wrt: [],
    infer: (call) => {
      if (typeOf(call, 0).type !== "bool") throw misfit(call, "a bool operand");
      return inferSame(call);
    },
    fold: foldUnary((x) => 1 - x),
    simplify: (_b, call) => {
      const inner = operand(call, 0).producer;
      return inner?.op === "Not" ? inner.x(0) : undefined;
    },
  },
  IsNaN: test(() => Number.isNaN),
  IsInf: test((call) => (x) => {
    const positive = x === Infinity && call.int("detect_positive", 1) !== 0;
    return positive || (x === -Infinity && call.int("detect_negative", 1) !== 0);
  }),
  Where: {
    wrt: [1, 2],
    infer: inferWhere,
    fold: foldWhere,
    simplify: simplifyWhere,
    expand: (b, call) => guardedSoftmax(b, call) ?? guardedQuotient(b, call),
    // Where, not a product with the mask: the branch that is not taken may hold infinities.
    vjp: (s, i) => (i === 1 ? s.b.where(s.x(0), s.dy(), 0) : s.b.where(s.x(0), 0, s.dy())),
  },
  Cast: {
    wrt: [0],
    infer: (call) => [tensorType(call, castTarget(call), typeOf(call, 0).dims)],
    fold: (call) => foldCast(castTarget(call))(call),
    simplify: simplifyCast,
    vjp: (s) => s.b.cast(s.dy(), s.x(0).static.type),
  },
  CastLike: {
    wrt: [0],
    infer: (call) => [tensorType(call, typeOf(call, 1).type, typeOf(call, 0).dims)],
    // At once, not by expansion: exporters compute shapes with it.
    simplify: (b, call) => b.cast(operand(call, 0), typeOf(call, 1).type),
    vjp: (s) => s.b.cast(s.dy(), s.x(0).static.type),
  },
  Identity: {
    wrt: [0],
    infer: inferSame,
    simplify: (_b, call) => operand(call, 0),
    vjp: (s) => s.dy(),
  },
  Dropout: {
    wrt: [0],
    infer: (call) => {
      const x = typeOf(call, 0);
      return [x, tensorType(call, "bool", x.dims)].slice(0, call.numOutputs);
    },
    refuses: (call) => (drops(call) ? IN_TRAINING : undefined),
    // Evaluation changes nothing. In training the values are random: no rule, so it is reported.
    expand: (b, call) => {
      if (drops(call)) return undefined;
      const x = call.x(0);
      return [x, b.filled({ type: "bool", dims: x.dims }, 1)].slice(0, call.numOutputs);
    },
    impure: true,
  },
};
