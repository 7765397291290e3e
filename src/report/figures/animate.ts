import type { Panel, Rows, Spec } from "./figure.ts";

/** The signal that says which frame is shown. */
export const FRAME = "frame";

/**
 * One panel that shows any of several, by the signal `frame`: the rows of all, each with its frame, and the
 * specification with an expression wherever they differ (subtitles, domains, ticks). All must be made alike.
 */
export function animated(panels: readonly Panel[]): Panel {
  const first = panels[0]!;
  const columns = new Map<string, number>();
  const datasets: Record<string, Rows> = {};
  for (const name of Object.keys(first.datasets)) {
    const sets = panels.map((p) => p.datasets[name] ?? []);
    const width = Math.max(0, ...sets.flat().map((row) => row.length));
    columns.set(name, width);
    datasets[name] = sets.flatMap((rows, k) => rows.map((row) => [...row, k]));
  }
  const spec = merge(panels.map((p) => p.spec)) as Spec;
  const layers = (spec["layer"] as readonly Spec[]).map((layer) => inFrame(layer, columns));
  return { ...first, datasets, spec: { ...spec, layer: layers } };
}

/** Only the rows of the frame that is shown. */
function inFrame(layer: Spec, columns: ReadonlyMap<string, number>): Spec {
  const column = columns.get((layer["data"] as { name?: string }).name ?? "");
  // What is pointed at belongs to all frames, and has no rows yet.
  if (column === undefined || column === 0) return layer;
  const filter = { filter: `datum['${column}'] === ${FRAME}` };
  return { ...layer, transform: [filter, ...((layer["transform"] as readonly unknown[]) ?? [])] };
}

function merge(values: readonly unknown[], key = ""): unknown {
  const [first] = values;
  if (values.every((v) => JSON.stringify(v) === JSON.stringify(first))) return first;
  // Expressions are chosen among, other texts and lists are values of an expression.
  if (key === "labelExpr") return choice(values as readonly string[]);
  if (typeof first === "string" || typeof first === "number" || key === "values") return chosen(values);
  if (key === "domain") return [0, 1].map((end) => chosen(values.map((v) => (v as readonly number[])[end])));
  if (Array.isArray(first))
    return first.map((_, i) =>
      merge(
        values.map((v) => (v as unknown[])[i]),
        key,
      ),
    );
  const keys = Object.keys(first as object);
  return Object.fromEntries(
    keys.map((k) => [
      k,
      merge(
        values.map((v) => (v as Spec)[k]),
        k,
      ),
    ]),
  );
}

function choice(expressions: readonly string[]): string {
  const last = `(${expressions.at(-1)})`;
  const others = expressions.slice(0, -1).map((e, k) => `${FRAME} === ${k} ? (${e}) : `);
  return `${others.join("")}${last}`;
}

function chosen(values: readonly unknown[]): Spec {
  return { expr: `${JSON.stringify(values)}[${FRAME}]` };
}
