import type { Rise } from "../landscape/index.ts";

/** What a whole analysis computes. Counts decide its cost, the rest its numbers. */
export interface AnalysisOptions {
  readonly seed: number;
  /** Eigenpairs at either end. */
  readonly top: number;
  readonly bottom: number;
  /** A pair is converged when its residual is below this fraction of the largest |λ|. */
  readonly tolerance: number;
  readonly maxProducts: number;
  /** One Lanczos run for both ends, or the paper's two. */
  readonly method: "lanczos" | "annihilation";
  readonly hvp: "fd" | "exact";
  readonly probes: number;
  /** Points on each axis of a plane; odd, so that the checkpoint is one of them. */
  readonly grid: number;
  readonly profilePoints: number;
  readonly randomProfiles: number;
  readonly scalePoints: number;
  /** Planes and profiles go to where the loss has risen this far above L(θ₀), in multiples of it. */
  readonly rise: Rise;
  /** Products of the comparison with moving branches; 0 leaves it out. */
  readonly movingProducts: number;
  /** Random vectors of the density, 0 leaves it out, and the products for each. */
  readonly densityProbes: number;
  readonly densitySteps: number;
  /** Disjoint subsets of the training data on which λ₊ and λ₋ are found again; 0: none. */
  readonly subsets: number;
  /** Planes drawn over the measured spectrum, at no product. */
  readonly slicePlanes: number;
}

/**
 * For a net of a few 10⁵ parameters and a few hundred samples: some minutes on two cores.
 */
export const defaultAnalysis: AnalysisOptions = {
  seed: 0,
  top: 3,
  bottom: 3,
  tolerance: 1e-3,
  maxProducts: 100,
  method: "lanczos",
  hvp: "fd",
  probes: 32,
  grid: 25,
  profilePoints: 41,
  randomProfiles: 5,
  scalePoints: 13,
  rise: "auto",
  movingProducts: 40,
  densityProbes: 4,
  densitySteps: 30,
  subsets: 4,
  slicePlanes: 4000,
};

/** Fewer samples would tell more of themselves than of the data. */
const SAMPLES_OF_A_SUBSET = 8;

/** As many subsets as by default, or as the data allow; `most` is the number that there can be at all. */
export function fittingSubsets(samples: number, most: number): number {
  const count = Math.min(defaultAnalysis.subsets, most, Math.floor(samples / SAMPLES_OF_A_SUBSET));
  return count < 2 ? 0 : count;
}
