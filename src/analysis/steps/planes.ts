import {
  type Extent,
  evaluatePlane,
  evaluateProfile,
  type GridLosses,
  originAxis,
  type ProfileLosses,
  type RefinedMinimum,
  refineMinimum,
} from "../../landscape/index.ts";
import { dot } from "../../numerics/vector.ts";
import type { DirectionRole, GridValues, Plane, Profile, RefinedPlane } from "../analysis-report.ts";
import { lowestPoint } from "../lowest-point.ts";
import { numberText, plural } from "../number-text.ts";
import type { StepContext } from "./context.ts";
import type { NamedDirection } from "./directions.ts";
import type { PlaneRange, Ranges } from "./ranges.ts";

/** The Hessian, random and filter-normalised planes, train and test. */
export async function planesStep(context: StepContext, ranges: Ranges): Promise<Plane[]> {
  context.progress.start("planes");
  const planes: Plane[] = [];
  for (const range of ranges.planes) planes.push(await planeOf(context, range));
  const lowest = planes.map((p) => `${p.kind} min ${numberText(lowestPoint(p).loss, 3)}`).join("   ");
  context.progress.finish(lowest);
  return planes;
}

async function planeOf(context: StepContext, range: PlaneRange): Promise<Plane> {
  const [first, second] = range.axes;
  const [x, y] = range.extents.map((e) => originAxis(e, context.options.grid)) as [number[], number[]];
  const directions = [first.direction, second.direction] as const;
  const result = await evaluatePlane(context, directions, x, y, { signal: context.signal });
  const refined = await refineMinimum(context, directions, result, {
    signal: context.signal,
    known: range.lowest,
  });
  return {
    kind: range.kind,
    xDirection: first.info.id,
    yDirection: second.info.id,
    cosine: dot(first.direction.vector, second.direction.vector),
    x,
    y,
    train: gridValues(result.train),
    test: result.test && gridValues(result.test),
    range: range.text,
    ...(refined ? { refined: refinedPlane(refined) } : {}),
  };
}

export function refinedPlane({ x, y, train, test, error }: RefinedMinimum): RefinedPlane {
  const at = test && { loss: finiteOrNull(test.loss), accuracy: test.accuracy };
  return { x, y, train: gridValues(train), test: at, error };
}

/** Finite or null, since the report is JSON. */
export function gridValues(grid: GridLosses): GridValues {
  const loss = grid.loss.map((row) => row.map(finiteOrNull));
  return {
    loss,
    accuracy: grid.accuracy?.map((row) => row.map(finiteOrNull)) ?? null,
    nonFinite: loss.reduce((sum, row) => sum + row.filter((v) => v === null).length, 0),
    minimum: grid.minimum,
  };
}

/** Profiles along v₊, v₋, every random direction and the first filter-normalised one. */
export async function profilesStep(
  context: StepContext,
  directions: readonly NamedDirection[],
  ranges: Ranges,
): Promise<Profile[]> {
  context.progress.start("profiles");
  const profiles: Profile[] = [];
  for (const { direction, info } of profileDirections(context, directions)) {
    const t = originAxis(ranges.profiles.get(info.id) as Extent, context.options.profilePoints);
    const result = await evaluateProfile(context, direction, t, { signal: context.signal });
    profiles.push({
      direction: info.id,
      t,
      train: profileValues(result.train),
      test: result.test && profileValues(result.test),
      minimum: result.minimum,
    });
  }
  context.progress.finish(plural(profiles.length, "line"));
  return profiles;
}

/** The directions that get a profile. */
export function profileDirections(
  { options }: Pick<StepContext, "options">,
  directions: readonly NamedDirection[],
): NamedDirection[] {
  const of = (role: DirectionRole, most: number) =>
    directions.filter((d) => d.info.role === role).slice(0, most);
  return [...of("top", 1), ...of("bottom", 1), ...of("random", options.randomProfiles), ...of("filter", 1)];
}

function profileValues(losses: ProfileLosses): Profile["train"] {
  return {
    loss: losses.loss.map(finiteOrNull),
    accuracy: losses.accuracy?.map(finiteOrNull) ?? null,
  };
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
