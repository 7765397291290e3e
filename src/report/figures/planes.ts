import type { AnalysisReport, GridValues, Plane } from "../../analysis/analysis-report.ts";
import { isOnBorder, lowestPoint } from "../../analysis/lowest-point.ts";
import { countText, numberText, percentText } from "../../analysis/number-text.ts";
import type { Grid } from "../contours.ts";
import { changeText, labelOf, planeNames, type Split, splitNames, start } from "../facts.ts";
import { aspectOf, atOrigin, finite, rangeRatio } from "../grid.ts";
import { html } from "../html.ts";
import type { KeyEntry } from "../key.ts";
import { type ColourMap, viridis } from "../maps.ts";
import { lossScale, type Scale } from "../scales.ts";
import { planeTable } from "../tables/planes.ts";
import { colourBar } from "./colour-bar.ts";
import type { Figure, Panel } from "./figure.ts";
import { planePanel } from "./plane.ts";
import type { PlaneMark } from "./plane-mark.ts";

/**
 * Columns are kinds of plane, rows are splits of the data. One colour domain for a row: kinds are compared, while the
 * test loss may be a hundred times that of training, and on one domain for both neither would show its shape.
 */
export function planesFigure(report: AnalysisReport): Figure {
  const { planes } = report;
  const splits: Split[] = planes.some((p) => p.test) ? ["train", "test"] : ["train"];
  const scales = new Map(splits.map((s) => [s, lossScale(lossesOf(planes, s))]));
  const beyond = [...scales.values()].reduce((sum, s) => sum + s.beyond, 0);
  const missing = planes.reduce((sum, p) => sum + p.train.nonFinite + (p.test?.nonFinite ?? 0), 0);
  const onBorder = planes.some((p) => splitsOf(p).some((s) => minimumOf(report, p, s).onBorder));
  const panels = inRows(planes).map(([plane, split]): Panel => {
    const panel = lossPanel(report, plane, split, scales.get(split)!.scale, viridis);
    return split === "train" ? { ...panel, solid: planeNames[plane.kind] } : panel;
  });
  const bars = splits.map((split) => {
    const { scale } = scales.get(split)!;
    const title = `${splitNames[split]} loss, ${scale.kind} scale, the same in its row`;
    return colourBar(`planes-colours-${split}`, title, scale, viridis);
  });
  return {
    id: "planes",
    title: planesTitle(report, planes),
    caption: html`How to read: a heavy contour that <em>crosses itself at +</em> is a saddle, one <em>shrunk to a
      dot</em> a minimum, one <em>smooth curve through +</em> a slope that is left. Thin contours are
      equally spaced on the colour scale of their row. Axes are true displacements ‖Δθ‖, with % of ‖θ‖ = ${numberText(report.checkpoint.thetaNorm, 4)}
      above and at the right. ${unitsNote(report)} ${rangesNote(report)} ${refinedNote(planes)} ${onBorder && "“On the border”: the loss may be lower still outside."} ${
        beyond > 0 && `${countText(beyond)} cells above the scale have its last colour.`
      } ${missing > 0 && `${countText(missing)} cells without a finite loss are grey and hatched.`}`,
    panels: [...panels, ...bars],
    columns: planes.length > 2 ? 3 : 2,
    key: [...planeKey(report), ...(missing > 0 ? [notFiniteKey] : [])],
    numbers: planeTable(report),
  };
}

export const notFiniteKey: KeyEntry = { mark: "hatch", colour: "", label: "not finite" };

export function planeKey(report: AnalysisReport): KeyEntry[] {
  const entries: KeyEntry[] = [
    { mark: "plus", colour: "var(--text)", label: "θ₀, the checkpoint" },
    { mark: "heavy", colour: "", label: "L = L(0)" },
    { mark: "cross", colour: "var(--text)", label: "minimum of the training loss" },
  ];
  if (report.planes.some((p) => p.test)) {
    entries.push({ mark: "ring", colour: "var(--text)", label: "minimum of the test loss" });
  }
  return entries;
}

/** All (plane, split): first a row of training panels, then one of test panels. */
export function inRows(planes: readonly Plane[]): [Plane, Split][] {
  const splits: Split[] = planes.some((p) => p.test) ? ["train", "test"] : ["train"];
  return splits.flatMap((s) => planes.filter((p) => p[s]).map((p): [Plane, Split] => [p, s]));
}

export function splitsOf(plane: Plane): Split[] {
  return plane.test ? ["train", "test"] : ["train"];
}

export function lossGrid(plane: Pick<Plane, "x" | "y">, values: GridValues): Grid {
  return { x: plane.x, y: plane.y, values: values.loss };
}

function lossPanel(report: AnalysisReport, plane: Plane, split: Split, scale: Scale, map: ColourMap): Panel {
  const values = plane[split]!;
  const grid = lossGrid(plane, values);
  const index = report.planes.indexOf(plane);
  const title = `${planeNames[plane.kind]} plane · ${split}`;
  const subtitle = minimumText(report, plane, split);
  return planePanel({
    id: `plane-${index}-${split}`,
    title,
    subtitle,
    description: `${title}: ${subtitle}. Map of the loss over α and β.`,
    grid,
    scale,
    map,
    contours: 8,
    level: atOrigin(grid) ?? start(report, split)?.loss ?? null,
    marks: marksOf(report, plane),
    ...axisTitles(report, plane),
    thetaNorm: report.checkpoint.thetaNorm,
    aspect: aspectOf(plane),
    pick: { by: "cell", plane: index, what: "loss" },
    surface: { split, relative: false, times: 1, title: `${splitNames[split]} loss${logNote(scale)}` },
  });
}

/** Of a title: a linear scale is what one expects. */
function logNote({ kind }: Scale): string {
  return kind === "log" ? ", log scale" : "";
}

export function marksOf(report: AnalysisReport, plane: Plane): PlaneMark[] {
  const minima = splitsOf(plane).map((split): PlaneMark => {
    const { x, y } = minimumOf(report, plane, split);
    return { kind: split === "train" ? "train minimum" : "test minimum", x, y };
  });
  // The training minimum last, over the test's.
  return [{ kind: "origin", x: 0, y: 0 }, ...minima.toReversed()];
}

export function axisTitles(report: AnalysisReport, plane: Plane): { xTitle: string; yTitle: string } {
  // The panel's title has the long name; beside the plot it would be longer than the axis.
  const name = (id: string) => labelOf(report, id).replace("filter-normalised", "filter");
  return {
    xTitle: `α along ${name(plane.xDirection)}, ‖Δθ‖`,
    yTitle: `β along ${name(plane.yDirection)}, ‖Δθ‖`,
  };
}

/** Ranges follow the training loss; the Hessian plane's in full, the others' under Numbers. */
function rangesNote(report: AnalysisReport): string {
  const plane = report.planes.find((p) => p.kind === "hessian") ?? report.planes[0];
  const others = report.planes.length > 1 ? " The other planes’ ranges are under Numbers." : "";
  return plane ? `Range of the ${adjective(plane)} plane: ${plane.range}.${others}` : "";
}

/** What was done for the exact place. */
function refinedNote(planes: readonly Plane[]): string {
  return planes.some((p) => p.refined)
    ? "Around each plane’s lowest training loss a grid three times finer was evaluated: × is the lowest of its points, known to a third of a cell (see Numbers)."
    : "";
}

function lossesOf(planes: readonly Plane[], split: Split): number[] {
  return planes.flatMap((p) => (p[split] ? finite({ values: p[split].loss }) : []));
}

function unitsNote(report: AnalysisReport): string {
  const uneven = report.planes.filter((p) => aspectOf(p) === 1 && Math.abs(rangeRatio(p) - 1) > 0.01);
  if (uneven.length === 0) return "α and β have the same unit in every panel.";
  const parts = uneven.map((p) => {
    const ratio = rangeRatio(p);
    const [times, word] = ratio > 1 ? [ratio, "shorter"] : [1 / ratio, "longer"];
    return `${planeNames[p.kind]}: one unit of β is drawn ${numberText(times, 2)} times ${word} than one of α`;
  });
  return `${parts.join("; ")}.`;
}

export interface Minimum {
  readonly x: number;
  readonly y: number;
  readonly loss: number;
  /** L(0) − loss; 0 when no cell lies below. */
  readonly below: number;
  readonly from: number;
  readonly onBorder: boolean;
}

/** Where a plane is lowest, for the training loss as its refined grid tells; θ₀ itself unless a cell is lower. */
export function minimumOf(report: AnalysisReport, plane: Plane, split: Split): Minimum {
  const values = plane[split]!;
  const { x, y, loss } = split === "train" ? lowestPoint(plane) : values.minimum;
  const from = atOrigin(lossGrid(plane, values)) ?? start(report, split)?.loss ?? loss;
  // What rounding alone could lower is no lower point.
  const noise = split === "train" ? 2 * (report.checkpoint.lossNoise ?? 0) : 0;
  if (!(loss < from - noise)) return { x: 0, y: 0, loss: from, below: 0, from, onBorder: false };
  return { x, y, loss, below: from - loss, from, onBorder: isOnBorder(plane, { x, y }) };
}

/** "minimum 0.0803 at (0.1, −2e−3), 18.6 % lower", and whether the range was wide enough to tell. */
function minimumText(report: AnalysisReport, plane: Plane, split: Split): string {
  const { x, y, loss, below, from, onBorder } = minimumOf(report, plane, split);
  if (below === 0) return `minimum ${numberText(loss, 3)} at θ₀`;
  const place = onBorder ? "on the border" : `at ${placeText({ x, y }, 2)}`;
  return `minimum ${numberText(loss, 3)} ${place}, ${changeText(below, from)} lower`;
}

/** "(0.1, −2e−3)", in ‖Δθ‖. */
export function placeText({ x, y }: { readonly x: number; readonly y: number }, digits: number): string {
  return `(${numberText(x, digits)}, ${numberText(y, digits)})`;
}

function planesTitle(report: AnalysisReport, planes: readonly Plane[]): string {
  const from = report.checkpoint.train.loss;
  const parts = planes.map(
    (p) => `${changeText(minimumOf(report, p, "train").below, from)} on the ${adjective(p)} plane`,
  );
  return `The lowest ${splitNames.train} loss lies below L(0) = ${numberText(from, 3)} by ${parts.join(", ")}`;
}

function adjective(plane: Plane): string {
  return plane.kind === "hessian" ? "Hessian" : planeNames[plane.kind].toLowerCase();
}

/** Range of an accuracy in words. */
export function shareRange(values: readonly number[]): string {
  if (values.length === 0) return "nothing finite";
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return `${percentText(low, 3)} to ${percentText(high, 3)}`;
}
