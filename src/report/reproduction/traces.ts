import { countText, numberText, percentText, withError } from "../../analysis/number-text.ts";
import type { ReproductionReport, TraceComparison } from "../../analysis/reproduction/report.ts";
import type { Figure, Panel } from "../figures/figure.ts";
import { html } from "../html.ts";
import { extent, padded } from "../scales.ts";
import { table } from "../tables/table.ts";
import { keepTogether } from "../text.ts";
import { chartPanel } from "./chart.ts";

const losses = "var(--top)";
const products = "var(--bottom)";

type Traces = ReproductionReport["traces"];

/** The two estimators: direction by direction, and their running means. */
export function tracesFigure(traces: Traces): Figure | null {
  if (traces.length === 0) return null;
  const parts = traces.map((t) => {
    const gap = Math.abs(t.curvature.value - t.hutchinson.value) / (Math.abs(t.hutchinson.value) || 1);
    return `${percentText(gap)} (${t.name})`;
  });
  const [first] = traces;
  return {
    id: "traces",
    title: `Traces from losses alone and by Hessian products, on the same directions, differ by ${parts.join(", ")}`,
    caption: html`How to read: on the left one dot for each random direction η: ηᵀHη by a product (across) and by a parabola
      through ${countText(first?.points ?? 0)} losses along the line (up); on the line they agree. On the right the running
      means of both, the trace, with one standard error. Where the network has kinks (ReLU), losses over a distance curve
      more than the Hessian, which is the curvature in the limit. The paper’s third figure.`,
    panels: traces.flatMap((t, k) => [scatterPanel(t, k), runningPanel(t, k)]),
    columns: 2,
    key: [
      { mark: "disc", colour: losses, label: "from losses" },
      { mark: "ring", colour: products, label: "by products" },
      { mark: "dots", colour: "var(--text)", label: "exact trace, where it is known" },
    ],
    numbers: table(
      "Traces",
      [
        { head: "loss" },
        ...[
          "parameters",
          "from losses",
          "by products",
          "exact",
          "directions",
          "losses each",
          "‖Δθ‖",
          "of ‖θ‖",
        ].map((head) => ({
          head,
          numeric: true,
        })),
      ],
      traces.map((t) => [
        keepTogether(t.name),
        countText(t.parameters),
        withError(t.curvature.value, t.curvature.standardError),
        withError(t.hutchinson.value, t.hutchinson.standardError),
        t.exact === null ? "–" : numberText(t.exact),
        countText(t.directions.length),
        countText(t.points),
        numberText(t.displacement, 3),
        percentText(t.relativeDisplacement),
      ]),
    ),
  };
}

function scatterPanel({ name, directions }: TraceComparison, index: number): Panel {
  const domain = padded(
    extent(
      directions.flatMap((d) => [d.curvature, d.hutchinson]),
      [0, 1],
    ),
    0.05,
  );
  const sorted = directions.toSorted((a, b) => a.hutchinson - b.hutchinson);
  return chartPanel({
    id: `traces-${index}-directions`,
    title: `${name}: ηᵀHη`,
    subtitle: `${countText(directions.length)} directions`,
    x: { kind: "linear", domain },
    y: { kind: "linear", domain },
    xTitle: "by products",
    yTitle: "from losses",
    layers: [
      {
        look: "line",
        colour: "var(--muted)",
        rows: [
          [domain[0], domain[0]],
          [domain[1], domain[1]],
        ],
      },
      { look: "points", colour: "var(--text)", rows: directions.map((d) => [d.hutchinson, d.curvature]) },
    ],
    pick: sorted.map((d) => [
      d.hutchinson,
      d.curvature,
      `by products ${numberText(d.hutchinson, 4)}, from losses ${numberText(d.curvature, 4)}`,
    ]),
  });
}

function runningPanel(t: TraceComparison, index: number): Panel {
  const [a, b] = [
    running(t.directions.map((d) => d.curvature)),
    running(t.directions.map((d) => d.hutchinson)),
  ];
  // The first few are far off, and would set the axis.
  const settled = [...a.slice(2), ...b.slice(2)].flatMap(([, mean, low, high]) => [mean, low, high]);
  const exact = t.exact === null ? [] : [t.exact];
  const domain = padded(extent([...settled, ...exact, t.curvature.value, t.hutchinson.value], [0, 1]), 0.05);
  const inside = (rows: typeof a) => rows.filter(([, , low, high]) => low >= domain[0] && high <= domain[1]);
  const all = t.directions.length;
  return chartPanel({
    id: `traces-${index}-means`,
    title: `${t.name}: tr H`,
    subtitle: `losses ${withError(t.curvature.value, t.curvature.standardError)}, products ${withError(t.hutchinson.value, t.hutchinson.standardError)}`,
    x: { kind: "linear", domain: [0, all * 1.03] },
    y: { kind: "linear", domain },
    xTitle: "directions",
    yTitle: "mean of ηᵀHη",
    layers: [
      { look: "horizontal", colour: "var(--text)", rows: exact.map((e) => [e]) },
      { look: "rings", colour: products, rows: every(inside(b), 0) },
      { look: "points", colour: losses, rows: every(inside(a), 0.01 * all) },
    ],
    pick: a.map(([k, mean, low], i) => [
      k,
      mean,
      `${countText(k)} directions: from losses ${withError(mean, mean - low)}, by products ${withError(b[i]![1], b[i]![1] - b[i]![2])}`,
    ]),
  });
}

type Mean = readonly [count: number, mean: number, low: number, high: number];

/** Running means from the second value on, with one standard error. */
function running(values: readonly number[]): Mean[] {
  let [sum, squares] = [0, 0];
  return values.flatMap((v, k): Mean[] => {
    sum += v;
    squares += v * v;
    const count = k + 1;
    if (count < 2) return [];
    const mean = sum / count;
    const error = Math.sqrt(Math.max(0, squares / count - mean ** 2) / (count - 1));
    return [[count, mean, mean - error, mean + error]];
  });
}

/** About twenty of the rows, the last among them, beside one another. */
function every(rows: readonly Mean[], shift: number): (readonly number[])[] {
  const step = Math.max(1, Math.round(rows.length / 20));
  return rows
    .filter((_, k) => (rows.length - 1 - k) % step === 0)
    .map(([count, ...rest]) => [count + shift, ...rest]);
}
