export { displaced } from "./dataset-objective.ts";
export { openProblem, type Problem, type ProblemOptions } from "./problem.ts";
export type { ProblemSpec } from "./problem-spec.ts";
export type {
  Direction,
  Displacement,
  Evaluation,
  GradientEvaluation,
  HvpMethod,
  HvpOptions,
  HvpResult,
  Kinks,
  Objective,
  Parameter,
} from "./types.ts";
