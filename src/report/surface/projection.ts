import type { Grid, Point } from "../contours.ts";
import { edges } from "../grid.ts";
import type { Camera } from "./view.ts";

/** A point of the box: u and v from −½ to ½ of its sides, w from 0 on the floor to 1 at the top. */
export type BoxPoint = readonly [u: number, v: number, w: number];

/** Height of the box over its width. */
export const HEIGHT = 0.6;

/** Parallel projection of the box, so that equal heights stay equal wherever they stand. */
export interface Projection {
  at(point: BoxPoint): Point;
  /** Distance along the line of sight, in widths of the box; the nearer is the smaller. */
  depth(point: BoxPoint): number;
  /** The vertical edge of the box that is nearest, by the signs of its u and v. */
  readonly near: readonly [u: 1 | -1, v: 1 | -1];
}

interface Place {
  readonly centre: Point;
  /** Of the smallest circle around the floor, in px. */
  readonly radius: number;
  /** Depth of the floor over its width. */
  readonly aspect: number;
}

/** All turns and tilts at one size: a rotation does not zoom. */
export function projection({ turn, tilt }: Camera, { centre, radius, aspect }: Place): Projection {
  const [cosTurn, sinTurn] = [Math.cos((turn * Math.PI) / 180), Math.sin((turn * Math.PI) / 180)];
  const [cosTilt, sinTilt] = [Math.cos((tilt * Math.PI) / 180), Math.sin((tilt * Math.PI) / 180)];
  const unit = radius / Math.hypot(0.5, aspect / 2);
  const away = ([u, v]: BoxPoint) => u * sinTurn + v * aspect * cosTurn;
  return {
    at: (p) => {
      const right = p[0] * cosTurn - p[1] * aspect * sinTurn;
      const up = (p[2] - 0.5) * HEIGHT * cosTilt + away(p) * sinTilt;
      return [centre[0] + unit * right, centre[1] - unit * up];
    },
    depth: (p) => away(p) * cosTilt - p[2] * HEIGHT * sinTilt,
    near: [sinTurn >= 0 ? -1 : 1, cosTurn >= 0 ? -1 : 1],
  };
}

/** Half the height that the box needs at any tilt, for a floor of this radius. */
export function halfHeight(radius: number, aspect: number): number {
  return radius * Math.hypot(1, HEIGHT / 2 / Math.hypot(0.5, aspect / 2));
}

/** From units of the axes to the box, which reaches to the edges of the cells. */
export function boxOf({ x, y }: Pick<Grid, "x" | "y">): (point: Point) => readonly [u: number, v: number] {
  const share = (values: readonly number[]) => {
    const [low, high] = edges(values);
    return (at: number) => (at - low) / (high - low) - 0.5;
  };
  const [u, v] = [share(x), share(y)];
  return ([a, b]) => [u(a), v(b)];
}
