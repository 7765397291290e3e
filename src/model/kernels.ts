import { assignNodeNames, type Graph, type Node } from "../onnx/index.ts";

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

/** Operators of `graph` that `device` leaves to the CPU, or that we do, in the order of the alphabet. */
export function withoutKernel(graph: Graph, device: Accelerator): string[] {
  const left = graph.nodes.filter(
    (n) => MISSING[device].has(n.op) || (device === "webgpu" && wrongOnWebgpu(n)),
  );
  return [...new Set(left.map((n) => n.op))].sort();
}

/** Names, as encoded, of the nodes whose kernels on `device` fail or give wrong results: they are run on the CPU. */
export function nodesForCpu(graph: Graph, device: Accelerator): string[] {
  if (device !== "webgpu") return [];
  return [...assignNodeNames(graph)].flatMap(([node, name]) => (wrongOnWebgpu(node) ? [name] : []));
}

/** What onnxruntime 1.30's WebGPU provider gets wrong, as test/ops/device.test.ts shows on our tables of operators. */
function wrongOnWebgpu(node: Node): boolean {
  const rank = node.inputs[0]?.shape?.length ?? 0;
  switch (node.op) {
    case "Conv":
      return rank > 4 || crossesGroups(node);
    case "ConvTranspose":
      return rank > 4 || node.int("group", 1) > 1;
    case "MaxPool":
      // It takes two outputs, and fails when run.
      return rank > 4 || node.outputs.length > 1;
    case "AveragePool":
      return rank > 4;
    case "Slice":
      return goesBackwards(node);
    case "Sin":
    case "Cos":
      // WGSL promises 2⁻¹¹.
      return true;
    default:
      return false;
  }
}

/**
 * Output channels are computed in vectors of 4 or 2 where their number can be divided by that; where the number of one
 * group cannot, a vector reaches into the next group but reads the input of its own.
 */
function crossesGroups(conv: Node): boolean {
  const group = conv.int("group", 1);
  const each = (conv.outputs[0]?.shape?.[1] as number) / group;
  return group > 1 && each >= 4 && each % 4 !== 0;
}

function goesBackwards(slice: Node): boolean {
  const steps = slice.inputs[4]?.tensor?.data ?? [];
  return Array.from(steps as ArrayLike<number | bigint>, Number).some((step) => step < 0);
}

/** For checking the list against onnxruntime's tables. */
export function listedAsMissing(device: Accelerator): readonly string[] {
  return [...MISSING[device]];
}
