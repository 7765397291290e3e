import { gaussian } from "../numerics/random.ts";
import { norm, scale } from "../numerics/vector.ts";
import type { Direction, Parameter } from "../objective/types.ts";

/** What a random direction is drawn by: equal draws give equal vectors on any machine. */
export interface Draw {
  readonly seed: number;
  /** Which of several directions of one kind. */
  readonly index: number;
}

/**
 * A random Gaussian direction (i.i.d. N(0, 1) components), as a unit vector of length N.
 * Drawn tensor by tensor, keyed by name: the same tensor gets the same numbers in any model.
 */
export function randomDirection(parameters: readonly Parameter[], draw: Draw): Direction {
  const vector = gaussianDraw(parameters, "direction", draw);
  scale(1 / norm(vector), vector);
  return { id: `random:${draw.seed}:${draw.index}`, vector };
}

/**
 * A filter-normalised random direction, as a unit vector: within each tensor of rank 2 and more, every
 * filter (slice along the first axis) gets the norm of that filter in θ₀; tensors of rank 0 and 1
 * (biases, normalisation) get zeros, as the authors' code does with `--xignore biasbn`.
 * The overall length is then set to 1, so that axes stay true displacements.
 * Source: Li et al. 2018, section 4.
 */
export function filterDirection(
  parameters: readonly Parameter[],
  theta: Float32Array,
  draw: Draw,
): Direction {
  const vector = gaussianDraw(parameters, "filter", draw);
  matchNorms(parameters, theta, vector, "filter");
  const length = norm(vector);
  if (length > 0) scale(1 / length, vector);
  return { id: `filter:${draw.seed}:${draw.index}`, vector };
}

/** What is done to a Gaussian direction: nothing, length 1, or the norms of θ₀'s filters or tensors ("layer"). */
export type Normalization = "none" | "unit" | "filter" | "layer";

/**
 * One of the two directions of a random slice, drawn i.i.d. N(0, 1) and normalised. Its length is √N, 1, or that of θ₀
 * without tensors of rank 0 and 1, which "filter" and "layer" leave as they are (see `filterDirection`).
 */
export function sliceDirection(
  normalization: Normalization,
  parameters: readonly Parameter[],
  theta: Float32Array,
  draw: Draw,
): Direction {
  const vector = gaussianDraw(parameters, "slice", draw);
  if (normalization === "unit") scale(1 / norm(vector), vector);
  else if (normalization !== "none") matchNorms(parameters, theta, vector, normalization);
  return { id: `slice-${normalization}:${draw.seed}:${draw.index}`, vector };
}

function matchNorms(
  parameters: readonly Parameter[],
  theta: Float32Array,
  vector: Float64Array,
  unit: "filter" | "layer",
): void {
  for (const p of parameters) {
    const part = vector.subarray(p.offset, p.offset + p.size);
    const weights = theta.subarray(p.offset, p.offset + p.size);
    if (p.shape.length < 2) part.fill(0);
    else matchFilterNorms(part, weights, unit === "layer" ? 1 : (p.shape[0] as number));
  }
}

function matchFilterNorms(part: Float64Array, weights: Float32Array, filters: number): void {
  const size = part.length / filters;
  for (let f = 0; f < filters; f++) {
    const filter = part.subarray(f * size, (f + 1) * size);
    scale(norm(weights.subarray(f * size, (f + 1) * size)) / norm(filter), filter);
  }
}

function gaussianDraw(parameters: readonly Parameter[], purpose: string, draw: Draw): Float64Array {
  const n = parameters.reduce((sum, p) => sum + p.size, 0);
  const vector = new Float64Array(n);
  for (const p of parameters) {
    const key = { seed: draw.seed, purpose, name: p.name, index: draw.index };
    gaussian(key, vector.subarray(p.offset, p.offset + p.size));
  }
  return vector;
}
