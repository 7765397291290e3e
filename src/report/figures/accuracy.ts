import type { AnalysisReport, Plane } from "../../analysis/analysis-report.ts";
import { percentText } from "../../analysis/number-text.ts";
import { planeNames, type Split, start } from "../facts.ts";
import { aspectOf, finite } from "../grid.ts";
import { html } from "../html.ts";
import { cividis } from "../maps.ts";
import { accuracyScale, type Scale } from "../scales.ts";
import { accuracyTable } from "../tables/planes.ts";
import { colourBar } from "./colour-bar.ts";
import type { Figure, Panel } from "./figure.ts";
import { planePanel } from "./plane.ts";
import { axisTitles, inRows, marksOf, notFiniteKey, planeKey, shareRange } from "./planes.ts";

/** The same layout as the losses, for the share of samples that are classified right; null for regression. */
export function accuracyFigure(report: AnalysisReport): Figure | null {
  const shown = inRows(report.planes).filter(([plane, split]) => plane[split]!.accuracy !== null);
  if (shown.length === 0) return null;
  const all = shown.flatMap(([plane, split]) => sharesOf(plane, split));
  const missing = shown.some(([plane, split]) => plane[split]!.nonFinite > 0);
  const range = accuracyScale(all.map((v) => 100 * v));
  const kinds = new Set(shown.map(([plane]) => plane));
  return {
    id: "accuracy",
    title: accuracyTitle(report, shown),
    caption: html`How to read: the same planes, axes and marks as above; × and ○ are the minima of the
      <em>loss</em>. The colour scale covers the range that occurs, ${shareRange(all)}, and is the same in all panels.`,
    panels: [
      ...shown.map(([plane, split]) => accuracyPanel(report, plane, split, range)),
      colourBar("accuracy-colours", "accuracy in %, the same scale in all panels", range, cividis),
    ],
    columns: kinds.size > 2 ? 3 : 2,
    key: [...planeKey(report).filter((e) => e.mark !== "heavy"), ...(missing ? [notFiniteKey] : [])],
    numbers: accuracyTable(report),
  };
}

function accuracyPanel(report: AnalysisReport, plane: Plane, split: Split, scale: Scale): Panel {
  const values = plane[split]!.accuracy!.map((row) => row.map((v) => (v === null ? null : 100 * v)));
  const index = report.planes.indexOf(plane);
  const title = `${planeNames[plane.kind]} plane · ${split}`;
  const here = start(report, split)?.accuracy ?? null;
  const subtitle = `${here === null ? "" : `${percentText(here, 3)} at θ₀, `}from ${shareRange(sharesOf(plane, split))}`;
  return planePanel({
    id: `accuracy-${index}-${split}`,
    title,
    subtitle,
    description: `${title}: ${subtitle}. Map of the accuracy over α and β.`,
    grid: { x: plane.x, y: plane.y, values },
    scale,
    map: cividis,
    // A count of samples moves in steps: contours of it would be noise.
    contours: 0,
    level: null,
    marks: marksOf(report, plane),
    ...axisTitles(report, plane),
    thetaNorm: report.checkpoint.thetaNorm,
    aspect: aspectOf(plane),
    pick: { by: "cell", plane: index, what: "accuracy" },
    surface: { split, relative: false, times: 100, title: "accuracy in %" },
  });
}

function sharesOf(plane: Plane, split: Split): number[] {
  return finite({ values: plane[split]?.accuracy ?? [] });
}

function accuracyTitle(report: AnalysisReport, shown: readonly (readonly [Plane, Split])[]): string {
  const here = report.checkpoint.train.accuracy;
  const first = shown.filter(([, split]) => split === "train");
  const parts = first.map(([plane]) => {
    const best = Math.max(...sharesOf(plane, "train"));
    return `${percentText(best, 3)} on the ${plane.kind === "hessian" ? "Hessian" : planeNames[plane.kind].toLowerCase()} plane`;
  });
  const from = here === null ? "" : `Training accuracy is ${percentText(here, 3)} at θ₀; `;
  return `${from}${from ? "the" : "The"} highest is ${parts.join(", ")}`;
}
