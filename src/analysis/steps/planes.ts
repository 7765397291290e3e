import {
  chooseRange,
  evaluatePlane,
  evaluateProfile,
  type GridLosses,
  linearAxis,
  type ProfileLosses,
} from "../../landscape/index.ts";
import { dot } from "../../numerics/vector.ts";
import type { DirectionRole, GridValues, Plane, Profile } from "../analysis-report.ts";
import { numberText, plural } from "../number-text.ts";
import type { StepContext } from "./context.ts";
import type { NamedDirection } from "./directions.ts";

/** Half-widths of the ranges, by the direction's id in the report. */
export type Ranges = ReadonlyMap<string, { readonly halfWidth: number; readonly text: string }>;

/** How far to go along each direction: to where the loss has grown by the factor of the options. */
export async function rangesStep(
  context: StepContext,
  directions: readonly NamedDirection[],
  loss: number,
): Promise<Ranges> {
  context.progress.start("ranges");
  const ranges = new Map<string, { halfWidth: number; text: string }>();
  for (const role of ["top", "bottom", "random", "filter"] as const) {
    const alike = directions.filter((d) => d.info.role === role);
    const looked = alike.slice(0, 2);
    const found = [];
    for (const { direction, info } of looked) {
      const factor = role === "bottom" ? context.options.bottomRise : context.options.rise;
      const known = { factor, loss, slope: info.slope ?? undefined, curvature: info.curvature ?? undefined };
      found.push(await chooseRange(context.train, direction, known, context.signal));
    }
    // Directions of one kind share the wider range, so that their plane is square and their profiles compare.
    const widest = found.reduce((a, b) => (b.halfWidth > a.halfWidth ? b : a), { halfWidth: 0, text: "" });
    for (const { info } of alike) ranges.set(info.id, widest);
  }
  context.progress.finish("");
  return ranges;
}

/** The Hessian, random and filter-normalised planes, train and test. */
export async function planesStep(
  context: StepContext,
  directions: readonly NamedDirection[],
  ranges: Ranges,
): Promise<Plane[]> {
  context.progress.start("planes");
  const planes: Plane[] = [];
  for (const kind of ["hessian", "random", "filter"] as const) {
    const pair = axesOf(kind, directions);
    if (pair) planes.push(await planeOf(context, kind, pair, ranges));
  }
  const lowest = planes.map((p) => `${p.kind} min ${numberText(p.train.minimum.loss, 3)}`).join("   ");
  context.progress.finish(lowest);
  return planes;
}

type Axes = readonly [NamedDirection, NamedDirection];

function axesOf(kind: Plane["kind"], directions: readonly NamedDirection[]): Axes | undefined {
  const of = (role: DirectionRole) => directions.filter((d) => d.info.role === role);
  const [x, y] = kind === "hessian" ? [of("top")[0], of("bottom")[0]] : of(kind);
  return x && y ? [x, y] : undefined;
}

async function planeOf(
  context: StepContext,
  kind: Plane["kind"],
  [first, second]: Axes,
  ranges: Ranges,
): Promise<Plane> {
  const { grid } = context.options;
  const extent = [ranges.get(first.info.id), ranges.get(second.info.id)] as const;
  const [x, y] = extent.map((e) => linearAxis(-(e?.halfWidth ?? 1), e?.halfWidth ?? 1, grid)) as [
    number[],
    number[],
  ];
  const result = await evaluatePlane(context, [first.direction, second.direction], x, y, {
    signal: context.signal,
  });
  const texts = new Set([`x ${extent[0]?.text}`, `y ${extent[1]?.text}`]);
  return {
    kind,
    xDirection: first.info.id,
    yDirection: second.info.id,
    cosine: dot(first.direction.vector, second.direction.vector),
    x,
    y,
    train: gridValues(result.train),
    test: result.test && gridValues(result.test),
    range: extent[0] === extent[1] ? `x and y ${extent[0]?.text}` : [...texts].join("; "),
  };
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
    const half = ranges.get(info.id)?.halfWidth ?? 1;
    const t = linearAxis(-half, half, context.options.profilePoints);
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
