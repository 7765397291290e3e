import {
  ensembleConvergence,
  principalCurvatures,
  type SampleStats,
  saddleLimit,
  summarizePlanes,
} from "../../numerics/index.ts";
import type { Objective } from "../../objective/types.ts";
import type { AnalysisReport, Plane } from "../analysis-report.ts";
import { lowestPoint } from "../lowest-point.ts";
import type { StepContext } from "../steps/context.ts";
import { eigenStep } from "../steps/eigenpairs.ts";
import { sliceStep } from "../steps/slices.ts";
import { traceStep } from "../steps/trace.ts";
import type { Estimate, NetworkCase, NetworkRow, PlaneMinimum, ToyCase, TraceComparison } from "./report.ts";

/** A toy loss: eigenvalues +1 (ñ times), −1 (2n − ñ times) and 0. */
export interface Toy {
  readonly name: string;
  readonly model: string;
  readonly n: number;
  readonly tilde: number;
}

const n = 500;
const t2 = (tilde: number): Toy => ({
  name: `T2, ñ = ${tilde}`,
  model: `toy:T2,n=${n},tilde=${tilde}`,
  n,
  tilde,
});

/** T1, and T2 from a trace that hides the saddle in half of all planes to one that always does. */
export const toys: readonly Toy[] = [
  { name: "T1", model: `toy:T1,n=${n}`, n, tilde: n },
  ...[510, 520, 550, 570, 800].map(t2),
];

/** Curvatures of random planes of a toy loss, beside the closed forms. */
export async function toyCase(
  context: StepContext,
  probe: Objective,
  toy: Toy,
  options: { readonly slices: number; readonly seed: number },
): Promise<ToyCase> {
  const { seed, slices } = options;
  const products = { hvp: "fd", kinks: "frozen", seed } as const;
  const eigen = await eigenStep(
    context,
    { top: 1, bottom: 1, tolerance: 1e-6, maxProducts: 30, ...products },
    null,
  );
  const request = {
    slices,
    normalization: "none",
    by: "products",
    method: "fd",
    kinks: "frozen",
    seed,
  } as const;
  const found = (await sliceStep(context, request, probe)).slices;
  const trace = 2 * (toy.tilde - toy.n);
  const frobenius = Math.sqrt(2 * toy.n);
  const { kappaPlus, kappaMinus, meanPlane, saddles, saddleShare, interval } = summarizePlanes(found);
  const half = Math.sqrt(Math.PI / 2) * frobenius;
  return {
    ...{ name: toy.name, model: toy.model, parameters: context.train.n },
    eigenpairs: eigen.info.pairs,
    ...{ trace, frobenius },
    planes: found.map(({ a, b, c }) => [a, b, c] as const),
    ...{ kappaPlus: estimate(kappaPlus), kappaMinus: estimate(kappaMinus) },
    expected: { plus: trace + half, minus: trace - half },
    meanPlane: { plus: meanPlane.plus, minus: meanPlane.minus },
    ...{ saddles, saddleShare, interval, limit: saddleLimit(trace, frobenius) },
    convergence: ensembleConvergence(found),
  };
}

/** The curvature-based estimator with the paper's 50 losses on a line, and Hutchinson's, on the same directions. */
export async function traceComparison(
  context: StepContext,
  probe: Objective,
  name: string,
  options: {
    readonly probes: number;
    readonly points: number;
    readonly seed: number;
    readonly exact: number | null;
  },
): Promise<TraceComparison> {
  const { probes, points, seed, exact } = options;
  const request = { probes, seed, method: "fd", kinks: "frozen" } as const;
  const losses = await traceStep(context, { ...request, estimator: "curvature", points }, probe);
  const products = await traceStep(
    context,
    { ...request, estimator: "hutchinson", distribution: "gaussian" },
    probe,
  );
  const displacement = losses.lines?.displacement ?? 0;
  const ofProducts = products.curvatures ?? [];
  return {
    ...{ name, parameters: context.train.n, points, displacement, exact },
    relativeDisplacement: displacement / (context.train.thetaNorm || 1),
    curvature: { value: losses.info.value, standardError: losses.info.standardError },
    hutchinson: { value: products.info.value, standardError: products.info.standardError },
    directions: (losses.curvatures ?? []).map((curvature, k) => ({
      curvature,
      hutchinson: ofProducts[k] ?? Number.NaN,
    })),
  };
}

/** A network's row of the table; undefined where a plane or an eigenvalue is missing. */
export function networkRow({ name, group, analysis }: NetworkCase): NetworkRow | undefined {
  const pairs = analysis.eigenpairs?.pairs ?? [];
  const [top, bottom] = [pairs.find((p) => p.end === "top"), pairs.find((p) => p.end === "bottom")];
  const [random, hessian] = ["random", "hessian"].map((kind) => analysis.planes.find((p) => p.kind === kind));
  if (!top || !bottom || !analysis.trace || !random || !hessian) return undefined;
  const { value, standardError } = analysis.trace;
  const { train, test } = analysis.checkpoint;
  const { randomSlices: slices } = analysis;
  return {
    ...{ name, group, parameters: analysis.model.parameters, samples: analysis.data.train.samples },
    top: { value: top.value, residual: top.residual },
    bottom: { value: bottom.value, residual: bottom.residual },
    trace: { value, standardError },
    saddles: slices && { share: slices.saddleShare, ...slices.interval },
    checkpoint: { train, test },
    random: minimumOf(random, analysis),
    hessian: minimumOf(hessian, analysis),
  };
}

/** Both splits where the training loss of a plane is lowest; θ₀ itself where no cell lies below it. */
function minimumOf(plane: Plane, { checkpoint }: AnalysisReport): PlaneMinimum {
  const { x, y, loss, train, test } = lowestPoint(plane);
  // Without a finite cell the minimum is not a number.
  if (!(loss < checkpoint.train.loss)) return { x: 0, y: 0, train: checkpoint.train, test: checkpoint.test };
  return { x, y, train, test };
}

/** κ₊ and κ₋ of each plane of a toy. */
export function curvaturesOf({ planes }: Pick<ToyCase, "planes">): { plus: number; minus: number }[] {
  return planes.map(([a, b, c]) => principalCurvatures({ a, b, c }));
}

function estimate({ mean, standardError }: SampleStats): Estimate {
  return { value: mean, standardError };
}
