import { LandscapeError } from "../errors.ts";
import type { Call, Value } from "../onnx/graph.ts";
import { sizeOf, type TensorType } from "../onnx/tensor.ts";
import { GraphBuilder } from "../ops/builder.ts";
import { lookup } from "../ops/registry.ts";
import { rewrite } from "../ops/rewrite.ts";
import { numbersOf } from "../ops/typing.ts";
import type { Checkpoint } from "./checkpoint.ts";

// Of two batch sizes that share no factor one at least is no factor of the model's own sizes.
export const PRIMES = [7, 11] as const;

/**
 * The only batch size of a model that is said to take any: that of its output's shape or, as of a loss in the model over
 * pairs of samples, the one that its shapes fit. null: it takes any or none, or several, of which it was traced with one.
 */
export function tracedBatch(checkpoint: Checkpoint): number | null {
  const stuck: Call[] = [];
  for (const n of PRIMES) {
    const trial = shapesAt(checkpoint, n);
    if (trial?.stuck == null) return null;
    stuck.push(trial.stuck);
  }
  const fits = (n: number) => shapesAt(checkpoint, n)?.stuck === null;
  const named = checkpoint.output.shape?.[0];
  if (typeof named === "number" && named > 1) {
    return shapesAt(checkpoint, named)?.rows === named ? named : null;
  }
  const fitting = sizesThatFit(stuck[0] as Call, stuck[1] as Call).filter(fits);
  const [size] = fitting;
  return size !== undefined && fitting.length === 1 && !fits(size + 1) && !fits(2 * size) ? size : null;
}

/** What becomes of shapes with `n` samples: the output's rows (null without an axis), or the call that does not take them. */
interface Trial {
  readonly rows: number | null;
  readonly stuck: Call | null;
}

/** null where something else than the shapes is in the way. Nothing is expanded: this costs as little as typing a graph can. */
function shapesAt({ graph, parameters, inputs, output }: Checkpoint, n: number): Trial | null {
  const b = new GraphBuilder(lookup);
  let last: Call | null = null;
  const visit = (call: Call) => {
    last = call;
    return undefined;
  };
  try {
    const became = rewrite(
      { ...graph, outputs: [output] },
      b,
      new Map<Value, Value>([
        ...parameters.map((p): [Value, Value] => [
          p.value,
          b.input(p.name, { type: "float32", dims: p.shape }),
        ]),
        ...inputs.map((v): [Value, Value] => [v, b.input(v.name, batchType(v, n))]),
      ]),
      visit,
    );
    return { rows: became.get(output)?.dims[0] ?? null, stuck: null };
  } catch (error) {
    const isMisfit = error instanceof LandscapeError && error.code === "INVALID_MODEL";
    return isMisfit ? { rows: null, stuck: last } : null;
  }
}

/** An input's type with `n` samples; throws where another axis is open. */
export function batchType(value: Value, n: number): TensorType {
  const [, ...rest] = value.shape ?? [];
  if (value.type === undefined || rest.some((d) => typeof d !== "number"))
    throw new Error("internal: not static");
  return { type: value.type, dims: [n, ...(rest as number[])] };
}

// Each is tried by typing the whole graph again.
const MOST_CANDIDATES = 32;

/**
 * Batch sizes at which two numbers of a call become equal, told from how they grow between the two sizes that it was stuck
 * at: the lengths and sizes of its operands, the elements of its shapes and their product.
 */
function sizesThatFit(at: Call, later: Call): number[] {
  const [from, to] = PRIMES;
  const [first, second] = [numbersIn(at), numbersIn(later)];
  if (at.op !== later.op || first.length !== second.length) return [];
  const lines = first.map((y, i) => {
    const slope = ((second[i] as number) - y) / (to - from);
    return { slope, offset: y - slope * from };
  });
  const found = new Set<number>();
  for (const a of lines) {
    for (const b of lines) {
      const n = (b.offset - a.offset) / (a.slope - b.slope);
      if (a.slope > b.slope && Number.isInteger(n) && n > 1) found.add(n);
    }
  }
  return [...found].sort((a, b) => a - b).slice(0, MOST_CANDIDATES);
}

function numbersIn({ inputs }: Call): number[] {
  return inputs.flatMap((v) => {
    if (v === null) return [];
    const small = v.dims.length <= 1 && sizeOf(v.dims) <= 8 ? (numbersOf(v) ?? []) : [];
    const product = small.filter((x) => x > 0).reduce((a, x) => a * x, 1);
    return [...v.dims, sizeOf(v.dims), ...small, product];
  });
}
