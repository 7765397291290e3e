/** A grid of values at x[j], y[i]; null where there is none. */
export interface Grid {
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly values: readonly (readonly (number | null)[])[];
}

export type Point = readonly [x: number, y: number];

/**
 * The level set {value = level} as open or closed polylines, by marching squares with linear interpolation.
 * A square with a missing corner has no line; a square where the diagonals disagree (a saddle) is
 * resolved by the mean of its corners. Values equal to the level count as above it.
 */
export function contour(grid: Grid, level: number): Point[][] {
  return join(segments(grid, level));
}

/** The pieces of the level set within one square of the grid, from corner (i, j) on: none, one or two. */
export function squareSegments(grid: Grid, level: number, i: number, j: number): [Point, Point][] {
  return square(grid, level, i, j).map(([from, to]) => [from.at, to.at]);
}

/** A crossing is known by the grid edge that it lies on, so that neighbours join exactly. */
interface Crossing {
  readonly key: string;
  readonly at: Point;
}

function segments(grid: Grid, level: number): [Crossing, Crossing][] {
  const found: [Crossing, Crossing][] = [];
  for (let i = 0; i + 1 < grid.y.length; i++) {
    for (let j = 0; j + 1 < grid.x.length; j++) found.push(...square(grid, level, i, j));
  }
  return found;
}

function square(grid: Grid, level: number, i: number, j: number): [Crossing, Crossing][] {
  const corner = (di: number, dj: number) => grid.values[i + di]?.[j + dj] ?? null;
  const [a, b, c, d] = [corner(0, 0), corner(0, 1), corner(1, 1), corner(1, 0)];
  if (a === null || b === null || c === null || d === null) return [];
  const above = [a, b, c, d].map((v) => v >= level);
  const edges: Crossing[] = [];
  if (above[0] !== above[1]) edges.push(along(grid, level, "x", i, j, a, b));
  if (above[1] !== above[2]) edges.push(along(grid, level, "y", i, j + 1, b, c));
  if (above[2] !== above[3]) edges.push(along(grid, level, "x", i + 1, j, d, c));
  if (above[3] !== above[0]) edges.push(along(grid, level, "y", i, j, a, d));
  if (edges.length === 2) return [[edges[0]!, edges[1]!]];
  if (edges.length !== 4) return [];
  const [bottom, right, top, left] = edges as [Crossing, Crossing, Crossing, Crossing];
  const centreAbove = (a + b + c + d) / 4 >= level;
  // The centre belongs with the corners on its own side: the lines cut off the two other corners.
  return centreAbove === above[0]
    ? [
        [bottom, right],
        [top, left],
      ]
    : [
        [left, bottom],
        [right, top],
      ];
}

function along(
  grid: Grid,
  level: number,
  axis: "x" | "y",
  i: number,
  j: number,
  from: number,
  to: number,
): Crossing {
  const t = (level - from) / (to - from);
  const [x, y] = [grid.x[j]!, grid.y[i]!];
  const at: Point = axis === "x" ? [x + t * (grid.x[j + 1]! - x), y] : [x, y + t * (grid.y[i + 1]! - y)];
  return { key: `${axis}${i},${j}`, at };
}

/** Chains segments that share an edge crossing. Each crossing belongs to at most two segments. */
function join(pieces: readonly (readonly [Crossing, Crossing])[]): Point[][] {
  const touching = new Map<string, number[]>();
  pieces.forEach((piece, k) => {
    for (const { key } of piece) touching.set(key, [...(touching.get(key) ?? []), k]);
  });
  const used = new Set<number>();
  const walk = (start: Crossing): Point[] => {
    const line: Point[] = [];
    let here: Crossing | undefined = start;
    while (here) {
      const { key }: Crossing = here;
      line.push(here.at);
      const next: number | undefined = touching.get(key)?.find((k) => !used.has(k));
      if (next === undefined) break;
      used.add(next);
      here = pieces[next]!.find((c) => c.key !== key);
    }
    return line;
  };
  const lines: Point[][] = [];
  // Open lines first, from an end of theirs; what is left then is closed.
  for (const [first, last] of pieces) {
    for (const end of [first, last]) {
      const at = touching.get(end.key)!;
      if (at.length === 1 && !used.has(at[0]!)) lines.push(walk(end));
    }
  }
  pieces.forEach(([first], k) => {
    if (!used.has(k)) lines.push(walk(first));
  });
  return lines;
}
