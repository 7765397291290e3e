export { type CurvatureByScale, curvatureByScale } from "./curvature-by-scale.ts";
export { type DeterminismProbe, probeDeterminism } from "./determinism.ts";
export {
  calibrated,
  type EigenpairInfo,
  type EigenpairOptions,
  type EigenSolver,
  hessianEigenpairs,
} from "./eigenpairs.ts";
export { type GradientSummary, summarizeGradient } from "./gradient-noise.ts";
export { AdaptiveHessianOperator, HessianOperator } from "./hessian-operator.ts";
export { type LineSearchOptions, type LowestPoint, lowestAlong } from "./line-search.ts";
export { type Decrease, decreaseOf, type LocalModel, localModel } from "./local-model.ts";
export {
  chooseLossFit,
  type LossCurvature,
  type LossFit,
  type LossFitOptions,
  lossCurvature,
} from "./loss-curvature.ts";
export { measureLossNoise } from "./loss-noise.ts";
export { gaussianProbe, type LossTraceInfo, type LossTraceOptions, lossTrace } from "./loss-trace.ts";
export { randomSlices, type Slice, type SliceOptions } from "./slices.ts";
export { type KnownEnds, type SubsetEnd, type SubsetEnds, subsetEnds } from "./subset-ends.ts";
export {
  type HessianTraceInfo,
  type HessianTraceOptions,
  hessianTrace,
  type SketchedEstimator,
  type SketchedHessianTraceOptions,
  sketchedHessianTrace,
} from "./trace.ts";
