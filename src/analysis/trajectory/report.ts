import type {
  CostInfo,
  DataInfo,
  DifferentiatedInfo,
  EigenInfo,
  Eigenpair,
  GridValues,
  HealthCheck,
  LossValue,
  ModelInfo,
  ProvenanceInfo,
  TraceInfo,
} from "../analysis-report.ts";

/**
 * The checkpoints of one training run, as plain JSON: where they lie, their losses and curvatures, the loss around them.
 * Fields are only ever added under one schema number. Not computed is null, not a number is null in grids.
 */
export interface TrajectoryReport {
  readonly schema: "onnx-landscape/trajectory/1";
  /** The last checkpoint's. */
  readonly model: ModelInfo;
  readonly data: DataInfo;
  /** What the numbers say, in sentences; `evidence` names the paths in this report that they rest on. */
  readonly findings: readonly Finding[];
  /** In the order of training; the last is the origin of the plane. */
  readonly checkpoints: readonly PathPoint[];
  readonly plane: PathPlane;
  /** The loss around some of the checkpoints; null if not asked for. */
  readonly animation: Animation | null;
  readonly health: readonly HealthCheck[];
  readonly cost: CostInfo;
  readonly provenance: ProvenanceInfo;
}

export interface Finding {
  readonly id: string;
  readonly text: string;
  readonly evidence: readonly string[];
}

/** One checkpoint: its own numbers, from its own file, and its place on the path. */
export interface PathPoint {
  readonly name: string;
  readonly sha256: string;
  /** Steps or epochs of training, where the names of all tell them. */
  readonly step: number | null;
  /** Loss, accuracy and gradient of the file itself. */
  readonly checkpoint: DifferentiatedInfo;
  /** The largest eigenvalue, then the smallest. */
  readonly eigenpairs: readonly Eigenpair[];
  readonly products: number;
  /** On what products they were found and what ended the iteration; absent in reports that did not say. */
  readonly hvp?: EigenInfo["hvp"] | undefined;
  readonly stopped?: EigenInfo["stopped"];
  /** |cos| of v₊ and v₋ to those of the last checkpoint. */
  readonly cosTop: number;
  readonly cosBottom: number;
  readonly trace: TraceInfo | null;
  /** θₖ − θ_last on the axes of the plane; its length, and how far beside the plane it lies. ‖Δθ‖. */
  readonly x: number;
  readonly y: number;
  readonly distance: number;
  readonly offPlane: number;
  /** What the surface under the path has at (x, y). */
  readonly onPlane: { readonly train: SurfaceValue; readonly test: SurfaceValue | null };
  /** Train loss at θₖ in the last checkpoint's graph: the checkpoint's own, unless the files differ in more than parameters. */
  readonly inLastGraph: number | null;
}

/** As `LossValue`; null where the loss is not finite. */
export interface SurfaceValue {
  readonly loss: number | null;
  readonly accuracy: LossValue["accuracy"];
}

/** The loss on θ_last + x·a₁ + y·a₂ in the last checkpoint's graph, a₁ and a₂ orthonormal. */
export interface PathPlane {
  readonly kind: "pca" | "hessian";
  readonly xLabel: string;
  readonly yLabel: string;
  /** Shares of Σₖ‖θₖ − θ_last‖² along each axis. */
  readonly explained: readonly [number, number];
  /** The same along every principal direction, descending. */
  readonly shares: readonly number[];
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly train: GridValues;
  readonly test: GridValues | null;
  /** How the range was chosen, in words. */
  readonly range: string;
}

/** The loss around each of some checkpoints, on two directions. */
export interface Animation {
  /** Fixed: v₊ and v₋ of the last checkpoint, one range; follow: each checkpoint's own, and its own range. */
  readonly directions: "fixed" | "follow";
  readonly frames: readonly Frame[];
  readonly range: string;
}

/** Loss on θₖ + x·v₊ + y·v₋. */
export interface Frame {
  /** Index in `checkpoints`. */
  readonly checkpoint: number;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly train: GridValues;
  readonly test: GridValues | null;
}
