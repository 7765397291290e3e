import type { Graph } from "../onnx/graph.ts";

/** Devices that leave some operators to the CPU. */
export type Accelerator = "cuda" | "webgpu";

/**
 * Standard operators that an emitted graph may hold and that a provider has no float32 kernel for at opset 18:
 * onnxruntime then computes them on the CPU, and copies there and back. From onnxruntime 1.25's tables.
 */
const MISSING: Readonly<Record<Accelerator, ReadonlySet<string>>> = {
  cuda: new Set(
    "Acos Acosh AffineGrid Asin Asinh Atan Atanh BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Col2Im Cosh DFT Hardmax LpNormalization LpPool MaxUnpool Mean Sinh Tan".split(
      " ",
    ),
  ),
  webgpu: new Set(
    "BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Col2Im Compress ConstantOfShape EyeLike GridSample Hardmax IsInf IsNaN LRN LogSoftmax LpNormalization LpPool Max MaxUnpool Mean Min Mod NonZero OneHot Or PRelu Range ReverseSequence Round Sign Size Softplus SpaceToDepth Sum TopK Trilu Xor".split(
      " ",
    ),
  ),
};

/** Operators of `graph` that `device` leaves to the CPU, in the order of the alphabet. */
export function withoutKernel(graph: Graph, device: Accelerator): string[] {
  const found = new Set(graph.nodes.map((n) => n.op).filter((op) => MISSING[device].has(op)));
  return [...found].sort();
}

/** For checking the list against onnxruntime's tables. */
export function listedAsMissing(device: Accelerator): readonly string[] {
  return [...MISSING[device]];
}
