import type { AnalysisReport, DirectionInfo, Profile } from "../../analysis/analysis-report.ts";
import { numberText, percentText } from "../../analysis/number-text.ts";
import { changeText, directionOf, type Split, start } from "../facts.ts";
import { zeroIndex } from "../grid.ts";
import { extent, padded, type Scale } from "../scales.ts";
import { isNumber, shareText, valueText } from "../text.ts";
import { AXIS_ROOM, again, axisOf, ownAxes, percentAxis, quantitative, wideAxis } from "./axes.ts";
import { CURSOR } from "./cursor.ts";
import { type Padding, type Panel, plotWidth, type Rows, type Spec } from "./figure.ts";

export const padding: Padding = { left: AXIS_ROOM, right: 16, top: 66, bottom: 42 };
export const HEIGHT = 190;
const STRIP = 60;
/** Points of a predicted curve, enough to look smooth. */
const SMOOTH = 61;

/** Colour and dash of a direction; its label in the title says the same in words. */
export const colours: Readonly<Record<DirectionInfo["role"], string>> = {
  top: "var(--top)",
  bottom: "var(--bottom)",
  random: "var(--random)",
  filter: "var(--filter)",
};

/** ΔL along one direction, or along several of one kind as thin lines. */
export function profilePanel(report: AnalysisReport, group: readonly Profile[]): Panel {
  const first = group[0]!;
  const direction = directionOf(report, first.direction)!;
  const id = `profile-${report.profiles.indexOf(first)}`;
  const several = group.length > 1;
  const train = group.map((p) => changes(report, p, "train"));
  const test = several ? [] : changes(report, first, "test");
  const model = several ? [] : predictionRows(direction, first);
  const x: Scale = {
    kind: "linear",
    domain: extent(
      group.flatMap((p) => p.t),
      [-1, 1],
    ),
  };
  const measured = extent([0, ...train.flat().map((row) => row[1])], [0, 1]);
  const y: Scale = {
    kind: "linear",
    domain: padded(withRoom(withRoom(measured, test, 0.6), model, 0.3), 0.06),
  };
  // The accuracy below has the labels of the common axis.
  const strip = first.train.accuracy !== null;
  const title = several ? `${group.length} random directions` : `along ${direction.label}`;
  const colour = colours[direction.role];
  return {
    id,
    description: `ΔL ${title}: ${subtitleOf(report, group)}`,
    padding: strip ? { ...padding, bottom: 8 } : padding,
    pick: { by: "x", rows: pickRows(report, first), link: first.direction },
    datasets: {
      [`${id}/train`]: train.flatMap((rows, k) => rows.map((row) => [...row, k])),
      [`${id}/test`]: test,
      [`${id}/model`]: model,
      [`${id}/band`]: several ? [] : quadraticBand(direction, train[0]!),
      [`${id}/cursor`]: [],
    },
    spec: {
      title: { text: title, subtitle: subtitleOf(report, group) },
      width: plotWidth(padding),
      height: HEIGHT,
      layer: [
        bandLayer(`${id}/band`),
        zeroLayer(),
        {
          data: { name: `${id}/train` },
          mark: { type: "line", color: colour, strokeWidth: several ? 1 : 1.5, clip: true, aria: false },
          encoding: {
            x: quantitative(
              "0",
              x,
              wideAxis(x, plotWidth(padding), strip ? null : "t = ‖Δθ‖", { labels: !strip }),
            ),
            y: quantitative("1", y, axisOf(y, 5, "ΔL")),
            detail: { field: "2", type: "nominal" },
          },
        },
        points(`${id}/train`, { shape: "circle", filled: true, color: colour, size: several ? 5 : 14 }),
        lineLayer(`${id}/model`, { color: colour, strokeWidth: 1.5, strokeDash: [5, 4] }),
        points(`${id}/test`, { shape: "circle", filled: false, color: colour, size: 18, strokeWidth: 1.1 }),
        secondAxisLayer(`${id}/band`, x, report.checkpoint.thetaNorm),
        cursorLayer(`${id}/cursor`),
      ],
      resolve: ownAxes,
    },
  };
}

/** Accuracy of the same points, in a panel of its own: a second axis at the side would be read wrongly. */
export function accuracyStrip(report: AnalysisReport, group: readonly Profile[]): Panel | null {
  const first = group[0]!;
  if (!first.train.accuracy) return null;
  const id = `profile-${report.profiles.indexOf(first)}-accuracy`;
  const direction = directionOf(report, first.direction)!;
  const rows = (split: Split) => group.flatMap((p, k) => shares(p, split).map((row) => [...row, k]));
  const [train, test] = [rows("train"), group.length > 1 ? [] : rows("test")];
  const x: Scale = {
    kind: "linear",
    domain: extent(
      group.flatMap((p) => p.t),
      [-1, 1],
    ),
  };
  const y: Scale = {
    kind: "linear",
    domain: padded(
      extent(
        [...train, ...test].map((r) => r[1]!),
        [0, 100],
      ),
      0.08,
    ),
  };
  const colour = colours[direction.role];
  return {
    id,
    description: `accuracy along ${direction.label}, from ${numberText(y.domain[0], 3)} % to ${numberText(y.domain[1], 3)} %`,
    padding: { ...padding, top: 8 },
    below: true,
    pick: { by: "x", rows: pickRows(report, first), link: first.direction },
    datasets: { [`${id}/train`]: train, [`${id}/test`]: test, [`${id}/cursor`]: [] },
    spec: {
      width: plotWidth(padding),
      height: STRIP,
      layer: [
        {
          data: { name: `${id}/train` },
          mark: { type: "line", color: colour, strokeWidth: group.length > 1 ? 1 : 1.5, aria: false },
          encoding: {
            x: quantitative("0", x, wideAxis(x, plotWidth(padding), "t = ‖Δθ‖")),
            y: quantitative("1", y, axisOf(y, 2, "accuracy %")),
            detail: { field: "2", type: "nominal" },
          },
        },
        points(`${id}/test`, { shape: "circle", filled: false, color: colour, size: 18, strokeWidth: 1 }),
        cursorLayer(`${id}/cursor`),
      ],
      resolve: ownAxes,
    },
  };
}

/** [t, ΔL] where it is finite. */
export function changes(report: AnalysisReport, profile: Profile, split: Split): [number, number][] {
  const values = profile[split]?.loss ?? [];
  const from = values[zeroIndex(profile.t)] ?? start(report, split)?.loss ?? 0;
  return profile.t.flatMap((t, k): [number, number][] => {
    const loss = values[k];
    return isNumber(loss) ? [[t, loss - from]] : [];
  });
}

function shares(profile: Profile, split: Split): [number, number][] {
  const values = profile[split]?.accuracy ?? [];
  return profile.t.flatMap((t, k): [number, number][] => {
    const share = values[k];
    return isNumber(share) ? [[t, 100 * share]] : [];
  });
}

function predict({ slope, curvature }: DirectionInfo, t: number): number | null {
  return slope === null || curvature === null ? null : slope * t + 0.5 * curvature * t * t;
}

/** Room for other rows too, as far as they do not flatten what was measured in training; `share` of its height. */
function withRoom(
  [low, high]: readonly [number, number],
  rows: readonly (readonly number[])[],
  share: number,
): [number, number] {
  const room = share * (high - low);
  const [lowest, highest] = extent(
    rows.map((row) => row[1]!),
    [low, high],
  );
  return [Math.max(Math.min(low, lowest), low - room), Math.min(Math.max(high, highest), high + room)];
}

function predictionRows(direction: DirectionInfo, profile: Profile): [number, number][] {
  const [low, high] = extent(profile.t, [0, 0]);
  return Array.from({ length: SMOOTH }, (_, k) => low + (k / (SMOOTH - 1)) * (high - low)).flatMap((t) => {
    const value = predict(direction, t);
    return value === null ? [] : [[t, value]];
  });
}

/** The stretch around θ₀ in which measured and predicted ΔL differ by less than a tenth of the larger. */
function quadraticBand(direction: DirectionInfo, measured: readonly (readonly [number, number])[]): Rows {
  // Where the loss crosses L(0) a tenth of it is nothing.
  const least = 0.02 * Math.max(...measured.map(([, change]) => Math.abs(change)));
  const good = ([t, change]: readonly [number, number]) => {
    const expected = predict(direction, t);
    if (expected === null) return false;
    return Math.abs(change - expected) <= 0.1 * Math.max(Math.abs(change), Math.abs(expected), least);
  };
  const middle = measured.findIndex(([t]) => t >= 0);
  if (middle < 0 || predict(direction, 0) === null) return [];
  let [first, last] = [middle, middle];
  while (first > 0 && good(measured[first - 1]!)) first--;
  while (last + 1 < measured.length && good(measured[last + 1]!)) last++;
  return last > first ? [[measured[first]![0], measured[last]![0]]] : [];
}

function subtitleOf(report: AnalysisReport, group: readonly Profile[]): string {
  const profile = group[0]!;
  const from = report.checkpoint.train.loss;
  const best = group.reduce((a, b) => (b.minimum.loss < a.minimum.loss ? b : a));
  const { t, loss } = best.minimum;
  if (t === 0 || loss >= from) return "training loss lowest at θ₀";
  const who = group.length > 1 ? "the best " : "";
  const end = t === profile.t[0] || t === profile.t.at(-1) ? ", the end of the range" : "";
  return `${who}falls ${changeText(from - loss, from)} at t = ${numberText(t, 2)}${end}`;
}

function pickRows(report: AnalysisReport, profile: Profile): [number, number, string][] {
  const change = new Map(changes(report, profile, "train"));
  const label = directionOf(report, profile.direction)?.label ?? profile.direction;
  return profile.t.map((t, k) => {
    const test = profile.test ? `, test ${valueText(profile.test.loss[k], 4)}` : "";
    const accuracy = profile.train.accuracy?.[k];
    const share = isNumber(accuracy) ? `, accuracy ${percentText(accuracy, 3)}` : "";
    const testShare = isNumber(profile.test?.accuracy?.[k])
      ? ` / ${shareText(profile.test.accuracy[k], 3)}`
      : "";
    const text = `${label}, t = ${numberText(t, 3)}: loss ${valueText(profile.train.loss[k], 4)} (ΔL ${valueText(change.get(t), 3)})${test}${share}${testShare}`;
    return [t, change.get(t) ?? 0, text];
  });
}

function bandLayer(name: string): Spec {
  return {
    data: { name },
    mark: { type: "rect", color: "var(--muted)", opacity: 0.14, aria: false },
    encoding: { x: again("0"), x2: { field: "1" } },
  };
}

export function zeroLayer(): Spec {
  return {
    data: { values: [[0]] },
    mark: { type: "rule", color: "var(--rule)", aria: false },
    encoding: { y: again("0") },
  };
}

function lineLayer(name: string, style: Spec): Spec {
  return {
    data: { name },
    mark: { type: "line", clip: true, aria: false, ...style },
    encoding: { x: again("0"), y: again("1") },
  };
}

function points(name: string, style: Spec): Spec {
  return {
    data: { name },
    mark: { type: "point", opacity: 1, clip: true, aria: false, ...style },
    encoding: { x: again("0"), y: again("1") },
  };
}

/** Carries the axis in % of ‖θ‖ only. */
export function secondAxisLayer(name: string, x: Scale, thetaNorm: number): Spec {
  return {
    data: { name },
    mark: { type: "point", opacity: 0, aria: false },
    encoding: {
      x: quantitative(
        "0",
        x,
        percentAxis(x.domain as [number, number], thetaNorm, "top", plotWidth(padding)),
      ),
    },
  };
}

function cursorLayer(name: string): Spec {
  return {
    name: CURSOR,
    data: { name },
    mark: { type: "rule", color: "var(--text)", strokeWidth: 1, aria: false },
    encoding: { x: again("0") },
  };
}
