import type { Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../ops/builder.ts";
import type { RecordLookup } from "../ops/record.ts";
import { gradient } from "./gradient.ts";

/**
 * J·v as a graph, J the Jacobian of `output` with respect to `wrt`, each of `v` shaped like its parameter: the gradient
 * with respect to u of ⟨Jᵀu, v⟩, which is linear in u, so that no u is left in it (forward mode by reverse mode twice).
 */
export function jacobianProduct(
  b: GraphBuilder,
  output: Value,
  wrt: readonly Value[],
  v: readonly Value[],
  records: RecordLookup,
): Value {
  const u = b.input("cotangent", output.static);
  const pulled = gradient(b, output, wrt, records, u);
  const products = pulled.map((part, k) => {
    const product = b.mul(part, v[k] as Value);
    const axes = product.dims.map((_, axis) => axis);
    return b.reduceSum(product, axes, false);
  });
  const dot = products.reduce((x, y) => b.add(x, y));
  return gradient(b, dot, [u], records)[0] as Value;
}

/**
 * Jᵀ·C·J·v as a graph, where `curvature` gives C·w for a w shaped like `output`: with the loss's second derivatives
 * by the output the Gauss-Newton matrix, with the identity and one loss per sample the sum of g·gᵀ over samples.
 * Source: Schraudolph 2002, §3.
 */
export function gaussNewtonProduct(
  b: GraphBuilder,
  output: Value,
  wrt: readonly Value[],
  v: readonly Value[],
  curvature: (w: Value) => Value,
  records: RecordLookup,
): readonly Value[] {
  const w = curvature(jacobianProduct(b, output, wrt, v, records));
  return gradient(b, output, wrt, records, w);
}
