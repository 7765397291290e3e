import type { SubsetInfo } from "../../analysis/analysis-report.ts";
import { subsetSpread } from "../../analysis/subset-spread.ts";
import { again } from "./axes.ts";

/** A row of the spectrum: λ₊ and λ₋ are those that subsets have too. */
interface Row {
  readonly name: string;
  readonly colour: string;
}

/** Under the residuals, which are far narrower. */
export function subsetLayers(id: string): object[] {
  const color = { field: "3", type: "nominal", scale: null, legend: null };
  return [
    {
      data: { name: `${id}/spread` },
      mark: { type: "rule", strokeWidth: 1, clip: true, aria: false },
      encoding: { x: again("0"), x2: { field: "2" }, y: again("1"), color },
    },
    {
      data: { name: `${id}/subsets` },
      mark: { type: "point", filled: false, size: 30, strokeWidth: 1.3, opacity: 1, clip: true, aria: false },
      encoding: { x: again("0"), y: again("1"), color },
    },
  ];
}

const FIRST = { "λ₊": "top", "λ₋": "bottom" } as const;

/** From the lowest to the highest subset, on the row of the first pair at either end. */
export function spreadRows(
  subsets: SubsetInfo | null,
  rows: readonly Row[],
): [number, number, number, string][] {
  return firstRows(rows).flatMap(({ end, at, colour }): [number, number, number, string][] => {
    const spread = subsetSpread(subsets, end);
    return spread ? [[spread.low, at, spread.high, colour]] : [];
  });
}

export function subsetRows(
  subsets: SubsetInfo | null,
  rows: readonly Row[],
): [number, number, number, string][] {
  return firstRows(rows).flatMap(({ end, at, colour }) =>
    subsetValues(subsets, end).map((value): [number, number, number, string] => [value, at, value, colour]),
  );
}

function firstRows(rows: readonly Row[]): { end: "top" | "bottom"; at: number; colour: string }[] {
  return rows.flatMap(({ name, colour }, at) => {
    const end = name === "λ₊" || name === "λ₋" ? FIRST[name] : undefined;
    return end ? [{ end, at, colour }] : [];
  });
}

export function subsetValues(info: SubsetInfo | null, end: "top" | "bottom"): number[] {
  return (info?.subsets ?? []).map((s) => s[end]).filter((value) => value !== null);
}
