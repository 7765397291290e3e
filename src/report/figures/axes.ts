import type { Scale } from "../scales.ts";
import { fittingTicks, narrowTicks, type Ticks } from "../ticks.ts";
import type { Spec } from "./figure.ts";

/** A quantitative channel whose axis has our own ticks. */
export function quantitative(field: string, scale: Scale, axis: Spec | null): Spec {
  return {
    field,
    type: "quantitative",
    scale: vegaScale(scale),
    axis,
  };
}

/** Our scale in Vega-Lite's words. */
export function vegaScale({ kind, domain, constant }: Scale): Spec {
  const more = constant === undefined ? {} : { constant };
  // A logarithmic scale has no zero to leave out.
  return { type: kind, domain, nice: false, padding: 0, ...(kind === "log" ? {} : { zero: false }), ...more };
}

/** The same channel in a further layer, which leaves scale and axis to the first. */
export function again(field: string): Spec {
  return { field, type: "quantitative", axis: null };
}

/** A vertical axis: its labels are narrow enough for the title beside them. */
export function axisOf(scale: Scale, count: number, title: string | null): Spec {
  return axisWith(narrowTicks(scale, count, CHARACTERS), title, { titleX: TITLE_X });
}

/** Of a label in the room of a vertical axis, beside its sign; "−1e−5" in a wide font (DejaVu Sans) is 43 px. */
const CHARACTERS = 4;
const TITLE_X = -54;
/** Room left of a plot for a vertical axis: labels and title. */
export const AXIS_ROOM = 68;

/** A horizontal axis, with as many ticks as its labels leave room for. */
export function wideAxis(scale: Scale, pixels: number, title: string | null, more: Spec = {}): Spec {
  return axisWith(fittingTicks(scale, 6, pixels), title, more);
}

export function axisWith({ values, format }: Ticks, title: string | null, more: Spec = {}): Spec {
  return { values, ...numberLabels(format), title, ...more };
}

/** A second axis for displacements, in % of ‖θ‖, above the plot or at its right. */
export function percentAxis(
  domain: readonly [number, number],
  thetaNorm: number,
  orient: "top" | "right",
  pixels: number,
): Spec {
  const unit = thetaNorm > 0 ? thetaNorm / 100 : 1;
  const scale: Scale = { kind: "linear", domain: [domain[0] / unit, domain[1] / unit] };
  const suffix = " %";
  const { values, format } =
    orient === "top" ? fittingTicks(scale, 3, pixels, suffix) : narrowTicks(scale, 3, CHARACTERS);
  return {
    orient,
    // At the corner the labels of the other axis stand.
    values: values.map((v) => v * unit).filter((v) => v < domain[1] - 0.06 * (domain[1] - domain[0])),
    labelExpr: `(${numberExpression(`datum.value / ${unit}`, format)}) + '${suffix}'`,
    title: null,
  };
}

/** Layers share scales, but an axis belongs to the one layer that describes it. */
export const ownAxes: Spec = { axis: { x: "independent", y: "independent" } };

/** Labels in a d3 format. */
export function numberLabels(format: string): Spec {
  return { labelExpr: numberExpression("datum.value", format) };
}

/** A Vega expression for the text of a number; powers of ten need a true minus in the exponent too, and no plus. */
function numberExpression(value: string, format: string): string {
  const text = `format(${value}, '${format}')`;
  return `datum.value == 0 ? '0' : ${format.includes("e") ? `replace(replace(${text}, 'e-', 'e\u2212'), 'e+', 'e')` : text}`;
}
