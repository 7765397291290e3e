import { lanczos } from "./lanczos.ts";
import type { SymmetricOperator } from "./operator.ts";
import { gaussian } from "./random.ts";
import { type SampleStats, sampleStats } from "./stats.ts";

/** Gauss quadrature of the spectrum as one random vector sees it: nodes ascending, weights that sum to 1. */
export interface SpectralQuadrature {
  readonly nodes: readonly number[];
  readonly weights: readonly number[];
}

export interface DensityOptions {
  readonly seed: number;
  /** Random vectors. */
  readonly probes: number;
  /** Lanczos steps, which are products, for each of them: the quadrature is exact for polynomials up to degree 2·steps − 1. */
  readonly steps: number;
  /** A quadrature of an earlier run, by the index of its probe. */
  readonly known?: ((index: number) => SpectralQuadrature | undefined) | undefined;
  readonly onProbe?: ((index: number, quadrature: SpectralQuadrature) => void) | undefined;
  readonly onProduct?: (() => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The spectral density of A, φ(t) = (1/n) Σ δ(t − λᵢ), by stochastic Lanczos quadrature: one quadrature per random
 * unit vector, whose mean over vectors is φ's. Nodes and weights are kept and nothing is smoothed.
 * Error: that of a mean over `probes` independent vectors; see `moment` and `massBelow`.
 * Deterministic for a seed; probe k is the same however many there are.
 * Source: Golub & Welsch 1969; Ubaru, Chen & Saad 2017.
 */
export async function spectralDensity(
  operator: SymmetricOperator,
  options: DensityOptions,
): Promise<readonly SpectralQuadrature[]> {
  const density: SpectralQuadrature[] = [];
  for (let index = 0; index < options.probes; index++) {
    const quadrature = options.known?.(index) ?? (await probeQuadrature(operator, index, options));
    options.onProbe?.(index, quadrature);
    density.push(quadrature);
  }
  return density;
}

/** The quadrature of probe `index` alone. */
export async function probeQuadrature(
  operator: SymmetricOperator,
  index: number,
  { seed, steps, onProduct, signal }: Omit<DensityOptions, "probes" | "known" | "onProbe">,
): Promise<SpectralQuadrature> {
  const start = new Float64Array(operator.n);
  gaussian({ seed, purpose: "density", name: "", index }, start);
  for await (const f of lanczos(operator, { seed, start, signal })) {
    onProduct?.();
    // An invariant space holds all that this vector can see: the quadrature is then exact.
    if (f.size < steps && !f.isInvariant && !f.complete) continue;
    const { values, coefficients } = f.ritz();
    return { nodes: [...values], weights: coefficients.map((s) => (s[0] as number) ** 2) };
  }
  return { nodes: [], weights: [] };
}

/**
 * Mean of tᵏ over the spectrum, (1/n) Σ λᵢᵏ, with its standard error. k = 0 gives 1, k = 1 tr A/n, k = 2 ‖A‖²/n.
 * `n`: number of eigenvalues; see `spectralMean`.
 */
export function moment(density: readonly SpectralQuadrature[], k: number, n?: number): SampleStats {
  return spectralMean(density, (t) => t ** k, n);
}

/** Share of eigenvalues below t with its standard error; a quadrature tells it up to the weight of the node next to t. */
export function massBelow(density: readonly SpectralQuadrature[], t: number, n?: number): SampleStats {
  return spectralMean(density, (node) => (node < t ? 1 : 0), n);
}

/**
 * Mean of f over the spectrum. The spread of few probes may be small by chance; given `n`, the standard error is at
 * least that of a random direction, whose vᵀf(A)v has variance 2(mean f² − (mean f)²)/(n + 2).
 */
function spectralMean(
  density: readonly SpectralQuadrature[],
  f: (t: number) => number,
  n: number | undefined,
): SampleStats {
  const over = (g: (t: number) => number) =>
    density.map((q) => q.nodes.reduce((sum, t, i) => sum + g(t) * q.weights[i]!, 0));
  const stats = sampleStats(over(f));
  if (n === undefined) return stats;
  const spread = Math.max(0, sampleStats(over((t) => f(t) ** 2)).mean - stats.mean ** 2);
  const least = Math.sqrt((2 * spread) / (n + 2) / stats.count);
  return { ...stats, standardError: Math.max(least, stats.standardError || 0) };
}
