import type { Html } from "../html.ts";
import type { KeyEntry } from "../key.ts";
import type { SurfaceView } from "../surface/view.ts";

/** A Vega-Lite unit or layer specification; plain JSON. */
export type Spec = Readonly<Record<string, unknown>>;

/** Rows of a data set: arrays, whose fields are "0", "1", …, take half the room of objects. */
export type Rows = readonly (readonly (string | number | null)[])[];

/** Room around the plot for titles and axes, in px. */
export interface Padding {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** What pointer, touch or keys choose in a panel, and what the line below the figure then says. */
export type Pick =
  /** The nearest row in x or y: where it lies, and its text. */
  | {
      readonly by: "x" | "y";
      readonly rows: readonly (readonly [x: number, y: number, text: string])[];
      /** Panels with the same link have the same rows, and are marked together. */
      readonly link: string;
    }
  /** A cell of `planes[plane]`; all panels of the figure show the same displacement. */
  | {
      readonly by: "cell";
      readonly plane: number;
      readonly what: "loss" | "accuracy";
      /** Of a page with several networks. */
      readonly network?: number;
    }
  /** The same in the frame that is shown. */
  | { readonly by: "frame" };

/** One view. Its data sets are named `<panel>/<set>`; one named `<panel>/cursor` marks what is picked. */
export interface Panel {
  readonly id: string;
  /** The finding, for who cannot see it. */
  readonly description: string;
  readonly spec: Spec;
  readonly datasets: Readonly<Record<string, Rows>>;
  readonly padding: Padding;
  readonly pick: Pick | null;
  /** A map that can be seen as a surface too. */
  readonly surface?: SurfaceView;
  /** What it shows on all data sets can be saved for other programs, under this name. */
  readonly solid?: string;
  /** Below the panel before it, in the same column. */
  readonly below?: boolean;
  /** Alone in its row. */
  readonly wide?: boolean;
}

/** What a slider chooses among, by the signal `frame`. */
export interface Frames {
  readonly labels: readonly string[];
  /** The one that is drawn without a browser. */
  readonly initial: number;
}

/** Panels with one title that says what they show, a caption that says how to read them, and their numbers. */
export interface Figure {
  readonly id: string;
  readonly title: string;
  readonly caption: Html;
  readonly panels: readonly Panel[];
  readonly columns: 1 | 2 | 3;
  /** Panels made by `animated` show one of these. */
  readonly frames?: Frames;
  readonly key: readonly KeyEntry[];
  readonly numbers: Html;
}

/** Width of every panel: a third of the widest page, and the whole of a phone's almost without scaling. */
export const PANEL_WIDTH = 368;

export function plotWidth(padding: Padding): number {
  return PANEL_WIDTH - padding.left - padding.right;
}
