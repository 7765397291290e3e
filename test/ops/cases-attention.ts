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
  standard("Attention", [...split, null, x([2, 2, 2, 2]), x([2, 2, 2, 3])], { is_causal: 1 }, { outputs: 3 }),
  ...[0, 3].map((qk_matmul_output_mode) =>
    standard("Attention", split, { qk_matmul_output_mode }, { outputs: 4 }),
  ),
  standard("Attention", [x([1, 1, 4, 2]), x([1, 1, 5, 2]), x([1, 1, 5, 2])], {}),
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
const apart = [x([2, 3, 4]), x([2, 5, 4]), x([2, 5, 6])];

const fusedAttention: readonly Case[] = [
  microsoft("Attention", fused, { num_heads: 2 }),
  microsoft("Attention", fused, { num_heads: 2, unidirectional: 1, scale: float(0.6) }),
  microsoft("Attention", [x([2, 3, 4], [-1, 1]), x([4, 14], [-1, 1]), x([14])], {
    num_heads: 2,
    qkv_hidden_sizes: [4, 4, 6],
  }),
  microsoft("Attention", [...fused, int32([2], [2, 3])], { num_heads: 2 }),
  microsoft("Attention", [...fused, int32([2, 3], [1, 1, 0, 0, 1, 1])], { num_heads: 2 }),
  microsoft(
    "Attention",
    [...fused, int32([2, 3, 3], [1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 0, 1])],
    { num_heads: 2, mask_filter_value: float(-50) },
  ),
  microsoft("Attention", [...fused, null, null, x([1, 2, 3, 3])], { num_heads: 2 }),
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
  microsoft("MultiHeadAttention", [x([2, 3, 4]), x([2, 3, 4]), x([2, 3, 4])], {
    num_heads: 2,
    unidirectional: 1,
  }),
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

export const attentionCases: readonly Case[] = [...attention, ...fusedAttention];
