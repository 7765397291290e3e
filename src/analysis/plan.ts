import { WINDOW } from "../landscape/index.ts";
import type { Objective } from "../objective/types.ts";
import { countText } from "./number-text.ts";
import type { AnalysisOptions } from "./options.ts";
import { type PhasePlan, relativeCost } from "./progress.ts";

interface Sizes {
  readonly train: Pick<Objective, "samples">;
  readonly test: Pick<Objective, "samples"> | null;
}

/** The phases of a whole analysis, in order, with their expected pieces of work. */
export function planAnalysis({ train, test }: Sizes, options: AnalysisOptions): PhasePlan[] {
  const s = train.samples;
  const both = s + (test?.samples ?? 0);
  const splits = test ? 2 : 1;
  const product = relativeCost[options.hvp] * s;
  const products = (name: string, units: number): PhasePlan => ({ name, units, cost: units * product });
  const points = (name: string, units: number): PhasePlan => ({
    name,
    units: units * splits,
    cost: units * both,
  });
  const lines = 3 + options.randomProfiles;
  return [
    { name: "checkpoint", units: 12, cost: both + (10 + 3 * relativeCost.gradient) * s },
    products("eigenpairs", options.maxProducts),
    products("kinks", options.movingProducts),
    ...(options.subsets > 0 ? [subsets(options, product)] : []),
    products("trace", options.probes),
    ...(options.densityProbes > 0 ? [products("density", options.densityProbes * options.densitySteps)] : []),
    products("directions", options.randomProfiles + 2),
    { name: "ranges", units: 180, cost: 180 * s },
    planesPlan(3, { train, test }, options),
    points("profiles", lines * options.profilePoints),
    products("check", 14),
    products("scales", 2 * (options.scalePoints + 1)),
  ];
}

/** Products on a part of the data each. */
function subsets({ subsets, maxProducts }: AnalysisOptions, product: number): PhasePlan {
  return { name: "subsets", units: subsets * maxProducts, cost: maxProducts * product };
}

/** Planes of a square grid, train and test, and the window around the lowest training loss of each. */
export function planesPlan(planes: number, { train, test }: Sizes, { grid }: AnalysisOptions): PhasePlan {
  const units = grid ** 2 * (test ? 2 : 1) + WINDOW;
  const cost = (grid ** 2 + WINDOW) * train.samples + grid ** 2 * (test?.samples ?? 0);
  return { name: "planes", units: planes * units, cost: planes * cost };
}

/** Of one plane, in words. */
export function planePoints({ grid }: AnalysisOptions): number {
  return grid ** 2 + WINDOW;
}

/** The plan in words: "up to 172 products and 3,211 points". */
export function planText(options: AnalysisOptions): string {
  const products =
    // Those of all subsets together cost as much as so many on all data.
    options.maxProducts * (options.subsets > 0 ? 2 : 1) +
    options.movingProducts +
    options.probes +
    options.densityProbes * options.densitySteps +
    options.randomProfiles +
    2 * options.scalePoints;
  const points = 3 * planePoints(options) + (3 + options.randomProfiles) * options.profilePoints;
  return `up to ${countText(products)} products and ${countText(points)} points`;
}
