import {
  type ChosenRange,
  chooseRange,
  type Extent,
  type PlanePoint,
  type RangeOptions,
} from "../../landscape/index.ts";
import type { DirectionRole, Plane } from "../analysis-report.ts";
import { rangeText } from "../range-text.ts";
import type { StepContext } from "./context.ts";
import type { NamedDirection } from "./directions.ts";

/** The two directions of a plane, and how far it goes along them. */
export interface PlaneRange {
  readonly kind: Plane["kind"];
  readonly axes: readonly [NamedDirection, NamedDirection];
  readonly extents: readonly Extent[];
  readonly text: string;
  /** The lowest loss that the search came across; it need not be one of the grid's. */
  readonly lowest: PlanePoint;
}

export interface Ranges {
  readonly planes: readonly PlaneRange[];
  /** Of the profiles, by the direction's id in the report. */
  readonly profiles: ReadonlyMap<string, Extent>;
}

/**
 * How far to go along each direction: v₊ and v₋ each by itself, both in their plane and alone; random directions
 * of one kind alike, so that one unit is equally long on both axes and their profiles compare.
 */
export async function rangesStep(
  context: StepContext,
  directions: readonly NamedDirection[],
  loss: number,
): Promise<Ranges> {
  context.progress.start("ranges");
  const { thetaNorm } = context.train;
  const planes: PlaneRange[] = [];
  const profiles = new Map<string, Extent>();
  let { rise } = context.options;
  for (const kind of ["hessian", "random", "filter"] as const) {
    const axes = axesOf(kind, directions);
    if (!axes) continue;
    const chosen = await choose(context, axes, { loss, rise, shared: kind !== "hessian" });
    // Planes are compared on one colour scale: the others rise as far as the Hessian plane.
    if (kind === "hessian" && loss !== 0 && chosen.rise > 0) rise = chosen.rise / Math.abs(loss);
    planes.push({
      ...{ kind, axes, extents: chosen.extents, lowest: lowestOf(chosen) },
      text: rangeText(chosen, ["α", "β"], thetaNorm),
    });
    const [shared] = chosen.extents as [Extent];
    if (kind !== "hessian") for (const { info } of of(kind, directions)) profiles.set(info.id, shared);
  }
  for (const named of directions) {
    if (profiles.has(named.info.id)) continue;
    profiles.set(
      named.info.id,
      (await choose(context, [named], { loss, rise: context.options.rise })).extents[0] as Extent,
    );
  }
  context.progress.finish("");
  return { planes, profiles };
}

/** Of a range of two axes. */
export function lowestOf({ lowest: [x = 0, y = 0], least }: ChosenRange): PlanePoint {
  return { x, y, loss: least };
}

function of(role: DirectionRole, directions: readonly NamedDirection[]): NamedDirection[] {
  return directions.filter((d) => d.info.role === role);
}

function axesOf(
  kind: Plane["kind"],
  directions: readonly NamedDirection[],
): readonly [NamedDirection, NamedDirection] | undefined {
  const [x, y] =
    kind === "hessian" ? [of("top", directions)[0], of("bottom", directions)[0]] : of(kind, directions);
  return x && y ? [x, y] : undefined;
}

function choose(
  { train, signal }: StepContext,
  along: readonly NamedDirection[],
  options: RangeOptions,
): Promise<ChosenRange> {
  const facts = along.map(({ info: { slope, curvature, curvatureError } }) => ({
    slope: slope ?? undefined,
    // A curvature that is not told from 0 says nothing of the distance.
    curvature: curvature !== null && Math.abs(curvature) > (curvatureError ?? 0) ? curvature : undefined,
  }));
  return chooseRange(
    train,
    along.map((d) => d.direction),
    { ...options, facts },
    signal,
  );
}
