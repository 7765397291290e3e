import type { PlaneMark } from "../figures/plane-mark.ts";
import type { Scale } from "../scales.ts";

/** What a map needs to be seen as a surface too. Its cells are those of the report that the page carries. */
export interface SurfaceView {
  readonly title: string;
  readonly subtitle: string;
  readonly split: "train" | "test";
  /** Heights show the change from θ₀ instead of the value. */
  readonly relative: boolean;
  /** Unit of the scale: 100 for percentages of fractions. */
  readonly times: number;
  /** Of the colours and of the heights: both say the same. */
  readonly scale: Scale;
  /** The map's, by `coloursOf`. */
  readonly colours: string;
  /** Thin contours, equally spaced on the scale. */
  readonly contours: number;
  /** Value of the heavy contour; null for none. */
  readonly level: number | null;
  readonly marks: readonly PlaneMark[];
  readonly titles: { readonly x: string; readonly y: string; readonly value: string };
  /** Depth of the floor over its width. */
  readonly aspect: number;
}

/** A point of view: degrees about the vertical, and above the floor. */
export interface Camera {
  readonly turn: number;
  readonly tilt: number;
}

/** Neither axis end-on, and steep enough to look into a bowl over its near side. */
export const FIRST_VIEW: Camera = { turn: 35, tilt: 48 };

/** From the side everything would be one line. */
export const TILTS: readonly [low: number, high: number] = [5, 90];

/** A camera within what can be drawn: a full turn, from almost level to straight above. */
export function turned({ turn, tilt }: Camera, by: Partial<Camera>): Camera {
  const full = turn + (by.turn ?? 0);
  return {
    turn: full - 360 * Math.round(full / 360),
    tilt: Math.min(TILTS[1], Math.max(TILTS[0], tilt + (by.tilt ?? 0))),
  };
}
