import type {
  AnalysisReport,
  DirectionInfo,
  Eigenpair,
  LossValue,
  Plane,
  Profile,
} from "../analysis/analysis-report.ts";
import { numberText, percentText } from "../analysis/number-text.ts";

export type Split = "train" | "test";

export function directionOf(report: AnalysisReport, id: string): DirectionInfo | undefined {
  return report.directions.find((d) => d.id === id);
}

/** What a direction is called in text: its label, or its id when it is not described. */
export function labelOf(report: AnalysisReport, id: string): string {
  return directionOf(report, id)?.label ?? id;
}

export function firstPair(report: AnalysisReport, end: Eigenpair["end"]): Eigenpair | undefined {
  return report.eigenpairs?.pairs.find((pair) => pair.end === end);
}

export function profileOf(report: AnalysisReport, role: DirectionInfo["role"]): Profile | undefined {
  return report.profiles.find((p) => directionOf(report, p.direction)?.role === role);
}

/** Loss and accuracy at θ₀. */
export function start(report: AnalysisReport, split: Split): LossValue | null {
  return report.checkpoint[split];
}

export const planeNames: Readonly<Record<Plane["kind"], string>> = {
  hessian: "Hessian",
  random: "Random",
  filter: "Filter-normalised",
};

/** The training data is called so everywhere: "training loss", but "train" in panel titles. */
export const splitNames: Readonly<Record<Split, string>> = { train: "training", test: "test" };

/** A change of loss as people compare it: relative where the loss is positive, else absolute. */
export function changeText(change: number, from: number): string {
  const size = Math.abs(change);
  if (size === 0) return "0 %";
  return from > 0 ? percentText(size / from, size / from < 0.1 ? 2 : 3) : numberText(size, 3);
}

/** √(λ₊/|λ₋|): how much longer a step along v₋ must be to change the loss as much as one along v₊. */
export function stretchOf(report: AnalysisReport): number | null {
  const [top, bottom] = [firstPair(report, "top"), firstPair(report, "bottom")];
  if (!top || !bottom || top.value <= 0 || bottom.value >= 0) return null;
  return Math.sqrt(top.value / -bottom.value);
}

/** "a, b and c" */
export function listText(items: readonly string[]): string {
  if (items.length < 2) return items.join("");
  return `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

/** Long names lose their middle: both the layer and the kind of tensor stay readable. */
export function cutMiddle(name: string, most: number): string {
  if (name.length <= most) return name;
  const head = Math.ceil((most - 1) / 2);
  return `${name.slice(0, head)}…${name.slice(name.length - (most - 1 - head))}`;
}
