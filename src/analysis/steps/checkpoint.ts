import { measureLossNoise, summarizeGradient } from "../../curvature/index.ts";
import { randomDirection } from "../../landscape/index.ts";
import type { CheckpointInfo, DifferentiatedInfo } from "../analysis-report.ts";
import { numberText } from "../number-text.ts";
import { keepStep, type StepContext } from "./context.ts";

export interface CheckpointStep {
  readonly info: DifferentiatedInfo;
  /** ∇L at θ₀. */
  readonly gradient: Float64Array;
}

/** Losses, gradient and the noise of both at θ₀. */
export async function checkpointStep(context: StepContext): Promise<CheckpointStep> {
  const { train, signal } = context;
  context.progress.start("checkpoint");
  const { result, vectors } = await keepStep(context, "checkpoint", {}, async () => {
    const summary = await summarizeGradient(train, signal);
    const info: DifferentiatedInfo = {
      ...(await lossesOf(context)),
      gradientNorm: summary.norm,
      gradientNoise: summary.noise,
      groups: summary.groups,
    };
    return { result: info, vectors: { gradient: summary.gradient } };
  });
  context.progress.finish(
    `loss ${numberText(result.train.loss)}   ‖∇L‖ ${numberText(result.gradientNorm, 3)}   noise ${result.gradientNoise === null ? "unknown" : numberText(result.gradientNoise, 2)}`,
  );
  return { info: result, gradient: vectors["gradient"] as Float64Array };
}

/** Losses at θ₀ and their noise, where there is no gradient. */
export async function lossCheckpointStep(context: StepContext): Promise<CheckpointInfo> {
  context.progress.start("checkpoint");
  const { result } = await keepStep(context, "checkpoint", { losses: true }, async () => {
    const info = { ...(await lossesOf(context)), gradientNorm: null, gradientNoise: null, groups: 0 };
    return { result: info, vectors: {} };
  });
  context.progress.finish(`loss ${numberText(result.train.loss)}   no gradient`);
  return result;
}

async function lossesOf({ train, test, signal, options }: StepContext): Promise<LossesInfo> {
  const here = await train.evaluate([], signal);
  const there = test ? await test.evaluate([], signal) : null;
  const direction = randomDirection(train.parameters, { seed: options.seed, index: 0 });
  return {
    train: { loss: here.loss, accuracy: here.accuracy },
    test: there && { loss: there.loss, accuracy: there.accuracy },
    lossNoise: await measureLossNoise(train, direction, signal),
    thetaNorm: train.thetaNorm,
  };
}

type LossesInfo = Pick<CheckpointInfo, "train" | "test" | "lossNoise" | "thetaNorm">;
