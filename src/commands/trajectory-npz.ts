import type { GridValues } from "../analysis/analysis-report.ts";
import type { PathPoint, TrajectoryReport } from "../analysis/trajectory/report.ts";
import { type ArrayToWrite, writeNpz } from "../data/npz.ts";

/** The path [K], the surface under it [y, x], and the frames [F, y, x]. */
export function writeTrajectory(path: string, report: TrajectoryReport): void {
  const { checkpoints, plane, animation } = report;
  const column = (value: (p: PathPoint) => number | null | undefined) => vector(checkpoints.map(value));
  const frames = animation?.frames ?? [];
  writeNpz(path, {
    step: column((p) => p.step),
    path_x: column((p) => p.x),
    path_y: column((p) => p.y),
    distance: column((p) => p.distance),
    off_plane: column((p) => p.offPlane),
    path_train_loss: column((p) => p.checkpoint.train.loss),
    path_test_loss: column((p) => p.checkpoint.test?.loss),
    gradient_norm: column((p) => p.checkpoint.gradientNorm),
    top: column((p) => p.eigenpairs[0]?.value),
    top_residual: column((p) => p.eigenpairs[0]?.residual),
    bottom: column((p) => p.eigenpairs[1]?.value),
    bottom_residual: column((p) => p.eigenpairs[1]?.residual),
    trace: column((p) => p.trace?.value),
    trace_standard_error: column((p) => p.trace?.standardError),
    x: vector(plane.x),
    y: vector(plane.y),
    ...grids("", [plane]),
    ...(frames.length > 0
      ? {
          frame: vector(frames.map((f) => f.checkpoint)),
          frame_x: rows(frames.map((f) => f.x)),
          frame_y: rows(frames.map((f) => f.y)),
          ...grids("frame_", frames),
        }
      : {}),
  });
}

interface Evaluated {
  readonly train: GridValues;
  readonly test: GridValues | null;
}

/** Losses and accuracies of one plane, or of several one after the other. */
function grids(prefix: string, planes: readonly Evaluated[]): Record<string, ArrayToWrite> {
  const arrays: Record<string, ArrayToWrite> = {};
  for (const split of ["train", "test"] as const) {
    for (const what of ["loss", "accuracy"] as const) {
      const values = planes.flatMap((p) => p[split]?.[what] ?? []);
      if (values.length === 0) continue;
      const { shape, data } = stack(planes.map((p) => p[split]?.[what] ?? []));
      arrays[`${prefix}${split}_${what}`] = { shape: prefix === "" ? shape.slice(1) : shape, data };
    }
  }
  return arrays;
}

type Row = readonly (number | null | undefined)[];

function vector(values: Row): ArrayToWrite {
  return { shape: [values.length], data: Float64Array.from(values, (v) => v ?? Number.NaN) };
}

function rows(all: readonly Row[]): ArrayToWrite {
  return { shape: [all.length, all[0]?.length ?? 0], data: vector(all.flat()).data };
}

function stack(planes: readonly (readonly Row[])[]): ArrayToWrite {
  const shape = [planes.length, planes[0]?.length ?? 0, planes[0]?.[0]?.length ?? 0];
  return { shape, data: vector(planes.flat(2)).data };
}
