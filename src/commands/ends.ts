import type { Eigenpair } from "../analysis/analysis-report.ts";
import { defaultAnalysis } from "../analysis/options.ts";
import { vectorHash } from "../analysis/run/unit.ts";
import type { StepContext } from "../analysis/steps/context.ts";
import { eigenStep } from "../analysis/steps/eigenpairs.ts";
import type { Direction } from "../objective/types.ts";
import type { Context } from "./command.ts";
import type { Run } from "./run.ts";

/** A run as the steps of the analysis take it. */
export function stepContext(run: Run, context: Context): StepContext {
  const { train, test, store } = run;
  return {
    train,
    test,
    store,
    options: defaultAnalysis,
    progress: context.progress,
    signal: context.io.signal,
  };
}

/** v₊ or v₋ with its curvature, where that is told from 0. */
export interface EndDirection {
  readonly direction: Direction;
  readonly curvature: number | undefined;
}

/** v₊ and v₋, for the commands that look along them. */
export async function endDirections(
  run: Run,
  seed: number,
  context: Context,
): Promise<{ top: EndDirection; bottom: EndDirection }> {
  const { tolerance, maxProducts, hvp } = defaultAnalysis;
  const request = { top: 1, bottom: 1, tolerance, maxProducts, hvp, kinks: "frozen", seed } as const;
  const { vectors, info } = await eigenStep(stepContext(run, context), request, null);
  const [top, bottom] = vectors.map((vector, i): EndDirection => {
    const { value, residual } = info.pairs[i] as Eigenpair;
    return {
      direction: { id: `sha256:${vectorHash(vector)}`, vector },
      curvature: Math.abs(value) > residual ? value : undefined,
    };
  });
  return { top: top as EndDirection, bottom: bottom as EndDirection };
}
