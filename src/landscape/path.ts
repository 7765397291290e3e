import { symmetricEigen } from "../numerics/dense-symmetric.ts";
import { axpy, dot, norm, normalize, type RealVector, scale } from "../numerics/vector.ts";

/** The weights of several checkpoints of one run, read one at a time: all of them need not fit in memory. */
export interface PathWeights {
  readonly count: number;
  /** Length of each θₖ. */
  readonly n: number;
  /** θₖ for k from 0; the last is the origin of every plane. */
  read(k: number): Promise<Float32Array>;
}

/** A plane through θ_last, as two orthonormal axes of length N. */
export interface PathAxes {
  readonly axes: readonly [Float64Array, Float64Array];
  /**
   * Shares of Σₖ‖θₖ − θ_last‖² along each principal direction, descending: the first two are those of the axes. About
   * θ_last, not about the mean, since the plane goes through θ_last: no other leaves the path less far from it.
   */
  readonly shares: readonly number[];
}

/** Where a checkpoint lies, seen from θ_last. */
export interface PathPosition {
  /** Coordinates of θₖ − θ_last on the axes, ‖Δθ‖. */
  readonly x: number;
  readonly y: number;
  /** ‖θₖ − θ_last‖, and what of it the plane leaves out. */
  readonly distance: number;
  readonly offPlane: number;
}

/** Displacements θₖ − θ_last (float64) that are held at a time. */
const DEFAULT_BYTES = 2 ** 29;
/** Below this share of the largest, an eigenvalue of the Gram matrix is rounding: the path has no such direction. */
const LEAST_SHARE = 1e-12;

/**
 * The two principal directions of θₖ − θ_last, from the Gram matrix of the displacements: its size is that of the
 * number of checkpoints, never N². A path on a straight line has one: `other` (any direction) then gives the second axis.
 * Each axis points to where the first checkpoint lies. Memory: two axes and as many displacements as fit `bytes`, two at
 * least; displacements beyond are read again for each block.
 */
export async function principalAxes(
  weights: PathWeights,
  other: () => RealVector,
  bytes: number = DEFAULT_BYTES,
): Promise<PathAxes> {
  const origin = await weights.read(weights.count - 1);
  const gram = await gramMatrix(weights, origin, bytes);
  const { values, coefficients } = descending(gram);
  const total = values.reduce((sum, v) => sum + v, 0);
  const shares = values.map((v) => (total > 0 ? v / total : 0));
  const kept = [0, 1].filter((i) => (shares[i] ?? 0) > LEAST_SHARE);
  const axes = [0, 1].map(() => new Float64Array(weights.n)) as [Float64Array, Float64Array];
  for (let k = 0; k + 1 < weights.count; k++) {
    const d = displacement(await weights.read(k), origin);
    for (const i of kept) axpy(coefficients[i]![k]!, d, axes[i]!);
  }
  // Rounding of a small second eigenvalue lies along the first.
  for (const [i, axis] of axes.entries()) {
    if (!kept.includes(i)) axis.set(other());
    if (i === 1) axpy(-dot(axes[0], axis), axes[0], axis);
    normalize(axis);
  }
  return { axes, shares };
}

/** Coordinates and distances of every checkpoint in the plane of two orthonormal axes through θ_last. */
export async function projectPath(
  weights: PathWeights,
  [first, second]: readonly [RealVector, RealVector],
): Promise<PathPosition[]> {
  const origin = await weights.read(weights.count - 1);
  const positions: PathPosition[] = [];
  for (let k = 0; k < weights.count; k++) {
    const d = displacement(await weights.read(k), origin);
    const [x, y, distance] = [dot(d, first), dot(d, second), norm(d)];
    // What is left over is measured, not the difference of two squares: that would lose the small ones.
    axpy(-x, first, d);
    axpy(-y, second, d);
    positions.push({ x, y, distance, offPlane: norm(d) });
  }
  return positions;
}

/** θ − origin in float64, where it is exact up to the last bits. */
export function displacement(theta: Float32Array, origin: Float32Array): Float64Array {
  return Float64Array.from(theta, (x, i) => x - origin[i]!);
}

/** Inner products of all θₖ − θ_last but the last, which is 0. */
async function gramMatrix(
  weights: PathWeights,
  origin: Float32Array,
  bytes: number,
): Promise<Float64Array[]> {
  const m = weights.count - 1;
  const gram = Array.from({ length: m }, () => new Float64Array(m));
  const block = Math.max(1, Math.floor(bytes / (8 * weights.n)) - 1);
  for (let start = 0; start < m; start += block) {
    const held: Float64Array[] = [];
    for (let j = start; j < m; j++) {
      const d = displacement(await weights.read(j), origin);
      if (j < start + block) held.push(d);
      for (const [i, other] of held.entries()) {
        const product = dot(other, d);
        gram[start + i]![j] = product;
        gram[j]![start + i] = product;
      }
    }
  }
  return gram;
}

/** Eigenvalues, the largest first and none below 0, and unit eigenvectors whose first component is not negative. */
function descending(gram: readonly Float64Array[]): { values: number[]; coefficients: Float64Array[] } {
  const eigen = symmetricEigen(gram);
  const order = [...eigen.values.keys()].toSorted((a, b) => eigen.values[b]! - eigen.values[a]!);
  const coefficients = order.map((i) => {
    const u = Float64Array.from(eigen.vectors[i]!);
    if (u[0]! < 0) scale(-1, u);
    return u;
  });
  return { values: order.map((i) => Math.max(0, eigen.values[i]!)), coefficients };
}
