import type { EigenInfo, SubsetInfo } from "./analysis-report.ts";
import { remedyOfAll } from "./convergence.ts";
import { numberText, plural } from "./number-text.ts";

type Subset = SubsetInfo["subsets"][number];

/** One end of one subset, as `SubsetInfo` has it. */
export interface SubsetEndRow {
  readonly value: number;
  readonly residual: number;
  readonly converged: boolean;
  readonly cosine: number;
  readonly along: number;
  readonly alongError: number;
}

/** What to do about the subsets whose pairs did not converge; undefined where there are none. */
export function subsetRemedy({ subsets }: SubsetInfo, hvp: EigenInfo["hvp"]): string | undefined {
  const open = subsets.filter((s) => s.topConverged === false || s.bottomConverged === false);
  return remedyOfAll(open.map(({ stopped }) => ({ stopped, hvp })));
}

/** How the eigenvalue at one end differs between subsets of the data. */
export interface SubsetSpread {
  readonly count: number;
  readonly low: number;
  readonly high: number;
  /** Subsets whose values are these. */
  readonly lowest: number;
  readonly highest: number;
  /** Subsets where it is negative by more than its residual. */
  readonly negative: number;
  /** The same along the eigenvector of all data: vᵀHv, and where that is negative by more than its error. */
  readonly along: { readonly low: number; readonly high: number; readonly negative: number };
  /** Subsets whose pair is not converged. */
  readonly open: number;
}

/** null if the subsets, or this end of them, were not computed. */
export function subsetSpread(info: SubsetInfo | null, end: "top" | "bottom"): SubsetSpread | null {
  const rows = (info?.subsets ?? []).flatMap((s) => subsetEnd(s, end) ?? []);
  if (rows.length === 0) return null;
  const values = rows.map((r) => r.value);
  const along = rows.map((r) => r.along);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return {
    count: rows.length,
    ...{ low, high, lowest: values.indexOf(low), highest: values.indexOf(high) },
    negative: rows.filter((r) => r.value + r.residual < 0).length,
    along: {
      low: Math.min(...along),
      high: Math.max(...along),
      negative: rows.filter((r) => r.along + r.alongError < 0).length,
    },
    open: rows.filter((r) => !r.converged).length,
  };
}

/** `−18.2 … −7.67 over 4 subsets`. */
export function spreadText({ low, high, count }: SubsetSpread): string {
  return `${rangeText(low, high)} over ${plural(count, "subset")}`;
}

/** That of an eigenvalue thought to be negative, with what its direction does on the subsets. */
export function negativeText(spread: SubsetSpread): string {
  const { negative, count, along } = spread;
  const values =
    negative === count
      ? spreadText(spread)
      : `negative in ${negative} of ${plural(count, "subset")} (${rangeText(spread.low, spread.high)})`;
  const where = along.negative === count ? "" : `, negative in ${along.negative} of them`;
  return `${values}; along this v₋ the curvature is there ${rangeText(along.low, along.high)}${where}`;
}

/** undefined where it was not asked for. */
export function subsetEnd(subset: Subset, end: "top" | "bottom"): SubsetEndRow | undefined {
  const top = end === "top";
  const value = top ? subset.top : subset.bottom;
  const residual = top ? subset.topResidual : subset.bottomResidual;
  const cosine = top ? subset.cosTop : subset.cosBottom;
  const along = top ? subset.alongTop : subset.alongBottom;
  if (value === null || residual === null || cosine === null || along === null) return undefined;
  const converged = (top ? subset.topConverged : subset.bottomConverged) ?? false;
  const alongError = (top ? subset.alongTopError : subset.alongBottomError) ?? 0;
  return { value, residual, converged, cosine, along, alongError };
}

function rangeText(low: number, high: number): string {
  return `${numberText(low, 3)} … ${numberText(high, 3)}`;
}
