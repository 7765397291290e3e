import { numberText, percentText, plural } from "../../analysis/number-text.ts";
import { farthestFromPlane } from "../../analysis/trajectory/findings.ts";
import type { PathPoint, TrajectoryReport } from "../../analysis/trajectory/report.ts";
import type { Split } from "../facts.ts";
import { splitNames } from "../facts.ts";
import { colourBar } from "../figures/colour-bar.ts";
import type { Figure } from "../figures/figure.ts";
import { finite } from "../grid.ts";
import { html } from "../html.ts";
import type { KeyEntry } from "../key.ts";
import { viridis } from "../maps.ts";
import { lossScale } from "../scales.ts";
import { measuredText, shareText, valueText } from "../text.ts";
import { type Curve, curvePanel, fromTo, trainingAxis } from "./curve-panel.ts";
import { pathPanel } from "./path-panel.ts";
import { curveTable, placeTable } from "./tables.ts";

export function splitsOf({ plane }: TrajectoryReport): Split[] {
  return plane.test ? ["train", "test"] : ["train"];
}

/** The path over the loss under it, one colour scale for each split. */
export function pathFigure(report: TrajectoryReport): Figure {
  const { plane, checkpoints } = report;
  const scaled = splitsOf(report).map((split) => ({
    split,
    ...lossScale([...finite({ values: plane[split]!.loss })]),
  }));
  const beyond = scaled.reduce((sum, s) => sum + s.beyond, 0);
  const missing = plane.train.nonFinite + (plane.test?.nonFinite ?? 0);
  const farthest = farthestFromPlane(checkpoints);
  const bars = scaled.map(({ split, scale }) =>
    colourBar(
      `path-colours-${split}`,
      `${splitNames[split]} loss, ${scale.kind} colour scale`,
      scale,
      viridis,
    ),
  );
  return {
    id: "path",
    title: pathTitle(report),
    caption: html`How to read: the line joins the checkpoints in the order of training, projected on a plane through the
      last one (+); ${
        farthest
          ? html`<em>the larger a dot, the farther its checkpoint lies beside the plane</em> (largest: ${farthest.name}, ${numberText(farthest.offPlane, 3)}).`
          : "every checkpoint lies in it."
      } The map is the loss on the plane itself, in the last checkpoint’s graph: it is
      not that of the checkpoints, whose own is in the curves below beside the map’s. ${axesNote(report)} Range: ${plane.range}.
      ${beyond > 0 && `${plural(beyond, "cell")} above the scale have its last colour.`} ${missing > 0 && `${plural(missing, "cell")} without a finite loss are grey and hatched.`}`,
    panels: [...scaled.map(({ split, scale }) => pathPanel(report, split, scale)), ...bars],
    columns: 2,
    key: [
      { mark: "dot", colour: "var(--text)", label: "path, checkpoints" },
      { mark: "plus", colour: "var(--text)", label: "θ_last, the last checkpoint" },
      { mark: "cross", colour: "var(--text)", label: "minimum of the training loss on the map" },
      ...(plane.test
        ? [{ mark: "ring", colour: "var(--text)", label: "minimum of the test loss" } as const]
        : []),
    ],
    numbers: placeTable(report),
  };
}

function axesNote({ plane }: TrajectoryReport): string {
  const [x, y] = plane.explained.map((share) => percentText(share, 3));
  if (plane.kind === "hessian")
    return `Axes: v₊ and v₋ of the last checkpoint; ${x} and ${y} of Σ‖θₖ − θ_last‖² lie along them.`;
  const [first, second] = plane.shares;
  const one =
    (second ?? 0) === 0 ? " The path is a straight line: the second axis is a random direction." : "";
  return `Axes: principal directions of θₖ − θ_last, with ${percentText(first ?? 0, 3)} and ${percentText(second ?? 0, 3)} of Σ‖θₖ − θ_last‖².${one}`;
}

function pathTitle({ checkpoints, plane }: TrajectoryReport): string {
  const share = plane.explained[0] + plane.explained[1];
  const name = plane.kind === "pca" ? "its principal plane" : "the last checkpoint’s Hessian plane";
  return `The path of ${plural(checkpoints.length, "checkpoint")}: ${percentText(share, 3)} of its squared distance from the end lies in ${name}`;
}

/** Losses, curvatures and distances over training, each from the checkpoint's own file. */
export function curvesFigure(report: TrajectoryReport): Figure {
  const { checkpoints } = report;
  const axis = trainingAxis(checkpoints);
  const curves = [...lossCurves(report), ...curvatureCurves(report), ...placeCurves()];
  return {
    id: "curves",
    title: curvesTitle(checkpoints),
    caption: html`How to read: every number is of the checkpoint’s own file, at its own θₖ. Bars are residuals for
      eigenvalues, one standard error for the trace, the noise over groups of samples for ‖∇L‖. Dotted in the first
      panel: what the map of the path has at the checkpoint’s place.`,
    panels: curves.map((curve) => curvePanel(curve, checkpoints, axis)),
    columns: 3,
    key: curveKey(report),
    numbers: curveTable(report),
  };
}

const text = "var(--text)";
const muted = "var(--muted)";

function lossCurves({ checkpoints, plane }: TrajectoryReport): Curve[] {
  const own = (split: Split) => (p: PathPoint) => p.checkpoint[split]?.loss;
  const share = (split: Split) => (p: PathPoint) => {
    const fraction = p.checkpoint[split]?.accuracy;
    return fraction === null || fraction === undefined ? null : 100 * fraction;
  };
  const test = plane.test !== null;
  const loss: Curve = {
    id: "curve-loss",
    title: "Loss",
    subtitle: `training ${fromTo(checkpoints, own("train"))}`,
    yTitle: "loss",
    series: [
      { name: "train", colour: text, look: "solid", value: own("train") },
      ...(test ? [{ name: "test", colour: text, look: "dashed", value: own("test") } as const] : []),
      { name: "map", colour: muted, look: "dotted", value: (p) => p.onPlane.train.loss },
    ],
    text: (p) =>
      `loss ${valueText(own("train")(p))}${test ? `, test ${valueText(own("test")(p))}` : ""}; on the map ${valueText(p.onPlane.train.loss)}`,
  };
  const accuracy: Curve = {
    id: "curve-accuracy",
    title: "Accuracy",
    subtitle: `training ${fromTo(checkpoints, share("train"), 4)} %`,
    yTitle: "accuracy %",
    scale: "linear",
    series: [
      { name: "train", colour: text, look: "solid", value: share("train") },
      ...(test ? [{ name: "test", colour: text, look: "dashed", value: share("test") } as const] : []),
    ],
    text: (p) =>
      `accuracy ${shareText(p.checkpoint.train.accuracy, 4)}${test ? `, test ${shareText(p.checkpoint.test?.accuracy, 4)}` : ""}`,
  };
  return checkpoints.some((p) => p.checkpoint.train.accuracy !== null) ? [loss, accuracy] : [loss];
}

function curvatureCurves({ checkpoints }: TrajectoryReport): Curve[] {
  const end = (i: 0 | 1, id: string, name: string, colour: string): Curve => ({
    id,
    title: name,
    subtitle: fromTo(checkpoints, (p) => p.eigenpairs[i]?.value),
    yTitle: name,
    series: [
      {
        name,
        colour,
        look: "solid",
        value: (p) => p.eigenpairs[i]?.value,
        error: (p) => p.eigenpairs[i]?.residual,
      },
    ],
    text: (p) => `${name} ${measuredText(p.eigenpairs[i]?.value, p.eigenpairs[i]?.residual)}`,
  });
  const gradient: Curve = {
    id: "curve-gradient",
    title: "Gradient norm",
    subtitle: fromTo(checkpoints, (p) => p.checkpoint.gradientNorm),
    yTitle: "‖∇L‖",
    series: [
      {
        name: "‖∇L‖",
        colour: text,
        look: "solid",
        value: (p) => p.checkpoint.gradientNorm,
        error: (p) => p.checkpoint.gradientNoise,
      },
    ],
    text: (p) =>
      `‖∇L‖ ${numberText(p.checkpoint.gradientNorm)}, noise ${valueText(p.checkpoint.gradientNoise, 2)}`,
  };
  const trace: Curve = {
    id: "curve-trace",
    title: "Trace",
    subtitle: fromTo(checkpoints, (p) => p.trace?.value),
    yTitle: "tr H",
    series: [
      {
        name: "tr H",
        colour: text,
        look: "solid",
        value: (p) => p.trace?.value,
        error: (p) => p.trace?.standardError,
      },
    ],
    text: (p) => `tr H ${measuredText(p.trace?.value, p.trace?.standardError)}`,
  };
  return [
    gradient,
    end(0, "curve-top", "λ₊", "var(--top)"),
    end(1, "curve-bottom", "λ₋", "var(--bottom)"),
    ...(checkpoints.some((p) => p.trace) ? [trace] : []),
  ];
}

function placeCurves(): Curve[] {
  return [
    {
      id: "curve-cosine",
      title: "Directions against the last one’s",
      subtitle: "|cos| of v₊ and v₋, 1: the same direction",
      yTitle: "|cos|",
      scale: "linear",
      series: [
        { name: "v₊", colour: "var(--top)", look: "solid", value: (p) => p.cosTop },
        { name: "v₋", colour: "var(--bottom)", look: "solid", value: (p) => p.cosBottom },
      ],
      text: (p) => `|cos| of v₊ ${numberText(p.cosTop, 3)}, of v₋ ${numberText(p.cosBottom, 3)}`,
    },
    {
      id: "curve-distance",
      title: "Distance from the last",
      subtitle: "solid: in all; dashed: beside the plane",
      yTitle: "‖Δθ‖",
      scale: "linear",
      series: [
        { name: "distance", colour: text, look: "solid", value: (p) => p.distance },
        { name: "off plane", colour: text, look: "dashed", value: (p) => p.offPlane },
      ],
      text: (p) =>
        `‖θₖ − θ_last‖ ${numberText(p.distance, 4)}, beside the plane ${numberText(p.offPlane, 4)}`,
    },
  ];
}

function curveKey({ plane }: TrajectoryReport): KeyEntry[] {
  return [
    { mark: "dot", colour: text, label: "training data" },
    ...(plane.test ? [{ mark: "ring", colour: text, label: "test data" } as const] : []),
    { mark: "dash", colour: muted, label: "on the map of the path" },
    { mark: "disc", colour: "var(--top)", label: "v₊" },
    { mark: "disc", colour: "var(--bottom)", label: "v₋" },
  ];
}

function curvesTitle(points: readonly PathPoint[]): string {
  const value = (f: (p: PathPoint) => number | null | undefined) => fromTo(points, f).replace(" → ", " to ");
  return `While the training loss goes from ${value((p) => p.checkpoint.train.loss)}, λ₊ goes from ${value((p) => p.eigenpairs[0]?.value)} and λ₋ from ${value((p) => p.eigenpairs[1]?.value)}`;
}
