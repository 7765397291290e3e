import type { DataInfo } from "../analysis-report.ts";
import { type PhasePlan, relativeCost } from "../progress.ts";
import type { TrajectoryOptions } from "./options.ts";

interface Sizes {
  readonly checkpoints: readonly { readonly name: string }[];
  readonly data: DataInfo;
}

/** The phases of a trajectory with their expected pieces of work; eigenpairs by their upper bound. */
export function planTrajectory(
  { checkpoints, data }: Sizes,
  { analysis, frameGrid }: TrajectoryOptions,
  shown: ReadonlySet<number>,
): PhasePlan[] {
  const s = data.train.samples;
  const splits = data.test ? 2 : 1;
  const both = s + (data.test?.samples ?? 0);
  const products = (name: string, units: number): PhasePlan => ({
    name,
    units,
    cost: units * relativeCost[analysis.hvp] * s,
  });
  const points = (name: string, units: number): PhasePlan => ({
    name,
    units: units * splits,
    cost: units * both,
  });
  const nameOf = (k: number, phase: string) => `${checkpoints[k]?.name}: ${phase}`;
  const frame = (k: number) => points(nameOf(k, "frame"), frameGrid ** 2);
  const last = checkpoints.length - 1;
  const visits = [...checkpoints.keys()].flatMap((k) => [
    { name: nameOf(k, "checkpoint"), units: 12, cost: both + (10 + 3 * relativeCost.gradient) * s },
    products(nameOf(k, "eigenpairs"), analysis.maxProducts),
    products(nameOf(k, "trace"), analysis.probes),
    ...(shown.has(k) ? [{ name: nameOf(k, "range"), units: 60, cost: 60 * s }, frame(k)] : []),
  ]);
  return [
    ...visits,
    points(nameOf(last, "surface"), analysis.grid ** 2),
    points(nameOf(last, "under path"), 2 * checkpoints.length),
  ];
}

/** The plan in words. */
export function planText(count: number, { analysis, frameGrid }: TrajectoryOptions, frames: number): string {
  const products = count * (analysis.maxProducts + analysis.probes);
  const points = analysis.grid ** 2 + frames * frameGrid ** 2;
  return `up to ${products.toLocaleString("en-US")} products and ${points.toLocaleString("en-US")} points`;
}
