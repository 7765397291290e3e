import { PhaseTimer } from "../../src/analysis/phase-timer.ts";
import { silentProgress } from "../../src/analysis/progress.ts";
import { scopedStore } from "../../src/analysis/run/scoped-store.ts";
import type { UnitStore } from "../../src/analysis/run/unit-store.ts";
import { noStore } from "../../src/analysis/run/unit-store.ts";
import { defaultTrajectory, type TrajectoryOptions } from "../../src/analysis/trajectory/options.ts";
import type { TrajectoryReport } from "../../src/analysis/trajectory/report.ts";
import { analyseTrajectory, type TrajectorySubject } from "../../src/analysis/trajectory/trajectory.ts";
import { sampleReport } from "../report/sample.ts";
import { ToyObjective, type ToyOptions } from "./toy-objective.ts";

/** A quadratic loss L(θ_last + d) = offset + ½Σκᵢdᵢ² and checkpoints on it: everything about them is known exactly. */
export interface ToyPath {
  readonly curvatures: readonly number[];
  readonly offset: number;
  /** θₖ − θ_last; the last is 0. */
  readonly displacements: readonly (readonly number[])[];
  readonly steps?: readonly number[];
  readonly names?: readonly string[];
  readonly classes?: boolean;
  readonly test?: boolean;
  readonly otherDifferences?: readonly string[];
}

const curvatures = [20, 10, 5, 2, 1, 1, 0.5, 0.1, -0.05, -0.2];

/** Comes in along the flat directions, overshoots along a steep one. */
export const toyPath: ToyPath = {
  curvatures,
  offset: 0.3,
  displacements: [
    [0.1, 0.2, 0.3, 1, 2, 1, 0, 3, 0, 0.5],
    [0.02, -0.1, 0.2, 0.6, 1.2, 0.5, 0, 2, 0, 0.2],
    [-0.01, 0.05, 0.1, 0.1, 0.5, 0.2, 0, 1, 0, 0.1],
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  ],
  steps: [0, 10, 300, 9000],
};

export const smallTrajectory: TrajectoryOptions = {
  ...defaultTrajectory,
  analysis: { ...defaultTrajectory.analysis, probes: 4, grid: 7 },
  frameGrid: 5,
};

/** The loss at displacement d of the last checkpoint. */
export function toyLoss(path: ToyPath, d: readonly number[]): number {
  return path.offset + d.reduce((sum, x, i) => sum + 0.5 * path.curvatures[i]! * x * x, 0);
}

export function toySubject(
  path: ToyPath,
  store: UnitStore = noStore,
  change: Partial<ToyOptions> = {},
): TrajectorySubject {
  const { model, data, provenance } = sampleReport();
  const count = path.displacements.length;
  const objective = (k: number, offset: number) => {
    const d = path.displacements[k]!;
    return new ToyObjective({
      curvatures: path.curvatures,
      slope: d.map((x, i) => path.curvatures[i]! * x),
      offset: toyLoss(path, d) + offset,
      classes: path.classes ?? false,
      ...change,
    });
  };
  const origin = objective(count - 1, 0).theta;
  const names = path.names ?? path.displacements.map((_, k) => `epoch-${path.steps?.[k] ?? k}`);
  return {
    checkpoints: names.map((name, k) => ({ name, sha256: `sha-${k}`, step: path.steps?.[k] ?? null })),
    weights: {
      count,
      n: origin.length,
      read: async (k) => Float32Array.from(origin, (x, i) => x + path.displacements[k]![i]!),
    },
    otherDifferences: path.otherDifferences ?? [],
    open: async (k, _, work) => {
      const train = objective(k, 0);
      const test = (path.test ?? true) ? objective(k, 0.5) : null;
      return work({ train, test, probe: train, store: scopedStore(store, `sha-${k}`) });
    },
    model,
    data: { ...data, test: (path.test ?? true) ? data.test : null },
    provenance,
  };
}

export function toyTrajectory(
  path: ToyPath = toyPath,
  options: Partial<TrajectoryOptions> = {},
): Promise<TrajectoryReport> {
  return analyseTrajectory(
    toySubject(path),
    { ...smallTrajectory, ...options },
    {
      progress: new PhaseTimer(silentProgress),
      signal: new AbortController().signal,
      resumed: false,
    },
  );
}
