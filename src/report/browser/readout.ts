import type { PanelData } from "../figure-data.ts";
import { cellAt, cellText, type Displacement, moveCell } from "./cells.ts";
import { type Shown, shownIn } from "./shown.ts";
import type { View } from "./vega.ts";

/** A panel whose picture is a view. */
export interface Live {
  readonly element: HTMLElement;
  readonly panel: PanelData;
  readonly view: View;
}

type Steps = readonly [right: number, up: number];

const arrows: Readonly<Record<string, Steps>> = {
  ArrowRight: [1, 0],
  ArrowLeft: [-1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};

/** One line below the figure says what is pointed at, by pointer, touch or arrow keys. */
export function setUpReading(figure: HTMLElement, live: readonly Live[]): void {
  const line = figure.querySelector<HTMLElement>(".readout");
  if (!line || !live.some(({ panel }) => panel.pick)) return;
  line.hidden = false;
  line.textContent = "Point at a panel, or choose one and use the arrow keys, to read its values.";
  for (const one of live) {
    if (!one.panel.pick) continue;
    const read = "rows" in one.panel.pick ? readRows(one, live) : readCells(one, live);
    const say = (text: string | null) => {
      if (text !== null) line.textContent = text;
    };
    const point = (event: PointerEvent) => say(read.at(inPlot(one, event)));
    one.element.addEventListener("pointermove", point);
    one.element.addEventListener("pointerdown", point);
    one.element.addEventListener("keydown", (event) => {
      const steps = arrows[event.key];
      if (!steps) return;
      event.preventDefault();
      say(read.by(steps));
    });
  }
}

interface Reader {
  at(point: Displacement | null): string | null;
  by(steps: Steps): string | null;
}

/** A row of the panel, marked in all that have it. */
function readRows(one: Live, live: readonly Live[]): Reader {
  const { pick } = one.panel;
  if (!pick || !("rows" in pick)) throw new Error("internal: rows expected");
  const linked = live.filter(
    ({ panel: { pick: theirs } }) => theirs && "rows" in theirs && theirs.link === pick.link,
  );
  let chosen = Math.floor(pick.rows.length / 2);
  const choose = (k: number): string | null => {
    const row = pick.rows[k];
    if (!row) return null;
    chosen = k;
    for (const other of linked) mark(other, [row[0], row[1]]);
    return row[2];
  };
  const key = pick.by === "y" ? 1 : 0;
  return {
    at: (point) => {
      if (!point) return null;
      const at = key === 1 ? point.y : point.x;
      const gaps = pick.rows.map((row) => Math.abs(toScreen(one, key, row[key]) - toScreen(one, key, at)));
      return choose(gaps.indexOf(Math.min(...gaps)));
    },
    // Down is to the next row, right to the next value.
    by: ([right, up]) => choose(chosen + (key === 1 ? -up + right : right + up)),
  };
}

/** The same displacement in all panels of the figure. */
function readCells(one: Live, live: readonly Live[]): Reader {
  const shown = ({ panel, view }: Live) => shownIn(panel.pick, view);
  const linked = live.filter((other) => shown(other) !== null);
  let here: Displacement = { x: 0, y: 0 };
  const choose = (point: Displacement): string => {
    here = point;
    for (const other of linked) {
      const cell = cellAt(shown(other) as Shown, here);
      mark(other, cell && isInside(other, cell) ? [cell.x, cell.y] : null);
    }
    return cellText(
      here,
      linked.map((other) => shown(other) as Shown),
    );
  };
  return {
    at: (point) => {
      const grid = shown(one);
      const cell = grid && point && cellAt(grid, point);
      return cell ? choose(cell) : null;
    },
    by: (steps) => {
      const grid = shown(one);
      return grid && choose(moveCell(grid, here, steps));
    },
  };
}

function mark({ panel, view }: Live, at: readonly [number, number] | null): void {
  view.data(`${panel.id}/cursor`, at ? [[...at]] : []);
  void view.runAsync();
}

function isInside({ view }: Live, { x, y }: Displacement): boolean {
  const within = (name: string, value: number) => {
    const [a = 0, b = 0] = (view.scale(name) as { domain(): number[] }).domain();
    return value >= Math.min(a, b) && value <= Math.max(a, b);
  };
  return within("x", x) && within("y", y);
}

/** The pointer in units of the axes; null outside the plot. */
function inPlot({ element, panel, view }: Live, event: PointerEvent): Displacement | null {
  const svg = element.querySelector("svg");
  const matrix = svg?.getScreenCTM()?.inverse();
  if (!matrix) return null;
  const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix);
  const [left, top] = [x - panel.origin[0], y - panel.origin[1]];
  if (left < 0 || top < 0 || left > view.width() || top > view.height()) return null;
  return { x: invert(view, "x", left), y: invert(view, "y", top) };
}

function invert(view: View, name: string, pixel: number): number {
  return (view.scale(name) as { invert(p: number): number }).invert(pixel);
}

function toScreen({ view }: Live, key: 0 | 1, value: number): number {
  return (view.scale(key === 0 ? "x" : "y") as (v: number) => number)(value);
}
