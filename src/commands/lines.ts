import { vectorHash } from "../analysis/unit.ts";
import { readVector } from "../data/vector.ts";
import { chooseRange, linearAxis } from "../landscape/index.ts";
import { norm } from "../numerics/vector.ts";
import type { Direction, Objective } from "../objective/types.ts";
import type { Range } from "./options.ts";

/** A vector from a file as a direction, taken as it is. */
export async function givenDirection(address: string, n: number, option: string): Promise<Direction> {
  const vector = await readVector(address, n, `--${option}`);
  return { id: `sha256:${vectorHash(vector)}`, vector };
}

/** The points of an axis: those asked for, or `count` to where the loss has grown `factor`-fold. */
export async function axisPoints(
  objective: Objective,
  direction: Direction,
  asked: Range | null,
  otherwise: { readonly count: number; readonly factor: number },
  signal: AbortSignal,
): Promise<number[]> {
  if (asked) return linearAxis(asked.from, asked.to, asked.count);
  // The range is looked for along the unit vector; the axis counts in lengths of the one that is given.
  const length = norm(direction.vector);
  const unit = { id: `${direction.id}/unit`, vector: direction.vector.map((x) => x / length) };
  const { halfWidth } = await chooseRange(objective, unit, { factor: otherwise.factor }, signal);
  return linearAxis(-halfWidth / length, halfWidth / length, otherwise.count);
}
