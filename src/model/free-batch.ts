import { type Graph, Value } from "../onnx/graph.ts";
import { transformGraph } from "../onnx/index.ts";
import { bindModel } from "./bind.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { hasOwnRows } from "./own-rows.ts";
import type { Warning } from "./preflight-check.ts";
import { batchType, PRIMES, tracedBatch } from "./traced-batch.ts";

/**
 * A model that was exported for batches of one size takes any, where its samples cannot see one another: then the
 * inputs' first axis becomes free. Otherwise it stays as it is, with a warning. One that is said to take any batch, but
 * was traced with the sizes of one, gets that.
 */
export function freeBatch(checkpoint: Checkpoint): Checkpoint {
  const { inputs, own } = checkpoint;
  const [size, ...others] = inputs.map((v) => v.shape?.[0]);
  // A loss or a gradient of its own is that of the batch it was made for.
  if (own || inputs.length === 0) return checkpoint;
  if (typeof size === "number") {
    if (others.some((n) => n !== size)) return checkpoint;
    return PRIMES.every((n) => isPerSample(checkpoint, n))
      ? withBatch(checkpoint, null)
      : fixedTo(checkpoint, size);
  }
  const traced = tracedBatch(checkpoint);
  return traced === null ? checkpoint : fixedTo(withBatch(checkpoint, traced), traced);
}

/** Whether the model can be bound to `n` samples and each of them has rows of its own, from input to output. */
function isPerSample(checkpoint: Checkpoint, n: number): boolean {
  try {
    return hasOwnRows(
      bindModel(checkpoint, new Map(checkpoint.inputs.map((v) => [v.name, batchType(v, n)]))),
      n,
    );
  } catch {
    // Whatever does not fit another batch size is not free of it.
    return false;
  }
}

function withBatch(checkpoint: Checkpoint, n: number | null): Checkpoint {
  const freed = new Map(
    checkpoint.inputs.map((v) => [v, new Value("input", v.name, v.type, [n, ...(v.shape ?? []).slice(1)])]),
  );
  const source: Graph = { ...checkpoint.graph, outputs: [checkpoint.output, ...checkpoint.graph.outputs] };
  const graph = transformGraph(source, () => undefined, { bindings: freed });
  const [output, ...outputs] = graph.outputs;
  const inputs = checkpoint.graph.inputs.map((v) => freed.get(v) ?? v);
  return {
    ...checkpoint,
    graph: { ...graph, inputs, outputs },
    inputs: checkpoint.inputs.map((v) => freed.get(v) as Value),
    output: output as Value,
  };
}

function fixedTo(checkpoint: Checkpoint, n: number): Checkpoint {
  const input = checkpoint.inputs[0]?.name ?? "";
  const warning: Warning = {
    code: "STATIC_BATCH",
    message: `the model was exported for batches of ${n} and depends on it: data must come in multiples of ${n}. Export with dynamic_shapes={"${input}": {0: "batch"}} (or dynamic_axes) for any number`,
  };
  return { ...checkpoint, warnings: [...checkpoint.warnings, warning] };
}
