import type { AnalysisReport, TensorShare } from "../../analysis/analysis-report.ts";
import { countText, percentText } from "../../analysis/number-text.ts";
import { cutMiddle } from "../facts.ts";
import { html } from "../html.ts";
import type { KeyEntry } from "../key.ts";
import { extent, padded, type Scale } from "../scales.ts";
import { whereTable } from "../tables/where.ts";
import { measuredText, shareText } from "../text.ts";
import { again, ownAxes, quantitative, wideAxis } from "./axes.ts";
import { CURSOR } from "./cursor.ts";
import { type Figure, type Padding, type Panel, plotWidth, type Spec } from "./figure.ts";

const padding: Padding = { left: 172, right: 18, top: 50, bottom: 42 };
const ROW = 17;
const MOST = 20;
const NAME = 22;

/** A row of the figure: one tensor, or all that are not shown. */
interface Row {
  readonly name: string;
  readonly share: number;
  readonly tensors: readonly TensorShare[];
}

/** Which tensors carry the curvature. Null when neither trace nor eigenvectors were computed. */
export function whereFigure(report: AnalysisReport): Figure | null {
  const { where } = report;
  const traced = where.some((t) => t.trace !== null) && report.trace !== null;
  const pointed = where.some((t) => t.energyTop !== null || t.energyBottom !== null);
  if (!traced && !pointed) return null;
  const rows = rowsOf(where);
  return {
    id: "where",
    title: whereTitle(report),
    caption: html`How to read: tensors in the order of the network${
      rows.length < where.length && `, the ${MOST} with the largest share and the rest together`
    }; the tick is where the row would end if curvature were spread evenly over the parameters, so a mark beyond its tick means
      more curvature per parameter than average.${
        traced &&
        " Bars are Hutchinson estimates with one standard error; a tensor’s part of the trace may be negative."
      }`,
    panels: [...(traced ? [tracePanel(report, rows)] : []), ...(pointed ? [energyPanel(report, rows)] : [])],
    columns: 2,
    key: keyEntries(traced, pointed),
    numbers: whereTable(report),
  };
}

function keyEntries(traced: boolean, pointed: boolean): KeyEntry[] {
  const text = "var(--text)";
  return [
    ...(traced ? [{ mark: "bar", colour: "var(--muted)", label: "part of tr H" } as const] : []),
    ...(traced ? [{ mark: "error", colour: text, label: "standard error" } as const] : []),
    ...(pointed ? [{ mark: "disc", colour: "var(--top)", label: "share of ‖v₊‖²" } as const] : []),
    ...(pointed ? [{ mark: "triangle", colour: "var(--bottom)", label: "share of ‖v₋‖²" } as const] : []),
    { mark: "tick", colour: text, label: "share of the parameters" },
  ];
}

function rowsOf(where: readonly TensorShare[]): Row[] {
  const all = where.reduce((sum, t) => sum + t.size, 0) || 1;
  const total = where.reduce((sum, t) => sum + Math.abs(t.trace ?? 0), 0) || 1;
  const weight = (t: TensorShare) =>
    Math.max(Math.abs(t.trace ?? 0) / total, t.energyTop ?? 0, t.energyBottom ?? 0);
  const largest = new Set(where.toSorted((a, b) => weight(b) - weight(a)).slice(0, MOST));
  const shown = where.filter((t) => largest.has(t));
  const others = where.filter((t) => !largest.has(t));
  const rows = shown.map((t): Row => ({ name: cutMiddle(t.name, NAME), share: t.size / all, tensors: [t] }));
  if (others.length === 0) return rows;
  const size = others.reduce((sum, t) => sum + t.size, 0);
  return [...rows, { name: `${countText(others.length)} others`, share: size / all, tensors: others }];
}

function sum(row: Row, key: "trace" | "energyTop" | "energyBottom"): number {
  return row.tensors.reduce((total, t) => total + (t[key] ?? 0), 0);
}

/** The probes are shared, so errors of tensors are not independent: their sum is a bound. */
function errorOf(row: Row): number {
  return row.tensors.reduce((total, t) => total + (t.traceStandardError ?? 0), 0);
}

function tracePanel(report: AnalysisReport, rows: readonly Row[]): Panel {
  const id = "where-trace";
  const total = report.trace!.value;
  const data = rows.map((row, k) => {
    const [value, error] = [sum(row, "trace"), errorOf(row)];
    return [k, value, value - error, value + error, row.share * total];
  });
  const x: Scale = {
    kind: "linear",
    domain: padded(extent([0, ...data.flatMap((r) => r.slice(1))], [0, 1]), 0.04),
  };
  return {
    id,
    description: `Part of the trace of the Hessian by tensor, total ${measuredText(total, report.trace!.standardError)}`,
    padding,
    pick: pickOf(report, rows),
    datasets: { [`${id}/rows`]: data, [`${id}/cursor`]: [] },
    spec: {
      title: {
        text: "Part of tr H",
        subtitle: `total ${measuredText(total, report.trace!.standardError)}`,
      },
      width: plotWidth(padding),
      height: ROW * rows.length,
      layer: [
        cursorLayer(id),
        {
          data: { name: `${id}/rows` },
          mark: { type: "bar", color: "var(--muted)", height: ROW - 6, aria: false },
          encoding: {
            x: quantitative("1", x, wideAxis(x, plotWidth(padding), "its part of tr H")),
            y: rowAxis(rows),
            x2: { datum: 0 },
          },
        },
        rule(id, "2", "3"),
        tickLayer(id, "4"),
      ],
      resolve: ownAxes,
    },
  };
}

function energyPanel(report: AnalysisReport, rows: readonly Row[]): Panel {
  const id = "where-energy";
  const data = rows.map((row, k) => [
    k,
    100 * sum(row, "energyTop"),
    100 * sum(row, "energyBottom"),
    100 * row.share,
  ]);
  const x: Scale = {
    kind: "linear",
    domain: padded(extent([0, ...data.flatMap((r) => r.slice(1))], [0, 1]), 0.04),
  };
  const point = (field: string, shape: string, color: string): Spec => ({
    data: { name: `${id}/rows` },
    mark: { type: "point", shape, filled: true, size: 46, opacity: 1, color, aria: false },
    encoding: { x: again(field), y: again("0") },
  });
  return {
    id,
    description: "Share of the squared length of the extreme eigenvectors by tensor",
    padding,
    pick: pickOf(report, rows),
    datasets: { [`${id}/rows`]: data, [`${id}/cursor`]: [] },
    spec: {
      title: { text: "Share of v₊ and v₋", subtitle: "squared components, per tensor" },
      width: plotWidth(padding),
      height: ROW * rows.length,
      layer: [
        cursorLayer(id),
        {
          data: { name: `${id}/rows` },
          mark: { type: "rule", color: "var(--rule)", aria: false },
          encoding: {
            x: quantitative("1", x, wideAxis(x, plotWidth(padding), "% of ‖v‖²")),
            x2: { field: "2" },
            y: rowAxis(rows),
          },
        },
        tickLayer(id, "3"),
        point("1", "circle", "var(--top)"),
        point("2", "triangle-down", "var(--bottom)"),
      ],
      resolve: ownAxes,
    },
  };
}

function rowAxis(rows: readonly Row[]): Spec {
  const y: Scale = { kind: "linear", domain: [rows.length - 0.5, -0.5] };
  return quantitative("0", y, {
    values: rows.map((_, k) => k),
    labelExpr: `${JSON.stringify(rows.map((r) => r.name))}[datum.value]`,
    labelFont: "ui-monospace, monospace",
    labelFontSize: 11,
    labelColor: "var(--text)",
    ticks: false,
    title: null,
  });
}

function rule(id: string, from: string, to: string): Spec {
  return {
    data: { name: `${id}/rows` },
    mark: { type: "rule", color: "var(--text)", strokeWidth: 1.2, aria: false },
    encoding: { x: again(from), x2: { field: to }, y: again("0") },
  };
}

function tickLayer(id: string, field: string): Spec {
  return {
    data: { name: `${id}/rows` },
    mark: {
      type: "tick",
      orient: "vertical",
      color: "var(--text)",
      thickness: 2,
      size: ROW - 4,
      aria: false,
    },
    encoding: { x: again(field), y: again("0") },
  };
}

function cursorLayer(id: string): Spec {
  return {
    name: CURSOR,
    data: { name: `${id}/cursor` },
    mark: { type: "rule", color: "var(--rule)", strokeWidth: ROW - 1, aria: false },
    encoding: { y: again("1") },
  };
}

function pickOf(report: AnalysisReport, rows: readonly Row[]): Panel["pick"] {
  return { by: "y", rows: rows.map((row, k) => [0, k, rowText(report, row)]), link: "tensor" };
}

function rowText(report: AnalysisReport, row: Row): string {
  const name = row.tensors.length === 1 ? row.tensors[0]!.name : row.name;
  const total = report.trace?.value;
  const [first] = row.tensors;
  const parts = [`${percentText(row.share)} of the parameters`];
  if (total && first?.trace !== null) {
    const trace = sum(row, "trace");
    parts.push(`trace ${measuredText(trace, errorOf(row))}, ${shareText(trace / total)} of tr H`);
  }
  if (first?.energyTop !== null) parts.push(`${shareText(sum(row, "energyTop"))} of v₊`);
  if (first?.energyBottom !== null) parts.push(`${shareText(sum(row, "energyBottom"))} of v₋`);
  return `${name}: ${parts.join("; ")}`;
}

function whereTitle(report: AnalysisReport): string {
  const { where, trace } = report;
  const all = where.reduce((s, t) => s + t.size, 0) || 1;
  const most = (value: (t: TensorShare) => number) => where.reduce((a, b) => (value(b) > value(a) ? b : a));
  if (trace && trace.value > 0 && where.some((t) => t.trace !== null)) {
    const t = most((s) => s.trace ?? 0);
    const share = measuredText(
      (100 * (t.trace ?? 0)) / trace.value,
      (100 * (t.traceStandardError ?? 0)) / trace.value,
    );
    return `${t.name} holds ${share} % of tr H with ${percentText(t.size / all)} of the parameters`;
  }
  const t = most((s) => s.energyTop ?? 0);
  return `${t.name} holds ${percentText(t.energyTop ?? 0)} of v₊ with ${percentText(t.size / all)} of the parameters`;
}
