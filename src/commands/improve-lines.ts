import type { Improvement, Round, Searched, StepEffect, Stopped } from "../analysis/improve.ts";
import { countText, errorText, numberText, percentText, withError } from "../analysis/number-text.ts";
import { fieldLines, tableLines } from "./table.ts";

interface Found extends Omit<Improvement, "theta"> {
  readonly gain: { readonly train: number | null; readonly watched: number | null };
  readonly samples: { readonly train: number; readonly watched: number | null };
  readonly watched: "test" | "held out" | null;
  readonly written: string | null;
}

interface Asked {
  readonly to: string | null;
  readonly npz: string | null;
  readonly least: number;
  readonly rounds: number;
}

/** The result for people: before and after, what each round did and by which order, and why it ended. */
export function improvementLines(found: Found, asked: Asked): string[] {
  const { before, after, gain, samples, watched, rounds, refused } = found;
  const change = (a: number, b: number, g: number | null, count: number) =>
    rounds.length === 0
      ? `${numberText(a, 6)}, unchanged (${countText(count)} samples)`
      : `${numberText(a, 6)} → ${numberText(b, 6)}${g === null ? "" : `, ${changeText(g)}`} (${countText(count)} samples)`;
  const fields: [string, string][] = [
    ["train loss", change(before.train.loss, after.train.loss, gain.train, samples.train)],
  ];
  if (before.watched && after.watched) {
    const text = change(before.watched.loss, after.watched.loss, gain.watched, samples.watched ?? 0);
    fields.push([`${watched} loss`, text]);
  }
  return [
    ...fieldLines(fields),
    ...rounds.flatMap((round, i) => ["", `round ${i + 1}`, ...roundLines(round, watched)]),
    ...(refused ? ["", "not taken", ...roundLines(refused, watched)] : []),
    "",
    stoppedText(found.stopped, refused, asked),
    ...(found.written === null ? [] : [`written: ${found.written}`]),
    ...(asked.to !== null && found.written === null ? [`nothing written to ${asked.to}`] : []),
    ...(asked.npz === null ? [] : [`written: ${asked.npz}`]),
  ];
}

function roundLines(
  { eigenvalues, searched, step, train, watched, noise, threshold }: Round,
  name: string | null,
): string[] {
  const lowest = eigenvalues.some((e) => e.of === "moving") ? "v₋ (moving)" : "v₋";
  const along = step.directions
    .map((d, i) => `${numberText(step.at[i] as number, 4)}·${d === "v+" ? "v₊" : lowest}`)
    .join(" ");
  const taken = searched.at(-1) as Searched;
  const open = taken.isOpen.some((is) => is);
  return [
    ...fieldLines([
      ...eigenvalues.map(
        ({ of, value, residual }) =>
          [`  λ₋ (${of} branches)`, withError(value, residual)] as [string, string],
      ),
      ...searched.map((s) => [`  lowest ${placeText(s)}`, searchText(s)] as [string, string]),
      ["  step", `${along}, ${percentText(step.relative)} of ‖θ‖`],
      ["  rounding noise of the loss", errorText(noise)],
    ]),
    ...tableLines(
      [
        ["  decrease", "whole", "slope", "curvature", "higher orders"],
        effectRow("train", train),
        ...(watched ? [effectRow(name ?? "test", watched)] : []),
      ],
      "<>>>>",
    ),
    ...(open ? ["  The search ended where the loss still fell, at ‖θ‖ from its start."] : []),
    ...searched
      .filter((s) => s.loss < taken.loss - threshold)
      .map((s) => `  A step ${placeText(s)} goes lower: --direction ${s.along} takes it.`),
  ];
}

function effectRow(name: string, { decrease }: StepEffect): string[] {
  const { whole, slope, curvature, rest } = decrease;
  return [`  ${name}`, ...[whole, slope, curvature, rest].map((x) => numberText(x, 3))];
}

function placeText({ along }: Searched): string {
  return along === "plane" ? "in the plane" : `along v₋ (${along})`;
}

function searchText({ gain, loss }: Searched): string {
  return gain === null ? `loss ${numberText(loss, 6)}` : `loss ${numberText(loss, 6)}, ${changeText(gain)}`;
}

function changeText(gain: number): string {
  return gain < 0 ? `${percentText(-gain, 3)} higher` : `${percentText(gain, 3)} lower`;
}

function stoppedText(stopped: Stopped, refused: Round | null, { least, rounds }: Asked): string {
  switch (stopped) {
    case "rounds":
      return `Stopped after ${rounds === 1 ? "the one round" : `the ${rounds} rounds`} asked for.`;
    case "small":
      return `Stopped: the last round gained less than ${percentText(least)}.`;
    case "watched rose":
      return "Stopped: the loss that was only watched rose in the last round.";
    case "noise":
      return refused === null
        ? ""
        : `Stopped: a decrease of ${numberText(refused.train.decrease.whole, 2)} is not told from the rounding noise of the float32 loss (${errorText(refused.noise)}; ${numberText(refused.threshold, 2)} would be), so that step was not taken.`;
  }
}
