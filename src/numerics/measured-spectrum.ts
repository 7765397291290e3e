import type { SpectralQuadrature } from "./density.ts";
import type { SpectrumNode } from "./random-planes.ts";

/** Extreme eigenvalues known one by one: `top` descending, `bottom` ascending. */
export interface KnownEnds {
  readonly top: readonly number[];
  readonly bottom: readonly number[];
}

/** A whole spectrum of n eigenvalues from what was measured of it. */
export interface MeasuredSpectrum {
  /** Outliers with count 1, then the density's nodes; counts add up to n. */
  readonly nodes: readonly SpectrumNode[];
  /** Eigenvalues taken one by one at either end. */
  readonly outliers: { readonly top: number; readonly bottom: number };
}

/** An eigenvalue is an outlier only if the next one is this much smaller. */
const GAP = 0.1;
/** Standard deviations of a count by which the density may be off. */
const SIGMAS = 4;

/**
 * Outliers exactly and the bulk from the density. A quadrature's weight of a single eigenvalue is χ²-distributed over
 * its probes, off by √(2/probes): for those that carry much of the trace that is too much. So the known eigenvalues
 * before a gap are taken one by one and the nodes beyond it left out, unless more weight lies there than so many
 * eigenvalues can have: then the end is no set of outliers (or a multiple eigenvalue), and the density tells all.
 */
export function measuredSpectrum(
  density: readonly SpectralQuadrature[],
  n: number,
  ends: KnownEnds,
): MeasuredSpectrum {
  const upper = outliers(density, n, ends.top);
  const lower = outliers(
    density.map(({ nodes, weights }) => ({ nodes: nodes.map((t) => -t), weights })),
    n,
    ends.bottom.map((t) => -t),
  );
  const bulk = density.flatMap(({ nodes, weights }) =>
    nodes.flatMap((value, i): SpectrumNode[] =>
      value < upper.edge && value > -lower.edge ? [{ value, count: weights[i]! }] : [],
    ),
  );
  const mass = bulk.reduce((sum, { count }) => sum + count, 0);
  const left = n - upper.count - lower.count;
  const single = [...ends.top.slice(0, upper.count), ...ends.bottom.slice(0, lower.count)];
  return {
    nodes: [
      ...single.map((value) => ({ value, count: 1 })),
      ...bulk.map(({ value, count }) => ({ value, count: (count / mass) * left })),
    ],
    outliers: { top: upper.count, bottom: lower.count },
  };
}

/** How many of the known largest values stand alone, and where the rest begins. */
function outliers(
  density: readonly SpectralQuadrature[],
  n: number,
  known: readonly number[],
): { count: number; edge: number } {
  for (let count = known.length - 1; count > 0; count--) {
    const [last, next] = [known[count - 1] as number, known[count] as number];
    const edge = (last + next) / 2;
    const isOutside = last > 0 && last - next > GAP * last;
    if (isOutside && Math.abs(eigenvaluesAbove(density, n, edge) - count) < countError(count, density)) {
      return { count, edge };
    }
  }
  return { count: 0, edge: Number.POSITIVE_INFINITY };
}

function eigenvaluesAbove(density: readonly SpectralQuadrature[], n: number, edge: number): number {
  let mass = 0;
  for (const { nodes, weights } of density) {
    for (const [i, t] of nodes.entries()) if (t > edge) mass += weights[i]!;
  }
  return (n * mass) / density.length;
}

/** A random unit vector's squared components vary by √2 of their mean 1/n each. */
function countError(count: number, density: readonly SpectralQuadrature[]): number {
  return SIGMAS * Math.sqrt((2 * count) / density.length);
}
