import { deflateRawSync } from "node:zlib";
import type { FigureData, PanelData } from "./figure-data.ts";
import type { Figure, Frames, Panel, Rows, Spec } from "./figures/figure.ts";
import { type Html, html, raw } from "./html.ts";
import { keyLine } from "./key.ts";
import { compileSpec, figureSpec, panelSpec, renderSvg, type Warn, withRows } from "./render.ts";
import { slimSvg } from "./slim.ts";
import { TILTS } from "./surface/view.ts";
import { keepTogether } from "./text.ts";

/** A figure as HTML with static pictures, and the data for the runtime. */
export interface Drawn {
  readonly html: Html;
  readonly id: string;
  readonly data: FigureData;
}

/** Draws every panel without a browser, so that the page is whole in print and without scripts. */
export async function drawFigure(figure: Figure, warn: Warn): Promise<Drawn> {
  const panels: PanelData[] = [];
  const pictures = new Map<Panel, Html>();
  for (const panel of figure.panels) {
    const vega = compileSpec(panelSpec(panel, figure.frames), warn);
    const svg = await renderSvg(withRows(vega, panel.datasets), warn);
    pictures.set(panel, raw(slimSvg(svg, panel.id)));
    const origin = [panel.padding.left, panel.padding.top] as const;
    panels.push({ id: panel.id, vega: vega as Spec, origin, pick: panel.pick, ...surfaceOf(panel) });
  }
  const data: FigureData = {
    spec: figureSpec(figure),
    datasets: Object.assign({}, ...figure.panels.map((p) => p.datasets)) as Record<string, Rows>,
    columns: figure.columns,
    frames: figure.frames ?? null,
    panels,
  };
  return { html: figureHtml(figure, pictures), id: figure.id, data };
}

function surfaceOf({ surface }: Panel): Pick<PanelData, "surface"> {
  return surface ? { surface } : {};
}

/** Raw deflate in base64: specifications repeat themselves and shrink to a tenth. */
export function packFigures(figures: readonly Drawn[]): Html {
  const all = Object.fromEntries(figures.map((f) => [f.id, f.data]));
  const packed = deflateRawSync(JSON.stringify(all), { level: 9 }).toString("base64");
  return html`<script type="application/octet-stream" id="figure-data">${raw(packed)}</script>`;
}

function figureHtml(figure: Figure, pictures: ReadonlyMap<Panel, Html>): Html {
  const cells = cellsOf(figure);
  const bars = figure.panels.filter((p) => p.wide);
  const draw = (panel: Panel) =>
    html`<div class="panel" data-panel="${panel.id}" role="img" aria-label="${panel.description}"${
      panel.pick && raw(' tabindex="0"')
    }>${pictures.get(panel)}</div>`;
  return html`<figure class="figure columns-${figure.columns}" id="figure-${figure.id}" data-figure="${figure.id}">
<h3>${keepTogether(figure.title)}</h3>
${figure.frames && player(figure.frames)}
${figure.panels.some((p) => p.surface) && views}
<div class="panels">${cells.map((cell) => html`<div class="cell">${cell.map(draw)}</div>`)}</div>
${bars.length > 0 && html`<div class="bars">${bars.map((p) => html`<div class="cell">${draw(p)}</div>`)}</div>`}
${keyLine(figure.key)}
<p class="readout" aria-live="polite" hidden></p>
<figcaption>${figure.caption}</figcaption>
<div class="tools" hidden>Save figure: <button type="button" data-save="svg">SVG</button><button type="button"
data-save="png">PNG</button><button type="button" data-save="spec">Vega-Lite</button></div>
${solids(figure.panels)}
<details${figure.columns === 1 && raw(" open")}><summary>Numbers</summary>${figure.numbers}</details>
</figure>`;
}

/** Maps or surfaces. Paper has the maps. */
const views = html`<div class="views" hidden><div role="group" aria-label="View"><button type="button" data-view="map"
aria-pressed="true">Map</button><button type="button" data-view="surface" aria-pressed="false">3-D</button></div>
<div data-surface-only hidden><label>Turn <input type="range" data-camera="turn" min="-180" max="180" step="any"></label>
<label>Tilt <input type="range" data-camera="tilt" min="${TILTS[0]}" max="${TILTS[1]}" step="any"></label>
<button type="button" data-camera-reset>Reset</button></div>
<p class="note" data-surface-only hidden>Height is the position on the colour scale, so that height and colour say the same; lines are the map’s
contours and its grid. Drag a surface, or choose one and use the arrow keys, to turn all of them. A mark that the surface hides
is faint; where there is no finite value there is a hole. What is hidden is on the maps.</p></div>`;

/** Files for programs of meshes: one for each plane. */
function solids(panels: readonly Panel[]): Html | null {
  const named = panels.filter((p) => p.solid !== undefined);
  if (named.length === 0) return null;
  const button = (panel: Panel, kind: string) =>
    html`<button type="button" data-solid="${kind.toLowerCase()}" data-of="${panel.id}" aria-label="${panel.solid} plane as ${kind}">${kind}</button>`;
  return html`<div class="tools solids" hidden>Surfaces for ParaView (VTK) and Blender (OBJ):${named.map(
    (p) => html` <span>${p.solid}</span>${button(p, "VTK")}${button(p, "OBJ")}`,
  )}</div>`;
}

/** Chooses the frame that all panels show. It begins to move when the reader says so. */
function player({ labels, initial }: Frames): Html {
  return html`<div class="player" hidden><button type="button" data-play>▶ Play</button>
<input type="range" min="0" max="${labels.length - 1}" value="${initial}" aria-label="Checkpoint"><output>${labels[initial]}</output></div>`;
}

/** Panels one below the other share a cell of the grid. */
function cellsOf(figure: Figure): Panel[][] {
  const cells: Panel[][] = [];
  for (const panel of figure.panels) {
    if (panel.wide) continue;
    if (panel.below) cells.at(-1)?.push(panel);
    else cells.push([panel]);
  }
  return cells;
}
