import type { AnalysisReport, SubsetInfo } from "../../analysis/analysis-report.ts";
import { countText, numberText, plural, withError } from "../../analysis/number-text.ts";
import { type SubsetEndRow, spreadText, subsetEnd, subsetSpread } from "../../analysis/subset-spread.ts";
import { firstPair } from "../facts.ts";
import { html } from "../html.ts";
import { extent, padded, type Scale } from "../scales.ts";
import { subsetTable } from "../tables/subsets.ts";
import { again, ownAxes, quantitative, wideAxis } from "./axes.ts";
import { CURSOR } from "./cursor.ts";
import { type Figure, type Padding, type Panel, plotWidth, type Spec } from "./figure.ts";

type End = "top" | "bottom";

const padding: Padding = { left: 46, right: 16, top: 50, bottom: 42 };
const names = { top: "λ₊", bottom: "λ₋" } as const;
const vectors = { top: "v₊", bottom: "v₋" } as const;
const shapes = { top: "circle", bottom: "triangle-down" } as const;

/** λ₊ and λ₋ of each subset of the data, beside those of all data. Null without any. */
export function subsetsFigure(report: AnalysisReport): Figure | null {
  const { subsets } = report;
  if (!subsets) return null;
  const ends = (["top", "bottom"] as const).filter((end) => subsetSpread(subsets, end) !== null);
  if (ends.length === 0) return null;
  return {
    id: "subsets",
    title: subsetsTitle(subsets),
    caption: html`How to read: each row is one of ${plural(subsets.subsets.length, "disjoint subset")} of the training
      data, ${sizeText(subsets)} samples, consecutive as the data come. Filled marks are its own outermost eigenvalue (hollow:
      not converged), rings the curvature that it has along the eigenvector of all data; the dashed line is the eigenvalue
      of all data, the rings’ mean weighted by samples. The eigenvalues lie further out on average, the more so the smaller the
      subsets.`,
    panels: ends.map((end) => subsetPanel(report, subsets, end)),
    columns: 2,
    key: [
      { mark: "disc", colour: "var(--top)", label: "λ₊" },
      { mark: "triangle", colour: "var(--bottom)", label: "λ₋" },
      { mark: "ring", colour: "var(--text)", label: "along v₊ or v₋ of all data" },
      { mark: "dash", colour: "var(--text)", label: "all data" },
    ],
    numbers: subsetTable(subsets),
  };
}

function subsetsTitle(info: SubsetInfo): string {
  const [top, bottom] = [subsetSpread(info, "top"), subsetSpread(info, "bottom")];
  const parts = [
    top && `λ₊ is ${spreadText(top)} of the data`,
    bottom && `λ₋ is ${spreadText(bottom)}, and v₋ curves downwards in ${bottom.along.negative} of them`,
  ];
  return parts.filter(Boolean).join("; ");
}

function sizeText({ subsets }: SubsetInfo): string {
  const samples = subsets.map((s) => s.samples);
  const [least, most] = [Math.min(...samples), Math.max(...samples)];
  return least === most ? countText(least) : `${countText(least)} to ${countText(most)}`;
}

function subsetPanel(report: AnalysisReport, { subsets }: SubsetInfo, end: End): Panel {
  const id = `subsets-${end}`;
  const rows = subsets.flatMap((subset, k) => {
    const found = subsetEnd(subset, end);
    return found ? [{ k, samples: subset.samples, ...found }] : [];
  });
  const all = firstPair(report, end)?.value;
  const x = scaleOf(rows, [...(all === undefined ? [] : [all]), ...(end === "bottom" ? [0] : [])]);
  const y: Scale = { kind: "linear", domain: [subsets.length - 0.5, -0.5] };
  const color = `var(--${end})`;
  return {
    id,
    description: `${names[end]} of ${plural(rows.length, "subset")} of the data`,
    padding,
    pick: {
      by: "y",
      rows: rows.map((row) => [row.value, row.k, rowText(row, row.samples, end)]),
      link: "subsets",
    },
    datasets: {
      [`${id}/found`]: rows.map((r) => [
        r.k,
        r.value,
        r.value - r.residual,
        r.value + r.residual,
        fillOf(r, color),
      ]),
      [`${id}/along`]: rows.map((r) => [r.k, r.along]),
      [`${id}/all`]: all === undefined ? [] : [[all]],
      [`${id}/zero`]: [[0]],
      [`${id}/cursor`]: [],
    },
    spec: {
      title: { text: `${names[end]} on subsets`, subtitle: `rings: along ${vectors[end]} of all data` },
      width: plotWidth(padding),
      // Rows as far apart as eigenvalues are; many subsets share the height of a panel.
      height: Math.max(60, Math.min(26 * subsets.length, 320)),
      layer: [
        rule(`${id}/zero`, { color: "var(--rule)" }),
        {
          name: CURSOR,
          data: { name: `${id}/cursor` },
          mark: { type: "rule", color: "var(--rule)", strokeWidth: 12, aria: false },
          encoding: { y: again("1") },
        },
        {
          data: { name: `${id}/found` },
          mark: { type: "rule", color, strokeWidth: 3, clip: true, aria: false },
          encoding: {
            x: quantitative("2", x, wideAxis(x, plotWidth(padding), `curvature`)),
            x2: { field: "3" },
            y: quantitative("0", y, rowAxis(subsets.length)),
          },
        },
        rule(`${id}/all`, { color: "var(--text)", strokeDash: [4, 3] }),
        {
          data: { name: `${id}/found` },
          mark: {
            type: "point",
            shape: shapes[end],
            size: 60,
            strokeWidth: 1.6,
            stroke: color,
            opacity: 1,
            aria: false,
          },
          encoding: {
            x: again("1"),
            y: again("0"),
            fill: { field: "4", type: "nominal", scale: null, legend: null },
          },
        },
        {
          data: { name: `${id}/along` },
          mark: {
            type: "point",
            filled: false,
            size: 50,
            strokeWidth: 1.5,
            color: "var(--text)",
            opacity: 1,
            aria: false,
          },
          encoding: { x: again("1"), y: again("0") },
        },
      ],
      resolve: ownAxes,
    },
  };
}

function rule(data: string, style: Spec): Spec {
  return {
    data: { name: data },
    mark: { type: "rule", clip: true, aria: false, ...style },
    encoding: { x: again("0") },
  };
}

/** Subsets are counted from 1; of many, some are named. */
function rowAxis(count: number): Spec {
  const every = Math.ceil(count / 12);
  const values = Array.from({ length: Math.ceil(count / every) }, (_, i) => i * every);
  return { values, labelExpr: "datum.value + 1", ticks: false, domain: false, title: "subset", titleX: -30 };
}

function scaleOf(rows: readonly SubsetEndRow[], also: readonly number[]): Scale {
  const values = rows.flatMap((r) => [r.value - r.residual, r.value + r.residual, r.along]);
  return { kind: "linear", domain: padded(extent([...values, ...also], [-1, 1]), 0.05) };
}

function fillOf({ converged }: SubsetEndRow, color: string): string {
  return converged ? color : "var(--bg)";
}

function rowText(row: SubsetEndRow, samples: number, end: End): string {
  const state = row.converged ? "" : ", not converged";
  return `${plural(samples, "sample")}: ${names[end]} = ${withError(row.value, row.residual)}${state}; along ${vectors[end]} of all data ${withError(row.along, row.alongError)}, |cos| ${numberText(row.cosine, 2)}`;
}
