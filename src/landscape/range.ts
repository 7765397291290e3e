import type { Direction, Objective } from "../objective/types.ts";
import type { Extent } from "./axis.ts";
import { type Crossing, crossing, Probes, WITHIN } from "./line.ts";

/** What is known of the loss along a direction, for its unit vector. */
export interface LineFacts {
  /** dᵀHd, if known and told from 0: where to begin to look. */
  readonly curvature?: number | undefined;
  /** ∇L·d, if known. */
  readonly slope?: number | undefined;
}

export type Rise = number | "auto";

export interface RangeOptions {
  /** How far the loss should rise above L(θ₀), in multiples of |L(θ₀)|; "auto": once, less where the lowest point is near. */
  readonly rise: Rise;
  /** Of each direction, in their order. */
  readonly facts?: readonly LineFacts[];
  /** L(θ₀), if known: one evaluation less. */
  readonly loss?: number | undefined;
  /** Directions of one kind share the wider extent, so that one unit is equally long along each. */
  readonly shared?: boolean;
}

/** Extents of one or more directions, and what they were chosen by. */
export interface ChosenRange {
  /** Of each direction: coefficients (for unit vectors ‖Δθ‖); θ₀ and the lowest point found lie inside. */
  readonly extents: readonly Extent[];
  /** Where the lowest loss was found; θ₀ where none is lower by DEPTH. */
  readonly lowest: readonly number[];
  /** L(θ₀), the lowest loss found, and how far above L(θ₀) the ends lie; a rise of 0: there was nothing to choose by. */
  readonly loss: number;
  readonly least: number;
  readonly rise: number;
  /** What ended the walks along each direction, down and up. */
  readonly ends: readonly (readonly [down: Crossing["end"], up: Crossing["end"]])[];
}

/** A lower loss counts from this fraction of |L(θ₀)| on: less is not seen on a map that reaches to the rise. */
const DEPTH = 0.01;
/** By itself the rise is at most this many times the depth: on a parabola the lowest point then lies at a quarter of the reach. */
const RISE_PER_DEPTH = 15;
/** Each round of the search for the lowest point costs at most two losses for each direction. */
const ROUNDS = 8;
/** Half-width where nothing is known to choose by, in ‖θ‖. */
const REACH = 0.1;
/** θ₀ stays this far inside, as a fraction of the width. */
const MARGIN = 0.15;

/**
 * Chooses how far to go along one, two or more unit directions, so that the lowest loss near θ₀ and the rise around it
 * are both seen. Walks from θ₀ along each direction to where the loss has risen by |L(θ₀)|, beginning
 * where the parabola of slope and curvature would be (else at 1 % of ‖θ‖), searches the lowest point between,
 * and walks from there to all sides. So a direction of small curvature gets a long extent, √(κ₁/κ₂) times that
 * of another where the loss is quadratic. Uses losses only; deterministic; bounded: never beyond 2‖θ₀‖, at most
 * 100 losses for each direction, a quarter of that as a rule. A loss that is not finite counts as risen.
 */
export async function chooseRange(
  objective: Objective,
  directions: readonly Direction[],
  options: RangeOptions,
  signal?: AbortSignal,
): Promise<ChosenRange> {
  const loss = options.loss ?? (await objective.evaluate([], signal)).loss;
  const thetaNorm = objective.thetaNorm || 1;
  const probes = new Probes(objective, directions, loss, signal);
  const search: Search = { probes, loss, thetaNorm, facts: options.facts ?? [] };
  const origin = directions.map(() => 0);
  const full = await fullRise(search, origin, options.rise === "auto" ? 1 : options.rise);
  if (!(full > 0)) return withoutRise(search, origin);
  const first = await walkAll(search, origin, full, origin.map(guessOf(search, full)));
  // Where the loss falls without end there is no lowest point to look for.
  const bounded = first.every((sides) => sides.every((s) => s.end !== "fallen"));
  if (bounded) await descend(search, first);

  const { at, loss: least } = probes.lowest;
  const depth = loss - least;
  const found = bounded && depth >= DEPTH * (Math.abs(loss) || full);
  const rise = found && options.rise === "auto" ? Math.min(full, RISE_PER_DEPTH * depth) : full;
  const walks = found ? await walkAll(search, at, rise, first.map(nearer)) : first;
  const lowest = found ? at : origin;
  const own = walks.map((sides, i) => extentOf(sides, lowest[i] as number));
  return {
    extents: options.shared ? own.map(() => widest(own)) : own,
    lowest,
    loss,
    least: found ? least : loss,
    rise,
    ends: walks.map(([down, up]) => [down.end, up.end] as const),
  };
}

interface Search {
  readonly probes: Probes;
  readonly loss: number;
  readonly thetaNorm: number;
  readonly facts: readonly LineFacts[];
}

/** The walks to either side along one direction. */
type Sides = readonly [down: Crossing, up: Crossing];

/** `rise` times the loss; where that is 0, what the loss changes by at a tenth of ‖θ‖. */
async function fullRise(
  { probes, loss, thetaNorm }: Search,
  origin: readonly number[],
  rise: number,
): Promise<number> {
  if (!Number.isFinite(loss)) return 0;
  if (loss !== 0) return rise * Math.abs(loss);
  let most = 0;
  for (const axis of origin.keys()) {
    for (const side of [-1, 1]) {
      const change = Math.abs(
        await probes.loss(origin.map((_, i) => (i === axis ? side * REACH * thetaNorm : 0))),
      );
      if (Number.isFinite(change)) most = Math.max(most, change);
    }
  }
  return most;
}

function withoutRise({ loss, thetaNorm }: Search, origin: readonly number[]): ChosenRange {
  const extents = origin.map(() => ({ from: -REACH * thetaNorm, to: REACH * thetaNorm }));
  const ends = origin.map(() => ["limit", "limit"] as const);
  return { extents, lowest: origin, loss, least: loss, rise: 0, ends };
}

/** From a point along every direction to both sides, until the loss lies `height` above L(θ₀). */
async function walkAll(
  { probes, loss, thetaNorm }: Search,
  from: readonly number[],
  height: number,
  guesses: readonly (readonly [number, number])[],
): Promise<Sides[]> {
  // A loss that falls without end has no lowest point: twice the height is the end of it. No loss above 0 falls so far.
  const band = { ceiling: loss + height, floor: loss - 2 * Math.max(height, Math.abs(loss)) };
  const all: Sides[] = [];
  for (const [axis, guess] of guesses.entries()) {
    const [walk, limit, at] = [{ from, axis, ...band }, 2 * thetaNorm, from[axis] as number];
    const down = await crossing(probes, { ...walk, side: -1, guess: guess[0], limit: limit + at });
    const up = await crossing(probes, { ...walk, side: 1, guess: guess[1], limit: limit - at });
    all.push([down, up]);
  }
  return all;
}

/** Where the parabola of slope and curvature has risen to the height, on either side. */
function guessOf({ facts, thetaNorm }: Search, rise: number) {
  return (_: unknown, i: number): [number, number] => {
    const { curvature = 0, slope = 0 } = facts[i] ?? {};
    const side = (s: number) => {
      // ½|κ|t² + s·t = rise.
      if (curvature !== 0)
        return (Math.sqrt(s * s + 2 * Math.abs(curvature) * rise) - s) / Math.abs(curvature);
      return slope === 0 ? 0 : rise / Math.abs(slope);
    };
    return [side(-slope), side(slope)].map((t) => (t > 0 && Number.isFinite(t) ? t : 0.01 * thetaNorm)) as [
      number,
      number,
    ];
  };
}

/** A first distance for a walk that begins elsewhere. */
function nearer([down, up]: Sides): [number, number] {
  return [down.distance, up.distance];
}

/**
 * Lowers `probes.lowest` by steps along the directions, halved where none helps: a compass search, which needs no
 * slope and minds no wall. Begins at what the walks found, and where slope and curvature put the minimum of each line.
 */
async function descend({ probes, facts }: Search, walks: readonly Sides[]): Promise<void> {
  for (const [i, [down, up]] of walks.entries()) {
    const { curvature = 0, slope = 0 } = facts[i] ?? {};
    const t = curvature > 0 ? -slope / curvature : 0;
    if (t !== 0 && -t < down.distance && t < up.distance)
      await probes.loss(walks.map((_, k) => (k === i ? t : 0)));
  }
  let steps = walks.map(([down, up]) => Math.min(down.distance, up.distance) / 4);
  for (let round = 0; round < ROUNDS; round++) {
    const { at } = probes.lowest;
    for (const [i, step] of steps.entries()) {
      for (const side of [-1, 1]) await probes.loss(at.map((c, k) => (k === i ? c + side * step : c)));
    }
    if (probes.lowest.at === at) steps = steps.map((s) => s / 2);
  }
}

/** From one end to the other, with θ₀ well inside. */
function extentOf([down, up]: Sides, lowest: number): Extent {
  // Sides that agree to within what is known of them are drawn alike.
  const [near, far] = [Math.min(down.distance, up.distance), Math.max(down.distance, up.distance)];
  const alike = far <= WITHIN * near;
  const [from, to] = [lowest - (alike ? far : down.distance), lowest + (alike ? far : up.distance)];
  const margin = MARGIN * (Math.max(to, 0) - Math.min(from, 0));
  return { from: Math.min(from, -margin), to: Math.max(to, margin) };
}

function widest(extents: readonly Extent[]): Extent {
  return { from: Math.min(...extents.map((e) => e.from)), to: Math.max(...extents.map((e) => e.to)) };
}
