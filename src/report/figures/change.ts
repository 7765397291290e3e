import type { AnalysisReport, Plane } from "../../analysis/analysis-report.ts";
import { countText, numberText } from "../../analysis/number-text.ts";
import type { Grid } from "../contours.ts";
import { changeText, type Split, start, stretchOf } from "../facts.ts";
import { atOrigin, crop, finite, mapGrid } from "../grid.ts";
import { html } from "../html.ts";
import { diverging, viridis } from "../maps.ts";
import { changeScale, lossScale } from "../scales.ts";
import { changeTable } from "../tables/planes.ts";
import { colourBar } from "./colour-bar.ts";
import type { Figure, Panel } from "./figure.ts";
import { type PlaneView, planePanel } from "./plane.ts";
import { axisTitles, lossGrid, marksOf, planeKey, rangeRatio, splitsOf } from "./planes.ts";

/** A plane cut so that both curvatures look alike. */
interface Cut {
  readonly plane: Plane;
  readonly index: number;
  /** How many times longer one unit of α is drawn than one of β. */
  readonly factor: number;
  readonly loss: Readonly<Partial<Record<Split, Grid>>>;
  readonly change: Readonly<Partial<Record<Split, Grid>>>;
}

/**
 * The Hessian plane with β drawn shorter by √(λ₊/|λ₋|), and the change of loss on a diverging map: a negative
 * curvature that is small beside λ₊ is invisible without them. Null without a Hessian plane.
 */
export function changeFigure(report: AnalysisReport): Figure | null {
  const plane = bestPlane(report);
  if (!plane) return null;
  const cut = cutPlane(report, plane);
  const all = Object.values(cut.change).flatMap((grid) => finite(grid));
  const depth = -Math.min(0, ...all);
  const scale = changeScale(all, depth);
  const loss = lossScale(finite(cut.loss.train!)).scale;
  const splits = splitsOf(plane);
  return {
    id: "change",
    title: changeTitle(report, cut),
    caption: html`How to read: ${cutNote(report, cut)} Left, the loss on a colour scale of its own. Then
      ΔL = L − L(0): <em>blue is below the checkpoint</em>, brown above; the scale is symmetric, linear within
      ±${numberText(scale.constant ?? 1, 2)} and logarithmic beyond, the same for both signs.`,
    panels: [
      stretchedPanel(report, cut, loss),
      ...splits.map((split) => changePanel(report, cut, split, scale)),
      colourBar("change-losses", `training loss (left panel), ${loss.kind} colour scale`, loss, viridis),
      colourBar("change-colours", "ΔL = L − L(0), symmetric logarithmic colour scale", scale, diverging),
    ],
    columns: splits.length === 2 ? 3 : 2,
    key: planeKey(report),
    numbers: changeTable(plane),
  };
}

/** Of several Hessian planes the one whose ranges come nearest to the stretch. */
function bestPlane(report: AnalysisReport): Plane | undefined {
  const off = (plane: Plane) => Math.abs(Math.log(rangeRatio(plane) / (stretchOf(report) ?? 1)));
  return report.planes.filter((p) => p.kind === "hessian").toSorted((a, b) => off(a) - off(b))[0];
}

function cutPlane(report: AnalysisReport, plane: Plane): Cut {
  const stretch = stretchOf(report) ?? rangeRatio(plane);
  const [reachX, reachY] = [plane.x, plane.y].map((v) => Math.max(...v.map(Math.abs))) as [number, number];
  const [limitX, limitY] = [Math.min(reachX, reachY / stretch), Math.min(reachY, reachX * stretch)];
  const loss: Partial<Record<Split, Grid>> = {};
  const change: Partial<Record<Split, Grid>> = {};
  for (const split of splitsOf(plane)) {
    const whole = lossGrid(plane, plane[split]!);
    const from = atOrigin(whole) ?? start(report, split)?.loss ?? 0;
    loss[split] = crop(whole, limitX * 1.001, limitY * 1.001);
    change[split] = mapGrid(loss[split], (v) => v - from);
  }
  const factor = rangeRatio(loss.train!);
  return { plane, index: report.planes.indexOf(plane), factor, loss, change };
}

function common(
  report: AnalysisReport,
  cut: Cut,
): Omit<PlaneView, "id" | "title" | "subtitle" | "description" | "grid" | "scale" | "map" | "level"> {
  const { xTitle, yTitle } = axisTitles(report, cut.plane);
  const drawn = Math.abs(cut.factor - 1) < 0.05 ? "" : ` (drawn 1 : ${numberText(cut.factor, 2)})`;
  return {
    marks: marksOf(report, cut.plane),
    xTitle,
    yTitle: `${yTitle}${drawn}`,
    thetaNorm: report.checkpoint.thetaNorm,
    aspect: 1,
    contours: 8,
    pick: { by: "cell", plane: cut.index, what: "loss" },
  };
}

function stretchedPanel(report: AnalysisReport, cut: Cut, scale: PlaneView["scale"]): Panel {
  const grid = cut.loss.train!;
  const title = "Hessian plane · train";
  const subtitle = `β drawn ${numberText(cut.factor, 2)} times shorter than α`;
  return planePanel({
    ...common(report, cut),
    id: "change-loss",
    title,
    subtitle,
    description: `${title}, ${subtitle}. Map of the loss over α and β.`,
    grid,
    scale,
    map: viridis,
    level: atOrigin(grid) ?? report.checkpoint.train.loss,
  });
}

function changePanel(report: AnalysisReport, cut: Cut, split: Split, scale: PlaneView["scale"]): Panel {
  const grid = cut.change[split]!;
  const values = finite(grid);
  const title = `ΔL on the Hessian plane · ${split}`;
  const subtitle = `below L(0) in ${countText(values.filter((v) => v < 0).length)} of ${countText(values.length)} cells shown`;
  return planePanel({
    ...common(report, cut),
    id: `change-${split}`,
    title,
    subtitle,
    description: `${title}: ${subtitle}. Map of the change of loss over α and β.`,
    grid,
    scale,
    map: diverging,
    level: 0,
  });
}

function cutNote(report: AnalysisReport, cut: Cut): string {
  const stretch = stretchOf(report);
  if (stretch === null) return "The Hessian plane once more.";
  return `The Hessian plane again, cut so that one unit of α is drawn ${numberText(cut.factor, 2)} times as long as one of β; at √(λ₊/|λ₋|) = ${numberText(stretch, 2)} both curvatures look alike, and the contours of a saddle cross at right angles.`;
}

function changeTitle(report: AnalysisReport, { plane }: Cut): string {
  const parts = splitsOf(plane).map((split) => {
    const values = plane[split]!;
    const from = atOrigin(lossGrid(plane, values)) ?? start(report, split)?.loss ?? 0;
    const all = finite({ values: values.loss });
    const below = all.filter((v) => v < from).length;
    const depth = from - Math.min(from, ...all);
    const cells = countText(all.length);
    const where =
      below > 0
        ? `${countText(below)} of ${cells} cells, by up to ${changeText(depth, from)}`
        : `none of ${cells} cells`;
    return `${split === "train" ? "training" : "test"} loss is below L(0) in ${where}`;
  });
  return `On the Hessian plane the ${parts.join("; ")}`;
}
