import type { AnalysisReport, CostInfo, Eigenpair, LossValue, ProvenanceInfo } from "../analysis-report.ts";
import type { Finding } from "../trajectory/report.ts";
import type { NetworkGroup, PaperNetwork } from "./paper.ts";

/**
 * The paper's experiments done again, as plain JSON: toy losses, trace estimators, trained networks.
 * Fields are only ever added under one schema number. Not computed is null.
 */
export interface ReproductionReport {
  readonly schema: "onnx-landscape/reproduction/1";
  /** What the numbers say beside what the paper does; `evidence` names the paths in this report that they rest on. */
  readonly findings: readonly Finding[];
  readonly toys: readonly ToyCase[];
  readonly traces: readonly TraceComparison[];
  /** One row for each network, as in the paper's Table 2. */
  readonly table: readonly NetworkRow[];
  readonly networks: readonly NetworkCase[];
  /** What the paper reports of its networks. */
  readonly paper: readonly PaperStatus[];
  /** Other files of the folder that are not among `networks`, and why. */
  readonly leftOut: readonly { readonly name: string; readonly why: string }[];
  readonly cost: CostInfo;
  readonly provenance: Omit<ProvenanceInfo, "modelPath" | "trainPath" | "testPath" | "batch" | "workers">;
}

export interface Estimate {
  readonly value: number;
  readonly standardError: number;
}

/** T1 or T2 at its critical point, and what random planes show of it. */
export interface ToyCase {
  readonly name: string;
  /** As MODEL of any command. */
  readonly model: string;
  readonly parameters: number;
  /** The largest eigenvalue, then the smallest. */
  readonly eigenpairs: readonly Eigenpair[];
  /** In closed form: tr H and ‖H‖_F. */
  readonly trace: number;
  readonly frobenius: number;
  /** A, B, C of each plane, as measured. */
  readonly planes: readonly (readonly [a: number, b: number, c: number])[];
  /** Means of each plane's own curvatures, beside the closed form of many comparable eigenvalues. */
  readonly kappaPlus: Estimate;
  readonly kappaMinus: Estimate;
  readonly expected: { readonly plus: number; readonly minus: number };
  /** The curvatures of the mean plane: averaged first. */
  readonly meanPlane: { readonly plus: number; readonly minus: number };
  readonly saddles: number;
  readonly saddleShare: number;
  /** Wilson's 95 % interval. */
  readonly interval: { readonly low: number; readonly high: number };
  /** The share in closed form. */
  readonly limit: number;
  readonly convergence: readonly {
    readonly planes: number;
    readonly kappaPlus: number;
    readonly kappaMinus: number;
    readonly ofMean: { readonly plus: number; readonly minus: number };
    readonly saddleShare: number;
  }[];
}

/** The trace by losses alone and by Hessian products, on the same random directions. */
export interface TraceComparison {
  readonly name: string;
  readonly parameters: number;
  /** Losses on a line, and ‖Δθ‖ at its ends. */
  readonly points: number;
  readonly displacement: number;
  readonly relativeDisplacement: number;
  readonly curvature: Estimate;
  readonly hutchinson: Estimate;
  /** The two estimates of ηᵀHη for each direction. */
  readonly directions: readonly { readonly curvature: number; readonly hutchinson: number }[];
  /** tr H where it is known in closed form. */
  readonly exact: number | null;
}

export interface PaperStatus extends PaperNetwork {
  /** Why it is not among `networks`. */
  readonly missing: string | null;
  /** Of the file of its name; another number is another architecture. */
  readonly parametersHere: number | null;
}

export interface NetworkCase {
  readonly name: string;
  readonly group: NetworkGroup;
  readonly analysis: AnalysisReport;
}

/** Train and test at one point; test is null without test data. */
export interface PointValues {
  readonly train: LossValue;
  readonly test: LossValue | null;
}

/** At a minimum of a plane: the lowest training loss found in it, and where. */
export interface PlaneMinimum extends PointValues {
  readonly x: number;
  readonly y: number;
}

export interface NetworkRow {
  readonly name: string;
  readonly group: NetworkGroup;
  readonly parameters: number;
  readonly samples: number;
  /** λ₊ and λ₋ with their residuals. */
  readonly top: { readonly value: number; readonly residual: number };
  readonly bottom: { readonly value: number; readonly residual: number };
  readonly trace: Estimate;
  /** How many random planes would show the saddle, drawn over the measured spectrum; Wilson's 95 % interval. */
  readonly saddles: { readonly share: number; readonly low: number; readonly high: number } | null;
  readonly checkpoint: PointValues;
  readonly random: PlaneMinimum;
  readonly hessian: PlaneMinimum;
}
