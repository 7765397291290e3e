import type { AnalysisReport, Plane } from "../../analysis/analysis-report.ts";
import { countText, numberText } from "../../analysis/number-text.ts";
import type { Grid } from "../contours.ts";
import { changeText, type Split, splitNames, start, stretchOf } from "../facts.ts";
import { aspectOf, atOrigin, finite, mapGrid, rangeRatio } from "../grid.ts";
import { html } from "../html.ts";
import { diverging } from "../maps.ts";
import { changeScale, type Scale } from "../scales.ts";
import { changeTable } from "../tables/planes.ts";
import { colourBar } from "./colour-bar.ts";
import type { Figure, Panel } from "./figure.ts";
import { planePanel } from "./plane.ts";
import { axisTitles, lossGrid, marksOf, minimumOf, planeKey, splitsOf } from "./planes.ts";

/** The change of loss on the Hessian plane, on a diverging map: what lies below the checkpoint. Null without that plane. */
export function changeFigure(report: AnalysisReport): Figure | null {
  const plane = report.planes.find((p) => p.kind === "hessian");
  if (!plane) return null;
  const splits = splitsOf(plane);
  const all = splits.flatMap((split) => finite(changeGrid(report, plane, split)));
  // What lies lower in training is what must be seen, however far the test loss falls.
  const depth = -Math.min(0, ...finite(changeGrid(report, plane, "train")));
  const scale = changeScale(all, depth);
  return {
    id: "change",
    title: changeTitle(report, plane),
    caption: html`How to read: the Hessian plane again, as the change ΔL = L − L(0): <em>blue is below the
      checkpoint</em>, brown above; the scale is symmetric, linear within ±${numberText(scale.constant ?? 1, 2)} and
      logarithmic beyond, the same for both signs and both panels. ${stretchNote(report, plane)}`,
    panels: [
      ...splits.map((split) => changePanel(report, plane, split, scale)),
      colourBar("change-colours", "ΔL = L − L(0), symmetric logarithmic colour scale", scale, diverging),
    ],
    columns: 2,
    key: planeKey(report),
    numbers: changeTable(plane),
  };
}

function changeGrid(report: AnalysisReport, plane: Plane, split: Split): Grid {
  const grid = lossGrid(plane, plane[split]!);
  const from = atOrigin(grid) ?? start(report, split)?.loss ?? 0;
  return mapGrid(grid, (v) => v - from);
}

function changePanel(report: AnalysisReport, plane: Plane, split: Split, scale: Scale): Panel {
  const grid = changeGrid(report, plane, split);
  const values = finite(grid);
  const title = `ΔL on the Hessian plane · ${split}`;
  const subtitle = `below L(0) in ${countText(values.filter((v) => v < 0).length)} of ${countText(values.length)} cells`;
  return planePanel({
    id: `change-${split}`,
    title,
    subtitle,
    description: `${title}: ${subtitle}. Map of the change of loss over α and β.`,
    grid,
    scale,
    map: diverging,
    contours: 8,
    level: 0,
    marks: marksOf(report, plane),
    ...axisTitles(report, plane),
    thetaNorm: report.checkpoint.thetaNorm,
    aspect: aspectOf(plane),
    pick: { by: "cell", plane: report.planes.indexOf(plane), what: "loss" },
    surface: { split, relative: true, times: 1, title: "ΔL, symlog scale" },
  });
}

/** How the plane's own ranges compare with what its curvatures alone would ask for. */
function stretchNote(report: AnalysisReport, plane: Plane): string {
  const stretch = stretchOf(report);
  const ratio = numberText(rangeRatio(plane), 2);
  if (stretch === null) return `β reaches ${ratio} times as far as α.`;
  return `β reaches ${ratio} times as far as α; at √(λ₊/|λ₋|) = ${numberText(stretch, 2)} both curvatures look alike, and the heavy contours of a saddle without slope cross at right angles.`;
}

function changeTitle(report: AnalysisReport, plane: Plane): string {
  const parts = splitsOf(plane).map((split) => {
    const all = finite(changeGrid(report, plane, split));
    const from = start(report, split)?.loss ?? 0;
    const below = all.filter((v) => v < 0).length;
    const cells = countText(all.length);
    const depth = Math.max(minimumOf(report, plane, split).below, -Math.min(...all));
    const where =
      below > 0
        ? `${countText(below)} of ${cells} cells, by up to ${changeText(depth, from)}`
        : `none of ${cells} cells`;
    return `${splitNames[split]} loss is below L(0) in ${where}`;
  });
  return `On the Hessian plane the ${parts.join("; ")}`;
}
