import type { Call, Value } from "../../onnx/graph.ts";
import type { TensorType } from "../../onnx/tensor.ts";
import type { GraphBuilder } from "../builder.ts";
import type { OpRecord, RuleTable } from "../record.ts";
import { floatOperand, misfit, range, sameDims, tensorType, typeOf } from "../typing.ts";
import { asScores, causalMask, joinHeads, maskedSoftmax, rotated, splitHeads } from "./attention.ts";

/** The attention operators that onnxruntime's transformer optimiser fuses (domain com.microsoft). */

/** What scores are made of besides queries and keys, all with heads split. */
interface Extras {
  readonly scale: number;
  /** Added to the scores: [B|1, heads|1, queries, keys]. */
  readonly bias: Value | null;
  /** Float addend for padded keys: 0, or the filter value. */
  readonly padding: Value | null;
  readonly causal: boolean;
  readonly past: number;
}

function attended(b: GraphBuilder, q: Value, k: Value, v: Value, extras: Extras): Value {
  let scores = b.mul(b.matmul(q, b.transposeLast(k)), extras.scale);
  if (extras.bias) scores = b.add(scores, extras.bias);
  if (extras.padding) scores = b.add(scores, extras.padding);
  const causal = extras.causal ? unidirectional(b, q.dims[2]!, k.dims[2]!, extras.past) : null;
  return joinHeads(b, b.matmul(maskedSoftmax(b, scores, causal), v));
}

/** What the kernel masks: all rows but the last, which sees every key even where queries are fewer. */
function unidirectional(b: GraphBuilder, queries: number, keys: number, past: number): Value {
  const last = b.filled({ type: "bool", dims: [1, keys] }, 1);
  return b.concat([causalMask(b, queries - 1, keys, past), last], 0);
}

function scaleOf(call: Call, size: number): number {
  const scale = Math.fround(call.float("scale", 0));
  return scale === 0 ? 1 / Math.sqrt(size) : scale;
}

/**
 * 0 for keys that count, the filter value for others: [B | 1, 1, queries | 1, keys]. A mask of rank 1 holds the ends of
 * samples; of 2·B numbers the others are their beginnings, of 3·B + 2 they are of no account.
 */
function paddingOf(b: GraphBuilder, call: Call, i: number, batch: number, keys: number): Value | null {
  if (!call.has(i)) return null;
  const mask = call.x(i);
  const counted = mask.dims.length === 1 ? withinEnds(b, mask, batch, keys) : b.greater(mask, 0);
  // A mask of one column stands for none.
  if (mask.dims.length === 2 && mask.dims[1] === 1 && keys > 1) return null;
  const filter = Math.fround(call.float("mask_filter_value", -10000));
  return asScores(b, b.where(counted, b.scalar(0, call.x(0).static.type), filter));
}

function withinEnds(b: GraphBuilder, mask: Value, batch: number, keys: number): Value {
  const positions = b.cast(b.ints(range(keys)), mask.static.type);
  const column = (k: number) => b.reshape(b.slice(mask, [k * batch], [(k + 1) * batch], [0]), [batch, 1]);
  const before = b.less(positions, column(0));
  if (mask.dims[0] !== 2 * batch) return before;
  return b.call("And", [before, b.unary("Not", b.less(positions, column(1)))]);
}

function assertPadding(call: Call, i: number, batch: number, queries: number, keys: number): void {
  if (!call.has(i)) return;
  const { type, dims } = typeOf(call, i);
  const shapes = [
    [batch],
    [2 * batch],
    [3 * batch + 2],
    [1, 1],
    [batch, 1],
    [batch, keys],
    [batch, queries, keys],
  ];
  if (!["int32", "int64"].includes(type) || !shapes.some((s) => sameDims(s, dims)))
    throw misfit(
      call,
      `a mask of integers [${batch}], [${2 * batch}], [${3 * batch + 2}], [${batch}, ${keys}] or [${batch}, ${queries}, ${keys}]`,
      "UNSUPPORTED_OP",
    );
}

function refuse(call: Call, inputs: readonly number[], attributes: readonly string[]): void {
  const input = inputs.find((i) => call.has(i));
  if (input !== undefined)
    throw misfit(call, `no input ${input}: its meaning is not known here`, "UNSUPPORTED_OP");
  const name = attributes.find((a) => call.int(a, 0) !== 0);
  if (name !== undefined) throw misfit(call, `${name} to be 0`, "UNSUPPORTED_OP");
}

/** Attention: x [B, S, I], weights [I, Q + K + V], bias, mask, past [2, B, heads, P, size], bias of scores. */
interface Fused {
  readonly batch: number;
  readonly length: number;
  readonly heads: number;
  /** Widths of queries, keys and values, all heads together. */
  readonly widths: readonly [number, number, number];
  readonly past: number;
}

function fusedOf(call: Call): Fused {
  refuse(call, [6], ["do_rotary"]);
  const [x, w] = [floatOperand(call, 0).dims, floatOperand(call, 1).dims];
  const heads = call.int("num_heads", 0);
  const total = w[1] ?? 0;
  const widths = call.ints("qkv_hidden_sizes") ?? [total / 3, total / 3, total / 3];
  const [q, k, v] = widths as [number, number, number];
  const fits =
    x.length === 3 &&
    w.length === 2 &&
    w[0] === x[2] &&
    widths.length === 3 &&
    q === k &&
    q + k + v === total &&
    heads >= 1 &&
    widths.every((n) => n % heads === 0);
  if (!fits) throw misfit(call, "x [B, S, I], a weight [I, Q + K + V] and num_heads that divides each width");
  const past = call.has(4) ? typeOf(call, 4).dims : [2, x[0]!, heads, 0, q / heads];
  if (past.length !== 5 || !sameDims(past.toSpliced(3, 1), [2, x[0]!, heads, q / heads]) || q !== v)
    if (call.has(4)) throw misfit(call, "past keys and values [2, B, heads, P, size]");
  assertPadding(call, 3, x[0]!, x[1]!, past[3]! + x[1]!);
  return { batch: x[0]!, length: x[1]!, heads, widths: [q, k, v], past: past[3]! };
}

const fusedAttention: OpRecord = {
  wrt: [0, 1, 2, 4, 5],
  infer: (call) => {
    const { batch, length, heads, widths, past } = fusedOf(call);
    const { type } = typeOf(call, 0);
    const present = [2, batch, heads, past + length, widths[1] / heads];
    return [[batch, length, widths[2]], present]
      .slice(0, call.numOutputs)
      .map((dims) => tensorType(call, type, dims));
  },
  expand: (b, call) => {
    const { batch, heads, widths, past, length } = fusedOf(call);
    const product = b.matmul(call.x(0), call.x(1));
    const all = call.has(2) ? b.add(product, call.x(2)) : product;
    let from = 0;
    const [q, k, v] = widths.map((n) => {
      const part = b.slice(all, [from], [from + n], [2]);
      from += n;
      return splitHeads(b, part, heads);
    }) as [Value, Value, Value];
    const cached = (i: number, now: Value) => {
      if (!call.has(4)) return now;
      const part = b.slice(call.x(4), [i], [i + 1], [0]);
      return b.concat([b.reshape(part, part.dims.slice(1)), now], 2);
    };
    const [keys, values] = [cached(0, k), cached(1, v)];
    const y = attended(b, q, keys, values, {
      scale: scaleOf(call, widths[0] / heads),
      bias: call.inputs[5] ?? null,
      padding: paddingOf(b, call, 3, batch, past + length),
      causal: call.int("unidirectional", 0) !== 0,
      past,
    });
    if (call.numOutputs === 1) return [y];
    const stacked = [keys, values].map((x) => b.reshape(x, [1, ...x.dims]));
    return [y, b.concat(stacked, 0)];
  },
};

/** MultiHeadAttention: query, key, value, bias, key padding, bias of scores, past key, past value. */
interface MultiHead {
  readonly heads: number;
  readonly query: readonly number[];
  /** [B, heads, keys, size] of keys and values, without the past. */
  readonly key: readonly number[];
  readonly value: readonly number[];
  readonly past: number;
}

function multiHeadOf(call: Call): MultiHead {
  refuse(call, [8, 9], []);
  const heads = call.int("num_heads", 0);
  const query = floatOperand(call, 0).dims;
  const split = (i: number): readonly number[] => {
    const { dims } = floatOperand(call, i);
    if (dims.length === 4) return dims;
    return [dims[0]!, heads, dims[1]!, (dims[2] ?? Number.NaN) / heads];
  };
  if (query.length !== 3 || !call.has(1) || !call.has(2) || heads < 1 || query[2]! % heads !== 0)
    throw misfit(
      call,
      "queries, keys and values apart, and num_heads that divides their width",
      "UNSUPPORTED_OP",
    );
  const [key, value] = [split(1), split(2)];
  const fits =
    [key, value].every(
      (d) => d.length === 4 && d[1] === heads && d[0] === query[0] && Number.isInteger(d[3]),
    ) &&
    key[3] === query[2]! / heads &&
    key[2] === value[2];
  const widths = query[2]! + key[3]! * heads + value[3]! * heads;
  if (!fits || (call.has(3) && !sameDims(typeOf(call, 3).dims, [widths])))
    throw misfit(call, "queries, keys, values and a bias that fit");
  const past = call.has(6) && call.has(7) ? typeOf(call, 6).dims[2]! : 0;
  assertPadding(call, 4, query[0]!, query[1]!, past + key[2]!);
  return { heads, query, key, value, past };
}

const multiHeadAttention: OpRecord = {
  wrt: [0, 1, 2, 3, 5, 6, 7],
  infer: (call) => {
    const { heads, query, key, value, past } = multiHeadOf(call);
    const { type } = typeOf(call, 0);
    const keys = past + key[2]!;
    return [
      [query[0]!, query[1]!, heads * value[3]!],
      [query[0]!, heads, keys, key[3]!],
      [query[0]!, heads, keys, value[3]!],
    ]
      .slice(0, call.numOutputs)
      .map((dims) => tensorType(call, type, dims));
  },
  expand: (b, call) => {
    const { heads, query, key, value, past } = multiHeadOf(call);
    const widths = [query[2]!, heads * key[3]!, heads * value[3]!];
    const operand = (i: number): Value => {
      const x = call.x(i);
      const from = widths.slice(0, i).reduce((sum, n) => sum + n, 0);
      const bias = call.has(3) ? b.slice(call.x(3), [from], [from + widths[i]!], [0]) : null;
      if (x.dims.length === 3) return splitHeads(b, bias ? b.add(x, bias) : x, heads);
      // Keys and values of cross attention have their heads split and their bias added before.
      return x;
    };
    const cached = (i: number, now: Value) => (call.has(i) ? b.concat([call.x(i), now], 2) : now);
    const [k, v] = [cached(6, operand(1)), cached(7, operand(2))];
    const y = attended(b, operand(0), k, v, {
      scale: scaleOf(call, key[3]!),
      bias: call.inputs[5] ?? null,
      padding: paddingOf(b, call, 4, query[0]!, past + key[2]!),
      causal: call.int("unidirectional", 0) !== 0,
      past,
    });
    return [y, k, v].slice(0, call.numOutputs);
  },
};

/** Rotary embedding: x, positions [1] or [B, S], cosines and sines of all positions [M, n]. */
function rotaryOf(call: Call): { heads: number; dims: readonly number[]; packed: boolean } {
  refuse(call, [], ["is_packed_batching"]);
  const { dims } = floatOperand(call, 0);
  const n = floatOperand(call, 2).dims[1] ?? 0;
  const packed = dims.length === 3;
  const partial = call.int("rotary_embedding_dim", 0);
  const size = partial > 0 ? partial : 2 * n;
  const heads = packed ? call.int("num_heads", 0) || dims[2]! / size : dims[1]!;
  const length = packed ? dims[1]! : dims[2]!;
  const positions = typeOf(call, 1).dims;
  const fits =
    (packed || dims.length === 4) &&
    heads >= 1 &&
    (!packed || dims[2]! % heads === 0) &&
    sameDims(typeOf(call, 2).dims, typeOf(call, 3).dims) &&
    (sameDims(positions, [1]) || sameDims(positions, [dims[0]!, length]));
  if (!fits) throw misfit(call, "x, positions and tables of cosines and sines that fit");
  return { heads, dims, packed };
}

const rotaryEmbedding: OpRecord = {
  wrt: [0, 2, 3],
  infer: (call) => {
    rotaryOf(call);
    return [typeOf(call, 0)];
  },
  expand: (b, call) => {
    const { heads, packed } = rotaryOf(call);
    const x = packed ? splitHeads(b, call.x(0), heads) : call.x(0);
    const length = x.dims[2]!;
    const start = call.x(1).dims.length === 1;
    const steps = b.constant({
      type: "int64",
      dims: [1, length],
      data: BigInt64Array.from(range(length), BigInt),
    });
    const positions = start ? b.add(call.x(1), steps) : call.x(1);
    const at = (v: Value) => b.gather(v, positions, 0);
    const y = rotated(b, x, at(call.x(2)), at(call.x(3)), call.int("interleaved", 0) !== 0);
    const scaled = b.mul(y, call.float("scale", 1));
    return [packed ? joinHeads(b, scaled) : scaled];
  },
};

/** Sums of embeddings, normalised: ids, segments, three tables, γ, β, mask, positions. Outputs: y, lengths, sums. */
const embedLayerNormalization: OpRecord = {
  wrt: [2, 3, 4, 5, 6],
  infer: (call) => {
    const ids = typeOf(call, 0).dims;
    const { type, dims } = floatOperand(call, 2);
    if (ids.length !== 2 || dims.length !== 2) throw misfit(call, "ids [B, S] and a table [V, H]");
    const y = tensorType(call, type, [...ids, dims[1]!]);
    const lengths: TensorType = { type: "int32", dims: [ids[0]!] };
    return [y, lengths, y].slice(0, call.numOutputs);
  },
  expand: (b, call) => {
    const [batch, length] = call.x(0).dims as [number, number];
    const steps = b.constant({
      type: "int64",
      dims: [1, length],
      data: BigInt64Array.from(range(length), BigInt),
    });
    let sum = b.add(b.gather(call.x(2), call.x(0), 0), b.gather(call.x(3), call.inputs[8] ?? steps, 0));
    if (call.has(1) && call.has(4)) sum = b.add(sum, b.gather(call.x(4), call.x(1), 0));
    const epsilon = call.attributes.get("epsilon") ?? { kind: "float", value: 1e-12 };
    const y = b.call("LayerNormalization", [sum, call.x(5), call.x(6)], { axis: -1, epsilon });
    const counted = call.has(7)
      ? b.reduceSum(b.cast(call.x(7), "int32"), [1], false)
      : b.filled({ type: "int32", dims: [batch] }, 0);
    return [y, counted, sum].slice(0, call.numOutputs);
  },
};

export const microsoftAttention: RuleTable = {
  "com.microsoft::Attention": fusedAttention,
  "com.microsoft::MultiHeadAttention": multiHeadAttention,
  "com.microsoft::RotaryEmbedding": rotaryEmbedding,
  "com.microsoft::EmbedLayerNormalization": embedLayerNormalization,
};
