export { type Extent, linearAxis, originAxis } from "./axis.ts";
export {
  type Draw,
  filterDirection,
  type Normalization,
  randomDirection,
  sliceDirection,
} from "./directions.ts";
export {
  evaluatePlane,
  evaluateProfile,
  type GridLosses,
  type GridOptions,
  type GridResult,
  type ProfileLosses,
  type ProfileResult,
  type Splits,
} from "./grid.ts";
export {
  displacement,
  type PathAxes,
  type PathPosition,
  type PathWeights,
  principalAxes,
  projectPath,
} from "./path.ts";
export { type ChosenRange, chooseRange, type LineFacts, type RangeOptions, type Rise } from "./range.ts";
export { type MinimumError, type PlanePoint, type RefinedMinimum, refineMinimum, WINDOW } from "./refine.ts";
