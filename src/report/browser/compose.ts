import type { FigureData } from "../figure-data.ts";
import { CURSOR } from "../figures/cursor.ts";
import { type Scene, sceneSvg } from "../surface/shape.ts";
import { resolveTokens, tokens } from "../tokens.ts";
import { sceneOf } from "./surfaces.ts";

const GAP = 24;
const MARGIN = 16;
const FONT = "system-ui, sans-serif";

interface Picture {
  readonly svg: string;
  readonly width: number;
  readonly height: number;
}

/** All panels of a figure, in its columns, under its title and over its key: one picture on white. */
export function compose(figure: HTMLElement, data: FigureData): Picture {
  const stacks = [...figure.querySelectorAll(".panels > .cell")].map(panelsOf);
  const bars = [...figure.querySelectorAll(".bars > .cell")].map(panelsOf);
  const columns = Math.min(data.columns, Math.max(1, stacks.length));
  const cell = Math.max(...stacks.map((stack) => stack.width));
  const width = 2 * MARGIN + columns * cell + (columns - 1) * GAP;
  const parts: string[] = [];
  let y = MARGIN;
  for (const line of wrap(figure.querySelector("h3")?.textContent ?? "", width - 2 * MARGIN, 15)) {
    y += 20;
    parts.push(text(line, MARGIN, y, 15, 600));
  }
  y += 12;
  for (const group of [rows(stacks, columns), rows(bars, columns)].flat()) {
    for (const [k, stack] of group.entries()) parts.push(place(stack.svg, MARGIN + k * (cell + GAP), y));
    y += Math.max(...group.map((stack) => stack.height)) + 8;
  }
  y += keyParts(figure, width, y, parts);
  const height = Math.ceil(y + MARGIN);
  const ground = `<rect width="100%" height="100%" fill="${tokens["bg"]![0]}"/>`;
  const body = resolveTokens(parts.join(""));
  return {
    svg: `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${FONT}">${ground}${body}</svg>`,
    width,
    height,
  };
}

/** The panels of one cell of the page, one below the other. */
function panelsOf(cell: Element): Picture {
  const scene = surfaceIn(cell);
  if (scene) return { svg: sceneSvg(scene), width: scene.width, height: scene.height };
  const parts: string[] = [];
  let [width, height] = [0, 0];
  for (const svg of cell.querySelectorAll<SVGSVGElement>(".panel svg")) {
    const copy = svg.cloneNode(true) as SVGSVGElement;
    const box = svg.viewBox.baseVal;
    for (const [name, value] of [
      ["x", 0],
      ["y", height],
      ["width", box.width],
      ["height", box.height],
    ] as const) {
      copy.setAttribute(name, String(value));
    }
    copy.removeAttribute("style");
    for (const mark of copy.querySelectorAll(`.${CURSOR}_marks`)) mark.remove();
    // What the page's style says of letters with a halo.
    for (const label of copy.querySelectorAll("text[stroke]")) label.setAttribute("paint-order", "stroke");
    parts.push(new XMLSerializer().serializeToString(copy));
    width = Math.max(width, box.width);
    height += box.height;
  }
  return { svg: parts.join(""), width, height };
}

/** The surface that stands in the place of a cell's map. */
function surfaceIn(cell: Element): Scene | undefined {
  const canvas = cell.querySelector("canvas");
  return canvas && cell.closest('[data-view="surface"]') ? sceneOf(canvas) : undefined;
}

function rows<T>(items: readonly T[], columns: number): T[][] {
  const count = Math.ceil(items.length / columns);
  return Array.from({ length: count }, (_, k) => items.slice(k * columns, (k + 1) * columns));
}

function place(svg: string, x: number, y: number): string {
  return `<g transform="translate(${x},${y})">${svg}</g>`;
}

/** The key's entries in lines; returns the height they take. */
function keyParts(figure: HTMLElement, width: number, top: number, parts: string[]): number {
  const entries = [...figure.querySelectorAll(".key li")];
  if (entries.length === 0) return 0;
  let [x, y] = [MARGIN, top + 4];
  for (const entry of entries) {
    const label = entry.textContent ?? "";
    const needed = 28 + measure(label, 12) + 20;
    if (x + needed > width && x > MARGIN) [x, y] = [MARGIN, y + 20];
    const swatch = new XMLSerializer().serializeToString(entry.querySelector("svg")!);
    parts.push(place(swatch, x, y), text(label, x + 28, y + 10, 12, 400));
    x += needed;
  }
  return y + 20 - top;
}

function text(content: string, x: number, y: number, size: number, weight: number): string {
  const node = document.createElement("span");
  node.textContent = content;
  return `<text x="${x}" y="${y}" font-size="${size}" font-weight="${weight}" fill="var(--text)">${node.innerHTML}</text>`;
}

function wrap(content: string, width: number, size: number): string[] {
  const lines: string[] = [];
  for (const word of content.split(/\s+/)) {
    const longer = lines.length > 0 ? `${lines.at(-1)} ${word}` : word;
    if (lines.length > 0 && measure(longer, size) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

let context: CanvasRenderingContext2D | null = null;

/** Width of a text; bold is reckoned a little wider. */
function measure(content: string, size: number): number {
  context ??= document.createElement("canvas").getContext("2d");
  if (!context) return content.length * size * 0.6;
  context.font = `600 ${size}px ${FONT}`;
  return context.measureText(content).width;
}
