import type { PlaneForm } from "../numerics/random-planes.ts";
import { dot, norm } from "../numerics/vector.ts";
import type { Direction, HvpMethod, HvpOptions, Kinks, Objective } from "../objective/types.ts";
import { chooseLossFit, type LossFit, lossCurvature } from "./loss-curvature.ts";
import { productsFor } from "./trace.ts";

/** One plane θ₀ + αη + βδ: its Hessian and its directions in numbers. */
export interface Slice extends PlaneForm {
  /** ‖η‖ and ‖δ‖, and the cosine of the angle between them. */
  readonly lengths: readonly [number, number];
  readonly cosine: number;
  /** ‖Hη‖² and ‖Hδ‖²; null where losses alone were looked at. */
  readonly squaredNorms: readonly [number, number] | null;
  /** Estimated error of a and c: by noise and bias of the losses, or by the products' errors taken as random. */
  readonly error: number;
}

export interface SliceOptions {
  readonly slices: number;
  /** Direction k; slice i takes 2i and 2i + 1. */
  readonly draw: (index: number) => Direction;
  /** By Hessian products (two a slice), or by losses on three lines. */
  readonly by: "products" | "loss";
  readonly method: HvpMethod;
  readonly kinks: Kinks;
  /** Losses on a line. Default: as few as do. */
  readonly points?: number | undefined;
  readonly known?: ((index: number) => Slice | undefined) | undefined;
  readonly onSlice?: ((index: number, slice: Slice) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A = ηᵀHη, B = ηᵀHδ and C = δᵀHδ of random planes. Units: loss per squared unit of the directions.
 * By losses: c₂ of least-squares parabolas along η, δ and (η + δ)/√2; on a net with kinks that is the curvature at the
 * scale `fit` says, and needs no gradient.
 * Source: Böttcher & Wheeler 2024, §2.
 */
export async function randomSlices(
  objective: Objective,
  options: SliceOptions,
): Promise<{ slices: Slice[]; fit: LossFit | null }> {
  const { measure, fit } = await measurement(objective, options);
  const slices: Slice[] = [];
  for (let index = 0; index < options.slices; index++) {
    options.signal?.throwIfAborted();
    const known = options.known?.(index);
    const slice = known ?? (await measure(options.draw(2 * index), options.draw(2 * index + 1)));
    options.onSlice?.(index, slice);
    slices.push(slice);
  }
  return { slices, fit };
}

type Measure = (eta: Direction, delta: Direction) => Promise<Slice>;

async function measurement(
  objective: Objective,
  options: SliceOptions,
): Promise<{ measure: Measure; fit: LossFit | null }> {
  const { signal, draw } = options;
  if (options.by === "loss") {
    const fit = await chooseLossFit(objective, draw, options);
    return { measure: (eta, delta) => fromLosses(objective, eta, delta, fit, signal), fit };
  }
  const products = await productsFor(objective, () => draw(0).vector, options);
  return { measure: (eta, delta) => fromProducts(objective, eta, delta, products, signal), fit: null };
}

async function fromProducts(
  objective: Objective,
  eta: Direction,
  delta: Direction,
  products: HvpOptions,
  signal: AbortSignal | undefined,
): Promise<Slice> {
  const [x, y] = [eta.vector, delta.vector];
  const hx = await objective.hvp(x, products, signal);
  const hy = await objective.hvp(y, products, signal);
  return {
    ...geometry(x, y),
    a: dot(x, hx.hv),
    // H is symmetric, its products nearly: the mean has half the noise.
    b: (dot(x, hy.hv) + dot(y, hx.hv)) / 2,
    c: dot(y, hy.hv),
    squaredNorms: [dot(hx.hv, hx.hv), dot(hy.hv, hy.hv)],
    error: (norm(x) * hx.error) / Math.sqrt(objective.n),
  };
}

async function fromLosses(
  objective: Objective,
  eta: Direction,
  delta: Direction,
  fit: LossFit,
  signal: AbortSignal | undefined,
): Promise<Slice> {
  const [x, y] = [eta.vector, delta.vector];
  const between: Direction = {
    id: `${eta.id}+${delta.id}`,
    vector: x.map((value, i) => (value + y[i]!) / Math.SQRT2),
  };
  const a = await lossCurvature(objective, eta, fit, signal);
  const c = await lossCurvature(objective, delta, fit, signal);
  const middle = await lossCurvature(objective, between, fit, signal);
  return {
    ...geometry(x, y),
    a: a.curvature,
    b: middle.curvature - (a.curvature + c.curvature) / 2,
    c: c.curvature,
    squaredNorms: null,
    error: Math.hypot(a.noiseError, a.bias),
  };
}

function geometry(x: Float64Array, y: Float64Array): Pick<Slice, "lengths" | "cosine"> {
  const lengths = [norm(x), norm(y)] as const;
  return { lengths, cosine: dot(x, y) / (lengths[0] * lengths[1]) };
}
