import type { Rgb } from "./maps.ts";

/** Lines and marks on maps: together they are told from every colour of a map. */
export const CASING = "#ffffff";
export const INK = "#111111";

/** What a thin line over one colour is drawn with. */
export function inkOn(colour: Rgb): string {
  return luminance(colour) > 0.3 ? INK : CASING;
}

function luminance([r, g, b]: Rgb): number {
  const linear = (v: number) => ((v / 255 + 0.055) / 1.055) ** 2.4;
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
}
