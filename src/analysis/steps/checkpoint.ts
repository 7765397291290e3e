import { measureLossNoise, summarizeGradient } from "../../curvature/index.ts";
import { randomDirection } from "../../landscape/index.ts";
import type { CheckpointInfo } from "../analysis-report.ts";
import { numberText } from "../number-text.ts";
import { keepStep, type StepContext } from "./context.ts";

export interface CheckpointStep {
  readonly info: CheckpointInfo;
  /** ∇L at θ₀. */
  readonly gradient: Float64Array;
}

/** Losses, gradient and the noise of both at θ₀. */
export async function checkpointStep(context: StepContext): Promise<CheckpointStep> {
  const { train, test, signal, options } = context;
  context.progress.start("checkpoint");
  const { result, vectors } = await keepStep(context, "checkpoint", {}, async () => {
    const here = await train.evaluate([], signal);
    const there = test ? await test.evaluate([], signal) : null;
    const summary = await summarizeGradient(train, signal);
    const direction = randomDirection(train.parameters, { seed: options.seed, index: 0 });
    const info: CheckpointInfo = {
      train: { loss: here.loss, accuracy: here.accuracy },
      test: there && { loss: there.loss, accuracy: there.accuracy },
      lossNoise: await measureLossNoise(train, direction, signal),
      gradientNorm: summary.norm,
      gradientNoise: summary.noise,
      groups: summary.groups,
      thetaNorm: train.thetaNorm,
    };
    return { result: info, vectors: { gradient: summary.gradient } };
  });
  context.progress.finish(
    `loss ${numberText(result.train.loss)}   ‖∇L‖ ${numberText(result.gradientNorm, 3)}   noise ${result.gradientNoise === null ? "unknown" : numberText(result.gradientNoise, 2)}`,
  );
  return { info: result, gradient: vectors["gradient"] as Float64Array };
}
