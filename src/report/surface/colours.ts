import type { ColourMap, Rgb } from "../maps.ts";

/** A map's colours from its low to its high end, `STEPS` of them, six hexadecimal digits each: maps are code, pages carry text. */
export function coloursOf(map: ColourMap): string {
  return Array.from({ length: STEPS }, (_, k) => hex(map(k / (STEPS - 1)))).join("");
}

const STEPS = 128;

/** The colour at a position from 0 to 1, as `#rrggbb`. */
export function colourAt(colours: string, position: number): string {
  const k = Math.round(position * (STEPS - 1));
  return `#${colours.slice(6 * k, 6 * k + 6)}`;
}

export function rgb(colour: string): Rgb {
  const code = Number.parseInt(colour.slice(1), 16);
  return [code >> 16, (code >> 8) & 255, code & 255];
}

/** Without the leading `#`. */
export function hex(colour: Rgb): string {
  return colour.map((v) => v.toString(16).padStart(2, "0")).join("");
}
