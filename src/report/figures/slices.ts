import type { AnalysisReport, RandomSliceInfo } from "../../analysis/analysis-report.ts";
import { countText, numberText, percentText, withError } from "../../analysis/number-text.ts";
import { html } from "../html.ts";
import type { Scale } from "../scales.ts";
import { sliceTable } from "../tables/slices.ts";
import { AXIS_ROOM, again, axisOf, ownAxes, quantitative, wideAxis } from "./axes.ts";
import { CURSOR } from "./cursor.ts";
import { type Figure, PANEL_WIDTH, type Padding, type Panel, plotWidth } from "./figure.ts";

const padding: Padding = { left: AXIS_ROOM, right: 16, top: 50, bottom: 42 };
const HEIGHT = 200;
const SIDE = 10;

/** What random planes would show, drawn over the measured spectrum. */
export function slicesFigure(report: AnalysisReport): Figure | null {
  const { randomSlices: slices } = report;
  if (!slices) return null;
  return {
    id: "slices",
    title: slicesTitle(slices),
    caption: html`How to read: ${countText(slices.planes)} planes of two Gaussian directions, drawn in the eigenbasis of
      the measured spectrum (${outlierText(slices)}); each has a largest curvature κ₊ and a smallest κ₋. The average
      plane is curved by tr H in every direction and shows neither end of the spectrum. ${regime(slices)}`,
    panels: [
      histogramPanel(slices),
      dotPanel(
        "slices-measured",
        "Of 100 random planes",
        slices.saddleShare,
        "drawn over the measured spectrum",
      ),
      dotPanel("slices-limit", "By the closed form", slices.limit, "for many comparable eigenvalues"),
    ],
    columns: 3,
    key: [
      { mark: "bar", colour: "var(--top)", label: "κ₊" },
      { mark: "bar", colour: "var(--bottom)", label: "κ₋" },
      { mark: "dash", colour: "var(--text)", label: "tr H of the measured spectrum" },
      { mark: "triangle", colour: "var(--bottom)", label: "shows a saddle" },
      { mark: "ring", colour: "var(--muted)", label: "shows none" },
    ],
    numbers: sliceTable(report, slices),
  };
}

function slicesTitle({ saddles, saddleShare, interval, kappaPlus, kappaMinus }: RandomSliceInfo): string {
  const share =
    saddles === 0
      ? `Fewer than ${percentText(interval.high)} of random planes show a saddle`
      : `${percentText(saddleShare)} of random planes show a saddle (${percentText(interval.low)} … ${percentText(interval.high)})`;
  return `${share}; on average κ₊ = ${withError(kappaPlus.value, kappaPlus.standardError)}, κ₋ = ${withError(kappaMinus.value, kappaMinus.standardError)}`;
}

function outlierText({ outliers }: RandomSliceInfo): string {
  const count = outliers.top + outliers.bottom;
  if (count === 0) return "no eigenvalue stands apart, the density tells all";
  return `${countText(count)} outliers one by one, the rest from the density`;
}

/** The closed form holds for many comparable eigenvalues only. */
function regime({ limit, interval, effectiveCount, byProbe }: RandomSliceInfo): string {
  const holds = limit >= interval.low && limit <= interval.high;
  const size = `the spectrum has the concentration of ${numberText(effectiveCount, 2)} equal eigenvalues, (Σλ²)²/Σλ⁴`;
  const form = holds
    ? `The closed form exp(−tr²/4‖H‖²)/√2 = ${percentText(limit)} agrees: ${size}.`
    : `The closed form exp(−tr²/4‖H‖²)/√2 = ${percentText(limit)} does not hold here: it is for many comparable eigenvalues, and ${size}.`;
  const [low, high] = [Math.min(...byProbe), Math.max(...byProbe)];
  if (low === high) return form;
  return `${form} The interval is of the draws; the spectrum’s own error shows in the shares by single probes of the density, ${percentText(low)} … ${percentText(high)}.`;
}

function histogramPanel({ histogram, meanPlane, planes, trace }: RandomSliceInfo): Panel {
  const id = "slices-kappa";
  const { edges, plus, minus } = histogram;
  const margin = 0.03 * (edges.at(-1)! - edges[0]!) || 1;
  const x: Scale = {
    kind: "linear",
    domain: [Math.min(0, edges[0]!) - margin, Math.max(0, edges.at(-1)!) + margin],
  };
  const share = (count: number) => (100 * count) / planes;
  const y: Scale = { kind: "linear", domain: [0, 1.08 * share(Math.max(...plus, ...minus))] };
  const rows = (counts: readonly number[]) =>
    counts.flatMap((count, k) => (count > 0 ? [[edges[k]!, edges[k + 1]!, share(count)]] : []));
  const bars = (set: string, color: string) => ({
    data: { name: `${id}/${set}` },
    mark: { type: "bar", color, opacity: 0.65, clip: true, aria: false },
    encoding: {
      x: again("0"),
      x2: { field: "1" },
      y: again("2"),
      y2: { datum: 0 },
    },
  });
  return {
    id,
    description: `Distribution of the curvatures of random planes; the mean plane has ${numberText(meanPlane.plus, 3)} and ${numberText(meanPlane.minus, 3)}`,
    padding,
    pick: {
      by: "x",
      rows: edges.slice(0, -1).map((edge, k) => {
        const middle = (edge + edges[k + 1]!) / 2;
        const text = `${numberText(edge, 3)} … ${numberText(edges[k + 1]!, 3)}: κ₊ in ${numberText(share(plus[k]!), 2)} %, κ₋ in ${numberText(share(minus[k]!), 2)} % of planes`;
        return [middle, share(Math.max(plus[k]!, minus[k]!)), text];
      }),
      link: id,
    },
    datasets: {
      [`${id}/plus`]: rows(plus),
      [`${id}/minus`]: rows(minus),
      [`${id}/zero`]: [[0]],
      [`${id}/trace`]: [[trace]],
      [`${id}/cursor`]: [],
    },
    spec: {
      title: {
        text: "Curvatures of random planes",
        subtitle: `the mean plane: ${numberText(meanPlane.plus, 3)} and ${numberText(meanPlane.minus, 3)}`,
      },
      width: plotWidth(padding),
      height: HEIGHT,
      layer: [
        {
          ...bars("plus", "var(--top)"),
          encoding: {
            x: quantitative("0", x, wideAxis(x, plotWidth(padding), "curvature")),
            x2: { field: "1" },
            y: quantitative("2", y, axisOf(y, 4, "% of planes")),
            y2: { datum: 0 },
          },
        },
        bars("minus", "var(--bottom)"),
        {
          data: { name: `${id}/zero` },
          mark: { type: "rule", color: "var(--text)", strokeWidth: 1, aria: false },
          encoding: { x: again("0") },
        },
        {
          data: { name: `${id}/trace` },
          mark: { type: "rule", color: "var(--text)", strokeDash: [5, 4], strokeWidth: 1.5, aria: false },
          encoding: { x: again("0") },
        },
        {
          name: CURSOR,
          data: { name: `${id}/cursor` },
          mark: { type: "rule", color: "var(--text)", strokeWidth: 1, aria: false },
          encoding: { x: again("0") },
        },
      ],
      resolve: ownAxes,
    },
  };
}

/** The square of dots is as high as the histogram. */
const dotPadding: Padding = { left: 16, right: PANEL_WIDTH - 16 - HEIGHT, top: 50, bottom: 42 };

/** A share as so many of a hundred planes. */
function dotPanel(id: string, title: string, share: number, subtitle: string): Panel {
  const saddles = Math.round(100 * share);
  const dots = Array.from({ length: SIDE * SIDE }, (_, k) => [
    k % SIDE,
    Math.floor(k / SIDE),
    k < saddles ? 1 : 0,
  ]);
  const scale: Scale = { kind: "linear", domain: [-0.7, SIDE - 0.3] };
  const marks = (value: number, shape: string, filled: boolean, color: string) => ({
    data: { name: `${id}/dots` },
    transform: [{ filter: { field: "2", equal: value } }],
    mark: { type: "point", shape, filled, color, size: 60, strokeWidth: 1.2, opacity: 1, aria: false },
  });
  return {
    id,
    description: `${title}: ${percentText(share)} show a saddle`,
    padding: dotPadding,
    pick: null,
    datasets: { [`${id}/dots`]: dots },
    spec: {
      title: {
        text: `${title}: ${countText(saddles)} of 100`,
        subtitle: `${percentText(share)}, ${subtitle}`,
      },
      width: HEIGHT,
      height: HEIGHT,
      view: { stroke: null },
      layer: [
        {
          ...marks(1, "triangle-down", true, "var(--bottom)"),
          encoding: { x: quantitative("0", scale, null), y: quantitative("1", scale, null) },
        },
        {
          ...marks(0, "circle", false, "var(--muted)"),
          encoding: { x: again("0"), y: again("1") },
        },
      ],
    },
  };
}
