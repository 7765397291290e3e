import { hessianVectorProduct } from "../autodiff/hessian-vector.ts";
import { LandscapeError } from "../errors.ts";
import type { Value } from "../onnx/graph.ts";
import { GraphBuilder } from "../ops/builder.ts";
import { expandGraph } from "../ops/expand.ts";
import { lookup } from "../ops/registry.ts";
import { rewrite } from "../ops/rewrite.ts";
import { emitLoss, type LossSpec, type LossValues, predictorSpec } from "./loss.ts";

/** What the Gauss-Newton matrix is taken at. Throws INVALID_OPTION where the loss lies in the model. */
export function predictorOf({ predictor }: LossValues): Value {
  if (predictor) return predictor;
  throw new LandscapeError(
    "INVALID_OPTION",
    "no Gauss-Newton matrix of a loss that lies in the model: it needs outputs apart from their loss. Pass the inference model with targets, or take --operator fisher or hessian",
  );
}

/** Throws INVALID_OPTION unless the loss comes sample by sample. */
export function assertPerSample(loss: Value, samples: number): void {
  if (loss.dims[0] === samples) return;
  throw new LandscapeError(
    "INVALID_OPTION",
    `no empirical Fisher matrix of a loss that is a mean over ${samples} samples: it needs one loss per sample. Take --batch 1 or --operator hessian`,
  );
}

/**
 * ∇²ℓ·w of the summed loss with respect to its predictor z. It is differentiated as a graph of its own, so that
 * neither z nor w is traced back to the parameters.
 */
export function outputProduct(
  b: GraphBuilder,
  spec: LossSpec,
  z: Value,
  target: Value | null,
  w: Value,
): Value {
  const own = new GraphBuilder(lookup);
  const [zIn, wIn] = [own.input("z", z.static), own.input("w", w.static)];
  const t = target ? own.input("t", target.static) : null;
  const samples = z.dims[0] ?? 1;
  const { loss } = emitLoss(own, predictorSpec(spec, zIn), zIn, t, samples);
  const inputs = [zIn, wIn, ...(t ? [t] : [])];
  const graph = expandGraph(own.build("loss of the predictor", inputs, [loss]), lookup);
  const [hw] = hessianVectorProduct(own, graph.outputs[0] as Value, [zIn], [wIn], lookup);
  const product = own.build("curvature of the loss", inputs, [hw as Value]);
  const bindings = new Map<Value, Value>([
    [zIn, z],
    [wIn, w],
    ...(t && target ? [[t, target] as const] : []),
  ]);
  return rewrite(product, b, bindings).get(hw as Value) as Value;
}
