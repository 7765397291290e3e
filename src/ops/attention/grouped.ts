import type { Call, Value } from "../../onnx/graph.ts";
import type { GraphBuilder } from "../builder.ts";
import type { OpRecord, RuleTable } from "../record.ts";
import { floatOperand, misfit, range, sameDims, tensorType, typeOf } from "../typing.ts";
import { causalMask, joinHeads, maskedSoftmax, repeatHeads, rotated, splitHeads } from "./attention.ts";

/**
 * GroupQueryAttention of onnxruntime: causal, with rotary positions and a sliding window, for whole sequences. How much
 * of a cache counts depends on data, so that a call that brings one is refused.
 *
 * Inputs: query, key, value (or all packed in query), past key, past value, lengths − 1, total length, cosines, sines,
 * positions, bias of scores, sink of each head. Lengths are those of sequences padded at their end: rows that count do not
 * see them.
 */
interface Grouped {
  readonly batch: number;
  readonly length: number;
  readonly heads: number;
  readonly groups: number;
  readonly size: number;
  readonly packed: boolean;
}

function groupedOf(call: Call): Grouped {
  const { dims } = floatOperand(call, 0);
  const [heads, groups] = [call.int("num_heads", 0), call.int("kv_num_heads", 0)];
  const packed = !call.has(1) && !call.has(2);
  const [batch, length, width] = dims as [number, number, number];
  const size = width / (packed ? heads + 2 * groups : heads);
  const fits =
    dims.length === 3 && heads >= 1 && groups >= 1 && heads % groups === 0 && Number.isInteger(size);
  const others =
    packed || [1, 2].every((i) => sameDims(typeOf(call, i).dims, [batch, length, groups * size]));
  if (!fits || !others)
    throw misfit(call, "queries, keys and values [B, S, heads·size] of as many positions");
  const past = [3, 4].some((i) => call.has(i) && typeOf(call, i).dims[2] !== 0);
  if (past || call.numOutputs > 3 || call.inputs.length > 12)
    throw misfit(
      call,
      "no past keys and values, no scales of quantised ones, and at most 3 outputs",
      "UNSUPPORTED_OP",
    );
  return { batch, length, heads, groups, size, packed };
}

/** Queries, keys and values, heads apart; queries and keys turned by their positions where that is asked for. */
function operandsOf(b: GraphBuilder, call: Call, g: Grouped): readonly [Value, Value, Value] {
  const widths = [g.heads, g.groups, g.groups].map((n) => n * g.size);
  const part = (i: number): Value => {
    const from = widths.slice(0, i).reduce((sum, n) => sum + n, 0);
    const x = g.packed ? b.slice(call.x(0), [from], [from + widths[i]!], [2]) : call.x(i);
    return splitHeads(b, x, i === 0 ? g.heads : g.groups);
  };
  const [q, k, v] = [part(0), part(1), part(2)];
  if (call.int("do_rotary", 0) === 0) return [q, k, v];
  const steps = b.reshape(b.ints(range(g.length)), [1, g.length]);
  // Of the positions of whole sequences the kernel reads the first number.
  const start = call.has(9) ? b.slice(call.x(9), [0, 0], [1, 1], [0, 1]) : null;
  const positions = start ? b.add(steps, start) : steps;
  const turned = (x: Value) => {
    const at = (i: number) => b.gather(call.x(i), positions, 0);
    return rotated(b, x, at(7), at(8), call.int("rotary_interleaved", 0) !== 0);
  };
  return [turned(q), turned(k), v];
}

/** Keys that a query may see: its own and those before it; in a window the last `local_window_size` of them. */
function visible(b: GraphBuilder, call: Call, length: number): Value {
  const causal = causalMask(b, length, length, 0);
  const window = call.int("local_window_size", -1);
  if (window < 0) return causal;
  const before = causalMask(b, length, length, -window);
  return b.call("And", [causal, b.unary("Not", before)]);
}

/** Softmax over keys and, where there is one, a sink whose share goes nowhere: a number for each head, or 0. */
function probabilities(b: GraphBuilder, call: Call, scores: Value, g: Grouped): Value {
  const allowed = visible(b, call, g.length);
  const smooth = call.int("smooth_softmax", 0) > 0;
  if (!smooth && !call.has(11)) return maskedSoftmax(b, scores, allowed);
  const column = [g.batch, g.heads, g.length, 1];
  const zeros = b.filled({ type: scores.static.type, dims: column }, 0);
  const sink = call.has(11) ? b.expand(b.reshape(call.x(11), [1, g.heads, 1, 1]), column) : zeros;
  const seen = b.concat([b.where(allowed, scores, -Infinity), sink], 3);
  return b.slice(b.call("Softmax", [seen], { axis: -1 }), [0], [g.length], [3]);
}

const groupQueryAttention: OpRecord = {
  wrt: [0, 1, 2, 7, 8, 10, 11],
  infer: (call) => {
    const g = groupedOf(call);
    const { type } = typeOf(call, 0);
    const present = [g.batch, g.groups, g.length, g.size];
    return [[g.batch, g.length, g.heads * g.size], present, present]
      .slice(0, call.numOutputs)
      .map((dims) => tensorType(call, type, dims));
  },
  expand: (b, call) => {
    const g = groupedOf(call);
    const [q, k, v] = operandsOf(b, call, g);
    const times = g.heads / g.groups;
    const scale = Math.fround(call.float("scale", 0)) || 1 / Math.sqrt(g.size);
    const raw = b.mul(b.matmul(q, b.transposeLast(repeatHeads(b, k, times))), scale);
    const cap = Math.fround(call.float("softcap", 0));
    const capped = cap > 0 ? b.mul(b.unary("Tanh", b.div(raw, cap)), cap) : raw;
    const scores = call.has(10) ? b.add(capped, call.x(10)) : capped;
    const y = b.matmul(probabilities(b, call, scores, g), repeatHeads(b, v, times));
    return [joinHeads(b, y), k, v].slice(0, call.numOutputs);
  },
};

export const groupedAttention: RuleTable = { "com.microsoft::GroupQueryAttention": groupQueryAttention };
