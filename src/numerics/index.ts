export { annihilationEigenpairs } from "./annihilation.ts";
export type { BasisPrecision } from "./basis.ts";
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
export { LanczosFactorization, type LanczosOptions, lanczos, type RitzPairs } from "./lanczos.ts";
export type { ProductInfo, SymmetricOperator } from "./operator.ts";
export { gaussian, type RandomKey, rademacher, uniform } from "./random.ts";
export { leastBasis } from "./search-block.ts";
export { type SampleStats, sampleStats, studentCdf, studentQuantile, wilsonInterval } from "./stats.ts";
export {
  type Block,
  hutchinsonTrace,
  type ProbeResult,
  type TraceEstimate,
  type TraceInfo,
  type TraceOptions,
} from "./trace.ts";
export { combine, cosine, distance, dot, norm, normalize, orient, type RealVector } from "./vector.ts";
