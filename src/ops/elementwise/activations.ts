import type { Attribute, Call, Value } from "../../onnx/graph.ts";
import type { TensorType } from "../../onnx/tensor.ts";
import type { GraphBuilder } from "../builder.ts";
import { foldUnary } from "../fold/arithmetic.ts";
import type { FrozenForm, OpRecord, RuleTable, VjpScope } from "../record.ts";
import { broadcastOperands, floatOperand, misfit, numbersOf, sameDims, sameType, typeOf } from "../typing.ts";
import { inferFloat, inferSame, keeps, masked } from "./elementwise.ts";

const SELU_ALPHA = 1.6732632423543772;
const SELU_GAMMA = 1.0507009873554805;

type Form = (b: GraphBuilder, x: Value, call: Call) => Value;

/** Defined by other operators. A comparison in `form` is its kink, and freezes as any comparison does. */
function composed(form: Form): OpRecord {
  return { wrt: "all", infer: inferFloat, expand: (b, call) => [form(b, call.x(0), call)] };
}

/** Float attributes are single precision, defaults too. */
function attribute(call: Call, name: string, otherwise: number): number {
  return Math.fround(call.float(name, otherwise));
}

function positive(b: GraphBuilder, x: Value): Value {
  return b.greater(x, 0);
}

/** x for x > 0, alpha·(exp(x/scale) − 1) otherwise; the exponential never sees the other branch's large x. */
function exponentialLinear(b: GraphBuilder, x: Value, alpha: number, scale = 1): Value {
  const mask = positive(b, x);
  const negative = b.where(mask, 0, x);
  const power = b.unary("Exp", b.div(negative, scale));
  return b.where(mask, x, b.mul(b.sub(power, 1), alpha));
}

function geluErf(b: GraphBuilder, x: Value): Value {
  const erf = b.unary("Erf", b.mul(x, Math.SQRT1_2));
  return b.mul(b.mul(x, 0.5), b.add(erf, 1));
}

function geluTanh(b: GraphBuilder, x: Value): Value {
  const inner = b.add(x, b.mul(b.mul(b.mul(x, x), x), 0.044715));
  const tanh = b.unary("Tanh", b.mul(inner, Math.sqrt(2 / Math.PI)));
  return b.mul(b.mul(x, 0.5), b.add(tanh, 1));
}

function hardSigmoid(b: GraphBuilder, x: Value, alpha: number, beta: number): Value {
  return b.call("Clip", [
    b.add(b.mul(x, alpha), beta),
    b.scalar(0, x.static.type),
    b.scalar(1, x.static.type),
  ]);
}

/** A leak on the negative side: x where x > 0, slope·x elsewhere (so at 0: the slope, as PyTorch). */
function leaky(slopeOf: (b: GraphBuilder, call: Call) => Value): Pick<OpRecord, "freeze" | "vjp"> {
  const piece = (b: GraphBuilder, mask: Value, x: Value, slope: Value) => b.where(mask, x, b.mul(x, slope));
  return {
    vjp: (s, i) => {
      const mask = positive(s.b, s.x(0));
      if (i === 1) return s.b.where(mask, 0, s.b.mul(s.dy(), s.x(0)));
      return piece(s.b, mask, s.dy(), slopeOf(s.b, s.node));
    },
    freeze: {
      decide: (b, call) => [positive(b, call.x(0))],
      apply: (b, call, [mask]) => [piece(b, mask as Value, call.x(0), slopeOf(b, call))],
    },
  };
}

/** Masks of the elements that a Clip sets to its lower and to its upper bound. */
function clipped(b: GraphBuilder, call: Call): { below: Value | undefined; above: Value | undefined } {
  return {
    below: call.has(1) ? b.less(call.x(0), call.x(1)) : undefined,
    above: call.has(2) ? b.greater(call.x(0), call.x(2)) : undefined,
  };
}

// Inside, bounds included, the gradient passes (PyTorch's clamp); a bound gets that of the elements set to it.
function clipVjp(s: VjpScope, input: number): Value {
  const { b } = s;
  const { below, above } = clipped(b, s.node);
  if (input === 1) return masked(b, below as Value, s.dy());
  if (input === 2) return masked(b, above as Value, s.dy());
  const outside = below && above ? b.call("Or", [below, above]) : (below ?? above);
  return outside ? masked(b, b.unary("Not", outside), s.dy()) : s.dy();
}

const frozenClip: FrozenForm = {
  decide: (b, call) => {
    const { below, above } = clipped(b, call);
    return [below, above].filter((mask) => mask !== undefined);
  },
  apply: (b, call, decisions) => {
    const below = call.has(1) ? decisions[0] : undefined;
    const above = call.has(2) ? decisions.at(-1) : undefined;
    let y = call.x(0);
    if (above) y = b.where(above, call.x(2), y);
    return [below ? b.where(below, call.x(1), y) : y];
  },
};

function inferClip(call: Call): readonly TensorType[] {
  const x = typeOf(call, 0);
  for (const i of [1, 2]) {
    if (!call.has(i)) continue;
    sameType(call, [0, i]);
    if (typeOf(call, i).dims.length > 0) throw misfit(call, "scalar bounds");
  }
  return [x];
}

function foldClip(call: Call): ReturnType<NonNullable<OpRecord["fold"]>> {
  const bound = (i: number, otherwise: number) => {
    const value = call.inputs[i];
    return value == null ? otherwise : numbersOf(value)?.[0];
  };
  const [low, high] = [bound(1, -Infinity), bound(2, Infinity)];
  if (low === undefined || high === undefined) return undefined;
  return foldUnary((x) => Math.min(Math.max(x, low), high))(call);
}

/** Activations that onnxruntime fuses into products before them. */
const FUSED = "Relu Tanh Sigmoid LeakyRelu HardSigmoid Clip Elu Selu Softplus Softsign ThresholdedRelu".split(
  " ",
);

/** The activation that a fused operator names in its attribute `activation`, with attributes of its own. */
export function activated(
  b: GraphBuilder,
  call: Call,
  x: Value,
  attributes: ReadonlyMap<string, Attribute>,
): Value {
  const name = call.string("activation", "");
  if (name === "") return x;
  if (!FUSED.includes(name))
    throw misfit(call, `an activation among ${FUSED.join(", ")}, not "${name}"`, "UNSUPPORTED_OP");
  if (name !== "Clip") return b.call(name, [x], attributes);
  const bounds = ["min", "max"].map((bound) => {
    const value = attributes.get(bound)?.value;
    return typeof value === "number" ? b.scalar(value, x.static.type) : null;
  });
  return b.call("Clip", [x, ...bounds]);
}

export const activations: RuleTable = {
  Relu: {
    wrt: [0],
    infer: inferSame,
    fold: foldUnary((x) => Math.max(x, 0)),
    // At 0: 0, as PyTorch. The mask from y is the cheapest there is.
    vjp: (s) => masked(s.b, s.b.cast(s.y(), "bool"), s.dy()),
    freeze: {
      decide: (b, call) => [b.cast(b.unary("Relu", call.x(0)), "bool")],
      apply: (b, call, [mask]) => [masked(b, mask as Value, call.x(0))],
    },
  },
  LeakyRelu: {
    wrt: [0],
    infer: inferFloat,
    ...leaky((b, call) => b.scalar(attribute(call, "alpha", 0.01), call.x(0).static.type)),
  },
  PRelu: {
    wrt: "all",
    infer: (call) => {
      sameType(call, [0, 1]);
      const x = floatOperand(call, 0);
      if (!sameDims(broadcastOperands(call, [0, 1]), x.dims))
        throw misfit(call, "a slope that broadcasts to x");
      return [x];
    },
    ...leaky((_b, call) => call.x(1)),
  },
  Clip: {
    wrt: "all",
    infer: inferClip,
    fold: foldClip,
    simplify: (_b, call) => (call.has(1) || call.has(2) ? undefined : keeps(call, 0)),
    vjp: clipVjp,
    freeze: frozenClip,
  },
  // d/dx tanh x = 1 − y²
  Tanh: {
    wrt: [0],
    infer: inferFloat,
    fold: foldUnary(Math.tanh),
    vjp: (s) => s.b.mul(s.dy(), s.b.sub(1, s.b.mul(s.y(), s.y()))),
  },
  // d/dx σ(x) = y·(1 − y)
  Sigmoid: {
    wrt: [0],
    infer: inferFloat,
    fold: foldUnary((x) => 1 / (1 + Math.exp(-x))),
    vjp: (s) => s.b.mul(s.dy(), s.b.mul(s.y(), s.b.sub(1, s.y()))),
  },
  // d/dx log(1 + eˣ) = σ(x); onnxruntime's kernel does not overflow.
  Softplus: {
    wrt: [0],
    infer: inferFloat,
    vjp: (s) => s.b.mul(s.dy(), s.b.unary("Sigmoid", s.x(0))),
  },
  Softsign: composed((b, x) => b.div(x, b.add(b.unary("Abs", x), 1))),
  Elu: composed((b, x, call) => exponentialLinear(b, x, attribute(call, "alpha", 1))),
  Celu: composed((b, x, call) =>
    exponentialLinear(b, x, attribute(call, "alpha", 1), attribute(call, "alpha", 1)),
  ),
  Selu: composed((b, x, call) =>
    b.mul(
      exponentialLinear(b, x, attribute(call, "alpha", SELU_ALPHA)),
      attribute(call, "gamma", SELU_GAMMA),
    ),
  ),
  ThresholdedRelu: composed((b, x, call) => masked(b, b.greater(x, attribute(call, "alpha", 1)), x)),
  // x moved by the bias towards 0 outside [−λ, λ], and 0 inside.
  Shrink: composed((b, x, call) => {
    const [lambda, bias] = [attribute(call, "lambd", 0.5), attribute(call, "bias", 0)];
    const negative = b.where(b.less(x, -lambda), b.add(x, bias), 0);
    return b.where(b.greater(x, lambda), b.sub(x, bias), negative);
  }),
  HardSigmoid: composed((b, x, call) =>
    hardSigmoid(b, x, attribute(call, "alpha", 0.2), attribute(call, "beta", 0.5)),
  ),
  HardSwish: composed((b, x) => b.mul(x, hardSigmoid(b, x, 1 / 6, 0.5))),
  Mish: composed((b, x) => b.mul(x, b.unary("Tanh", b.unary("Softplus", x)))),
  Swish: composed((b, x, call) => b.mul(x, b.unary("Sigmoid", b.mul(x, attribute(call, "alpha", 1))))),
  Gelu: composed((b, x, call) =>
    call.string("approximate", "none") === "tanh" ? geluTanh(b, x) : geluErf(b, x),
  ),
  "com.microsoft::Gelu": composed(geluErf),
  "com.microsoft::BiasGelu": composed((b, x, call) => geluErf(b, b.add(x, call.x(1)))),
  "com.microsoft::FastGelu": composed((b, x, call) => geluTanh(b, call.has(1) ? b.add(x, call.x(1)) : x)),
  "com.microsoft::QuickGelu": composed((b, x, call) =>
    b.mul(x, b.unary("Sigmoid", b.mul(x, attribute(call, "alpha", 1.702)))),
  ),
};
