import { int64Tensor, type Tensor } from "../../src/onnx/tensor.ts";
import { type AttributeInit, float } from "../../src/ops/builder.ts";
import type { Case, Operand } from "../support/case.ts";
import type { Sampler } from "../support/sample.ts";

/** Rows of attention and rotary embeddings, of the standard and of onnxruntime's domain. */

type Attributes = Readonly<Record<string, AttributeInit>>;

function x(dims: readonly number[], sample: Sampler = "default"): Operand {
  return { dims, sample };
}

function bools(dims: readonly number[], values: readonly number[]): Tensor {
  return { type: "bool", dims, data: Uint8Array.from(values) };
}

function int32(dims: readonly number[], values: readonly number[]): Tensor {
  return { type: "int32", dims, data: Int32Array.from(values) };
}

/** Queries, keys and values with heads apart: 2 samples, 4 or 2 heads, 3 queries, 3 keys of size 2. */
const split = [x([2, 4, 3, 2]), x([2, 2, 3, 2]), x([2, 2, 3, 3])];
/** The same with heads joined. */
const joined = [x([2, 3, 8]), x([2, 3, 4]), x([2, 3, 6])];
const heads = { q_num_heads: 4, kv_num_heads: 2 };

function standard(op: string, inputs: Case["inputs"], attrs: Attributes, rest: Partial<Case> = {}): Case {
  return { op, inputs, attrs, opset: 23, ...rest };
}

const someMasked = bools([2, 1, 3, 3], [1, 1, 0, 1, 1, 0, 1, 1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 1]);

const attention: readonly Case[] = [
  standard("Attention", split, {}),
  standard("Attention", joined, heads),
  standard("Attention", joined, { ...heads, scale: float(0.7), is_causal: 1 }),
  standard("Attention", split, { softcap: float(1.5) }),
  standard("Attention", [...split, x([3, 3])], {}),
  standard("Attention", [...split, x([2, 1, 3, 3])], { scale: float(1) }),
  standard("Attention", [...split, someMasked], {}),
  standard("Attention", [...split, someMasked], { is_causal: 1 }),
  standard("Attention", [...split, null, null, null, int64Tensor([2], [2, 3])], {}, { opset: 24 }),
  ...[0, 3].map((n) =>
    standard(
      "Attention",
      [x([2, 4, 3, 2]), x([2, 2, 4, 2]), x([2, 2, 4, 3]), null, null, null, int64Tensor([2], [2, 4 - n])],
      { is_causal: 1 },
      { opset: 24, note: `lengths 2 and ${4 - n}` },
    ),
  ),
  standard("Attention", [...split, null, x([2, 2, 2, 2]), x([2, 2, 2, 3])], { is_causal: 1 }, { outputs: 3 }),
  ...[0, 3].map((qk_matmul_output_mode) =>
    standard("Attention", split, { qk_matmul_output_mode }, { outputs: 4 }),
  ),
  standard("Attention", [...joined, x([2, 1, 3, 5]), x([2, 2, 2, 2]), x([2, 2, 2, 3])], heads, {
    outputs: 3,
  }),
  ...[0, 1, 2, 3].map((qk_matmul_output_mode) =>
    standard(
      "Attention",
      [...split, x([3, 3])],
      { qk_matmul_output_mode, softcap: float(1.5) },
      { outputs: 4 },
    ),
  ),
  ...[0, 1].map((is_causal) =>
    standard("Attention", [x([1, 1, 4, 2]), x([1, 1, 5, 2]), x([1, 1, 5, 2])], { is_causal }),
  ),
  ...[0, 1].flatMap((interleaved) => [
    standard("RotaryEmbedding", [x([2, 2, 3, 4]), x([2, 3, 2]), x([2, 3, 2])], { interleaved }),
    standard(
      "RotaryEmbedding",
      [x([2, 3, 8]), x([5, 1]), x([5, 1]), int64Tensor([2, 3], [0, 1, 2, 4, 4, 3])],
      { interleaved, num_heads: 2, rotary_embedding_dim: 2 },
    ),
  ]),
];

function microsoft(op: string, inputs: Case["inputs"], attrs: Attributes, rest: Partial<Case> = {}): Case {
  return { op, domain: "com.microsoft", inputs, attrs, ...rest };
}

const fused = [x([2, 3, 4], [-1, 1]), x([4, 12], [-1, 1]), x([12])];
const everyThird = Array.from({ length: 30 }, (_, i) => (i % 3 === 0 ? 0 : 1));
const apart = [x([2, 3, 4]), x([2, 5, 4]), x([2, 5, 6])];

const fusedAttention: readonly Case[] = [
  microsoft("Attention", fused, { num_heads: 2 }),
  microsoft("Attention", fused, { num_heads: 2, unidirectional: 1, scale: float(0.6) }),
  microsoft("Attention", [x([2, 3, 4], [-1, 1]), x([4, 14], [-1, 1]), x([14])], {
    num_heads: 2,
    qkv_hidden_sizes: [4, 4, 6],
  }),
  microsoft("Attention", [...fused, int32([2], [2, 3])], { num_heads: 2 }),
  microsoft("Attention", [...fused, int32([4], [2, 3, 0, 1])], { num_heads: 2, unidirectional: 1 }),
  microsoft("Attention", [...fused, int32([8], [2, 3, 0, 3, 6, 0, 3, 6])], { num_heads: 2 }),
  microsoft("Attention", [...fused, int32([2, 1], [0, 1])], { num_heads: 2 }),
  microsoft("Attention", [...fused, int32([2, 3], [1, 1, 0, 0, 1, 1])], { num_heads: 2 }),
  microsoft(
    "Attention",
    [...fused, int32([2, 3, 3], [1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 0, 1])],
    { num_heads: 2, mask_filter_value: float(-50) },
  ),
  ...[
    [1, 2, 3, 3],
    [2, 1, 3, 3],
  ].map((dims) => microsoft("Attention", [...fused, null, null, x(dims)], { num_heads: 2 })),
  microsoft(
    "Attention",
    [...fused, null, x([2, 2, 2, 2, 2])],
    { num_heads: 2, unidirectional: 1 },
    { outputs: 2 },
  ),
  microsoft("MultiHeadAttention", apart, { num_heads: 2 }),
  microsoft("MultiHeadAttention", [...apart, x([14])], { num_heads: 2, scale: float(0.6) }),
  microsoft(
    "MultiHeadAttention",
    [...apart, null, int32([2, 5], [1, 1, 1, 0, 0, 0, 1, 1, 1, 1]), x([1, 2, 3, 5])],
    { num_heads: 2 },
  ),
  ...[int32([2], [3, 4]), int32([8], [3, 4, 0, 3, 6, 0, 5, 10]), int32([2, 3, 5], everyThird)].map((mask) =>
    microsoft("MultiHeadAttention", [...apart, null, mask], { num_heads: 2 }),
  ),
  microsoft("MultiHeadAttention", [x([2, 3, 4]), x([2, 3, 4]), x([2, 3, 4])], {
    num_heads: 2,
    unidirectional: 1,
  }),
  microsoft(
    "MultiHeadAttention",
    [x([2, 3, 4]), x([2, 3, 4]), x([2, 3, 4]), null, int32([2], [2, 3]), x([2, 1, 3, 3])],
    { num_heads: 2, unidirectional: 1 },
  ),
  microsoft("MultiHeadAttention", apart, { num_heads: 2, unidirectional: 1 }),
  microsoft(
    "MultiHeadAttention",
    [x([2, 1, 4]), x([2, 1, 4]), x([2, 1, 4]), null, null, null, x([2, 2, 2, 2]), x([2, 2, 2, 2])],
    { num_heads: 2 },
    { outputs: 3 },
  ),
  microsoft("MultiHeadAttention", [x([2, 3, 4]), x([2, 2, 5, 2]), x([2, 2, 5, 2])], { num_heads: 2 }),
  ...[0, 1].flatMap((interleaved) => [
    microsoft("RotaryEmbedding", [x([2, 3, 8]), int64Tensor([1], [1]), x([5, 2]), x([5, 2])], {
      interleaved,
    }),
    microsoft(
      "RotaryEmbedding",
      [x([2, 2, 3, 4]), int64Tensor([2, 3], [0, 1, 2, 4, 3, 3]), x([5, 2]), x([5, 2])],
      { interleaved },
    ),
  ]),
  microsoft(
    "EmbedLayerNormalization",
    [
      int32([2, 3], [0, 4, 2, 1, 1, 3]),
      int32([2, 3], [0, 0, 1, 1, 1, 0]),
      x([5, 4]),
      x([4, 4]),
      x([2, 4]),
      x([4]),
      x([4]),
      int32([2, 3], [1, 1, 0, 1, 1, 1]),
    ],
    { epsilon: float(0.01) },
    { outputs: 2 },
  ),
];

/**
 * 2 samples of 4 positions, 4 heads of queries and 2 of keys and values: of size 8 or, with rotary positions, 16, which
 * the kernel needs.
 */
const wholes = [int32([2], [3, 3]), int32([], [4])];
const toGroup = (size: number) => [x([2, 4, 4 * size]), x([2, 4, 2 * size]), x([2, 4, 2 * size]), null, null];
const [plain, turned] = [
  [...toGroup(8), ...wholes],
  [...toGroup(16), ...wholes, x([5, 8]), x([5, 8])],
];
const grouped = (inputs: Case["inputs"], attrs: Attributes = {}): Case =>
  microsoft("GroupQueryAttention", inputs, { num_heads: 4, kv_num_heads: 2, ...attrs }, { outputs: 3 });

const groupedAttention: readonly Case[] = [
  grouped(plain),
  grouped([x([2, 4, 64]), null, null, null, null, ...wholes], { scale: float(0.7) }),
  grouped(turned, { do_rotary: 1 }),
  grouped(turned, { do_rotary: 1, rotary_interleaved: 1 }),
  grouped([...turned, int64Tensor([2, 4], [1, 2, 3, 4, 0, 1, 2, 3])], { do_rotary: 1 }),
  grouped(plain, { local_window_size: 1 }),
  grouped(plain, { softcap: float(1.5) }),
  grouped(plain, { smooth_softmax: 1 }),
  grouped([...plain, null, null, null, x([1, 4, 4, 4]), x([4])]),
];

export const attentionCases: readonly Case[] = [...attention, ...fusedAttention, ...groupedAttention];
