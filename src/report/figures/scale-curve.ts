import type { AnalysisReport, ScaleCurve } from "../../analysis/analysis-report.ts";
import { countText, numberText, withError } from "../../analysis/number-text.ts";
import { AGREE, stepsApart } from "../../analysis/steps-apart.ts";
import { directionOf, labelOf } from "../facts.ts";
import { html } from "../html.ts";
import { extent, padded, type Scale, valueAt } from "../scales.ts";
import { scaleTable } from "../tables/scale-curve.ts";
import { AXIS_ROOM, again, axisOf, ownAxes, quantitative, wideAxis } from "./axes.ts";
import { CURSOR } from "./cursor.ts";
import { type Figure, type Padding, type Panel, plotWidth } from "./figure.ts";
import { colours } from "./profile.ts";

const padding: Padding = { left: AXIS_ROOM, right: 16, top: 50, bottom: 42 };
const HEIGHT = 190;
/** From this ratio of the largest curvature to the Hessian's on, the axis is logarithmic. */
const FLAT = 15;

/** Curvature by scale: differences of the gradient over growing steps, branches moving, beside the Hessian. */
export function scaleFigure(report: AnalysisReport): Figure | null {
  const curves = report.curvatureByScale.filter((c) => c.relativeStep.length > 0);
  if (curves.length === 0) return null;
  return {
    id: "scale",
    title: scaleTitle(report, curves),
    caption: html`How to read: the curvature dᵀ(∇L(θ₀+εd) − ∇L(θ₀−εd))/2ε that the loss shows over a step ε, with branches
      (ReLU, max-pool, …) free to move, bars its estimated rounding error; the horizontal line is the Hessian’s dᵀHd, the
      curvature in the limit, with branches held. Where the two part, the <em>parabola of the Hessian does not describe
      the loss</em> at that distance: for kinks, of which one within ε weighs as 1/ε, and at long steps for higher orders, as ε².`,
    panels: curves.map((curve) => scalePanel(report, curve)),
    columns: Math.min(3, Math.max(2, curves.length)) as 2 | 3,
    key: [
      { mark: "dot", colour: "var(--text)", label: "differences, branches moving" },
      { mark: "error", colour: "var(--text)", label: "rounding error" },
      { mark: "dash", colour: "var(--text)", label: "dᵀHd, branches frozen" },
    ],
    numbers: scaleTable(report),
  };
}

function scalePanel(report: AnalysisReport, curve: ScaleCurve): Panel {
  const id = `scale-${report.curvatureByScale.indexOf(curve)}`;
  const direction = directionOf(report, curve.direction);
  const colour = direction ? colours[direction.role] : "var(--text)";
  const y = curvatureScale(curve);
  const x: Scale = { kind: "log", domain: stepDomain(curve) };
  const rows = rowsOf(curve).filter(([, c]) => c >= y.domain[0] && c <= y.domain[1]);
  const outside = curve.relativeStep.length - rows.length;
  const hessian = withError(curve.hessian, curve.hessianError);
  const beyond =
    outside > 0
      ? ` · ${countText(outside)} of ${countText(curve.relativeStep.length)} steps off the axis`
      : "";
  const kind = y.kind === "symlog" ? " · symmetric log axis" : "";
  return {
    id,
    description: `Curvature along ${labelOf(report, curve.direction)} by step; the Hessian's is ${hessian}`,
    padding,
    pick: { by: "x", rows: rows.map(([s, c, , , text]) => [s, c, text]), link: id },
    datasets: {
      [`${id}/points`]: rows.map(([s, c, low, high]) => [s, c, low, high]),
      [`${id}/hessian`]: [[curve.hessian]],
      [`${id}/zero`]: y.domain[0] < 0 && y.domain[1] > 0 ? [[0]] : [],
      [`${id}/cursor`]: [],
    },
    spec: {
      title: {
        text: `along ${labelOf(report, curve.direction)}`,
        subtitle: `Hessian ${hessian}${kind}${beyond}`,
      },
      width: plotWidth(padding),
      height: HEIGHT,
      layer: [
        {
          data: { name: `${id}/zero` },
          mark: { type: "rule", color: "var(--rule)", aria: false },
          encoding: { y: again("0") },
        },
        {
          data: { name: `${id}/hessian` },
          mark: { type: "rule", color: colour, strokeWidth: 1.5, strokeDash: [5, 4], aria: false },
          encoding: { y: again("0") },
        },
        {
          data: { name: `${id}/points` },
          mark: { type: "line", color: colour, strokeWidth: 1.5, clip: true, aria: false },
          encoding: {
            x: quantitative("0", x, wideAxis(x, plotWidth(padding), "step ε / ‖θ‖")),
            y: quantitative("1", y, axisOf(y, 5, "curvature")),
          },
        },
        {
          data: { name: `${id}/points` },
          mark: { type: "rule", color: colour, strokeWidth: 1.5, clip: true, aria: false },
          encoding: { x: again("0"), y: again("2"), y2: { field: "3" } },
        },
        {
          data: { name: `${id}/points` },
          mark: {
            type: "point",
            shape: "circle",
            filled: true,
            color: colour,
            size: 24,
            opacity: 1,
            aria: false,
          },
          encoding: { x: again("0"), y: again("1") },
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

type Row = readonly [step: number, curvature: number, low: number, high: number, text: string];

function rowsOf(curve: ScaleCurve): Row[] {
  return curve.relativeStep.flatMap((step, k): Row[] => {
    const [c, e] = [curve.curvature[k], curve.error[k] ?? 0];
    if (c === undefined || !Number.isFinite(c)) return [];
    const text = `ε = ${numberText(step, 2)}·‖θ‖: curvature ${withError(c, e)}; Hessian ${withError(curve.hessian, curve.hessianError)}`;
    return [[step, c, c - e, c + e, text]];
  });
}

/** Linear, or symmetric logarithmic where the Hessian's own value would otherwise lie flat on 0. */
function curvatureScale(curve: ScaleCurve): Scale {
  const domain = domainOf(curve);
  const size = Math.abs(curve.hessian);
  const reach = Math.max(...domain.map(Math.abs));
  if (size === 0 || reach / size < FLAT) return { kind: "linear", domain };
  const scale: Scale = { kind: "symlog", domain, constant: size };
  return { ...scale, domain: [valueAt(scale, -0.05), valueAt(scale, 1.05)] };
}

/** What is known well decides the axis: values whose error is below half their size. */
function domainOf(curve: ScaleCurve): [number, number] {
  const size = Math.abs(curve.hessian);
  const good = rowsOf(curve).filter(([, c, low, high]) => high - low <= Math.max(size, Math.abs(c)));
  const values = (good.length > 0 ? good : rowsOf(curve)).map(([, c]) => c);
  // Ten per cent count as equal, so that much of the axis shows at least.
  const around = [1 - AGREE, 1 + AGREE].map((f) => f * curve.hessian);
  return padded(extent([...around, ...values], [0, 1]), 0.1);
}

function stepDomain(curve: ScaleCurve): [number, number] {
  const [low, high] = extent(
    curve.relativeStep.filter((s) => s > 0),
    [1e-5, 1e-1],
  );
  return high > low ? [low / 1.2, high * 1.2] : [low / 2, low * 2];
}

function scaleTitle(report: AnalysisReport, curves: readonly ScaleCurve[]): string {
  const parts = curves.map((curve) => `along ${labelOf(report, curve.direction)} ${agreement(curve)}`);
  return `The loss’s curvature over a step, against the Hessian’s: ${parts.join("; ")}`;
}

/** Up to where the two agree; or, as where a kink lies near, at how many steps they do not. */
function agreement(curve: ScaleCurve): string {
  const { relativeStep, curvature, hessian } = curve;
  const apart = stepsApart(curve);
  const [first] = apart;
  if (first === undefined) return `within 10 % up to ${numberText(relativeStep.at(-1)!, 2)}·‖θ‖`;
  const isForGood = apart.length === relativeStep.length - first;
  const step = `${numberText(relativeStep[first]!, 2)}·‖θ‖`;
  const where = isForGood
    ? `from ${step} on`
    : `at ${apart.length} of ${relativeStep.length} steps, first ${step}`;
  return `off by more than 10 % ${where} (${numberText(curvature[first]!, 3)} against ${numberText(hessian, 3)})`;
}
