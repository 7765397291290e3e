import type { AnalysisReport, DensityInfo, Measured } from "../../analysis/analysis-report.ts";
import { countText, numberText, percentText, plural, withError } from "../../analysis/number-text.ts";
import { html } from "../html.ts";
import { extent, positionOf, type Scale, valueAt } from "../scales.ts";
import { densityTable } from "../tables/density.ts";
import { AXIS_ROOM, again, axisOf, ownAxes, quantitative, wideAxis } from "./axes.ts";
import { CURSOR } from "./cursor.ts";
import { type Figure, type Padding, type Panel, plotWidth } from "./figure.ts";

const padding: Padding = { left: AXIS_ROOM, right: 16, top: 50, bottom: 42 };
const HEIGHT = 210;
/** Standard deviation of the smoothing, as a share of the axis. */
const WIDTH = 0.02;
const CURVE = 160;
/** Fewer eigenvalues than this are not drawn: a weight of chance. */
const LEAST = 0.1;

/** The density of all eigenvalues: stems where they were measured, smoothed only to be drawn. */
export function densityFigure(report: AnalysisReport): Figure | null {
  const { density } = report;
  if (!density || density.quadratures.length === 0) return null;
  const n = report.model.parameters;
  const probes = plural(density.quadratures.length, "probe");
  return {
    id: "density",
    title: densityTitle(density, n),
    caption: html`How to read: a stem is a node of the Lanczos quadrature (${probes} of ${density.steps} steps, each
      exact for its moments up to ${2 * density.steps - 1}), as high as the eigenvalues that it stands for; the curve is the
      stems smoothed to ${percentText(WIDTH)} of the axis. Both axes are logarithmic, the horizontal one linear around 0.
      Marks at the foot are the eigenpairs found one by one. The count beside it needs no smoothing.
      ${checks(report, density)}`,
    panels: [densityPanel(report, density), countPanel(report, density)],
    columns: 2,
    key: [
      { mark: "line", colour: "var(--muted)", label: "nodes of the quadrature" },
      { mark: "line", colour: "var(--text)", label: "smoothed" },
      { mark: "disc", colour: "var(--top)", label: "eigenpairs from the top" },
      { mark: "triangle", colour: "var(--bottom)", label: "from the bottom" },
    ],
    numbers: densityTable(report, density),
  };
}

function densityTitle({ negative, positive, resolution, quadratures }: DensityInfo, n: number): string {
  const count = ({ value, standardError }: Measured) => withError(n * value, n * standardError);
  return `Of ${countText(n)} eigenvalues ${count(negative)} lie below ${numberText(-resolution, 2)} and ${count(positive)} above ${numberText(resolution, 2)} (${plural(quadratures.length, "probe")})`;
}

/** Mass and moments against what was measured otherwise. */
function checks({ trace, model }: AnalysisReport, { mass, first, second }: DensityInfo): string {
  const n = model.parameters;
  const size = `Its mass is ${mass.toFixed(6)}`;
  if (!trace) return `${size}.`;
  const [mean, square] = [trace.meanCurvature, trace.frobeniusNorm ** 2 / n];
  return `${size}; its mean ${withError(first.value, first.standardError)} against tr H/N = ${withError(mean, trace.standardError / n)}, its mean square ${withError(second.value, second.standardError)} against ‖H‖²/N = ${numberText(square, 3)}.`;
}

interface Node {
  readonly value: number;
  readonly count: number;
}

function nodesOf({ quadratures }: DensityInfo, n: number): Node[] {
  return quadratures
    .flatMap(({ nodes, weights }) =>
      nodes.map((value, i) => ({ value, count: (n * weights[i]!) / quadratures.length })),
    )
    .toSorted((a, b) => a.value - b.value);
}

/** Linear around 0 where most eigenvalues are: within the resolution of the largest. */
function valueScale(nodes: readonly Node[], { eigenpairs }: AnalysisReport): Scale {
  const pairs = eigenpairs?.pairs ?? [];
  const all = [...nodes.map((x) => x.value), ...pairs.map((p) => p.value)];
  const domain = extent(all, [-1, 1]);
  const constant = Math.max(...domain.map(Math.abs)) / 1000 || 1;
  const scale: Scale = { kind: "symlog", domain, constant };
  const wide: [number, number] = [valueAt(scale, -0.05), valueAt(scale, 1.05)];
  return domain[1] > domain[0] ? { ...scale, domain: wide } : { ...scale, domain: [-1, 1] };
}

function densityPanel(report: AnalysisReport, density: DensityInfo): Panel {
  const id = "density";
  const n = report.model.parameters;
  const nodes = nodesOf(density, n);
  const x = valueScale(nodes, report);
  const y: Scale = { kind: "log", domain: [LEAST, Math.max(10, 2 * n)] };
  const shown = nodes.filter((node) => node.count > LEAST);
  const pairs = report.eigenpairs?.pairs ?? [];
  const foot = (end: "top" | "bottom", shape: string, color: string) => ({
    data: { name: `${id}/${end}` },
    mark: { type: "point", shape, filled: true, size: 34, color, opacity: 1, aria: false },
    encoding: { x: again("0"), y: again("1") },
  });
  return {
    id,
    description: `Density of the eigenvalues of the Hessian, from ${numberText(nodes[0]!.value, 3)} to ${numberText(nodes.at(-1)!.value, 3)}`,
    padding,
    pick: {
      by: "x",
      rows: shown.map(({ value, count }) => [
        value,
        count,
        `node at λ = ${numberText(value, 3)} for ${numberText(count, 2)} eigenvalues`,
      ]),
      link: id,
    },
    datasets: {
      [`${id}/nodes`]: shown.map(({ value, count }) => [value, LEAST, count]),
      [`${id}/curve`]: curve(nodes, x),
      [`${id}/zero`]: [[0]],
      ...Object.fromEntries(
        (["top", "bottom"] as const).map((end) => [
          `${id}/${end}`,
          pairs.filter((p) => p.end === end).map((p) => [p.value, LEAST]),
        ]),
      ),
      [`${id}/cursor`]: [],
    },
    spec: {
      title: { text: "Density", subtitle: "by node, and within a smoothing width" },
      width: plotWidth(padding),
      height: HEIGHT,
      layer: [
        {
          data: { name: `${id}/zero` },
          mark: { type: "rule", color: "var(--rule)", aria: false },
          encoding: { x: again("0") },
        },
        {
          data: { name: `${id}/nodes` },
          mark: { type: "rule", color: "var(--muted)", strokeWidth: 1, clip: true, aria: false },
          encoding: {
            x: quantitative("0", x, wideAxis(x, plotWidth(padding), "eigenvalue λ")),
            y: quantitative("1", y, axisOf(y, 5, "eigenvalues")),
            y2: { field: "2" },
          },
        },
        {
          data: { name: `${id}/curve` },
          mark: { type: "line", color: "var(--text)", strokeWidth: 1.5, clip: true, aria: false },
          encoding: { x: again("0"), y: again("1"), order: { value: null } },
        },
        foot("top", "circle", "var(--top)"),
        foot("bottom", "triangle-down", "var(--bottom)"),
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

/** Σ count·exp(−½((x − node)/σ)²) along the axis: eigenvalues within a width of √(2π)·σ. */
function curve(nodes: readonly Node[], x: Scale): [number, number][] {
  const placed = nodes.map(({ value, count }) => [positionOf(x, value), count] as const);
  return Array.from({ length: CURVE + 1 }, (_, k): [number, number] => {
    const at = k / CURVE;
    const sum = placed.reduce((s, [p, count]) => s + count * Math.exp(-0.5 * ((at - p) / WIDTH) ** 2), 0);
    // Below the foot the line is clipped; a logarithmic axis has no 0.
    return [valueAt(x, at), Math.max(sum, LEAST / 10)];
  });
}

/** How many eigenvalues lie further out, on either side. */
function countPanel(report: AnalysisReport, density: DensityInfo): Panel {
  const id = "density-count";
  const n = report.model.parameters;
  const nodes = nodesOf(density, n).filter((node) => Math.abs(node.value) > density.resolution);
  const x = valueScale(nodesOf(density, n), report);
  const y: Scale = { kind: "log", domain: [LEAST, Math.max(10, 2 * n)] };
  const upper = beyond(nodes.filter((node) => node.value > 0).toReversed());
  const lower = beyond(nodes.filter((node) => node.value < 0));
  const line = (set: string, color: string) => ({
    data: { name: `${id}/${set}` },
    mark: { type: "line", color, strokeWidth: 1.5, clip: true, aria: false },
  });
  return {
    id,
    description: `Number of eigenvalues further from 0 than a value, on either side`,
    padding,
    pick: {
      by: "x",
      rows: [...lower, ...upper.toReversed()].map(([value, count]) => [
        value,
        count,
        `${numberText(count, 2)} eigenvalues ${value > 0 ? "from" : "up to"} λ = ${numberText(value, 3)}`,
      ]),
      link: id,
    },
    datasets: {
      [`${id}/upper`]: stairs(upper),
      [`${id}/lower`]: stairs(lower),
      [`${id}/zero`]: [[0]],
      [`${id}/cursor`]: [],
    },
    spec: {
      title: { text: "Count", subtitle: "eigenvalues as far from 0 as λ, or further" },
      width: plotWidth(padding),
      height: HEIGHT,
      layer: [
        {
          data: { name: `${id}/zero` },
          mark: { type: "rule", color: "var(--rule)", aria: false },
          encoding: { x: again("0") },
        },
        {
          ...line("upper", "var(--top)"),
          encoding: {
            x: quantitative("0", x, wideAxis(x, plotWidth(padding), "eigenvalue λ")),
            y: quantitative("1", y, axisOf(y, 5, "eigenvalues")),
            order: { value: null },
          },
        },
        {
          ...line("lower", "var(--bottom)"),
          encoding: { x: again("0"), y: again("1"), order: { value: null } },
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

/** Sums from the outside in. */
function beyond(nodes: readonly Node[]): [number, number][] {
  let sum = 0;
  return nodes.map(({ value, count }) => {
    sum += count;
    return [value, sum];
  });
}

function stairs(counts: readonly (readonly [number, number])[]): [number, number][] {
  return counts.flatMap(([value, count], k): [number, number][] => [
    [value, counts[k - 1]?.[1] ?? LEAST / 10],
    [value, count],
  ]);
}
