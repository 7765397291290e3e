import type { Call, Value } from "../../onnx/graph.ts";
import { type ElementType, isFloat } from "../../onnx/tensor.ts";
import type { GraphBuilder } from "../builder.ts";
import { foldBinary, foldUnary } from "../fold/arithmetic.ts";
import type { FrozenForm, OpRecord, RuleTable, VjpScope } from "../record.ts";
import {
  broadcastOperands,
  floatOperand,
  misfit,
  operand,
  sameType,
  tensorType,
  uniformOf,
} from "../typing.ts";
import {
  inferBroadcast,
  inferPair,
  inferSame,
  isUniform,
  keeps,
  step,
  unary,
  unexpanded,
} from "./elementwise.ts";
import { isFlatAtZero } from "./flat-zeros.ts";

const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

function divide(x: number, y: number, type: ElementType): number | undefined {
  if (isFloat(type)) return x / y;
  return y === 0 ? undefined : Math.trunc(x / y);
}

/** Rounds half to even, as ONNX's Round. */
function roundEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/**
 * The larger (or smaller) of two: where one wins, the gradient is its own; ties share equally, as PyTorch's
 * `maximum`. The decisions are "the first wins" and "the second wins".
 */
function extremum(op: "Max" | "Min", pick: (x: number, y: number) => number): OpRecord {
  const wins = (b: GraphBuilder, x: Value, other: Value) =>
    op === "Max" ? b.greater(x, other) : b.less(x, other);
  const share = (b: GraphBuilder, x: Value, other: Value, dy: Value) =>
    b.where(wins(b, x, other), dy, b.where(wins(b, other, x), 0, b.mul(dy, 0.5)));
  const freeze: FrozenForm = {
    decide: (b, call) => [wins(b, call.x(0), call.x(1)), wins(b, call.x(1), call.x(0))],
    apply: (b, call, [first, second]) => {
      const [x, y] = [call.x(0), call.x(1)];
      const tie = b.mul(b.add(x, y), 0.5);
      return [b.where(first as Value, x, b.where(second as Value, y, tie))];
    },
  };
  return {
    wrt: "all",
    infer: inferBroadcast,
    fold: foldBinary(pick),
    simplify: (_b, call) => (call.inputs.length === 1 ? operand(call, 0) : undefined),
    // Three or more are taken in pairs from the left.
    expand: (b, call) =>
      call.inputs.length > 2
        ? [call.inputs.map((_, i) => operand(call, i)).reduce((x, y) => b.call(op, [x, y]))]
        : undefined,
    vjp: (s, i) => share(s.b, s.x(i), s.x(1 - i), s.dy()),
    freeze,
  };
}

// xᵖ: d/dx = p·xᵖ⁻¹; d/dp = y·log x, and 0 at x = 0 (as PyTorch for p ≥ 0).
function powVjp(s: VjpScope, input: number): Value {
  const { b } = s;
  const [x, p] = [s.x(0), s.x(1)];
  if (input === 1) {
    const zero = b.equal(x, 0);
    const log = b.unary("Log", b.where(zero, 1, x));
    return b.where(zero, 0, b.mul(s.dy(), b.mul(s.y(), log)));
  }
  const exponent = uniformOf(p);
  if (exponent === 0) return b.filled(s.y().static, 0);
  if (exponent === 1) return s.dy();
  if (exponent === 2) return b.mul(b.mul(s.dy(), 2), x);
  if (exponent !== undefined && exponent > 0 && exponent < 1 && isFlatAtZero(x)) {
    const zero = b.equal(x, 0);
    const power = b.pow(b.where(zero, 1, x), exponent - 1);
    return b.mul(b.where(zero, 0, b.mul(s.dy(), exponent)), power);
  }
  const factor = b.cast(p, x.static.type);
  const power = b.mul(factor, b.pow(x, b.sub(p, 1)));
  // p = 0 among other exponents: 0·x⁻¹ must be 0 at x = 0.
  const safe = exponent === undefined ? b.where(b.equal(factor, 0), 0, power) : power;
  return b.mul(s.dy(), safe);
}

/** x − q·y with q the whole quotient, which is the decision; the frozen form moves from θ₀'s exact value. */
const modulo: OpRecord = {
  wrt: "all",
  infer: inferPair,
  fold: (call) =>
    foldBinary((x, y) => {
      if (y === 0) return undefined;
      return call.int("fmod", 0) ? x % y : x - y * Math.floor(x / y);
    })(call),
  vjp: (s, i) => (i === 0 ? s.dy() : s.b.neg(s.b.mul(s.dy(), quotient(s.b, s.x(0), s.x(1), s.y())))),
  freeze: {
    decide: (b, call) => {
      const y = b.emit(call)[0] as Value;
      if (!isFloat(y.static.type)) return [y];
      return [y, call.x(0), call.x(1), quotient(b, call.x(0), call.x(1), y)];
    },
    apply: (b, call, decisions) => {
      const [y, x0, d0, q] = decisions as [Value, Value?, Value?, Value?];
      if (x0 === undefined || d0 === undefined || q === undefined) return [y];
      const moved = b.sub(b.sub(call.x(0), x0), b.mul(q, b.sub(call.x(1), d0)));
      return [b.add(y, moved)];
    },
  },
};

function quotient(b: GraphBuilder, x: Value, d: Value, y: Value): Value {
  return b.unary("Round", b.div(b.sub(x, y), d));
}

function inferPow(call: Call): ReturnType<OpRecord["infer"]> {
  operand(call, 1);
  return [tensorType(call, operand(call, 0).static.type, broadcastOperands(call, [0, 1]))];
}

function inferSigned(call: Call): ReturnType<OpRecord["infer"]> {
  if (sameType(call, [0]).startsWith("u")) throw misfit(call, "a signed type");
  return inferSame(call);
}

function isFloatCall(call: Call): boolean {
  return isFloat(operand(call, 0).static.type);
}

export const arithmetic: RuleTable = {
  Add: {
    wrt: "all",
    infer: inferPair,
    fold: foldBinary((x, y) => x + y),
    simplify: (b, call) =>
      (isUniform(call, 1, 0) ? keeps(call, 0) : isUniform(call, 0, 0) ? keeps(call, 1) : undefined) ??
      unexpanded(b, call),
    vjp: (s) => s.dy(),
  },
  Sub: {
    wrt: "all",
    infer: inferPair,
    fold: foldBinary((x, y) => x - y),
    simplify: (b, call) => {
      const kept = isUniform(call, 1, 0) ? keeps(call, 0) : undefined;
      if (kept) return kept;
      const negated = isUniform(call, 0, 0) && isFloatCall(call) ? keeps(call, 1) : undefined;
      return negated ? b.neg(negated) : unexpanded(b, call);
    },
    vjp: (s, i) => (i === 0 ? s.dy() : s.b.neg(s.dy())),
  },
  Mul: {
    wrt: "all",
    infer: inferPair,
    fold: foldBinary((x, y) => x * y),
    simplify: (b, call) => {
      for (const [i, other] of [
        [1, 0],
        [0, 1],
      ] as const) {
        const kept = isUniform(call, i, 1) ? keeps(call, other) : undefined;
        if (kept) return kept;
        const negated = isUniform(call, i, -1) && isFloatCall(call) ? keeps(call, other) : undefined;
        if (negated) return b.neg(negated);
      }
      return unexpanded(b, call);
    },
    vjp: (s, i) => s.b.mul(s.dy(), s.x(1 - i)),
  },
  Div: {
    wrt: "all",
    infer: inferPair,
    fold: foldBinary(divide),
    simplify: (b, call) => (isUniform(call, 1, 1) ? keeps(call, 0) : undefined) ?? unexpanded(b, call),
    // d/db a/b = −y/b; a divisor that was broadcast divides after the sum.
    vjp: (s, i) => {
      if (i === 0) return s.b.div(s.dy(), s.x(1));
      return s.b.neg(s.b.div(s.b.sumTo(s.b.mul(s.dy(), s.y()), s.x(1).dims), s.x(1)));
    },
  },
  Mod: modulo,
  Pow: {
    wrt: "all",
    infer: inferPow,
    fold: foldBinary((x, y) => x ** y),
    simplify: (_b, call) => (isUniform(call, 1, 1) ? keeps(call, 0) : undefined),
    vjp: powVjp,
  },
  Neg: {
    wrt: [0],
    infer: inferSigned,
    fold: foldUnary((x) => 0 - x),
    simplify: (_b, call) => {
      const inner = operand(call, 0).producer;
      return inner?.op === "Neg" && inner.domain === "" ? inner.x(0) : undefined;
    },
    vjp: (s) => s.b.neg(s.dy()),
  },
  Reciprocal: unary(
    (x) => 1 / x,
    (b, dy, _x, y) => b.neg(b.mul(dy, b.mul(y, y))),
  ),
  // The gradient at 0 is infinite, as PyTorch, unless the operand's own is 0 there.
  Sqrt: unary(Math.sqrt, (b, dy, x, y) => {
    if (!isFlatAtZero(x)) return b.div(dy, b.mul(y, 2));
    const zero = b.equal(y, 0);
    return b.div(b.where(zero, 0, dy), b.mul(b.where(zero, 1, y), 2));
  }),
  Exp: unary(Math.exp, (b, dy, _x, y) => b.mul(dy, y)),
  Log: unary(Math.log, (b, dy, x) => b.div(dy, x)),
  // d/dx erf x = 2/√π·exp(−x²)
  Erf: unary(undefined, (b, dy, x) => b.mul(dy, b.mul(b.unary("Exp", b.neg(b.mul(x, x))), TWO_OVER_SQRT_PI))),
  Abs: {
    wrt: [0],
    infer: inferSame,
    fold: foldUnary(Math.abs),
    // At 0: 0, as PyTorch.
    vjp: (s) => s.b.mul(s.dy(), s.b.unary("Sign", s.x(0))),
    freeze: {
      decide: (b, call) => [b.unary("Sign", call.x(0))],
      apply: (b, call, [sign]) => [b.mul(call.x(0), sign as Value)],
    },
  },
  Sign: step(Math.sign),
  Floor: step(Math.floor),
  Ceil: step(Math.ceil),
  Round: step(roundEven),
  Max: extremum("Max", (x, y) => Math.max(x, y)),
  Min: extremum("Min", (x, y) => Math.min(x, y)),
  Sum: {
    wrt: "all",
    infer: inferBroadcast,
    fold: foldBinary((x, y) => x + y),
    simplify: (b, call) => {
      if (call.inputs.length === 1) return operand(call, 0);
      return call.inputs.length === 2 ? b.add(operand(call, 0), operand(call, 1)) : undefined;
    },
    vjp: (s) => s.dy(),
  },
  Mean: {
    wrt: "all",
    infer: (call) => {
      floatOperand(call, 0);
      return inferBroadcast(call);
    },
    expand: (b, call) => [b.div(b.call("Sum", call.inputs), call.inputs.length)],
  },
};
