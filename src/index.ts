/**
 * onnx-landscape from TypeScript: open a problem, ask for what the commands ask for, or run the whole
 * analysis and render its report.
 */
export { analyse, type Session, type Subject } from "./analysis/analyse.ts";
export type * from "./analysis/analysis-report.ts";
export { type AnalysisOptions, defaultAnalysis } from "./analysis/options.ts";
export { PhaseTimer } from "./analysis/phase-timer.ts";
export { type Progress, silentProgress } from "./analysis/progress.ts";
export type { NetworkGroup, PaperNetwork } from "./analysis/reproduction/paper.ts";
export type * from "./analysis/reproduction/report.ts";
export { FolderStore } from "./analysis/run/folder-store.ts";
export { JournaledObjective } from "./analysis/run/journaled-objective.ts";
export { RunFolder, type RunIdentity } from "./analysis/run/run-folder.ts";
export { noStore, type UnitStore } from "./analysis/run/unit-store.ts";
export { defaultTrajectory, type TrajectoryOptions } from "./analysis/trajectory/options.ts";
export type * from "./analysis/trajectory/report.ts";
export {
  analyseTrajectory,
  type OpenedCheckpoint,
  type TrajectorySession,
  type TrajectorySubject,
} from "./analysis/trajectory/trajectory.ts";
export { verdict } from "./analysis/verdict.ts";
export {
  curvatureByScale,
  decreaseOf,
  HessianOperator,
  hessianEigenpairs,
  hessianTrace,
  localModel,
  lowestAlong,
  measureLossNoise,
  probeDeterminism,
  summarizeGradient,
} from "./curvature/index.ts";
export { type DatasetSpec, parseNormalization, readVector, writeNpz } from "./data/index.ts";
export { type ErrorCode, LandscapeError } from "./errors.ts";
export {
  chooseRange,
  evaluatePlane,
  evaluateProfile,
  filterDirection,
  linearAxis,
  originAxis,
  randomDirection,
} from "./landscape/index.ts";
export type { Checkpoint } from "./model/checkpoint.ts";
export { emitGradientModel } from "./model/emit.ts";
export { loadCheckpoint } from "./model/load-checkpoint.ts";
export type { ProductInfo, SymmetricOperator } from "./numerics/operator.ts";
export {
  type Direction,
  type Displacement,
  type Evaluation,
  type GradientEvaluation,
  type HvpOptions,
  type HvpResult,
  type Objective,
  openProblem,
  type Parameter,
  type Problem,
  type ProblemOptions,
} from "./objective/index.ts";
export { type RenderOptions, renderReport, renderReproduction, renderTrajectory } from "./report/index.ts";
export { probeProviders } from "./runtime/index.ts";
