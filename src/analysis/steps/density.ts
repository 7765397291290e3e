import { calibrated, HessianOperator } from "../../curvature/index.ts";
import {
  massBelow,
  moment,
  probeQuadrature,
  type SampleStats,
  type SpectralQuadrature,
} from "../../numerics/index.ts";
import type { HvpMethod, HvpOptions, Kinks } from "../../objective/types.ts";
import type { DensityInfo } from "../analysis-report.ts";
import { percentText, plural } from "../number-text.ts";
import { relativeCost } from "../progress.ts";
import { keepStep, type StepContext } from "./context.ts";

export interface DensityRequest {
  readonly probes: number;
  /** Lanczos steps, which are products, for each probe. */
  readonly steps: number;
  readonly method: HvpMethod;
  readonly kinks: Kinks;
  readonly seed: number;
  /** ‖Δθ‖/‖θ‖ of the differences, where a Lanczos run has chosen one. Default: chosen, at the price of nine products. */
  readonly relativeStep?: number | undefined;
}

/** Spectral density by Lanczos quadrature, probe by probe: of a finished one only nodes and weights are kept. */
export async function densityStep(context: StepContext, request: DensityRequest): Promise<DensityInfo> {
  const { progress, train, signal } = context;
  progress.start("density");
  const { probes, steps, seed } = request;
  const most = probes * Math.min(steps, train.n);
  progress.expect(most, most * relativeCost[request.method] * train.samples);
  const products = await productsOf(context, request);
  const operator = new HessianOperator(train, products);
  const quadratures: SpectralQuadrature[] = [];
  for (let index = 0; index < probes; index++) {
    const unit = { ...request, probes: undefined, index };
    const { result } = await keepStep(context, "density probe", unit, async () => ({
      result: await probeQuadrature(operator, index, { seed, steps, signal }),
      vectors: {},
    }));
    quadratures.push(result);
  }
  const info = densityInfo(quadratures, steps, train.n);
  progress.finish(
    `${percentText(info.negative.value)} of the eigenvalues negative   ${plural(probes, "probe")}`,
  );
  return info;
}

async function productsOf(context: StepContext, request: DensityRequest): Promise<HvpOptions> {
  const { method, kinks, seed, relativeStep } = request;
  if (method !== "fd") return { method, kinks };
  if (kinks === "moving") return { method, kinks, relativeStep: relativeStep ?? MOVING_STEP };
  const { result } = await keepStep(context, "density products", { seed, relativeStep }, async () => ({
    result: await calibrated(context.train, { seed, relativeStep, signal: context.signal }),
    vectors: {},
  }));
  return result;
}

const MOVING_STEP = 1e-3;
const RESOLUTION = 1e-4;

function densityInfo(quadratures: readonly SpectralQuadrature[], steps: number, n: number): DensityInfo {
  // Products in float32 leave of an eigenvalue 0 some 1e−5 of the largest.
  const largest = Math.max(...quadratures.flatMap((q) => q.nodes.map(Math.abs)));
  const resolution = RESOLUTION * largest;
  const negated = quadratures.map(({ nodes, weights }) => ({ nodes: nodes.map((t) => -t), weights }));
  const measured = ({ mean, standardError }: SampleStats) => ({ value: mean, standardError });
  return {
    steps,
    quadratures: quadratures.map(({ nodes, weights }) => ({ nodes: [...nodes], weights: [...weights] })),
    mass: moment(quadratures, 0).mean,
    first: measured(moment(quadratures, 1, n)),
    second: measured(moment(quadratures, 2, n)),
    resolution,
    negative: measured(massBelow(quadratures, -resolution, n)),
    positive: measured(massBelow(negated, -resolution, n)),
  };
}
