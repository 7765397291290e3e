import type { Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../ops/builder.ts";
import type { RecordLookup } from "../ops/record.ts";
import { gradient } from "./gradient.ts";

/**
 * Exact Hessian-vector product as a graph: the gradient of ⟨∇L, v⟩, each of `v` shaped like its
 * parameter (Pearlmutter 1994, by reverse over reverse).
 */
export function hessianVectorProduct(
  b: GraphBuilder,
  loss: Value,
  wrt: readonly Value[],
  v: readonly Value[],
  records: RecordLookup,
): readonly Value[] {
  return gradientProduct(b, gradient(b, loss, wrt, records), wrt, v, records);
}

/** The gradient of ⟨g, v⟩ for a gradient `g` that is there already, by our rules or not. */
export function gradientProduct(
  b: GraphBuilder,
  g: readonly Value[],
  wrt: readonly Value[],
  v: readonly Value[],
  records: RecordLookup,
): readonly Value[] {
  const dots = g.map((part, k) => {
    const product = b.mul(part, v[k] as Value);
    return b.reduceSum(
      product,
      product.dims.map((_, axis) => axis),
      false,
    );
  });
  return gradient(
    b,
    dots.reduce((x, y) => b.add(x, y)),
    wrt,
    records,
  );
}
