/**
 * Everything that a report shows, as plain JSON: no typed arrays, no functions. `report/` sees only
 * this. Fields are only ever added under one schema number. Not computed is null, not a number is
 * null in grids (`nonFinite` counts them).
 */
export interface AnalysisReport {
  readonly schema: "onnx-landscape/report/1";
  readonly model: ModelInfo;
  readonly data: DataInfo;
  readonly checkpoint: CheckpointInfo;
  readonly verdict: readonly Sentence[];
  readonly eigenpairs: EigenInfo | null;
  readonly trace: TraceInfo | null;
  readonly directions: readonly DirectionInfo[];
  readonly planes: readonly Plane[];
  readonly profiles: readonly Profile[];
  readonly curvatureByScale: readonly ScaleCurve[];
  readonly where: readonly TensorShare[];
  readonly density: DensityInfo | null;
  readonly subsets: SubsetInfo | null;
  readonly randomSlices: RandomSliceInfo | null;
  /** Absent where there is a gradient. */
  readonly lossSlices?: LossSliceInfo | undefined;
  readonly health: readonly HealthCheck[];
  /** What may differ between two equal runs lies under `cost` and `provenance`. */
  readonly cost: CostInfo;
  readonly provenance: ProvenanceInfo;
}

export interface ModelInfo {
  readonly name: string;
  readonly sha256: string;
  readonly opset: number;
  readonly producer: string;
  /** N. */
  readonly parameters: number;
  readonly tensors: readonly { name: string; shape: readonly number[]; offset: number; size: number }[];
  readonly warnings: readonly { code: string; message: string }[];
  /** Why there is no gradient, as a clause; absent: there is one. All that needs one is then null or empty. */
  readonly obstacle?: string | undefined;
}

export interface DataInfo {
  readonly train: { samples: number; sha256: string };
  readonly test: { samples: number; sha256: string } | null;
  /** "cross-entropy", "mse", "bce" or "output". */
  readonly loss: string;
  readonly classes: number | null;
}

export interface LossValue {
  readonly loss: number;
  readonly accuracy: number | null;
}

export interface CheckpointInfo {
  readonly train: LossValue;
  readonly test: LossValue | null;
  /** Rounding noise of the train loss: its standard deviation over displacements too small to matter; null if not measured. */
  readonly lossNoise: number | null;
  /** ‖∇L‖ and its noise: the standard error over the groups of samples, null with a single group. */
  readonly gradientNorm: number | null;
  readonly gradientNoise: number | null;
  readonly groups: number;
  /** ‖θ₀‖. */
  readonly thetaNorm: number;
}

/** A checkpoint whose gradient was computed. */
export interface DifferentiatedInfo extends CheckpointInfo {
  readonly gradientNorm: number;
}

export type Answer = "yes" | "no" | "cannot tell";

/** One sentence of the verdict; `evidence` names the paths in this report that it rests on. */
export interface Sentence {
  readonly id: "slope" | "saddle" | "curvature" | "random-plane" | "gain";
  readonly answer: Answer;
  readonly text: string;
  readonly evidence: readonly string[];
}

export interface Eigenpair {
  readonly value: number;
  /** ‖Hv − λv‖, measured with one more product, the product's own error included: |λ − exact| ≤ residual. */
  readonly residual: number;
  readonly converged: boolean;
  readonly end: "top" | "bottom";
  /** The eigenvalue is at least so many-fold; absent in reports that did not look. */
  readonly multiplicity?: number | undefined;
  /** ∇L·v: the slope along it. */
  readonly slope: number;
}

export interface EigenInfo {
  /** Top descending, then bottom ascending. */
  readonly pairs: readonly Eigenpair[];
  readonly products: number;
  /** Absent: "lanczos". */
  readonly method?: "lanczos" | "annihilation" | undefined;
  /** Products of H by differences or exact; of Gauss-Newton or the empirical Fisher matrix in its place. */
  readonly hvp: "fd" | "exact" | "ggn" | "fisher";
  readonly kinks: "frozen" | "moving";
  /** ‖Δθ‖ of the differences (fd). */
  readonly step: number | null;
  /** What ended the iteration; absent in reports that did not say. */
  readonly stopped?: "converged" | "noise" | "complete" | "limit" | undefined;
  /** The same ends by differences whose branches move, for comparison; null if not computed. */
  readonly moving: {
    top: number;
    bottom: number;
    cosTop: number;
    cosBottom: number;
    relativeStep: number;
  } | null;
}

export interface TraceInfo {
  readonly value: number;
  readonly standardError: number;
  readonly probes: number;
  readonly estimator: "hutchinson" | "hutch++" | "xtrace" | "curvature";
  readonly meanCurvature: number;
  readonly frobeniusNorm: number;
  readonly frobeniusStandardError: number;
}

/** A number with its standard error. */
export interface Measured {
  readonly value: number;
  readonly standardError: number;
}

/** Spectral density by Lanczos quadrature, not smoothed. */
export interface DensityInfo {
  /** Lanczos steps of each probe. */
  readonly steps: number;
  /** One for each probe: nodes ascending, weights that sum to 1. The density is their mean. */
  readonly quadratures: readonly { nodes: readonly number[]; weights: readonly number[] }[];
  /** Sum of all weights over probes: 1. */
  readonly mass: number;
  /** Mean of λ and of λ² over the spectrum: tr H/N and ‖H‖²/N. */
  readonly first: Measured;
  readonly second: Measured;
  /** Below this an eigenvalue is not told from 0. */
  readonly resolution: number;
  /** Shares of eigenvalues below −resolution and above it. */
  readonly negative: Measured;
  readonly positive: Measured;
}

/** The same ends of the spectrum on parts of the training data; null for an end that all data were not asked for. */
export interface SubsetInfo {
  readonly subsets: readonly {
    readonly samples: number;
    readonly top: number | null;
    readonly topResidual: number | null;
    readonly topConverged: boolean | null;
    readonly bottom: number | null;
    readonly bottomResidual: number | null;
    readonly bottomConverged: boolean | null;
    /** |cos| to v₊ and v₋ of all data. */
    readonly cosTop: number | null;
    readonly cosBottom: number | null;
    /** vᵀHv on the subset along v₊ and v₋ of all data, with the error of the product. */
    readonly alongTop: number | null;
    readonly alongTopError: number | null;
    readonly alongBottom: number | null;
    readonly alongBottomError: number | null;
    /** What ended the iteration on this subset; absent in reports that did not say. */
    readonly stopped?: EigenInfo["stopped"];
  }[];
  /** Mean |cos| between the vectors of two subsets. */
  readonly between: { readonly top: number | null; readonly bottom: number | null };
  /** Products of all subsets together, each on its part of the data only. */
  readonly products: number;
}

/** Random planes drawn in the eigenbasis of the measured spectrum; no network is touched. */
export interface RandomSliceInfo {
  readonly planes: number;
  /** Eigenvalues taken one by one at either end; the density tells the rest. */
  readonly outliers: { readonly top: number; readonly bottom: number };
  /** Means of each plane's κ₊ and κ₋. */
  readonly kappaPlus: Measured;
  readonly kappaMinus: Measured;
  /** Curvatures of the mean plane: tr H, twice. */
  readonly meanPlane: { readonly plus: number; readonly minus: number };
  readonly saddles: number;
  readonly saddleShare: number;
  /** Wilson's 95 % interval. */
  readonly interval: { readonly low: number; readonly high: number };
  /** The share with the spectrum as each single probe of the density sees it. */
  readonly byProbe: readonly number[];
  /** exp(−tr²/4‖H‖²)/√2: the share for many comparable eigenvalues. */
  readonly limit: number;
  /** (Σλ²)²/Σλ⁴, the number of comparable eigenvalues. */
  readonly effectiveCount: number;
  readonly trace: number;
  readonly frobeniusNorm: number;
  /** Counts of κ₊ and κ₋ between neighbouring edges. */
  readonly histogram: {
    readonly edges: readonly number[];
    readonly plus: readonly number[];
    readonly minus: readonly number[];
  };
}

/** Curvatures of random planes as fits to losses show them, where there is no gradient: at a scale, branches moving. */
export interface LossSliceInfo {
  readonly planes: number;
  /** Means of each plane's κ₊ and κ₋, with standard errors over planes. */
  readonly kappaPlus: Measured;
  readonly kappaMinus: Measured;
  readonly saddles: number;
  readonly saddleShare: number;
  /** Wilson's 95 % interval. */
  readonly interval: { readonly low: number; readonly high: number };
  /** ‖Δθ‖ up to which losses were looked at. */
  readonly displacement: number;
}

export type DirectionRole = "top" | "bottom" | "random" | "filter";

/** A direction used by planes and profiles, as a unit vector. */
export interface DirectionInfo {
  readonly id: string;
  readonly role: DirectionRole;
  readonly label: string;
  /** ∇L·d and dᵀHd for the unit vector, with the error of the latter; null if not computed. */
  readonly slope: number | null;
  readonly curvature: number | null;
  readonly curvatureError: number | null;
}

/** Values on a grid: `loss[i][j]` at y[i], x[j]; null where it is not finite or not computed. */
export interface GridValues {
  readonly loss: readonly (readonly (number | null)[])[];
  readonly accuracy: readonly (readonly (number | null)[])[] | null;
  readonly nonFinite: number;
  readonly minimum: { x: number; y: number; loss: number };
}

/** Loss on θ₀ + x·d₁ + y·d₂, d₁ and d₂ unit vectors: x and y are displacements ‖Δθ‖. */
export interface Plane {
  readonly kind: "hessian" | "random" | "filter";
  readonly xDirection: string;
  readonly yDirection: string;
  /** Cosine of the angle between the two directions. */
  readonly cosine: number;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly train: GridValues;
  readonly test: GridValues | null;
  /** How the range was chosen, in words. */
  readonly range: string;
  /** Around the lowest train loss of the grid once more; absent where no loss is finite, and in older reports. */
  readonly refined?: RefinedPlane | undefined;
}

/** A finer grid around the lowest train loss of a plane; its `train.minimum` is the minimum as it is best known. */
export interface RefinedPlane {
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly train: GridValues;
  /** At the minimum; null without test data. */
  readonly test: { readonly loss: number | null; readonly accuracy: number | null } | null;
  /** Of its minimum: a step of this grid, and how much lower the parabolas through the neighbours reach. */
  readonly error: { readonly x: number; readonly y: number; readonly loss: number | null };
}

/** Loss along θ₀ + t·d. */
export interface Profile {
  readonly direction: string;
  readonly t: readonly number[];
  readonly train: { loss: readonly (number | null)[]; accuracy: readonly (number | null)[] | null };
  readonly test: { loss: readonly (number | null)[]; accuracy: readonly (number | null)[] | null } | null;
  /** Minimum over the measured points of the train loss. */
  readonly minimum: { t: number; loss: number; testLoss: number | null };
}

/** vᵀ(∇L(θ+εv)−∇L(θ−εv))/2ε, branches moving, by step, beside the Hessian's own value. */
export interface ScaleCurve {
  readonly direction: string;
  /** ε·‖v‖/‖θ‖, ascending. */
  readonly relativeStep: readonly number[];
  readonly curvature: readonly number[];
  /** Estimated rounding error of each. */
  readonly error: readonly number[];
  /** vᵀHv, branches frozen, and its error. */
  readonly hessian: number;
  readonly hessianError: number;
}

/** One tensor's share, in network order. */
export interface TensorShare {
  readonly name: string;
  readonly size: number;
  /** Its part of tr H, with standard error; null if no trace was computed. */
  readonly trace: number | null;
  readonly traceStandardError: number | null;
  /** Fraction of ‖v₊‖² and ‖v₋‖² in it. */
  readonly energyTop: number | null;
  readonly energyBottom: number | null;
}

export interface HealthCheck {
  readonly id: string;
  readonly status: "ok" | "look" | "failed" | "not done";
  readonly label: string;
  /** What was measured, with its number. */
  readonly text: string;
}

/** What this process spent: a resumed run's cost is that of what was left to do. */
export interface CostInfo {
  readonly seconds: number;
  /** `units`: evaluations, gradients and products that were computed; none of those found in the run folder. */
  readonly phases: readonly { name: string; seconds: number; units: number }[];
  readonly peakMemoryBytes: number;
  readonly resumed: boolean;
}

export interface ProvenanceInfo {
  readonly created: string;
  readonly command: string;
  readonly modelPath: string;
  readonly trainPath: string;
  readonly testPath: string | null;
  readonly versions: Readonly<Record<string, string>>;
  readonly device: string;
  readonly threads: number;
  readonly workers: number;
  readonly batch: number;
  readonly seed: number;
  readonly options: Readonly<Record<string, unknown>>;
}
