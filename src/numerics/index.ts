export { annihilationEigenpairs } from "./annihilation.ts";
export type { BasisPrecision } from "./basis.ts";
export {
  type DensityOptions,
  massBelow,
  moment,
  probeQuadrature,
  type SpectralQuadrature,
  spectralDensity,
} from "./density.ts";
export {
  bestStep,
  type ChosenDifference,
  chooseDifference,
  type DifferenceModel,
  errorAt,
} from "./difference-step.ts";
export type {
  EndCounts,
  ExtremeInfo,
  ExtremeOptions,
  ExtremePair,
  LanczosProgress,
  SpectrumEnd,
} from "./eigenpair-types.ts";
export { type ExtremeEigenpairs, extremeEigenpairs } from "./extreme-eigenpairs.ts";
export { hutchPlusPlus, type SketchedTraceOptions } from "./hutch-plus-plus.ts";
export { LanczosFactorization, type LanczosOptions, lanczos, type RitzPairs } from "./lanczos.ts";
export { type KnownEnds, type MeasuredSpectrum, measuredSpectrum } from "./measured-spectrum.ts";
export type { ProductInfo, SymmetricOperator } from "./operator.ts";
export { bestHalfWidth, fittedCurvature, type ParabolaFit, parabolaFit } from "./parabola.ts";
export { gaussian, type RandomKey, rademacher, uniform } from "./random.ts";
export {
  drawRandomPlanes,
  type EnsembleMeans,
  effectiveCount,
  ensembleConvergence,
  isSaddle,
  type PlaneEnsemble,
  type PlaneForm,
  principalCurvatures,
  type RandomPlaneOptions,
  type SpectrumNode,
  saddleLimit,
  summarizePlanes,
} from "./random-planes.ts";
export { RandomStream } from "./random-stream.ts";
export { leastBasis } from "./search-block.ts";
export { type SampleStats, sampleStats, studentCdf, studentQuantile, wilsonInterval } from "./stats.ts";
export {
  type Block,
  hutchinsonTrace,
  type ProbeResult,
  type TraceEstimate,
  type TraceInfo,
  type TraceOptions,
  traceInterval,
} from "./trace.ts";
export { combine, cosine, distance, dot, norm, normalize, orient, type RealVector } from "./vector.ts";
export { xTrace } from "./xtrace.ts";
