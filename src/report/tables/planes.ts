import type { AnalysisReport, Plane } from "../../analysis/analysis-report.ts";
import { lowestPoint } from "../../analysis/lowest-point.ts";
import { countText, numberText, percentText } from "../../analysis/number-text.ts";
import { labelOf, planeNames, type Split, start } from "../facts.ts";
import { mapPicture } from "../figures/plane.ts";
import { finite, zeroIndex } from "../grid.ts";
import { type Content, type Html, html } from "../html.ts";
import { viridis } from "../maps.ts";
import { lossScale } from "../scales.ts";
import { measuredText, shareText, valueText } from "../text.ts";
import { table } from "./table.ts";

/** What each panel's map is made of; every cell is in the report's JSON. */
export function planeTable(report: AnalysisReport): Html {
  const rows = panels(report).map(([plane, split]) => {
    const { minimum, nonFinite, loss } = plane[split]!;
    const values = finite({ values: loss });
    return [
      ...head(report, plane, split),
      `${countText(plane.x.length)} × ${countText(plane.y.length)}`,
      reach(plane.x),
      reach(plane.y),
      numberText(plane.cosine, 2),
      valueText(start(report, split)?.loss, 4),
      numberText(minimum.loss, 4),
      `(${numberText(minimum.x, 3)}, ${numberText(minimum.y, 3)})`,
      values.length > 0 ? numberText(Math.max(...values), 4) : "–",
      countText(nonFinite),
    ];
  });
  const numeric = ["cells", "α", "β", "cosine", "L(0)", "minimum", "at (α, β)", "maximum", "not finite"];
  return html`${table(
    "Losses on the planes",
    [
      { head: "plane" },
      { head: "directions" },
      { head: "data" },
      ...numeric.map((h) => ({ head: h, numeric: true })),
    ],
    rows,
  )}${refinedTable(report)}<p class="note">${ranges(report)} All cells are in the report’s JSON (“planes”), see Provenance.</p>`;
}

/** The finer grids around the lowest training losses, each on a colour scale of its own. */
function refinedTable(report: AnalysisReport): Html | null {
  const noise = report.checkpoint.lossNoise;
  const rows = report.planes.flatMap((plane) => {
    const { refined } = plane;
    if (!refined) return [];
    const { x, y, loss, train, test, error } = lowestPoint(plane);
    const grid = { x: refined.x, y: refined.y, values: refined.train.loss };
    const picture = mapPicture({ grid, scale: lossScale(finite(grid)).scale, map: viridis });
    return [
      [
        planeNames[plane.kind],
        html`<img class="thumb" src="${picture}" width="56" height="56" alt="">`,
        `${countText(refined.x.length)} × ${countText(refined.y.length)}`,
        reach(refined.x),
        reach(refined.y),
        measuredText(loss, (error?.loss ?? 0) + (noise ?? 0)),
        `${measuredText(x, error?.x)}, ${measuredText(y, error?.y)}`,
        valueText(test?.loss, 4),
        ...(train.accuracy === null ? [] : [shareText(train.accuracy, 4), shareText(test?.accuracy, 4)]),
      ],
    ];
  });
  if (rows.length === 0) return null;
  const accuracies = report.checkpoint.train.accuracy === null ? [] : ["accuracy", "of test data"];
  const numeric = ["cells", "α", "β", "minimum", "at α, β", "test loss there", ...accuracies];
  return html`${table(
    "Around the lowest training losses",
    [{ head: "plane" }, { head: "train" }, ...numeric.map((head) => ({ head, numeric: true }))],
    rows,
  )}<p class="note">A finer grid around the lowest training loss of each plane, coloured on its own scale. ± of a place is a step of it, ± of
    a loss what parabolas through the neighbours would still gain${noise !== null && ` and the noise of the loss, ${numberText(noise, 2)}`}.</p>`;
}

export function accuracyTable(report: AnalysisReport): Html {
  const rows = panels(report)
    .filter(([plane, split]) => plane[split]!.accuracy)
    .map(([plane, split]) => {
      const values = finite({ values: plane[split]!.accuracy! });
      const here = start(report, split)?.accuracy ?? null;
      return [
        ...head(report, plane, split),
        here === null ? "–" : percentText(here, 4),
        values.length > 0 ? percentText(Math.min(...values), 4) : "–",
        values.length > 0 ? percentText(Math.max(...values), 4) : "–",
      ];
    });
  const numeric = ["at θ₀", "lowest", "highest"];
  return table(
    "Accuracies on the planes",
    [
      { head: "plane" },
      { head: "directions" },
      { head: "data" },
      ...numeric.map((h) => ({ head: h, numeric: true })),
    ],
    rows,
  );
}

/** The lines through θ₀, in both directions. */
export function changeTable(plane: Plane): Html {
  const [row, column] = [zeroIndex(plane.y), zeroIndex(plane.x)];
  const at = (split: Split, i: number, j: number): Content => {
    const value = plane[split]?.loss[i]?.[j];
    return value === null || value === undefined ? "–" : numberText(value, 5);
  };
  const splits: Split[] = plane.test ? ["train", "test"] : ["train"];
  const line = (values: readonly number[], cell: (k: number, split: Split) => Content) =>
    values.map((v, k) => [numberText(v, 3), ...splits.map((s) => cell(k, s))]);
  const columns = (head: string) => [
    { head, numeric: true },
    ...splits.map((s) => ({ head: `${s} loss`, numeric: true })),
  ];
  return html`<div class="side">
${
  row >= 0 &&
  table(
    "Loss along α",
    columns("α (β = 0)"),
    line(plane.x, (j, s) => at(s, row, j)),
  )
}
${
  column >= 0 &&
  table(
    "Loss along β",
    columns("β (α = 0)"),
    line(plane.y, (i, s) => at(s, i, column)),
  )
}
</div>`;
}

function panels(report: AnalysisReport): [Plane, Split][] {
  return report.planes.flatMap((p): [Plane, Split][] =>
    p.test
      ? [
          [p, "train"],
          [p, "test"],
        ]
      : [[p, "train"]],
  );
}

function head(report: AnalysisReport, plane: Plane, split: Split): Content[] {
  return [
    planeNames[plane.kind],
    `${labelOf(report, plane.xDirection)}, ${labelOf(report, plane.yDirection)}`,
    split,
  ];
}

function reach(values: readonly number[]): string {
  return `${numberText(values[0] ?? 0, 3)} … ${numberText(values.at(-1) ?? 0, 3)}`;
}

function ranges(report: AnalysisReport): string {
  const texts = report.planes.map((p) => `${planeNames[p.kind]}: ${p.range}.`);
  return `Ranges. ${texts.join(" ")}`;
}
