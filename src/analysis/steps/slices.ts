import { type LossFit, randomSlices, type Slice } from "../../curvature/index.ts";
import { type Normalization, sliceDirection } from "../../landscape/index.ts";
import { isSaddle, summarizePlanes } from "../../numerics/random-planes.ts";
import { sampleStats } from "../../numerics/stats.ts";
import type { HvpMethod, Kinks, Objective } from "../../objective/types.ts";
import type { LossSliceInfo } from "../analysis-report.ts";
import { percentText, plural } from "../number-text.ts";
import { relativeCost } from "../progress.ts";
import type { Unit } from "../run/unit.ts";
import { keepStep, type StepContext } from "./context.ts";
import { chosenStepsKept } from "./trace.ts";

export interface SliceRequest {
  readonly slices: number;
  readonly normalization: Normalization;
  readonly by: "products" | "loss";
  readonly method: HvpMethod;
  readonly kinks: Kinks;
  readonly seed: number;
  readonly points?: number | undefined;
}

export interface SliceStep {
  readonly slices: readonly Slice[];
  /** How losses were looked at; null by products. */
  readonly fit: LossFit | null;
}

/** A, B, C of random planes. Of a slice only its numbers are kept, not its products: `probe` is the objective behind the journal. */
export async function sliceStep(
  context: StepContext,
  request: SliceRequest,
  probe: Objective,
): Promise<SliceStep> {
  const { train, progress } = context;
  progress.start("slices");
  const each = request.by === "loss" ? 3 * ((request.points ?? 5) - 1) : 2;
  const cost = request.by === "loss" ? relativeCost.evaluate : relativeCost[request.method];
  progress.expect(each * request.slices, each * request.slices * cost * train.samples);
  const { result } = await keepStep(context, "slices", { ...request }, async () => ({
    result: await measureSlices(context, request, probe),
    vectors: {},
  }));
  const saddles = result.slices.filter(isSaddle).length;
  progress.finish(
    `${plural(result.slices.length, "plane")}, ${percentText(saddles / result.slices.length)} saddles`,
  );
  return result;
}

/** Random planes by fits to losses, in the numbers that a report shows. */
export async function lossSlicesStep(
  context: StepContext,
  request: Pick<SliceRequest, "slices" | "method" | "kinks" | "seed">,
  probe: Objective,
): Promise<LossSliceInfo> {
  const { slices, fit } = await sliceStep(context, { ...request, normalization: "none", by: "loss" }, probe);
  const { planes, kappaPlus, kappaMinus, saddles, saddleShare, interval } = summarizePlanes(slices);
  const measured = ({ mean: value, standardError }: typeof kappaPlus) => ({ value, standardError });
  const size = sampleStats(slices.flatMap(({ lengths: [x, y] }) => [x ** 2, y ** 2])).mean;
  return {
    planes,
    kappaPlus: measured(kappaPlus),
    kappaMinus: measured(kappaMinus),
    ...{ saddles, saddleShare, interval },
    displacement: (fit?.halfWidth ?? 0) * Math.sqrt(size),
  };
}

async function measureSlices(
  context: StepContext,
  request: SliceRequest,
  probe: Objective,
): Promise<SliceStep> {
  const { store, train, signal, progress } = context;
  const { seed, normalization } = request;
  const known = await knownSlices(context, request);
  let saved: Promise<void> = Promise.resolve();
  const onSlice = (index: number, slice: Slice) => {
    if (!known[index]) saved = saved.then(() => store.put(sliceUnit(context, request, index), slice, {}));
    else if (request.by === "products") {
      for (let k = 0; k < 2; k++) progress.tick(relativeCost[request.method] * train.samples, false);
    }
  };
  try {
    // Losses are numbers, and kept each; products are vectors, and not.
    const objective = request.by === "loss" ? train : chosenStepsKept(train, probe, progress);
    return await randomSlices(objective, {
      ...request,
      draw: (index) => sliceDirection(normalization, train.parameters, train.theta, { seed, index }),
      known: (index) => known[index],
      onSlice,
      signal,
    });
  } finally {
    await saved;
  }
}

async function knownSlices(context: StepContext, request: SliceRequest): Promise<Slice[]> {
  const known: Slice[] = [];
  for (;;) {
    const stored = await context.store.get<Slice>(sliceUnit(context, request, known.length));
    if (!stored) return known;
    known.push(stored.result);
  }
}

/** Slice k is the same however many there are. */
function sliceUnit(context: StepContext, { slices: _, ...request }: SliceRequest, index: number): Unit {
  return { run: context.store.run, what: "step", name: "slice", options: { ...request, index } };
}
