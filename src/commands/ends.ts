import { defaultAnalysis } from "../analysis/options.ts";
import type { StepContext } from "../analysis/steps/context.ts";
import { eigenStep } from "../analysis/steps/eigenpairs.ts";
import { vectorHash } from "../analysis/unit.ts";
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

/** v₊ and v₋, for the commands that look along them. */
export async function endDirections(
  run: Run,
  seed: number,
  context: Context,
): Promise<{ top: Direction; bottom: Direction }> {
  const { tolerance, maxProducts, hvp } = defaultAnalysis;
  const request = { top: 1, bottom: 1, tolerance, maxProducts, hvp, kinks: "frozen", seed } as const;
  const { vectors } = await eigenStep(stepContext(run, context), request, null);
  const [top, bottom] = vectors.map((vector) => ({ id: `sha256:${vectorHash(vector)}`, vector }));
  return { top: top as Direction, bottom: bottom as Direction };
}
