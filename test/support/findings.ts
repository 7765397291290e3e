import type { AnalysisReport, EigenInfo, Eigenpair, SubsetInfo } from "../../src/analysis/analysis-report.ts";
import type { Findings } from "../../src/analysis/verdict.ts";

/** A bottom or top eigenpair with everything said. */
export function pair(end: "top" | "bottom", value: number, residual: number, converged = true): Eigenpair {
  return { value, residual, converged, end, slope: 0 };
}

/** λ₊ and λ₋ of each subset, with residuals of 0.02; along the vectors of all data half of either. */
export function subsetInfo(...ends: readonly [top: number, bottom: number][]): SubsetInfo {
  const subsets = ends.map(([top, bottom]) => ({
    samples: 32,
    ...{ top, topResidual: 0.02, topConverged: true, cosTop: 0.9, alongTop: top / 2, alongTopError: 0.02 },
    ...{ bottom, bottomResidual: 0.02, bottomConverged: true, cosBottom: 0.5 },
    ...{ alongBottom: bottom / 2, alongBottomError: 0.02 },
  }));
  return { subsets, between: { top: 0.9, bottom: 0.4 }, products: 120 };
}

/** Two subsets whose λ₊ did not converge, and what ended their iterations. */
export function openSubsets(...ended: readonly NonNullable<EigenInfo["stopped"]>[]): SubsetInfo {
  const info = subsetInfo(...ended.map(() => [300, -7] as [number, number]));
  const open = info.subsets.map((s, k) => ({ ...s, topConverged: false, stopped: ended[k] }));
  return { ...info, subsets: open };
}

/** Findings of a clear saddle: λ₊ = 314.4, λ₋ = −4.70, trace 886 ± 22, gain 17 % along v₋, no slope. */
export function saddleFindings(change: Partial<Findings> = {}): Findings {
  return { ...base, ...change };
}

const base: Omit<AnalysisReport, "verdict"> = {
  schema: "onnx-landscape/report/1",
  model: { name: "toy", sha256: "00", opset: 18, producer: "test", parameters: 4, tensors: [], warnings: [] },
  data: {
    train: { samples: 16, sha256: "11" },
    test: { samples: 16, sha256: "22" },
    loss: "mse",
    classes: null,
  },
  checkpoint: {
    train: { loss: 0.1, accuracy: null },
    test: { loss: 0.4, accuracy: null },
    lossNoise: 1e-8,
    gradientNorm: 3.1e-4,
    gradientNoise: 2.8e-4,
    groups: 8,
    thetaNorm: 40,
  },
  eigenpairs: {
    pairs: [pair("top", 314.42, 0.02), pair("bottom", -4.6976, 0.003)],
    products: 82,
    hvp: "fd",
    kinks: "frozen",
    step: 1e-3,
    moving: { top: 320, bottom: -35, cosTop: 0.998, cosBottom: 0.26, relativeStep: 1e-4 },
  },
  trace: {
    value: 885.7,
    standardError: 21.9,
    probes: 64,
    estimator: "hutchinson",
    meanCurvature: 0.003,
    frobeniusNorm: 373,
    frobeniusStandardError: 8,
  },
  directions: [
    { id: "v+", role: "top", label: "v₊", slope: 0, curvature: 314.42, curvatureError: 0.02 },
    { id: "v-", role: "bottom", label: "v₋", slope: -0.04, curvature: -4.6976, curvatureError: 0.003 },
  ],
  planes: [],
  profiles: [
    {
      direction: "v-",
      t: [-0.2, -0.1, 0, 0.1, 0.2],
      train: { loss: [0.3, 0.15, 0.1, 0.083, 0.12], accuracy: null },
      test: { loss: [0.6, 0.5, 0.4, 0.42, 0.5], accuracy: null },
      minimum: { t: 0.1, loss: 0.083, testLoss: 0.4016 },
    },
  ],
  curvatureByScale: [],
  where: [],
  density: null,
  subsets: null,
  randomSlices: null,
  health: [],
  cost: { seconds: 1, phases: [], peakMemoryBytes: 1, resumed: false },
  provenance: {
    created: "2026-01-01T00:00:00Z",
    command: "onnx-landscape report toy.onnx",
    modelPath: "toy.onnx",
    trainPath: "train.npz",
    testPath: "test.npz",
    versions: {},
    device: "cpu",
    threads: 1,
    workers: 1,
    batch: 16,
    seed: 0,
    options: {},
  },
};
