import type { Call, Value } from "../../onnx/graph.ts";
import type { GraphBuilder } from "../builder.ts";
import type { OpRecord, RuleTable } from "../record.ts";
import { floatOperand, misfit, sameDims, typeOf } from "../typing.ts";

/**
 * onnxruntime's mixture of experts: a router chooses k experts for each position, whose results are added with the router's
 * probabilities. Here every expert sees every position, and those that are not chosen have the weight 0.
 */

/** x [… , H], router [T, E], first layer [E, I, H] and bias, second layer [E, H, I / 2 if gated] and bias. */
interface Experts {
  readonly tokens: number;
  readonly width: number;
  readonly count: number;
  readonly chosen: number;
}

const ACTIVATIONS: Readonly<Record<string, (b: GraphBuilder, x: Value, call: Call) => Value>> = {
  identity: (_b, x) => x,
  relu: (b, x) => b.unary("Relu", x),
  silu: (b, x) => b.mul(x, b.unary("Sigmoid", x)),
  gelu: (b, x) => b.call("Gelu", [x], { approximate: "tanh" }),
  swiglu: gated,
};

/** g·σ(αg)·(l + β) of neighbours g and l, both cut off at a limit. */
function gated(b: GraphBuilder, x: Value, call: Call): Value {
  const [experts, tokens, width] = x.dims as [number, number, number];
  const pairs = b.reshape(x, [experts, tokens, width / 2, 2]);
  const part = (k: number) => b.reshape(b.slice(pairs, [k], [k + 1], [3]), [experts, tokens, width / 2]);
  const limit = Math.fround(call.float("swiglu_limit", Infinity));
  const most = limit === Infinity ? null : b.scalar(limit, x.static.type);
  const gate = most ? b.call("Clip", [part(0), null, most]) : part(0);
  const linear = most ? b.call("Clip", [part(1), b.neg(most), most]) : part(1);
  const swish = b.mul(gate, b.unary("Sigmoid", b.mul(gate, Math.fround(call.float("activation_alpha", 1)))));
  return b.mul(swish, b.add(linear, Math.fround(call.float("activation_beta", 0))));
}

function expertsOf(call: Call): Experts {
  const x = floatOperand(call, 0).dims;
  const [router, first, second] = [1, 2, 4].map((i) => floatOperand(call, i).dims) as [
    number[],
    number[],
    number[],
  ];
  const activation = call.string("activation_type", "relu");
  const swiglu = activation === "swiglu";
  if (
    [6, 7].some((i) => call.has(i)) ||
    (swiglu && call.int("swiglu_fusion", 0) !== 1) ||
    call.int("use_sparse_mixer", 0)
  )
    throw misfit(call, "two layers, gates beside their values, and the plain router", "UNSUPPORTED_OP");
  if (ACTIVATIONS[activation] === undefined)
    throw misfit(
      call,
      `an activation_type among ${Object.keys(ACTIVATIONS).join(", ")}, not "${activation}"`,
    );
  const [width, count, inner] = [x.at(-1)!, first[0]!, first[1]!];
  const tokens = x.slice(0, -1).reduce((p, d) => p * d, 1);
  const chosen = call.int("k", 1);
  const fits =
    x.length >= 2 &&
    sameDims(router, [tokens, count]) &&
    sameDims(first, [count, inner, width]) &&
    sameDims(second, [count, width, swiglu ? inner / 2 : inner]) &&
    (!call.has(3) || sameDims(typeOf(call, 3).dims, [count, inner])) &&
    (!call.has(5) || sameDims(typeOf(call, 5).dims, [count, width])) &&
    chosen >= 1 &&
    chosen <= count;
  if (!fits)
    throw misfit(call, "positions, a router and experts that fit, and no more experts chosen than there are");
  return { tokens, width, count, chosen };
}

/** One layer of all experts: [E, T, out]. */
function layer(b: GraphBuilder, x: Value, w: Value, bias: Value | null): Value {
  const y = b.matmul(x, b.transposeLast(w));
  return bias ? b.add(y, b.reshape(bias, [bias.dims[0]!, 1, bias.dims[1]!])) : y;
}

/** The router's probabilities of the chosen experts, 0 for others: [T, E]. */
function shares(b: GraphBuilder, call: Call, { tokens, count, chosen }: Experts): Value {
  const probabilities = b.call("Softmax", [call.x(1)], { axis: -1 });
  const top = b.calls("TopK", [probabilities, b.ints([chosen])], { axis: 1 }, { outputs: 2 });
  const [values, indices] = top as [Value, Value];
  const normalize = call.int("normalize_routing_weights", 0) !== 0;
  const weights = normalize ? b.div(values, b.reduceSum(values, [1])) : values;
  const none = b.filled({ type: values.static.type, dims: [tokens, count] }, 0);
  return b.call("ScatterElements", [none, indices, weights], { axis: 1 });
}

const mixture: OpRecord = {
  wrt: [0, 1, 2, 3, 4, 5],
  infer: (call) => {
    expertsOf(call);
    return [typeOf(call, 0)];
  },
  expand: (b, call) => {
    const e = expertsOf(call);
    const x = b.reshape(call.x(0), [1, e.tokens, e.width]);
    const activate = ACTIVATIONS[call.string("activation_type", "relu")] as (typeof ACTIVATIONS)[string];
    const hidden = activate(b, layer(b, x, call.x(2), call.inputs[3] ?? null), call);
    const results = layer(b, hidden, call.x(4), call.inputs[5] ?? null);
    const weights = b.reshape(b.transpose(shares(b, call, e), [1, 0]), [e.count, e.tokens, 1]);
    return [b.reshape(b.reduceSum(b.mul(results, weights), [0], false), call.x(0).dims)];
  },
};

export const experts: RuleTable = { "com.microsoft::MoE": mixture };
