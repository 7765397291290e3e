import { parse, type Spec as VegaSpec, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { FRAME } from "./figures/animate.ts";
import { config } from "./figures/config.ts";
import type { Figure, Frames, Panel, Rows, Spec } from "./figures/figure.ts";

/** Who hears what Vega has to say; the tests fail on any word. */
export type Warn = (message: string) => void;

/** One panel as Vega-Lite that stands alone, without its rows. */
export function panelSpec(panel: Panel, frames?: Frames): Spec {
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    description: panel.description,
    autosize: { type: "none" },
    padding: panel.padding,
    ...(frames && { params: [{ name: FRAME, value: frames.initial }] }),
    ...panel.spec,
    config,
  };
}

/** A whole figure as one Vega-Lite specification, rows included: what a reader downloads. */
export function figureSpec(figure: Figure): Spec {
  const columns = figure.columns;
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    title: { text: figure.title, anchor: "start", offset: 16 },
    ...(figure.frames && { params: [slider(figure.frames)] }),
    columns,
    concat: figure.panels.map((panel) => ({ description: panel.description, ...panel.spec })),
    config,
  };
}

/** For a specification that leaves the page; the page has a slider of its own for all panels. */
function slider({ labels, initial }: Frames): Spec {
  return { name: FRAME, value: initial, bind: { input: "range", min: 0, max: labels.length - 1, step: 1 } };
}

/** Vega-Lite → Vega. */
export function compileSpec(spec: Spec, warn: Warn): VegaSpec {
  const say = (...args: readonly unknown[]) => {
    warn(args.map(String).join(" "));
    return logger;
  };
  const logger = { level: () => logger, error: say, warn: say, info: () => logger, debug: () => logger };
  return compile(spec as unknown as TopLevelSpec, { logger: logger as never }).spec;
}

/** Puts rows into the data sets that a specification only names. */
export function withRows(spec: VegaSpec, datasets: Readonly<Record<string, Rows>>): VegaSpec {
  const data = (spec.data ?? []).map((set) => {
    const rows = datasets[set.name];
    return rows === undefined ? set : { ...set, values: rows };
  });
  return { ...spec, data } as VegaSpec;
}

/** Draws a specification without a browser. */
export async function renderSvg(spec: VegaSpec, warn: Warn): Promise<string> {
  const say = (...args: readonly unknown[]) => {
    warn(args.map(String).join(" "));
    return logger;
  };
  const logger = { level: () => logger, error: say, warn: say, info: () => logger, debug: () => logger };
  const view = new View(parse(spec), { renderer: "none", logger: logger as never });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
