import type { EigenInfo } from "./analysis-report.ts";

/** More products help only an iteration that ran out of them; one that stopped by itself met the products' errors. */
export function isOutOfProducts({ stopped = "limit" }: Pick<EigenInfo, "stopped">): boolean {
  return stopped === "limit";
}

/** What to do about pairs that did not converge. */
export function convergenceRemedy(info: Pick<EigenInfo, "stopped" | "hvp">): string {
  if (isOutOfProducts(info)) return "raise --max-products";
  return info.hvp === "fd"
    ? "the errors of differences are in the way, try --hvp exact"
    : "float32 products are not exact enough";
}
