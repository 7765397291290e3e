import type { Call, Value } from "../../onnx/graph.ts";
import { isFloat, type TensorType } from "../../onnx/tensor.ts";
import type { GraphBuilder } from "../builder.ts";
import type { OpRecord, RuleTable } from "../record.ts";
import { floatOperand, misfit, range, sameDims, tensorType, typeOf } from "../typing.ts";

/** Attention and rotary embeddings (opset 23), in products, a Softmax and what masks them. */

/** [batch, length, heads·size] as [batch, heads, length, size]. */
export function splitHeads(b: GraphBuilder, x: Value, heads: number): Value {
  const [batch, length, hidden] = x.dims as [number, number, number];
  return b.transpose(b.reshape(x, [batch, length, heads, hidden / heads]), [0, 2, 1, 3]);
}

/** The other way round. */
export function joinHeads(b: GraphBuilder, x: Value): Value {
  const [batch, heads, length, size] = x.dims as [number, number, number, number];
  return b.reshape(b.transpose(x, [0, 2, 1, 3]), [batch, length, heads * size]);
}

/** Which keys a query may see when it sees none after itself: [queries, keys]. */
export function causalMask(b: GraphBuilder, queries: number, keys: number, past: number): Value {
  const data = new Uint8Array(queries * keys);
  for (let i = 0; i < queries; i++)
    data.fill(1, i * keys, i * keys + Math.min(keys, Math.max(0, i + past + 1)));
  return b.constant({ type: "bool", dims: [queries, keys], data });
}

/** Softmax over the keys that `allowed` (bool) names; a query that may see none gets zeros. */
export function maskedSoftmax(b: GraphBuilder, scores: Value, allowed: Value | null): Value {
  if (allowed === null) return b.call("Softmax", [scores], { axis: -1 });
  const keys = allowed.dims.length - 1;
  const count = b.reduceSum(b.cast(allowed, scores.static.type), [keys]);
  const some = b.greater(count, 0);
  const seen = b.where(some, b.where(allowed, scores, -Infinity), 0);
  return b.where(some, b.call("Softmax", [seen], { axis: -1 }), 0);
}

function bothAllowed(b: GraphBuilder, x: Value | null, y: Value | null): Value | null {
  return x && y ? b.call("And", [x, y]) : (x ?? y);
}

/** Each head of keys or values serves several heads of queries. */
export function repeatHeads(b: GraphBuilder, x: Value, times: number): Value {
  if (times === 1) return x;
  const [batch, heads, length, size] = x.dims as [number, number, number, number];
  const repeated = b.expand(b.reshape(x, [batch, heads, 1, length, size]), [
    batch,
    heads,
    times,
    length,
    size,
  ]);
  return b.reshape(repeated, [batch, heads * times, length, size]);
}

/** Shapes of an Attention call, with heads split. */
interface Heads {
  readonly packed: boolean;
  readonly query: readonly [batch: number, heads: number, length: number, size: number];
  readonly key: readonly [batch: number, heads: number, length: number, size: number];
  readonly valueSize: number;
  readonly past: number;
}

function fourAxes(call: Call, i: number, heads: number): [number, number, number, number] {
  const { dims } = floatOperand(call, i);
  if (dims.length === 4) return dims as unknown as [number, number, number, number];
  const [batch, length, hidden] = dims as [number, number, number];
  if (dims.length !== 3 || heads < 1 || hidden % heads !== 0)
    throw misfit(
      call,
      `input ${i} of shape [B, heads, length, size], or [B, length, heads·size] with its heads`,
    );
  return [batch, heads, length, hidden / heads];
}

function headsOf(call: Call): Heads {
  const query = fourAxes(call, 0, call.int("q_num_heads", 0));
  const key = fourAxes(call, 1, call.int("kv_num_heads", 0));
  const value = fourAxes(call, 2, call.int("kv_num_heads", 0));
  const fits =
    sameDims(key.slice(0, 3), value.slice(0, 3)) &&
    query[0] === key[0] &&
    query[3] === key[3] &&
    query[1] % Math.max(1, key[1]) === 0;
  if (!fits) throw misfit(call, "queries, keys and values that fit");
  if (call.has(4) !== call.has(5)) throw misfit(call, "past keys and values together");
  const past = call.has(4) ? typeOf(call, 4).dims : [key[0], key[1], 0, key[3]];
  const pastValue = call.has(5) ? typeOf(call, 5).dims : [key[0], key[1], 0, value[3]];
  const kept = (dims: readonly number[], size: number) =>
    sameDims(dims, [key[0], key[1], past[2] ?? -1, size]);
  if (!kept(past, key[3]) || !kept(pastValue, value[3])) throw misfit(call, "past keys and values that fit");
  assertKnown(call, key[0]);
  return { packed: typeOf(call, 0).dims.length === 3, query, key, valueSize: value[3], past: past[2]! };
}

/** What opsets 24 and 25 added: lengths of padded keys, and windows. */
function assertKnown(call: Call, batch: number): void {
  if (["left_window_size", "right_window_size"].some((name) => call.int(name, -1) >= 0))
    throw misfit(call, "no windows", "UNSUPPORTED_OP");
  if (!call.has(6)) return;
  if (call.has(4) || !sameDims(typeOf(call, 6).dims, [batch]))
    throw misfit(call, `${batch} lengths of keys and no past ones`);
}

/**
 * Which keys count where their lengths are given, [batch, 1, 1 | queries, keys]. If causal, the last query stands at the
 * last key that counts.
 */
function withinLengths(b: GraphBuilder, call: Call, queries: number, keys: number): Value {
  const integers = (values: readonly number[]) => b.cast(b.ints(values), call.x(6).static.type);
  const lengths = b.reshape(call.x(6), [call.x(6).dims[0]!, 1, 1, 1]);
  if (!isCausal(call)) return b.less(integers(range(keys)), lengths);
  const behind = b.reshape(integers(range(queries).map((i) => i + 1 - queries)), [queries, 1]);
  return b.less(integers(range(keys)), b.add(lengths, behind));
}

function isCausal(call: Call): boolean {
  return call.int("is_causal", 0) !== 0;
}

function inferAttention(call: Call): readonly TensorType[] {
  const { packed, query, key, valueSize, past } = headsOf(call);
  const [batch, heads, length] = query;
  const { type } = typeOf(call, 0);
  const keys = past + key[2];
  return [
    packed ? [batch, length, heads * valueSize] : [batch, heads, length, valueSize],
    [batch, key[1], keys, key[3]],
    [batch, key[1], keys, valueSize],
    [batch, heads, length, keys],
  ]
    .slice(0, call.numOutputs)
    .map((dims) => tensorType(call, type, dims));
}

/** Scores at the stages that an Attention may be asked for, the last of them probabilities. */
function scoreStages(b: GraphBuilder, call: Call, q: Value, k: Value, past: number): readonly Value[] {
  const size = q.dims[3]!;
  const scale = call.attributes.has("scale") ? Math.fround(call.float("scale", 1)) : 1 / Math.sqrt(size);
  const raw = b.mul(b.matmul(q, b.transposeLast(k)), scale);
  const cap = Math.fround(call.float("softcap", 0));
  const capped = cap > 0 ? b.mul(b.unary("Tanh", b.div(raw, cap)), cap) : raw;
  const mask = call.has(3) ? call.x(3) : null;
  const added = mask && isFloat(mask.static.type) ? b.add(capped, mask) : capped;
  const [queries, keys] = [q.dims[2]!, k.dims[2]!];
  const causal = isCausal(call) ? causalMask(b, queries, keys, past) : null;
  const visible = call.has(6) ? withinLengths(b, call, queries, keys) : causal;
  const allowed = bothAllowed(b, visible, mask && !isFloat(mask.static.type) ? mask : null);
  const biased = allowed ? b.where(allowed, added, -Infinity) : added;
  return [raw, capped, biased, maskedSoftmax(b, added, allowed)];
}

const attention: OpRecord = {
  wrt: [0, 1, 2, 3, 4, 5],
  infer: inferAttention,
  expand: (b, call) => {
    const { packed, query, key, past } = headsOf(call);
    const split = (i: number, heads: number) => (packed ? splitHeads(b, call.x(i), heads) : call.x(i));
    const joined = (i: number, now: Value) => (call.has(i) ? b.concat([call.x(i), now], 2) : now);
    const k = joined(4, split(1, key[1]));
    const v = joined(5, split(2, key[1]));
    const times = query[1] / key[1];
    const stages = scoreStages(b, call, split(0, query[1]), repeatHeads(b, k, times), past);
    const y = b.matmul(stages[3] as Value, repeatHeads(b, v, times));
    const shown = stages[call.int("qk_matmul_output_mode", 0)];
    if (shown === undefined) throw misfit(call, "a qk_matmul_output_mode from 0 to 3");
    return [packed ? joinHeads(b, y) : y, k, v, shown].slice(0, call.numOutputs);
  },
};

/**
 * Turns the first `2·n` elements of each vector by angles given by their cosines and sines, [batch, length, n]:
 * pairs are neighbours if `interleaved`, else the two halves.
 */
export function rotated(b: GraphBuilder, x: Value, cos: Value, sin: Value, interleaved: boolean): Value {
  const [batch, heads, length, size] = x.dims as [number, number, number, number];
  const n = cos.dims.at(-1)!;
  const overHeads = (v: Value) => b.reshape(v, [v.dims[0]!, 1, length, n]);
  const [c, s] = [overHeads(cos), overHeads(sin)];
  const pairs = interleaved ? [n, 2] : [2, n];
  const turning = b.reshape(b.slice(x, [0], [2 * n], [3]), [batch, heads, length, ...pairs]);
  const axis = interleaved ? 4 : 3;
  const part = (k: number) => b.reshape(b.slice(turning, [k], [k + 1], [axis]), [batch, heads, length, n]);
  const [first, second] = [part(0), part(1)];
  const turned = [b.sub(b.mul(first, c), b.mul(second, s)), b.add(b.mul(second, c), b.mul(first, s))];
  const single = [batch, heads, length, ...pairs.with(axis - 3, 1)];
  const whole = b.reshape(
    b.concat(
      turned.map((v) => b.reshape(v, single)),
      axis,
    ),
    [batch, heads, length, 2 * n],
  );
  return 2 * n === size ? whole : b.concat([whole, b.slice(x, [2 * n], [size], [3])], 3);
}

const rotaryEmbedding: OpRecord = {
  wrt: [0, 1, 2],
  infer: (call) => {
    const [batch, , length, size] = fourAxes(call, 0, call.int("num_heads", 0));
    const n = (call.int("rotary_embedding_dim", 0) || size) / 2;
    const angles = [1, 2].map((i) => floatOperand(call, i).dims);
    const given = call.has(3) ? sameDims(typeOf(call, 3).dims, [batch, length]) : true;
    const shape = (dims: readonly number[]) =>
      call.has(3) ? dims.length === 2 && dims[1] === n : sameDims(dims, [batch, length, n]);
    if (!given || n > size / 2 || !angles.every(shape))
      throw misfit(call, `cosines and sines of ${n} angles for each position`);
    return [typeOf(call, 0)];
  },
  expand: (b, call) => {
    const packed = call.x(0).dims.length === 3;
    const x = packed ? splitHeads(b, call.x(0), call.int("num_heads", 0)) : call.x(0);
    const at = (v: Value) => (call.has(3) ? b.gather(v, call.x(3), 0) : v);
    const y = rotated(b, x, at(call.x(1)), at(call.x(2)), call.int("interleaved", 0) !== 0);
    return [packed ? joinHeads(b, y) : y];
  },
};

export const attentions: RuleTable = {
  Attention: attention,
  RotaryEmbedding: rotaryEmbedding,
};

/** Axes of a [batch, heads, queries, keys] that a mask of lower rank stands for. */
export function asScores(b: GraphBuilder, mask: Value): Value {
  const dims = mask.dims;
  if (dims.length === 2) return b.reshape(mask, [dims[0]!, 1, 1, dims[1]!]);
  return dims.length === 3 ? b.reshape(mask, [dims[0]!, 1, ...dims.slice(1)]) : mask;
}
