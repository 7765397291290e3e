import type { AnalysisReport, EigenInfo, Eigenpair } from "../../analysis/analysis-report.ts";
import { numberText, plural, roundedTo, withError } from "../../analysis/number-text.ts";
import { firstPair } from "../facts.ts";
import { html } from "../html.ts";
import type { KeyEntry } from "../key.ts";
import { extent, positionOf, type Scale, valueAt } from "../scales.ts";
import { spectrumTable } from "../tables/spectrum.ts";
import { again, ownAxes, quantitative, wideAxis } from "./axes.ts";
import { CURSOR } from "./cursor.ts";
import { type Figure, type Padding, type Panel, plotWidth } from "./figure.ts";
import { spreadRows, subsetLayers, subsetRows, subsetValues } from "./spectrum-subsets.ts";

const padding: Padding = { left: 46, right: 122, top: 34, bottom: 42 };
const ROW = 26;

/** The extreme eigenvalues with their residuals. Null without any. */
export function spectrumFigure(report: AnalysisReport): Figure | null {
  const { eigenpairs, subsets } = report;
  if (!eigenpairs || eigenpairs.pairs.length === 0) return null;
  return {
    id: "spectrum",
    title: spectrumTitle(report),
    caption: html`How to read: each row is one eigenvalue of the Hessian; the bar with ends is its residual
      ‖Hv − λv‖, a bound on the distance to an exact eigenvalue (most are narrower than the dot). The axis is linear within ±${numberText(
        resolution(eigenpairs),
        2,
      )}, the largest residual (grey: not told from 0), and logarithmic beyond. Not converged pairs are hollow. ${
        eigenpairs.moving &&
        html`◇ is what plain differences at ${numberText(eigenpairs.moving.relativeStep, 2)}·‖θ‖ find
          whose branches move: not an eigenvalue of the Hessian, but the loss’s curvature at that scale.`
      } ${subsets && html`○ on a thin line are λ₊ and λ₋ of subsets of the data, of which the next figure tells more.`}`,
    panels: [spectrumPanel(report, eigenpairs)],
    columns: 1,
    key: keyEntries(report, eigenpairs),
    numbers: spectrumTable(eigenpairs),
  };
}

function keyEntries({ subsets }: AnalysisReport, { pairs, moving }: EigenInfo): KeyEntry[] {
  const entries: KeyEntry[] = [];
  if (pairs.some((p) => p.end === "top"))
    entries.push({ mark: "disc", colour: "var(--top)", label: "from the top" });
  if (pairs.some((p) => p.end === "bottom")) {
    entries.push({ mark: "triangle", colour: "var(--bottom)", label: "from the bottom" });
  }
  entries.push({ mark: "error", colour: "var(--text)", label: "residual" });
  if (subsets) entries.push({ mark: "ring", colour: "var(--text)", label: "subsets of the data" });
  if (moving) entries.push({ mark: "diamond", colour: "var(--text)", label: "branches moving" });
  return entries;
}

interface Row {
  readonly pair: Eigenpair;
  readonly name: string;
  readonly colour: string;
}

/** Descending, as eigenvalues are ordered: λ₊ first, λ₋ last. */
function rowsOf({ pairs }: EigenInfo): Row[] {
  const named = (end: Eigenpair["end"], sign: string, colour: string) =>
    pairs
      .filter((p) => p.end === end)
      .map((pair, k) => ({ pair, colour, name: k === 0 ? `λ${sign}` : `λ${sign} ${k + 1}` }));
  return [...named("top", "₊", "var(--top)"), ...named("bottom", "₋", "var(--bottom)").toReversed()];
}

function spectrumPanel(report: AnalysisReport, eigenpairs: EigenInfo): Panel {
  const id = "spectrum";
  const rows = rowsOf(eigenpairs);
  const x = eigenScale(report, eigenpairs);
  const y: Scale = { kind: "linear", domain: [rows.length - 0.5, -0.5] };
  const values = rows.map((_, k) => k);
  const lookup = (texts: readonly string[]) => `${JSON.stringify(texts)}[datum.value]`;
  const shown = rows.map(({ pair }) => withError(pair.value, pair.residual));
  return {
    id,
    description: spectrumTitle(report),
    padding,
    pick: {
      by: "y",
      rows: rows.map(({ pair, name }, k) => [pair.value, k, rowText(name, pair)]),
      link: id,
    },
    datasets: {
      [`${id}/pairs`]: rows.map(({ pair, colour }, k) => [
        k,
        pair.value,
        pair.value - pair.residual,
        pair.value + pair.residual,
        colour,
        pair.converged ? colour : "var(--bg)",
        pair.end,
      ]),
      [`${id}/band`]: [[-resolution(eigenpairs), resolution(eigenpairs)]],
      [`${id}/moving`]: movingRows(eigenpairs, rows),
      [`${id}/spread`]: spreadRows(report.subsets, rows),
      [`${id}/subsets`]: subsetRows(report.subsets, rows),
      [`${id}/cursor`]: [],
    },
    spec: {
      title: { text: "Extreme eigenvalues of the Hessian" },
      width: plotWidth(padding),
      height: ROW * rows.length,
      layer: [
        {
          data: { name: `${id}/band` },
          mark: { type: "rect", color: "var(--muted)", opacity: 0.2, clip: true, aria: false },
          encoding: { x: again("0"), x2: { field: "1" } },
        },
        {
          name: CURSOR,
          data: { name: `${id}/cursor` },
          mark: { type: "rule", color: "var(--rule)", strokeWidth: ROW - 6, aria: false },
          encoding: { y: again("1") },
        },
        ...subsetLayers(id),
        ...residualLayers(id, x, y, values, lookup(rows.map((r) => r.name))),
        ...markLayers(id, y, values, lookup(shown)),
      ],
      resolve: ownAxes,
    },
  };
}

function residualLayers(id: string, x: Scale, y: Scale, values: readonly number[], names: string) {
  const bare = { ticks: false, domain: false, title: null, labelColor: "var(--text)" };
  const color = { field: "4", type: "nominal", scale: null, legend: null };
  const ends = (field: string) => ({
    data: { name: `${id}/pairs` },
    mark: { type: "tick", orient: "vertical", thickness: 1.5, size: 10, clip: true, aria: false },
    encoding: { x: again(field), y: again("0"), color },
  });
  return [
    {
      data: { name: `${id}/pairs` },
      mark: { type: "rule", strokeWidth: 3, clip: true, aria: false },
      encoding: {
        x: quantitative("2", x, wideAxis(x, plotWidth(padding), "eigenvalue λ")),
        x2: { field: "3" },
        y: quantitative("0", y, { values, labelExpr: names, ...bare }),
        color,
      },
    },
    ends("2"),
    ends("3"),
  ];
}

function markLayers(id: string, y: Scale, values: readonly number[], labels: string) {
  const mark = (end: string, shape: string, size: number) => ({
    data: { name: `${id}/pairs` },
    transform: [{ filter: { field: "6", equal: end } }],
    mark: { type: "point", shape, size, strokeWidth: 1.6, opacity: 1, aria: false },
    encoding: {
      x: again("1"),
      y: again("0"),
      stroke: { field: "4", type: "nominal", scale: null, legend: null },
      fill: { field: "5", type: "nominal", scale: null, legend: null },
    },
  });
  return [
    mark("top", "circle", 60),
    mark("bottom", "triangle-down", 60),
    {
      data: { name: `${id}/moving` },
      mark: {
        type: "point",
        shape: "diamond",
        filled: false,
        size: 80,
        strokeWidth: 1.5,
        color: "var(--text)",
        aria: false,
      },
      encoding: {
        x: again("0"),
        y: quantitative("1", y, {
          values,
          labelExpr: labels,
          orient: "right",
          ticks: false,
          domain: false,
          title: null,
          labelColor: "var(--text)",
        }),
      },
    },
  ];
}

function movingRows({ moving }: EigenInfo, rows: readonly Row[]): [number, number][] {
  if (!moving) return [];
  const at = (name: string) => rows.findIndex((r) => r.name === name);
  const all: [number, number][] = [
    [moving.top, at("λ₊")],
    [moving.bottom, at("λ₋")],
  ];
  return all.filter(([, row]) => row >= 0);
}

/** The largest residual: below it an eigenvalue is not told from 0. */
function resolution({ pairs }: EigenInfo): number {
  const largest = Math.max(...pairs.map((p) => p.residual));
  const reach = Math.max(...pairs.map((p) => Math.abs(p.value)));
  return Math.max(largest, reach * 1e-6) || 1;
}

function eigenScale({ subsets }: AnalysisReport, eigenpairs: EigenInfo): Scale {
  const constant = resolution(eigenpairs);
  const { pairs, moving } = eigenpairs;
  const all = [
    ...pairs.flatMap((p) => [p.value - p.residual, p.value + p.residual]),
    ...subsetValues(subsets, "top"),
    ...subsetValues(subsets, "bottom"),
  ];
  const domain = extent([0, ...all, ...(moving ? [moving.top, moving.bottom] : [])], [-1, 1]);
  const scale: Scale = { kind: "symlog", domain, constant };
  const wide: [number, number] = [valueAt(scale, -0.05), valueAt(scale, 1.05)];
  return positionOf(scale, wide[1]) > 1 ? { ...scale, domain: wide } : { ...scale, domain: [-1, 1] };
}

function rowText(name: string, pair: Eigenpair): string {
  const state = pair.converged ? "" : ", not converged";
  return `${name} = ${withError(pair.value, pair.residual)} (residual)${state}; ∇L·v = ${numberText(pair.slope, 2)}`;
}

function spectrumTitle(report: AnalysisReport): string {
  const [top, bottom] = [firstPair(report, "top"), firstPair(report, "bottom")];
  const found = plural(report.eigenpairs?.products ?? 0, "product");
  const open = report.eigenpairs?.pairs.filter((p) => !p.converged).length ?? 0;
  const state = open > 0 ? `${found}, ${plural(open, "pair")} not converged` : found;
  if (top && bottom && top.value > top.residual && -bottom.value > bottom.residual) {
    return `λ₊ = ${withError(top.value, top.residual)} is ${ratioText(top, bottom)} times |λ₋| = ${withError(-bottom.value, bottom.residual)} (${state})`;
  }
  const parts = [
    top && `λ₊ = ${withError(top.value, top.residual)}`,
    bottom && `the smallest is ${withError(bottom.value, bottom.residual)}`,
  ].filter(Boolean);
  return `${parts.join("; ")} (${state})`;
}

/** To three digits, or as far as the residuals allow. */
function ratioText(top: Eigenpair, bottom: Eigenpair): string {
  const ratio = top.value / -bottom.value;
  const relative = Math.hypot(top.residual / top.value, bottom.residual / bottom.value);
  return relative < 5e-3 ? numberText(ratio, 3) : roundedTo(ratio, ratio * relative);
}
