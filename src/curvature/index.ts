export { type CurvatureByScale, curvatureByScale } from "./curvature-by-scale.ts";
export { type DeterminismProbe, probeDeterminism } from "./determinism.ts";
export {
  type EigenpairInfo,
  type EigenpairOptions,
  type EigenSolver,
  hessianEigenpairs,
} from "./eigenpairs.ts";
export { type GradientSummary, summarizeGradient } from "./gradient-noise.ts";
export { HessianOperator } from "./hessian-operator.ts";
export { measureLossNoise } from "./loss-noise.ts";
export { type HessianTraceInfo, type HessianTraceOptions, hessianTrace } from "./trace.ts";
