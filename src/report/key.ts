import { type Html, html, raw } from "./html.ts";

/** One entry of a figure's key: a swatch drawn like the mark, and its meaning. */
export interface KeyEntry {
  readonly mark: keyof typeof swatches;
  readonly colour: string;
  readonly label: string;
}

/** Bodies of 22 × 12 px drawings; `C` stands for the colour. */
const swatches = {
  dot: '<path d="M0 6H22" stroke="C" stroke-width="1.5"/><circle cx="11" cy="6" r="3" fill="C"/>',
  ring: '<circle cx="11" cy="6" r="3.2" fill="none" stroke="C" stroke-width="1.5"/>',
  line: '<path d="M0 6H22" stroke="C" stroke-width="1.5"/>',
  heavy:
    '<path d="M0 6H22" stroke="#fff" stroke-width="4.4"/><path d="M0 6H22" stroke="#111" stroke-width="2"/>',
  dash: '<path d="M0 6H22" stroke="C" stroke-width="1.5" stroke-dasharray="4 3"/>',
  dots: '<path d="M0 6H22" stroke="C" stroke-width="1" stroke-dasharray="2 3"/>',
  band: '<rect y="1" width="22" height="10" fill="C" opacity=".25"/>',
  bar: '<rect y="2" width="22" height="8" fill="C"/>',
  tick: '<path d="M11 0V12" stroke="C" stroke-width="2"/>',
  error: '<path d="M1 6H21M1 2.5V9.5M21 2.5V9.5" stroke="C" stroke-width="1.5"/>',
  disc: '<circle cx="11" cy="6" r="4" fill="C"/>',
  triangle: '<path d="M6.5 2.5H15.5L11 10Z" fill="C"/>',
  diamond: '<path d="M11 1L16 6L11 11L6 6Z" fill="none" stroke="C" stroke-width="1.5"/>',
  plus: '<path d="M11 0V12M5 6H17" stroke="C" stroke-width="2"/>',
  cross: '<path d="M6.5 1.5L15.5 10.5M6.5 10.5L15.5 1.5" stroke="C" stroke-width="2.2"/>',
  hatch:
    '<rect width="22" height="12" fill="#8a8a8a"/><path d="M0 12L12 0M8 12L20 0M16 12L22 6" stroke="#111"/>',
} as const;

/** The key below a figure. Downloads take it from the page, swatch by swatch. */
export function keyLine(entries: readonly KeyEntry[]): Html | null {
  if (entries.length === 0) return null;
  return html`<ul class="key">${entries.map(
    (e) =>
      html`<li><svg width="22" height="12" viewBox="0 0 22 12" aria-hidden="true">${raw(
        swatches[e.mark].replaceAll('"C"', `"${e.colour}"`),
      )}</svg><span>${e.label}</span></li>`,
  )}</ul>`;
}
