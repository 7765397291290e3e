import type { Point } from "../contours.ts";

/** What a picture is made of, back to front. Colours may be custom properties of the page. */
export type Shape = Area | Line | Label;

export interface Area {
  readonly kind: "area";
  readonly points: readonly Point[];
  readonly fill: string;
}

export interface Line {
  readonly kind: "line";
  readonly points: readonly Point[];
  readonly stroke: string;
  readonly width: number;
  readonly opacity?: number;
}

export interface Label {
  readonly kind: "label";
  readonly at: Point;
  readonly text: string;
  readonly size: number;
  readonly fill: string;
  readonly anchor: "start" | "middle" | "end";
  readonly weight?: number;
  /** On a casing of the page's ground, where lines cross it. */
  readonly halo?: boolean;
  /** Degrees, clockwise. */
  readonly angle?: number;
}

/** A picture in px. */
export interface Scene {
  readonly width: number;
  readonly height: number;
  readonly shapes: readonly Shape[];
}

/** What closes the seams between neighbours, which smoothing of edges would leave. */
export const SEAM = 0.7;

/** Under a label. */
export const HALO = { stroke: "var(--bg)", width: 4 } as const;

/** The picture as SVG. */
export function sceneSvg({ width, height, shapes }: Scene): string {
  const body = shapes.map(shapeSvg).join("");
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" stroke-linejoin="round">${body}</svg>`;
}

function shapeSvg(shape: Shape): string {
  switch (shape.kind) {
    case "area":
      return `<path d="${path(shape.points)}Z" fill="${shape.fill}" stroke="${shape.fill}" stroke-width="${SEAM}"/>`;
    case "line":
      return `<path d="${path(shape.points)}" fill="none" stroke="${shape.stroke}" stroke-width="${shape.width}"${shape.opacity === undefined ? "" : ` opacity="${shape.opacity}"`}/>`;
    case "label": {
      const { at, angle, weight = 400, size, anchor, fill } = shape;
      const halo = shape.halo
        ? ` stroke="${HALO.stroke}" stroke-width="${HALO.width}" paint-order="stroke"`
        : "";
      const place = angle ? ` transform="rotate(${round(angle)} ${round(at[0])} ${round(at[1])})"` : "";
      return `<text x="${round(at[0])}" y="${round(at[1])}"${place} font-size="${size}" font-weight="${weight}" text-anchor="${anchor}" fill="${fill}"${halo}>${escaped(shape.text)}</text>`;
    }
  }
}

function path(points: readonly Point[]): string {
  return points.map(([x, y], k) => `${k === 0 ? "M" : "L"}${round(x)},${round(y)}`).join("");
}

/** Hundredths of a pixel. */
function round(value: number): number {
  return Math.round(100 * value) / 100;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
