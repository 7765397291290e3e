import type { Grid } from "../contours.ts";
import { aspectOf, finite } from "../grid.ts";
import { lossScale, positionOf, type Scale } from "../scales.ts";
import { HEIGHT } from "./projection.ts";

type Rows = Grid["values"];

/** Losses and accuracies over a plane, train and test on the same points. */
export interface PlaneValues extends Pick<Grid, "x" | "y"> {
  readonly train: SplitValues;
  readonly test: SplitValues | null;
}

interface SplitValues {
  readonly loss: Rows;
  readonly accuracy: Rows | null;
}

/** A data set's losses as a solid picture of width 1, with the proportions of the report's. */
export interface Solid {
  readonly split: "train" | "test";
  /** Place of grid point (i, j); null where the loss is not finite. */
  at(i: number, j: number): readonly [x: number, y: number, z: number] | null;
  /** Its position on the colour scale, from 0 to 1. */
  position(i: number, j: number): number;
  /** How the places follow from coefficients and losses, in ASCII. */
  readonly formulas: readonly string[];
}

/** Each data set on its own scale, by the rule of the report's maps. */
export function solids(plane: PlaneValues): Solid[] {
  const all = [["train", plane.train] as const, ["test", plane.test] as const];
  return all.flatMap(([split, values]) => (values ? [solid(plane, split, values.loss)] : []));
}

function solid(plane: PlaneValues, split: Solid["split"], loss: Rows): Solid {
  const { scale } = lossScale(finite({ values: loss }));
  const aspect = aspectOf(plane);
  const [u, v] = [centred(plane.x), centred(plane.y)];
  const position = (i: number, j: number) =>
    Math.min(1, Math.max(0, positionOf(scale, loss[i]![j] ?? Number.NaN)));
  return {
    split,
    position,
    at: (i, j) =>
      loss[i]![j] === null ? null : [u.of(plane.x[j]!), aspect * v.of(plane.y[i]!), HEIGHT * position(i, j)],
    formulas: [
      `x = ${u.formula("alpha")}`,
      `y = ${aspect === 1 ? "" : `${aspect} * `}${v.formula("beta")}`,
      `z = ${heightFormula(scale)}`,
    ],
  };
}

/** An axis from −½ to ½. */
function centred(values: readonly number[]): { of(at: number): number; formula(name: string): string } {
  const [low, high] = [values[0]!, values.at(-1)!];
  const [middle, width] = [(low + high) / 2, high - low || 1];
  return { of: (at) => (at - middle) / width, formula: (name) => `(${name} - (${middle})) / ${width}` };
}

function heightFormula({ kind, domain: [low, high] }: Scale): string {
  const share =
    kind === "log"
      ? `log(loss / ${low}) / log(${high} / ${low})`
      : `(loss - (${low})) / (${high} - (${low}))`;
  return `${HEIGHT} * ${share}, between 0 and ${HEIGHT}`;
}
