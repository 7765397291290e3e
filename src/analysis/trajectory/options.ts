import type { TraceInfo } from "../analysis-report.ts";
import { type AnalysisOptions, defaultAnalysis } from "../options.ts";

/** What is computed of a path. Curvatures, trace and the surface's grid are those of `analysis`. */
export interface TrajectoryOptions {
  readonly analysis: AnalysisOptions;
  /** Of the traces. */
  readonly estimator: TraceInfo["estimator"];
  readonly plane: "pca" | "hessian";
  /** Frames along each checkpoint's own v₊ and v₋. */
  readonly follow: boolean;
  /** Checkpoints in the animation, equally spread; 0 leaves it out. */
  readonly frames: number;
  /** Points on each axis of a frame; odd. */
  readonly frameGrid: number;
}

/** Six checkpoints of a net of a few 10⁵ parameters on a hundred images: about ten minutes on two cores. */
export const defaultTrajectory: TrajectoryOptions = {
  analysis: { ...defaultAnalysis, top: 1, bottom: 1, movingProducts: 0, randomProfiles: 0, subsets: 0 },
  estimator: "hutchinson",
  plane: "pca",
  follow: false,
  frames: 24,
  frameGrid: 15,
};

/** At most `most` of `count` indices, equally spread, first and last among them. */
export function spread(count: number, most: number): number[] {
  if (count <= most) return Array.from({ length: count }, (_, k) => k);
  if (most <= 1) return most === 1 ? [count - 1] : [];
  return Array.from({ length: most }, (_, i) => Math.round((i * (count - 1)) / (most - 1)));
}
