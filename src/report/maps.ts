import { scheme } from "vega";

/** 0–255. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** A colour map: [0, 1] → colour. */
export type ColourMap = (position: number) => Rgb;

/** Loss: low is dark. L* 15 → 91, monotone under colour-deficient vision too. */
export const viridis: ColourMap = fromScheme("viridis");

/** Accuracy. */
export const cividis: ColourMap = fromScheme("cividis");

/** Change of loss: blue below, white at 0, brown above; both arms run through the same lightness (L* 28 → 95). */
export const diverging: ColourMap = fromStops([
  "#004573",
  "#006eb3",
  "#6798d2",
  "#aec3e5",
  "#f1f1f1",
  "#e4b99d",
  "#c88556",
  "#a35515",
  "#6b3200",
]);

/** Cells without a finite value; hatched besides, since this grey alone is lost in cividis. */
export const notFinite: Rgb = [0x8a, 0x8a, 0x8a];

function fromScheme(name: string): ColourMap {
  const colour = scheme(name) as (t: number) => string;
  return (t) => parseColour(colour(clamp(t)));
}

function fromStops(stops: readonly string[]): ColourMap {
  const colours = stops.map(parseColour);
  return (t) => {
    const at = clamp(t) * (colours.length - 1);
    const i = Math.min(colours.length - 2, Math.floor(at));
    const [a, b] = [colours[i]!, colours[i + 1]!];
    const mix = (k: 0 | 1 | 2) => Math.round(a[k] + (b[k] - a[k]) * (at - i));
    return [mix(0), mix(1), mix(2)];
  };
}

function parseColour(text: string): Rgb {
  if (text.startsWith("#")) {
    const code = Number.parseInt(text.slice(1), 16);
    return [(code >> 16) & 255, (code >> 8) & 255, code & 255];
  }
  const [r = 0, g = 0, b = 0] = text.match(/\d+/g)!.map(Number);
  return [r, g, b];
}

function clamp(t: number): number {
  return Math.min(1, Math.max(0, t));
}
