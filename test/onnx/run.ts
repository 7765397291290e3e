import { InferenceSession, Tensor } from "onnxruntime-node";
import type { Graph } from "../../src/onnx/graph.ts";
import { type EncodeOptions, encodeModel } from "../../src/onnx/index.ts";

export type Feeds = Readonly<Record<string, Tensor>>;
export type Results = Readonly<Record<string, Tensor>>;

export function tensor(dims: readonly number[], data: readonly number[]): Tensor {
  return new Tensor("float32", Float32Array.from(data), dims);
}

/** A ramp with signs, no two entries equal. */
export function ramp(dims: readonly number[]): Tensor {
  const size = dims.reduce((a, b) => a * b, 1);
  return tensor(
    dims,
    Array.from({ length: size }, (_, i) => Math.sin(7 * i + 1) * (1 + i / size)),
  );
}

/** Runs a file without the optimiser, by onnxruntime. */
export async function run(bytes: Uint8Array, feeds: Feeds): Promise<Results> {
  const session = await InferenceSession.create(bytes, {
    graphOptimizationLevel: "disabled",
    intraOpNumThreads: 1,
    logSeverityLevel: 4,
  });
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

export function runEncoded(graph: Graph, feeds: Feeds, options: EncodeOptions = {}): Promise<Results> {
  return run(encodeModel(graph, options), feeds);
}
