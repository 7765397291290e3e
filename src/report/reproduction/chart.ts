import { AXIS_ROOM, again, axisOf, ownAxes, quantitative, wideAxis } from "../figures/axes.ts";
import { CURSOR } from "../figures/cursor.ts";
import { type Padding, type Panel, plotWidth, type Rows, type Spec } from "../figures/figure.ts";
import type { Scale } from "../scales.ts";

const padding: Padding = { left: AXIS_ROOM, right: 16, top: 50, bottom: 42 };
const HEIGHT = 190;

/** What is drawn in a chart, lowest first. Rows: x, y, then the ends of the bar in y. */
export interface Layer {
  readonly look: "line" | "dashed" | "points" | "rings" | "bars" | "vertical" | "horizontal";
  readonly colour: string;
  readonly rows: Rows;
}

export interface Chart {
  readonly id: string;
  readonly title: string;
  readonly subtitle: string;
  readonly x: Scale;
  readonly y: Scale;
  readonly xTitle: string;
  readonly yTitle: string;
  readonly layers: readonly Layer[];
  /** Places and their words, for pointer and keys. */
  readonly pick: readonly (readonly [x: number, y: number, text: string])[];
}

/** A panel of lines, points and bars on two axes. */
export function chartPanel(chart: Chart): Panel {
  const { id, title, subtitle, x, y, layers, pick } = chart;
  const width = plotWidth(padding);
  return {
    id,
    description: `${title}: ${subtitle}`,
    padding,
    pick: pick.length > 0 ? { by: "x", rows: pick, link: id } : null,
    datasets: {
      [`${id}/axis`]: [[x.domain[0], y.domain[0]]],
      ...Object.fromEntries(layers.map((layer, k) => [`${id}/${k}`, layer.rows])),
      [`${id}/cursor`]: [],
    },
    spec: {
      title: { text: title, subtitle },
      width,
      height: HEIGHT,
      layer: [
        {
          data: { name: `${id}/axis` },
          mark: { type: "point", opacity: 0, aria: false },
          encoding: {
            x: quantitative("0", x, wideAxis(x, width, chart.xTitle)),
            y: quantitative("1", y, axisOf(y, 5, chart.yTitle)),
          },
        },
        ...layers.flatMap((layer, k) => drawn(layer, { name: `${id}/${k}` })),
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

const marks: Readonly<Record<Layer["look"], (layer: Layer, data: Spec) => Spec[]>> = {
  line: (layer, data) => [lineOf(layer, data, {})],
  dashed: (layer, data) => [lineOf(layer, data, { strokeDash: [5, 4] })],
  points: (layer, data) => [...errorsOf(layer, data), pointsOf(layer, data, { filled: true, size: 18 })],
  rings: (layer, data) => [...errorsOf(layer, data), pointsOf(layer, data, { filled: false, size: 26 })],
  bars: ({ colour }, data) => [
    {
      data,
      mark: { type: "rect", color: colour, opacity: 0.5, aria: false },
      encoding: { x: again("0"), x2: { field: "1" }, y: again("2"), y2: { field: "3" } },
    },
  ],
  vertical: ({ colour }, data) => [{ data, mark: ruleOf(colour), encoding: { x: again("0") } }],
  horizontal: ({ colour }, data) => [{ data, mark: ruleOf(colour), encoding: { y: again("0") } }],
};

function drawn(layer: Layer, data: Spec): Spec[] {
  return marks[layer.look](layer, data);
}

function lineOf({ colour }: Layer, data: Spec, more: Spec): Spec {
  return {
    data,
    mark: { type: "line", color: colour, strokeWidth: 1.5, ...more, aria: false },
    encoding: { x: again("0"), y: again("1"), order: { value: null } },
  };
}

function pointsOf({ colour }: Layer, data: Spec, more: Spec): Spec {
  return {
    data,
    mark: { type: "point", shape: "circle", color: colour, opacity: 1, ...more, aria: false },
    encoding: { x: again("0"), y: again("1") },
  };
}

/** Bars of rows that have ends. */
function errorsOf({ colour, rows }: Layer, data: Spec): Spec[] {
  if (!rows.some((row) => row.length > 2)) return [];
  return [
    {
      data,
      mark: { type: "rule", color: colour, strokeWidth: 1.5, aria: false },
      encoding: { x: again("0"), y: again("2"), y2: { field: "3" } },
    },
  ];
}

function ruleOf(color: string): Spec {
  return { type: "rule", color, strokeWidth: 1, strokeDash: [2, 3], aria: false };
}
