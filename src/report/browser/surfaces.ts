import type { Grid } from "../contours.ts";
import { cellSeenAt, surfaceCursor, surfaceScene } from "../surface/scene.ts";
import type { Scene } from "../surface/shape.ts";
import { type Camera, FIRST_VIEW, type SurfaceView, turned } from "../surface/view.ts";
import { paint } from "./canvas.ts";
import { cellText, type Displacement } from "./cells.ts";
import type { Live } from "./readout.ts";
import { type Shown, shownIn } from "./shown.ts";

/** Degrees for a pixel of dragging, and for one press of a key. */
const [PER_PIXEL, PER_KEY] = [0.5, 5];

const keys: Readonly<Record<string, Partial<Camera>>> = {
  ArrowRight: { turn: PER_KEY },
  ArrowLeft: { turn: -PER_KEY },
  ArrowUp: { tilt: -PER_KEY },
  ArrowDown: { tilt: PER_KEY },
};

/** A panel's second picture. */
interface Surface {
  readonly canvas: HTMLCanvasElement;
  readonly view: SurfaceView;
  readonly shown: Shown;
  readonly grid: Grid;
  scene: Scene;
}

const scenes = new WeakMap<Element, Surface>();

/** What a canvas shows, for who saves it; undefined for what is no surface. */
export function sceneOf(canvas: Element): Scene | undefined {
  return scenes.get(canvas)?.scene;
}

/** Lets the maps of a figure be seen as surfaces as well, all turned alike. */
export function setUpSurfaces(figure: HTMLElement, live: readonly Live[]): void {
  const views = figure.querySelector<HTMLElement>(".views");
  if (!views) return;
  views.hidden = false;
  let surfaces: Surfaces | undefined;
  const buttons = [...views.querySelectorAll<HTMLButtonElement>("[data-view]")];
  for (const button of buttons) {
    button.addEventListener("click", () => {
      const chosen = button.dataset["view"]!;
      for (const other of buttons) other.ariaPressed = String(other === button);
      for (const part of figure.querySelectorAll<HTMLElement>("[data-surface-only]")) {
        part.hidden = chosen !== "surface";
      }
      figure.dataset["view"] = chosen;
      if (chosen !== "surface") return;
      surfaces ??= new Surfaces(figure, views, live);
      surfaces.show();
    });
  }
}

class Surfaces {
  private readonly figure: HTMLElement;
  private readonly all: readonly Surface[];
  private readonly sliders: { readonly [K in keyof Camera]: HTMLInputElement };
  private camera: Camera = FIRST_VIEW;
  private cursor: Displacement | null = null;
  private waiting = false;

  constructor(figure: HTMLElement, views: HTMLElement, live: readonly Live[]) {
    this.figure = figure;
    this.all = live.flatMap((one) => surfaceOf(one, this.camera) ?? []);
    const slider = (of: keyof Camera) => views.querySelector<HTMLInputElement>(`[data-camera="${of}"]`)!;
    this.sliders = { turn: slider("turn"), tilt: slider("tilt") };
    for (const of of ["turn", "tilt"] as const) {
      this.sliders[of].addEventListener("input", () =>
        this.look({ ...this.camera, [of]: Number(this.sliders[of].value) }),
      );
    }
    views.querySelector("[data-camera-reset]")!.addEventListener("click", () => this.look(FIRST_VIEW));
    for (const surface of this.all) this.listen(surface);
    // Colours of axes and titles are the theme's.
    new MutationObserver(() => this.show()).observe(document.documentElement, { attributes: true });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.show());
    const sizes = new ResizeObserver(() => this.show());
    for (const { canvas } of this.all) sizes.observe(canvas);
    this.look(FIRST_VIEW);
  }

  /** Paints before the next frame, however often it is asked for. */
  show(): void {
    if (this.waiting || this.figure.dataset["view"] !== "surface") return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      for (const surface of this.all) this.paint(surface);
    });
  }

  private paint({ canvas, scene, view, grid }: Surface): void {
    const width = Math.round(canvas.clientWidth * devicePixelRatio);
    if (canvas.width !== width) canvas.width = width;
    const height = Math.round((width * scene.height) / scene.width);
    if (canvas.height !== height) canvas.height = height;
    paint(canvas, scene, this.cursor ? surfaceCursor(view, grid, this.camera, this.cursor) : []);
  }

  private look(camera: Camera): void {
    this.camera = camera;
    for (const of of ["turn", "tilt"] as const) {
      this.sliders[of].value = String(camera[of]);
      this.sliders[of].setAttribute("aria-valuetext", `${Math.round(camera[of])} degrees`);
    }
    for (const surface of this.all) surface.scene = surfaceScene(surface.view, surface.grid, camera);
    this.show();
  }

  private listen(surface: Surface): void {
    const { canvas } = surface;
    canvas.addEventListener("keydown", (event) => {
      const by = keys[event.key];
      if (!by && event.key !== "Home") return;
      event.preventDefault();
      this.look(by ? turned(this.camera, by) : FIRST_VIEW);
    });
    canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
    canvas.addEventListener("pointermove", (event) => {
      if (!canvas.hasPointerCapture(event.pointerId)) return this.point(surface, event);
      const by = { turn: PER_PIXEL * event.movementX, tilt: PER_PIXEL * event.movementY };
      this.look(turned(this.camera, by));
    });
  }

  /** Reads the cell under the pointer, as on the maps. */
  private point(surface: Surface, { offsetX, offsetY }: PointerEvent): void {
    const scale = surface.scene.width / surface.canvas.clientWidth;
    const cell = cellSeenAt(surface.view, surface.grid, this.camera, [offsetX * scale, offsetY * scale]);
    if (cell?.x === this.cursor?.x && cell?.y === this.cursor?.y) return;
    this.cursor = cell;
    const line = this.figure.querySelector(".readout");
    if (line && cell) {
      line.textContent = cellText(
        cell,
        this.all.map(({ shown }) => shown),
      );
    }
    this.show();
  }
}

function surfaceOf({ element, panel, view }: Live, camera: Camera): Surface | null {
  const shown = shownIn(panel.pick, view);
  const { surface } = panel;
  const values = surface && shown?.[surface.split]?.[shown.what];
  if (!surface || !shown || !values) return null;
  const canvas = document.createElement("canvas");
  canvas.className = "surface";
  canvas.tabIndex = 0;
  canvas.role = "img";
  canvas.ariaLabel = `${surface.title}, ${surface.subtitle}: as a surface. Arrow keys turn and tilt it.`;
  element.after(canvas);
  element.dataset["mapOnly"] = "";
  const grid = { x: shown.x, y: shown.y, values };
  const made: Surface = { canvas, view: surface, shown, grid, scene: surfaceScene(surface, grid, camera) };
  scenes.set(canvas, made);
  return made;
}
