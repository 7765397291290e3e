import type { Frames, Pick, Rows, Spec } from "./figures/figure.ts";
import type { SurfaceView } from "./surface/view.ts";

/** What the page's runtime needs of a figure to draw it again and to save it. */
export interface FigureData {
  /** Vega-Lite of the whole figure, without its rows. */
  readonly spec: Spec;
  readonly datasets: Readonly<Record<string, Rows>>;
  readonly columns: number;
  readonly frames: Frames | null;
  readonly panels: readonly PanelData[];
}

export interface PanelData {
  readonly id: string;
  readonly vega: Spec;
  /** Where the plot begins, in px from the left and from the top. */
  readonly origin: readonly [number, number];
  readonly pick: Pick | null;
  readonly surface?: SurfaceView;
}
