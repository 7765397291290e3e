import { activations } from "./activations.ts";
import { arithmetic } from "./arithmetic.ts";
import { assembling } from "./assembling.ts";
import { convolution } from "./convolution.ts";
import { dropouts } from "./dropout.ts";
import { indexing } from "./indexing.ts";
import { losses } from "./losses.ts";
import type { Lowering, LoweringTable } from "./lowering.ts";
import { normalization } from "./normalization.ts";
import { resampling } from "./resampling.ts";

const lowerings: ReadonlyMap<string, Lowering> = collect([
  activations,
  arithmetic,
  assembling,
  convolution,
  dropouts,
  indexing,
  losses,
  normalization,
  resampling,
]);

function collect(tables: readonly LoweringTable[]): Map<string, Lowering> {
  const all = new Map<string, Lowering>();
  for (const table of tables) {
    for (const [key, lowering] of Object.entries(table)) {
      if (all.has(key)) throw new Error(`internal: two lowerings of ${key}`);
      all.set(key, lowering);
    }
  }
  return all;
}

/** The lowering of an operator of onnxruntime-training; undefined where it has none or needs none. */
export function loweringOf(domain: string, op: string): Lowering | undefined {
  return lowerings.get(domain === "" || domain === "ai.onnx" ? op : `${domain}::${op}`);
}

/** Keys of all lowerings: "MaxPoolGrad" for the standard domain, "com.microsoft::ReluGrad" for others. */
export function loweredOperators(): readonly string[] {
  return [...lowerings.keys()].sort();
}
