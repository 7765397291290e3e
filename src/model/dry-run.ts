import { gradient } from "../autodiff/gradient.ts";
import type { Value } from "../onnx/graph.ts";
import { isFloat, type TensorType } from "../onnx/tensor.ts";
import { GraphBuilder } from "../ops/builder.ts";
import { foldAndExpand } from "../ops/fold-batch-norm.ts";
import { lookup } from "../ops/registry.ts";
import { rewrite } from "../ops/rewrite.ts";
import { bindModel } from "./bind.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { compileProgram, type Program } from "./compile.ts";
import { type Accelerator, withoutKernel } from "./kernels.ts";

/** What a gradient takes, told from shapes alone: nothing is run. */
export interface DryRun {
  /** Bytes of all intermediate values of a gradient, per sample of a small batch. */
  readonly bytesPerSample: number;
  /** Sizes that the file leaves open and that were assumed, by name. */
  readonly assumed: Readonly<Record<string, number>>;
  /** Operators that each device leaves to the CPU. */
  readonly devices: readonly { readonly name: Accelerator; readonly onCpu: readonly string[] }[];
}

// Open sizes beside the batch are lengths of sequences or sides of images.
const ASSUMED_SIZE = 16;

// Weight gradients do not grow with the batch: over several samples they are a small part.
const SAMPLES = 4;

/** Builds the gradient of a small batch; null where shapes or operators do not let it. */
export function dryRun(checkpoint: Checkpoint): DryRun | null {
  try {
    const fixed = checkpoint.inputs[0]?.shape?.[0];
    const samples = typeof fixed === "number" ? fixed : SAMPLES;
    const assumed: Record<string, number> = {};
    const { bytes, graph } = gradientProgram(checkpoint, samples, assumed);
    const devices = (["cuda", "webgpu"] as const).map((name) => ({
      name,
      onCpu: withoutKernel(graph, name),
    }));
    return { bytesPerSample: Math.ceil(bytes / Math.max(1, samples)), assumed, devices };
  } catch {
    // Open sizes may be bound to one another in ways that only data can tell.
    return null;
  }
}

function typeFor(value: Value, n: number, assumed: Record<string, number>): TensorType {
  if (value.type === undefined || value.shape === undefined) throw new Error("internal: no type");
  const dims = value.shape.map((d, i) => {
    if (typeof d === "number") return d;
    if (i === 0) return n;
    assumed[d ?? `${value.name}[${i}]`] = ASSUMED_SIZE;
    return ASSUMED_SIZE;
  });
  return { type: value.type, dims };
}

/** The gradient of the sum of the output: a loss adds little to it. */
function gradientProgram(checkpoint: Checkpoint, n: number, assumed: Record<string, number>): Program {
  const types = new Map(checkpoint.inputs.map((v) => [v.name, typeFor(v, n, assumed)]));
  const bound = bindModel(checkpoint, types);
  const graph = foldAndExpand(bound.graph, lookup);
  const b = new GraphBuilder(lookup);
  const same = new Map(graph.inputs.map((v): [Value, Value] => [v, v]));
  const output = rewrite(graph, b, same).get(graph.outputs[0] as Value) as Value;
  if (!isFloat(output.static.type)) throw new Error("internal: no float output");
  const axes = output.dims.map((_, i) => i);
  const sum = b.reduceSum(output, axes, false);
  const grads = gradient(b, sum, bound.theta, lookup);
  return compileProgram(graph.inputs, null, [sum, ...grads]);
}
