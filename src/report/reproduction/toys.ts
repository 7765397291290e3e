import { countText, numberText, percentText, plural, withError } from "../../analysis/number-text.ts";
import { limitInside } from "../../analysis/reproduction/findings.ts";
import { curvaturesOf } from "../../analysis/reproduction/parts.ts";
import type { ReproductionReport, ToyCase } from "../../analysis/reproduction/report.ts";
import type { Figure, Panel } from "../figures/figure.ts";
import { html } from "../html.ts";
import { extent, padded } from "../scales.ts";
import { table } from "../tables/table.ts";
import { keepTogether } from "../text.ts";
import { chartPanel } from "./chart.ts";

const BINS = 36;
const plus = "var(--top)";
const minus = "var(--bottom)";

type Toys = ReproductionReport["toys"];

/** Distributions of κ₊ and κ₋ over random planes. */
export function curvaturesFigure(toys: Toys): Figure {
  const hidden = toys.map((t) => `${percentText(1 - t.saddleShare)} (${t.name})`).slice(0, 4);
  return {
    id: "toy-curvatures",
    title: `A saddle, and yet ${hidden.join(", ")} of random planes show none`,
    caption: html`How to read: the principal curvatures κ₊ and κ₋ of random planes through the critical point of the toy
      losses, whose eigenvalues are +1 and −1 in equal numbers (T1) or with ñ of 1,000 positive (T2). A plane shows the
      saddle where its κ₋ lies left of the dotted 0 and its κ₊ right of it. As the trace grows, both move right and the
      saddle is lost from sight, though hundreds of directions lead down all the while. The paper’s first figure.`,
    panels: toys.map(histogramPanel),
    columns: 3,
    key: [
      { mark: "bar", colour: plus, label: "κ₊, share of planes" },
      { mark: "bar", colour: minus, label: "κ₋" },
      { mark: "tick", colour: "var(--text)", label: "κ = 0" },
    ],
    numbers: toyTable(toys),
  };
}

function histogramPanel(toy: ToyCase, index: number): Panel {
  const curvatures = curvaturesOf(toy);
  const all = curvatures.flatMap((c) => [c.plus, c.minus]);
  const [low, high] = padded(extent([...all, 0], [-1, 1]), 0.02);
  const width = (high - low) / BINS;
  const shares = (values: readonly number[]) => {
    const counts = Array.from({ length: BINS }, () => 0);
    for (const v of values) counts[Math.min(BINS - 1, Math.floor((v - low) / width))]! += 1 / values.length;
    return counts;
  };
  const [upper, lower] = [shares(curvatures.map((c) => c.plus)), shares(curvatures.map((c) => c.minus))];
  const most = Math.max(...upper, ...lower);
  const bars = (counts: readonly number[]) =>
    counts.flatMap((share, k) => (share > 0 ? [[low + k * width, low + (k + 1) * width, 0, share]] : []));
  const { saddleShare, kappaPlus: p, kappaMinus: m } = toy;
  return chartPanel({
    id: `toy-curvatures-${index}`,
    title: `${toy.name}: ${percentText(saddleShare)} saddles`,
    subtitle: `means ${withError(p.value, p.standardError)}, ${withError(m.value, m.standardError)}`,
    x: { kind: "linear", domain: [low, high] },
    y: { kind: "linear", domain: [0, 1.08 * most] },
    xTitle: "κ",
    yTitle: "share of planes",
    layers: [
      { look: "bars", colour: minus, rows: bars(lower) },
      { look: "bars", colour: plus, rows: bars(upper) },
      { look: "vertical", colour: "var(--text)", rows: [[0]] },
    ],
    pick: upper.map((share, k) => [
      low + (k + 0.5) * width,
      Math.max(share, lower[k]!),
      `κ from ${numberText(low + k * width, 3)} to ${numberText(low + (k + 1) * width, 3)}: κ₊ of ${percentText(share)}, κ₋ of ${percentText(lower[k]!)} of planes`,
    ]),
  });
}

/** The share of planes that show the saddle, by the trace, and its closed form. */
export function saddlesFigure(toys: Toys): Figure {
  const outside = toys.filter((t) => !limitInside(t)).length;
  const ratios = toys.map((t) => t.trace / t.frobenius);
  const most = Math.max(...ratios.filter((r) => r < 8), 1) * 1.1;
  const shown = toys.filter((t) => t.trace / t.frobenius <= most);
  const curve = Array.from({ length: 81 }, (_, k) => {
    const ratio = (most * k) / 80;
    return [ratio, Math.SQRT1_2 * Math.exp(-(ratio ** 2) / 4)];
  });
  const ratioOf = (t: ToyCase) => t.trace / t.frobenius;
  return {
    id: "toy-saddles",
    title: `P(saddle) falls as (1/√2)·exp(−tr²/4‖H‖²): the formula is inside ${toys.length - outside} of ${toys.length} measured 95 % intervals`,
    caption: html`How to read: each dot is one toy loss, its bar Wilson’s 95 % interval of the share of
      ${countText(toys[0]?.planes.length ?? 0)} random planes that show the saddle; the line is the closed form for many
      comparable eigenvalues. Even without a trace no more than 71 % of planes show it.${
        shown.length < toys.length &&
        ` Not drawn, further right: ${toys
          .filter((t) => !shown.includes(t))
          .map((t) => `${t.name} (${percentText(t.saddleShare)})`)
          .join(", ")}.`
      }`,
    panels: [
      chartPanel({
        id: "toy-saddles-0",
        title: "Random planes that show the saddle",
        subtitle: `${shown.length} toy losses, measured and in closed form`,
        x: { kind: "linear", domain: padded([0, most], 0.03) },
        // Intervals of few planes reach far.
        y: { kind: "linear", domain: [-0.02, 1.05 * Math.max(0.76, ...shown.map((t) => t.interval.high))] },
        xTitle: "tr H / ‖H‖",
        yTitle: "share of planes",
        layers: [
          { look: "line", colour: "var(--muted)", rows: curve },
          {
            look: "points",
            colour: "var(--text)",
            rows: shown.map((t) => [ratioOf(t), t.saddleShare, t.interval.low, t.interval.high]),
          },
        ],
        pick: shown.map((t) => [
          ratioOf(t),
          t.saddleShare,
          `${t.name}, tr ${numberText(t.trace)}: ${percentText(t.saddleShare, 3)} (${percentText(t.interval.low, 3)} … ${percentText(t.interval.high, 3)}), closed form ${percentText(t.limit, 3)}`,
        ]),
      }),
    ],
    columns: 1,
    key: [
      { mark: "disc", colour: "var(--text)", label: "measured" },
      { mark: "line", colour: "var(--muted)", label: "closed form" },
    ],
    numbers: saddleTable(toys),
  };
}

/** How the ensemble means settle, averaged in both ways. */
export function convergenceFigure(toys: Toys): Figure {
  const [first] = toys;
  const count = first?.planes.length ?? 0;
  const gap = first ? first.kappaPlus.value - first.meanPlane.plus : 0;
  return {
    id: "toy-convergence",
    title: `Averaging curvatures and curvature of the average differ: by ${numberText(gap, 3)} in κ₊ of ${first?.name ?? ""} after ${plural(count, "plane")}`,
    caption: html`How to read: with more planes the means of each plane’s own κ₊ and κ₋ (solid) settle at
      tr H ± √(π/2)‖H‖ (dotted), while the curvatures of the mean plane (dashed) both go to tr H. Neither finds the
      saddle reliably: the first sees one in every toy with a small trace, the second in none. The paper’s second figure.`,
    panels: toys.slice(0, 3).map(convergencePanel),
    columns: 3,
    key: [
      { mark: "dot", colour: plus, label: "mean of κ₊" },
      { mark: "dot", colour: minus, label: "mean of κ₋" },
      { mark: "dash", colour: "var(--muted)", label: "κ± of the mean plane" },
      { mark: "dots", colour: "var(--text)", label: "closed form" },
    ],
    numbers: convergenceTable(toys.slice(0, 3)),
  };
}

function convergencePanel(toy: ToyCase, index: number): Panel {
  const { convergence: steps, expected } = toy;
  const values = steps.flatMap((s) => [s.kappaPlus, s.kappaMinus, s.ofMean.plus, s.ofMean.minus]);
  const last = steps.at(-1);
  const rows = (of: (s: (typeof steps)[number]) => number) => steps.map((s) => [s.planes, of(s)]);
  return chartPanel({
    id: `toy-convergence-${index}`,
    title: toy.name,
    subtitle: `mean κ± ${numberText(last?.kappaPlus ?? 0, 3)}, ${numberText(last?.kappaMinus ?? 0, 3)}; mean plane ${numberText(last?.ofMean.plus ?? 0, 3)}, ${numberText(last?.ofMean.minus ?? 0, 3)}`,
    x: { kind: "log", domain: [0.9, Math.max(2, (last?.planes ?? 1) * 1.1)] },
    y: { kind: "linear", domain: padded(extent([...values, expected.plus, expected.minus], [0, 1]), 0.06) },
    xTitle: "planes (log axis)",
    yTitle: "κ",
    layers: [
      { look: "horizontal", colour: "var(--text)", rows: [[expected.plus], [expected.minus]] },
      { look: "dashed", colour: "var(--muted)", rows: rows((s) => s.ofMean.plus) },
      { look: "dashed", colour: "var(--muted)", rows: rows((s) => s.ofMean.minus) },
      { look: "line", colour: plus, rows: rows((s) => s.kappaPlus) },
      { look: "points", colour: plus, rows: rows((s) => s.kappaPlus) },
      { look: "line", colour: minus, rows: rows((s) => s.kappaMinus) },
      { look: "points", colour: minus, rows: rows((s) => s.kappaMinus) },
    ],
    pick: steps.map((s) => [
      s.planes,
      s.kappaPlus,
      `${plural(s.planes, "plane")}: mean κ₊ ${numberText(s.kappaPlus, 3)}, κ₋ ${numberText(s.kappaMinus, 3)}; of the mean plane ${numberText(s.ofMean.plus, 3)}, ${numberText(s.ofMean.minus, 3)}`,
    ]),
  });
}

function toyTable(toys: Toys) {
  const heads = ["λ₊", "λ₋", "tr H", "‖H‖", "mean κ₊", "closed form", "mean κ₋", "closed form"];
  return table(
    "Curvatures of random planes",
    [{ head: "toy" }, ...heads.map((head) => ({ head, numeric: true }))],
    toys.map((t) => [
      keepTogether(t.name),
      ...t.eigenpairs.map((p) => withError(p.value, p.residual)),
      numberText(t.trace),
      numberText(t.frobenius),
      withError(t.kappaPlus.value, t.kappaPlus.standardError),
      numberText(t.expected.plus, 3),
      withError(t.kappaMinus.value, t.kappaMinus.standardError),
      numberText(t.expected.minus, 3),
    ]),
  );
}

function saddleTable(toys: Toys) {
  const heads = ["tr H/‖H‖", "planes", "saddles", "share", "95 % interval", "closed form"];
  return table(
    "Planes that show the saddle",
    [{ head: "toy" }, ...heads.map((head) => ({ head, numeric: true }))],
    toys.map((t) => [
      keepTogether(t.name),
      numberText(t.trace / t.frobenius, 3),
      countText(t.planes.length),
      countText(t.saddles),
      percentText(t.saddleShare, 3),
      `${percentText(t.interval.low, 3)} … ${percentText(t.interval.high, 3)}`,
      percentText(t.limit, 3),
    ]),
  );
}

function convergenceTable(toys: Toys) {
  return table(
    "Means by number of planes",
    [
      { head: "toy" },
      ...["planes", "mean κ₊", "mean κ₋", "mean plane κ₊", "mean plane κ₋", "saddles"].map((head) => ({
        head,
        numeric: true,
      })),
    ],
    toys.flatMap((t) =>
      t.convergence.map((s) => [
        keepTogether(t.name),
        countText(s.planes),
        numberText(s.kappaPlus, 3),
        numberText(s.kappaMinus, 3),
        numberText(s.ofMean.plus, 3),
        numberText(s.ofMean.minus, 3),
        percentText(s.saddleShare, 3),
      ]),
    ),
  );
}
