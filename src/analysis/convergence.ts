import type { EigenInfo } from "./analysis-report.ts";

/** How an iteration ended, and on what products. */
export type Ended = Pick<EigenInfo, "stopped" | "hvp">;

/** More products help only an iteration that ran out of them; one that stopped by itself met the products' errors. */
export function isOutOfProducts({ stopped = "limit" }: Pick<EigenInfo, "stopped">): boolean {
  return stopped === "limit";
}

/** What to do about pairs that did not converge. */
export function convergenceRemedy(info: Ended): string {
  if (isOutOfProducts(info)) return "raise --max-products";
  return info.hvp === "fd"
    ? "the errors of differences are in the way, try --hvp exact"
    : "float32 products are not exact enough";
}

/** The same of several iterations that did not converge: more products, if any ran out of them. undefined for none. */
export function remedyOfAll(open: readonly Ended[]): string | undefined {
  const first = open.find(isOutOfProducts) ?? open[0];
  return first && convergenceRemedy(first);
}
