import { numberText } from "../../analysis/number-text.ts";
import type { PathPoint } from "../../analysis/trajectory/report.ts";
import { AXIS_ROOM, again, axisOf, ownAxes, quantitative, wideAxis } from "../figures/axes.ts";
import { CURSOR } from "../figures/cursor.ts";
import { type Padding, type Panel, plotWidth, type Spec } from "../figures/figure.ts";
import { extent, padded, type Scale } from "../scales.ts";
import { isNumber } from "../text.ts";

const padding: Padding = { left: AXIS_ROOM, right: 16, top: 50, bottom: 42 };
const HEIGHT = 170;

/** A number at each checkpoint, with its error; null where there is none. */
export interface Series {
  readonly name: string;
  readonly colour: string;
  /** Solid and filled, or dashed with rings, or dotted without marks. */
  readonly look: "solid" | "dashed" | "dotted";
  readonly value: (p: PathPoint) => number | null | undefined;
  readonly error?: (p: PathPoint) => number | null | undefined;
}

export interface Curve {
  readonly id: string;
  readonly title: string;
  readonly subtitle: string;
  readonly yTitle: string;
  readonly series: readonly Series[];
  /** Logarithmic where every value is above 0 and they differ that much; symmetric where signs differ; linear on request. */
  readonly scale?: "linear";
  /** What the line below the figure says of a checkpoint. */
  readonly text: (p: PathPoint) => string;
}

/** Where the checkpoints lie on the axis of all curves. */
export interface TrainingAxis {
  readonly scale: Scale;
  readonly title: string;
  readonly at: readonly number[];
}

const LOG_RATIO = 30;
const LEAST_SPREAD = 0.01;

/** Steps of training where they are known (logarithmic if they spread widely, from 0 on), else the order. */
export function trainingAxis(points: readonly PathPoint[]): TrainingAxis {
  const steps = points.map((p) => p.step);
  if (!steps.every(isNumber)) {
    const at = points.map((_, k) => k + 1);
    return { scale: { kind: "linear", domain: padded([1, points.length], 0.03) }, title: "checkpoint", at };
  }
  const positive = steps.filter((s) => s > 0);
  const [least, most] = [Math.min(...positive), Math.max(...positive)];
  if (most / least <= LOG_RATIO)
    return {
      scale: { kind: "linear", domain: padded(extent(steps, [0, 1]), 0.03) },
      title: "step",
      at: steps,
    };
  const low = Math.min(...steps);
  const domain = [low > 0 ? low / 1.1 : 0, most * 1.2] as const;
  return {
    scale: { kind: "symlog", domain, constant: least },
    title: "step (symmetric log axis)",
    at: steps,
  };
}

export function curvePanel(curve: Curve, points: readonly PathPoint[], axis: TrainingAxis): Panel {
  const { id, series } = curve;
  const y = scaleOf(curve, points);
  const kind = y.kind === "linear" ? "" : y.kind === "log" ? ", log axis" : ", symmetric log axis";
  const rowsOf = (s: Series) =>
    points.flatMap((p, k) => {
      const value = s.value(p);
      if (!isNumber(value) || (y.kind === "log" && value <= 0)) return [];
      const error = s.error?.(p) ?? 0;
      const low = Math.max(value - error, y.domain[0]);
      return [[axis.at[k]!, value, low, Math.min(value + error, y.domain[1])]];
    });
  const pick = points.flatMap((p, k): [number, number, string][] => {
    const value = series[0]!.value(p);
    return isNumber(value) ? [[axis.at[k]!, value, `${p.name}: ${curve.text(p)}`]] : [];
  });
  return {
    id,
    description: `${curve.title}: ${curve.subtitle}`,
    padding,
    pick: { by: "x", rows: pick, link: id },
    datasets: {
      ...Object.fromEntries(series.map((s, i) => [`${id}/${i}`, rowsOf(s)])),
      [`${id}/axis`]: [[axis.at[0]!, y.domain[0]]],
      [`${id}/cursor`]: [],
    },
    spec: {
      title: { text: curve.title, subtitle: `${curve.subtitle}${kind}` },
      width: plotWidth(padding),
      height: HEIGHT,
      layer: [
        {
          data: { name: `${id}/axis` },
          mark: { type: "point", opacity: 0, aria: false },
          encoding: {
            x: quantitative("0", axis.scale, wideAxis(axis.scale, plotWidth(padding), axis.title)),
            y: quantitative("1", y, axisOf(y, 5, curve.yTitle)),
          },
        },
        ...series.toReversed().flatMap((s) => seriesLayers(`${id}/${series.indexOf(s)}`, s)),
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

function seriesLayers(name: string, { colour, look, error }: Series): Spec[] {
  const data = { name };
  const place = { x: again("0"), y: again("1") };
  const dash = look === "solid" ? {} : { strokeDash: look === "dashed" ? [5, 4] : [1.5, 3] };
  return [
    {
      data,
      mark: { type: "line", color: colour, strokeWidth: 1.5, ...dash, aria: false },
      encoding: { ...place, order: { value: null } },
    },
    ...(error
      ? [
          {
            data,
            mark: { type: "rule", color: colour, strokeWidth: 1.5, aria: false },
            encoding: { x: again("0"), y: again("2"), y2: { field: "3" } },
          },
        ]
      : []),
    ...(look === "dotted"
      ? []
      : [
          {
            data,
            mark: {
              type: "point",
              shape: "circle",
              filled: look === "solid",
              color: colour,
              size: look === "solid" ? 24 : 30,
              opacity: 1,
              aria: false,
            },
            encoding: place,
          },
        ]),
  ];
}

function scaleOf({ series, scale }: Curve, points: readonly PathPoint[]): Scale {
  const values = series.flatMap((s) => points.map((p) => s.value(p)).filter(isNumber));
  const [low, high] = extent(values, [0, 1]);
  const sizes = values.map(Math.abs).filter((v) => v > 0);
  const ratio = Math.max(...sizes) / Math.min(...sizes);
  if (scale === "linear" || sizes.length === 0 || ratio <= LOG_RATIO) {
    // A value near others that are far from 0 is compared with them; one near 0 with 0.
    const from0 = low >= 0 && low < 0.5 * high;
    // Values that agree to within what an axis can show are drawn as one.
    const least = LEAST_SPREAD * Math.max(Math.abs(low), Math.abs(high));
    const near = high - low < least ? [low - least, high + least] : [from0 ? 0 : low, high];
    const [from, to] = extent([...near, ...series.flatMap((s) => barEnds(s, points, high - low))], [0, 1]);
    return { kind: "linear", domain: padded([from, to], 0.06) };
  }
  if (low > 0) return { kind: "log", domain: [low / 1.4, high * 1.4] };
  const domain = [low < 0 ? low * 1.4 : 0, high > 0 ? high * 1.4 : 0] as const;
  return { kind: "symlog", domain, constant: Math.min(...sizes) };
}

/** Ends of the error bars, as far as they leave the values room. */
function barEnds({ value, error }: Series, points: readonly PathPoint[], room: number): number[] {
  return points.flatMap((p) => {
    const [v, e] = [value(p), error?.(p)];
    return isNumber(v) && isNumber(e) ? [v - Math.min(e, room), v + Math.min(e, room)] : [];
  });
}

/** "8.34 → 20.1" */
export function fromTo(points: readonly PathPoint[], value: Series["value"], digits: number = 3): string {
  const values = points.map(value).filter(isNumber);
  if (values.length === 0) return "not computed";
  return `${numberText(values[0]!, digits)} → ${numberText(values.at(-1)!, digits)}`;
}
