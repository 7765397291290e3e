import type { AnalysisReport, GridValues } from "../../analysis/analysis-report.ts";
import type { TrajectoryReport } from "../../analysis/trajectory/report.ts";
import { planeNames } from "../facts.ts";
import { FRAME } from "../figures/animate.ts";
import type { Pick } from "../figures/figure.ts";
import { report } from "./page.ts";
import type { View } from "./vega.ts";

/** The grid that a panel shows, as the page's report has it. */
export interface Shown {
  readonly name: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly train: GridValues;
  readonly test: GridValues | null;
  readonly what: "loss" | "accuracy";
  /** ‖θ‖ at its origin. */
  readonly thetaNorm: number;
}

/** null for a panel without cells. */
export function shownIn(pick: Pick | null, view: View): Shown | null {
  const carried = report();
  if (pick?.by === "frame" && "animation" in carried) return frameOf(carried, view.signal(FRAME) as number);
  if (pick?.by !== "cell") return null;
  if ("networks" in carried) {
    const network = carried.networks[pick.network ?? 0];
    return network ? planeOf(network.analysis, pick) : null;
  }
  return "animation" in carried ? surfaceOf(carried) : planeOf(carried, pick);
}

function frameOf({ animation, checkpoints }: TrajectoryReport, k: number): Shown | null {
  const frame = animation?.frames[k];
  const point = frame && checkpoints[frame.checkpoint];
  if (!point) return null;
  return { ...frame, name: point.name, what: "loss", thetaNorm: point.checkpoint.thetaNorm };
}

function surfaceOf({ plane, checkpoints }: TrajectoryReport): Shown {
  return { ...plane, name: "Map", what: "loss", thetaNorm: checkpoints.at(-1)?.checkpoint.thetaNorm ?? 0 };
}

function planeOf(
  { planes, checkpoint }: AnalysisReport,
  { plane: index, what }: Pick & { by: "cell" },
): Shown | null {
  const plane = planes[index];
  return plane ? { ...plane, name: planeNames[plane.kind], what, thetaNorm: checkpoint.thetaNorm } : null;
}
