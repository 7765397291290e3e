import type { Spec } from "vega";
import { transforms } from "vega-dataflow";
import * as encode from "vega-encode";
import { expressionInterpreter } from "vega-interpreter";
import { parse } from "vega-parser";
import * as data from "vega-transforms";
import { View } from "vega-view";
import * as view from "vega-view-transforms";
import type { PanelData } from "../figure-data.ts";
import type { Rows } from "../figures/figure.ts";

// Vega looks transforms up by name.
Object.assign(transforms, data, view, encode);

/** Draws a panel into an element. Expressions are interpreted: the page's policy forbids code from strings. */
export async function draw(
  panel: PanelData,
  rows: Readonly<Record<string, Rows>>,
  into: HTMLElement,
): Promise<View> {
  const spec = structuredClone(panel.vega) as { data?: { name: string; values?: unknown }[] };
  for (const set of spec.data ?? []) if (rows[set.name]) set.values = structuredClone(rows[set.name]);
  const runtime = parse(spec as Spec, undefined, { ast: true });
  const view = new View(runtime, {
    expr: expressionInterpreter,
    renderer: "svg",
    container: into,
    hover: false,
  });
  return view.runAsync();
}

export type { View };
