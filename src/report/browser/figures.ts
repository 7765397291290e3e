import type { FigureData, PanelData } from "../figure-data.ts";
import { setUpPlayer } from "./player.ts";
import { type Live, setUpReading } from "./readout.ts";
import { setUpSolids } from "./solids.ts";
import { setUpSurfaces } from "./surfaces.ts";
import { draw } from "./vega.ts";

/** Replaces the drawn pictures by views, once the figure comes near the window. */
export function takeOver(figure: HTMLElement, data: FigureData): void {
  const near = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      near.disconnect();
      void enliven(figure, data);
    },
    { rootMargin: "300px" },
  );
  near.observe(figure);
}

async function enliven(figure: HTMLElement, data: FigureData): Promise<void> {
  const live: Live[] = [];
  for (const panel of data.panels) {
    const element = figure.querySelector<HTMLElement>(`[data-panel="${CSS.escape(panel.id)}"]`);
    if (element) live.push(await replace(element, panel, data));
  }
  setUpReading(figure, live);
  setUpSurfaces(figure, live);
  setUpSolids(figure, live);
  if (data.frames) setUpPlayer(figure, data.frames, live);
  figure.dataset["live"] = "";
}

/** The picture stays until its successor is complete. */
async function replace(element: HTMLElement, panel: PanelData, data: FigureData): Promise<Live> {
  const stage = document.createElement("div");
  const view = await draw(panel, data.datasets, stage);
  element.replaceChildren(stage);
  return { element, panel, view };
}
