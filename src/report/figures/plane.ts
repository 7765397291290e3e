import type { Grid } from "../contours.ts";
import { edges, hatch } from "../grid.ts";
import { CASING, INK } from "../ink.ts";
import { type ColourMap, notFinite, type Rgb } from "../maps.ts";
import { pngDataUri } from "../png.ts";
import { positionOf, type Scale } from "../scales.ts";
import { coloursOf } from "../surface/colours.ts";
import type { SurfaceView } from "../surface/view.ts";
import { AXIS_ROOM, again, axisOf, ownAxes, percentAxis, quantitative, wideAxis } from "./axes.ts";
import { contourRows, levelRows } from "./contour-lines.ts";
import { CURSOR } from "./cursor.ts";
import { type Padding, type Panel, type Pick, plotWidth, type Spec } from "./figure.ts";
import type { PlaneMark } from "./plane-mark.ts";

/** A map of values over a plane. */
export interface PlaneView {
  readonly id: string;
  readonly title: string;
  readonly subtitle: string;
  readonly description: string;
  readonly grid: Grid;
  readonly scale: Scale;
  readonly map: ColourMap;
  /** Thin contours, equally spaced on the scale. */
  readonly contours: number;
  /** Value of the heavy contour; null for none. */
  readonly level: number | null;
  readonly marks: readonly PlaneMark[];
  readonly xTitle: string;
  readonly yTitle: string;
  readonly thetaNorm: number;
  /** Height of the plot over its width. */
  readonly aspect: number;
  readonly pick: Pick;
  /** What the panel needs to be seen as a surface too; none: a map only. */
  readonly surface?: SurfaceValues;
}

/** Which of the report's values the panel shows, and what they are called along a vertical axis. */
export interface SurfaceValues extends globalThis.Pick<SurfaceView, "split" | "relative" | "times"> {
  readonly title: string;
}

const padding: Padding = { left: AXIS_ROOM, right: 66, top: 66, bottom: 42 };
/** Steps of a map: finer than the eye, and few enough for an indexed image. */
const STEPS = 200;

export function planePanel(view: PlaneView): Panel {
  const { id, grid } = view;
  const width = plotWidth(padding);
  const set = (name: string) => ({ name: `${id}/${name}` });
  return {
    id,
    description: view.description,
    padding,
    pick: view.pick,
    ...(view.surface ? { surface: surfaceView(view, view.surface) } : {}),
    datasets: {
      [`${id}/map`]: [[mapPicture(view)]],
      [`${id}/contours`]: contourRows(grid, view.scale, view.map, view.contours),
      [`${id}/level`]: levelRows(grid, view.level),
      [`${id}/hatch`]: hatch(grid),
      [`${id}/marks`]: inside(view.marks, grid).map((m) => [m.x, m.y, m.kind]),
      [`${id}/cursor`]: [],
    },
    spec: {
      title: { text: view.title, subtitle: view.subtitle },
      width,
      height: Math.round(width * view.aspect),
      layer: [
        { data: set("map"), mark: imageMark, encoding: { url: { field: "0", type: "nominal" } } },
        lineLayer(set("contours"), { strokeWidth: 0.8, opacity: 0.7 }, primaryAxes(view)),
        lineLayer(set("level"), { strokeWidth: 4.4, color: CASING }),
        lineLayer(set("level"), { strokeWidth: 2, color: INK }),
        hatchLayer(set("hatch")),
        ...markLayers(set("marks"), secondaryAxes(view)),
        cursorLayer(set("cursor")),
      ],
      resolve: ownAxes,
    },
  };
}

function surfaceView(view: PlaneView, { title: value, ...values }: SurfaceValues): SurfaceView {
  const { title, subtitle, scale, contours, level, marks, aspect } = view;
  const colours = coloursOf(view.map);
  const titles = { x: view.xTitle, y: view.yTitle, value };
  return { title, subtitle, ...values, scale, colours, contours, level, marks, titles, aspect };
}

const imageMark = {
  type: "image",
  aspect: false,
  smooth: false,
  x: 0,
  y: 0,
  align: "left",
  baseline: "top",
  width: { expr: "width" },
  height: { expr: "height" },
  aria: false,
};

/** The cells as a picture, one pixel for each. Row 0 of an image is its top: the largest y. */
export function mapPicture({
  grid,
  scale,
  map,
}: Readonly<{ grid: Grid; scale: Scale; map: ColourMap }>): string {
  const colour = (value: number | null): Rgb => {
    if (value === null || !Number.isFinite(value)) return notFinite;
    const position = Math.min(1, Math.max(0, positionOf(scale, value)));
    return map(Math.round(position * (STEPS - 1)) / (STEPS - 1));
  };
  return pngDataUri(grid.values.map((row) => row.map(colour)).toReversed());
}

function inside(marks: readonly PlaneMark[], grid: Grid): PlaneMark[] {
  const [left, right] = edges(grid.x);
  const [bottom, top] = edges(grid.y);
  return marks.filter((m) => m.x >= left && m.x <= right && m.y >= bottom && m.y <= top);
}

interface Axes {
  readonly x: Spec;
  readonly y: Spec;
}

/** Displacement ‖Δθ‖, below and at the left. */
function primaryAxes(view: PlaneView): Axes {
  const [x, y] = scalesOf(view);
  return {
    x: quantitative("1", x, wideAxis(x, plotWidth(padding), view.xTitle)),
    y: quantitative("2", y, axisOf(y, 5, view.yTitle)),
  };
}

/** The same in % of ‖θ‖, above and at the right. */
function secondaryAxes(view: PlaneView): Axes {
  const [x, y] = scalesOf(view);
  return {
    x: quantitative(
      "0",
      x,
      percentAxis(x.domain as [number, number], view.thetaNorm, "top", plotWidth(padding)),
    ),
    y: quantitative(
      "1",
      y,
      percentAxis(y.domain as [number, number], view.thetaNorm, "right", plotWidth(padding)),
    ),
  };
}

function scalesOf({ grid }: PlaneView): [Scale, Scale] {
  return [
    { kind: "linear", domain: edges(grid.x) },
    { kind: "linear", domain: edges(grid.y) },
  ];
}

function lineLayer(data: Spec, style: Spec, axes?: Axes): Spec {
  return {
    data,
    mark: { type: "line", strokeJoin: "round", clip: true, aria: false, ...style },
    encoding: {
      ...(axes ?? { x: again("1"), y: again("2") }),
      detail: { field: "0", type: "nominal" },
      ...("color" in style ? {} : { color: { field: "3", type: "nominal", scale: null, legend: null } }),
      order: { value: null },
    },
  };
}

function hatchLayer(data: Spec): Spec {
  return {
    data,
    mark: { type: "rule", color: INK, strokeWidth: 1, opacity: 0.8, clip: true, aria: false },
    encoding: { x: again("0"), y: again("1"), x2: { field: "2" }, y2: { field: "3" } },
  };
}

const plus = "M-1,0L1,0M0,-1L0,1";
const cross = "M-.8,-.8L.8,.8M-.8,.8L.8,-.8";

/** Origin +, minimum ×, the test's as an open ring with ×: dark on a wider white casing. */
function markLayers(data: Spec, axes: Axes): Spec[] {
  const layer = (
    color: string,
    strokeWidth: number,
    kinds: string[],
    shape: string,
    size: number,
    a?: Axes,
  ): Spec => ({
    data,
    transform: [{ filter: { field: "2", oneOf: kinds } }],
    mark: { type: "point", shape, filled: false, stroke: color, strokeWidth, size, opacity: 1, aria: false },
    encoding: a ?? { x: again("0"), y: again("1") },
  });
  const cased = (kinds: string[], shape: string, size: number, width: number, a?: Axes) => [
    layer(CASING, width + 2.4, kinds, shape, size, a),
    layer(INK, width, kinds, shape, size),
  ];
  return [
    ...cased(["origin"], plus, 220, 2, axes),
    ...cased(["test minimum"], "circle", 110, 1.6),
    ...cased(["train minimum"], cross, 150, 2.4),
  ];
}

/** What the reader points at. */
function cursorLayer(data: Spec): Spec {
  return {
    name: CURSOR,
    data,
    mark: {
      type: "point",
      shape: "square",
      filled: false,
      size: 90,
      stroke: "#ffffff",
      strokeWidth: 2,
      aria: false,
    },
    encoding: { x: again("0"), y: again("1") },
  };
}
