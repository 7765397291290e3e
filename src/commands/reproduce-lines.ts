import { countText, numberText, percentText, withError } from "../analysis/number-text.ts";
import type { NetworkRow, PointValues, ReproductionReport } from "../analysis/reproduction/report.ts";
import { tableLines } from "./table.ts";

/** Toys, the paper's Table 2, what is missing for it, the findings, and last the page. */
export function reproductionLines(report: ReproductionReport, page: string): string[] {
  const missing = [
    ...report.paper.flatMap(({ name, parameters, missing: why }) =>
      why === null ? [] : [`– ${name} (${countText(parameters)} parameters): ${why}`],
    ),
    ...report.leftOut.map(({ name, why }) => `– ${name}: ${why}`),
  ];
  const parts = [
    toyLines(report),
    networkLines(report.table),
    missing.length > 0 ? ["not looked at:", ...missing] : [],
    report.findings.map((f) => `• ${f.text}`),
  ];
  return [...parts.flatMap((part) => (part.length > 0 ? [...part, ""] : [])), page];
}

function toyLines({ toys }: ReproductionReport): string[] {
  const rows = toys.map((toy) => [
    toy.name,
    numberText(toy.trace),
    withError(toy.kappaPlus.value, toy.kappaPlus.standardError),
    withError(toy.kappaMinus.value, toy.kappaMinus.standardError),
    percentText(toy.saddleShare, 3),
    percentText(toy.limit, 3),
  ]);
  return tableLines([["toy", "tr H", "mean κ₊", "mean κ₋", "saddles", "closed form"], ...rows], "<>>>>>");
}

const networkHead = ["network", "parameters", "λ₊", "λ₋", "tr H", "at"];
const valueHead = ["train loss", "accuracy", "test loss", "accuracy"];

function networkLines(table: readonly NetworkRow[]): string[] {
  if (table.length === 0) return [];
  const rows = table.flatMap((row) => {
    const facts = [
      row.name,
      String(row.parameters),
      withError(row.top.value, row.top.residual),
      withError(row.bottom.value, row.bottom.residual),
      withError(row.trace.value, row.trace.standardError),
    ];
    const blank = facts.map(() => "");
    return [
      [...facts, "checkpoint", ...valuesOf(row.checkpoint)],
      [...blank, "random plane", ...valuesOf(row.random)],
      [...blank, "Hessian plane", ...valuesOf(row.hessian)],
    ];
  });
  return tableLines([[...networkHead, ...valueHead], ...rows], "<>>>><>>>>");
}

function valuesOf({ train, test }: PointValues): string[] {
  const accuracy = (value: number | null | undefined) => (value == null ? "–" : percentText(value, 4));
  return [
    numberText(train.loss, 4),
    accuracy(train.accuracy),
    test ? numberText(test.loss, 4) : "–",
    accuracy(test?.accuracy),
  ];
}
