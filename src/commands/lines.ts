import { rangeText } from "../analysis/range-text.ts";
import { vectorHash } from "../analysis/run/unit.ts";
import { lowestOf } from "../analysis/steps/ranges.ts";
import { readVector } from "../data/vector.ts";
import {
  type ChosenRange,
  chooseRange,
  type Extent,
  linearAxis,
  originAxis,
  type PlanePoint,
  type Rise,
} from "../landscape/index.ts";
import { norm } from "../numerics/vector.ts";
import type { Direction, Objective } from "../objective/types.ts";
import type { Range } from "./options.ts";

/** A vector from a file as a direction, taken as it is. */
export async function givenDirection(address: string, n: number, option: string): Promise<Direction> {
  const vector = await readVector(address, n, `--${option}`);
  return { id: `sha256:${vectorHash(vector)}`, vector };
}

export const rangeHelp = "auto (by curvature and loss), R (to a rise of R times the loss) or FROM:TO:COUNT";

/** What was given as range: points asked for, else how far to go. */
export function asRange(given: Range | Rise): { range: Range | null; rise: Rise } {
  return typeof given === "object" ? { range: given, rise: "auto" } : { range: null, rise: given };
}

/** A direction of a line or plane, and what its axis should be. */
export interface AxisRequest {
  readonly direction: Direction;
  /** What the axis is called in words. */
  readonly name: string;
  /** null: to be chosen. */
  readonly asked: Range | null;
  /** dᵀHd, where it is known and told from 0. */
  readonly curvature?: number | undefined;
}

export interface ChosenAxes {
  readonly points: readonly (readonly number[])[];
  /** How those not asked for were chosen, in words; null if all were asked for. */
  readonly text: string | null;
  /** The lowest loss that was come across, if all axes were chosen. */
  readonly lowest: PlanePoint | null;
}

/** The points of each axis: those asked for, or `count` that show the lowest loss near θ₀ and the rise around it. */
export async function axisPoints(
  objective: Objective,
  requests: readonly AxisRequest[],
  rise: Rise,
  count: number,
  signal: AbortSignal,
): Promise<ChosenAxes> {
  const open = requests.filter((r) => r.asked === null);
  const asked = ({ asked }: AxisRequest) => (asked ? linearAxis(asked.from, asked.to, asked.count) : []);
  if (open.length === 0) return { points: requests.map(asked), text: null, lowest: null };
  // Ranges are looked for along unit vectors; an axis counts in lengths of the one that is given.
  const lengths = open.map((r) => norm(r.direction.vector));
  const units = open.map(({ direction: { id, vector } }, i) => ({
    id: `${id}/unit`,
    vector: vector.map((x) => x / (lengths[i] as number)),
  }));
  const facts = open.map(({ curvature }) => ({ curvature }));
  const inLengths = await chooseRange(objective, units, { rise, facts }, signal);
  const chosen = inUnitsOf(inLengths, lengths);
  const points = requests.map((r) => {
    const index = open.indexOf(r);
    return index < 0 ? asked(r) : originAxis(chosen.extents[index] as Extent, count);
  });
  const isWhole = open.length === requests.length;
  return {
    points,
    lowest: isWhole ? lowestOf(chosen) : null,
    text: rangeText(
      chosen,
      open.map((r) => r.name),
      objective.thetaNorm,
    ),
  };
}

function inUnitsOf(chosen: ChosenRange, lengths: readonly number[]): ChosenRange {
  const of = (i: number) => lengths[i] as number;
  return {
    ...chosen,
    extents: chosen.extents.map(({ from, to }, i) => ({ from: from / of(i), to: to / of(i) })),
    lowest: chosen.lowest.map((c, i) => c / of(i)),
  };
}
