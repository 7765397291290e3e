import type { Splits } from "../../landscape/index.ts";
import type { AnalysisOptions } from "../options.ts";
import type { Progress } from "../progress.ts";
import type { StoredUnit, UnitStore, Vectors } from "../run/unit-store.ts";

/** What every step works with. The objectives look into the store before they compute. */
export interface StepContext extends Splits {
  readonly options: AnalysisOptions;
  readonly store: UnitStore;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/**
 * A step's result from the store, or computed and kept there. `options` is all that it depends on beside
 * the run. When it is kept, the vectors of the units below it are let go.
 */
export async function keepStep<T>(
  context: StepContext,
  name: string,
  options: Readonly<Record<string, unknown>>,
  compute: () => Promise<{ result: T; vectors: Vectors }>,
): Promise<StoredUnit<T>> {
  const unit = { run: context.store.run, what: "step", name, options } as const;
  const known = await context.store.get<T>(unit);
  if (known) return known;
  const computed = await compute();
  await context.store.put(unit, computed.result, computed.vectors);
  await context.store.releaseVectors();
  return computed;
}
