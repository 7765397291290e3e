import { expect } from "vitest";
import type { ExtremePair } from "../../src/numerics/eigenpair-types.ts";
import type { SymmetricOperator } from "../../src/numerics/operator.ts";
import { axpy, dot, norm } from "../../src/numerics/vector.ts";

export const valuesOf = (pairs: readonly ExtremePair[], end: "top" | "bottom"): number[] =>
  pairs.filter((p) => p.end === end).map((p) => p.value);

export function expectClose(found: readonly number[], expected: readonly number[], within: number): void {
  expect(found).toHaveLength(expected.length);
  expected.forEach((value, i) => {
    expect(Math.abs(found[i]! - value)).toBeLessThanOrEqual(within);
  });
}

/** What must hold of any result: unit vectors, Rayleigh quotients, true residuals that bound the error, signs. */
export async function checkPairs(
  operator: SymmetricOperator,
  pairs: readonly ExtremePair[],
  spectrum: readonly number[],
): Promise<void> {
  const size = Math.max(...spectrum.map(Math.abs));
  const w = new Float64Array(operator.n);
  for (const { value, vector, residual } of pairs) {
    expect(Math.abs(norm(vector) - 1)).toBeLessThan(1e-14);
    await operator.apply(vector, w);
    expect(Math.abs(dot(vector, w) - value)).toBeLessThanOrEqual(1e-13 * size);
    axpy(-value, vector, w);
    expect(Math.abs(norm(w) - residual)).toBeLessThanOrEqual(1e-12 * size);
    const nearest = Math.min(...spectrum.map((s) => Math.abs(s - value)));
    expect(nearest).toBeLessThanOrEqual(residual + 1e-13 * size);
    const largest = vector.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
    expect(largest).toBeGreaterThan(0);
  }
}
