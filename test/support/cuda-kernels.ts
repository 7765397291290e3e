import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Node } from "../../src/onnx/graph.ts";

/** Kernels by provider and operator, as onnxruntime's documentation lists them; lies beside the clone. */
const path = fileURLToPath(new URL("../../../shared/onnx/ort-kernels.json", import.meta.url));

interface Kernel {
  readonly since: number;
  readonly until: number | null;
  readonly types: Readonly<Record<string, readonly string[]>>;
}
type Kernels = Readonly<Record<string, readonly Kernel[]>>;

/** The opset at which graphs are emitted. */
const OPSET = 18;
/** Operators without a CUDA kernel at all, and with no other form: onnxruntime runs these nodes on the CPU. */
const CPU_ALONE = new Set("Acos Acosh Asin Asinh Atan Atanh Cosh Det Sinh Tan".split(" "));
const TYPE_NAMES: Readonly<Record<string, string>> = { float32: "float", float64: "double" };

export const hasKernelTable: boolean = existsSync(path);

/** On CPU every graph is run by tests; CUDA has to be looked up: the nodes that could run there but have no kernel. */
export function cudaLookup(): (node: Node) => boolean {
  const { CUDA } = JSON.parse(readFileSync(path, "utf8")) as { CUDA: Kernels };
  return (node) => CPU_ALONE.has(node.op) || hasKernel(CUDA, node);
}

/** Keys of all operators that onnxruntime's CPU provider has a kernel for, as the registry writes them. */
export function cpuOperators(): string[] {
  const { CPU } = JSON.parse(readFileSync(path, "utf8")) as { CPU: Kernels };
  return Object.keys(CPU).map((key) => key.replace(/^ai\.onnx::/, ""));
}

function hasKernel(kernels: Kernels, node: Node): boolean {
  const type = node.inputs[0]?.type ?? "float32";
  return (kernels[`${node.domain || "ai.onnx"}::${node.op}`] ?? []).some(
    (k) =>
      k.since <= OPSET &&
      (k.until === null || k.until >= OPSET) &&
      Object.values(k.types).some((names) => names.includes(TYPE_NAMES[type] ?? type)),
  );
}
