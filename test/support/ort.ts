import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import type { Graph } from "../../src/onnx/graph.ts";
import { type EncodeOptions, encodeModel } from "../../src/onnx/index.ts";
import type { ElementType, Tensor } from "../../src/onnx/tensor.ts";

/** A graph in onnxruntime, without its optimiser: what is written is what runs. */
export interface OpenGraph {
  run(feeds: readonly Tensor[]): Promise<readonly Tensor[]>;
  release(): Promise<void>;
}

/** Loads a graph; inputs and outputs keep their order. */
export async function openGraph(graph: Graph, options: EncodeOptions = {}): Promise<OpenGraph> {
  const session = await InferenceSession.create(encodeModel(graph, options), {
    graphOptimizationLevel: "disabled",
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  return {
    run: async (feeds) => {
      const named = Object.fromEntries(
        session.inputNames.map((name, i) => [name, toOrt(feeds[i] as Tensor)]),
      );
      const results = await session.run(named);
      return session.outputNames.map((name) => fromOrt(results[name] as OrtTensor));
    },
    release: () => session.release(),
  };
}

/** Runs a graph once; `feeds` are in the order of its inputs. */
export async function runGraph(
  graph: Graph,
  feeds: readonly Tensor[],
  options: EncodeOptions = {},
): Promise<readonly Tensor[]> {
  const open = await openGraph(graph, options);
  try {
    return await open.run(feeds);
  } finally {
    await open.release();
  }
}

function toOrt(tensor: Tensor): OrtTensor {
  return new OrtTensor(tensor.type as "float32", tensor.data as Float32Array, tensor.dims);
}

function fromOrt(tensor: OrtTensor): Tensor {
  return {
    type: tensor.type as ElementType,
    dims: tensor.dims,
    data: tensor.data as Float32Array,
  };
}

/** Whether loading failed because the runtime has no kernel for a type, which is no fault of the graph. */
export function lacksKernel(error: unknown): boolean {
  return error instanceof Error && /NOT_IMPLEMENTED|Could not find an implementation/.test(error.message);
}
