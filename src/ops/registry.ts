import { activations } from "./activations.ts";
import { arithmetic } from "./arithmetic.ts";
import { assembling } from "./assembling.ts";
import { attentions } from "./attention.ts";
import { groupedAttention } from "./attention-grouped.ts";
import { microsoftAttention } from "./attention-microsoft.ts";
import { comparisons } from "./comparisons.ts";
import { controlFlow } from "./control-flow.ts";
import { convolution } from "./convolution.ts";
import { deformable } from "./deformable.ts";
import { experts } from "./experts.ts";
import { fourier } from "./fourier.ts";
import { generators } from "./generators.ts";
import { indexing } from "./indexing.ts";
import { legacy } from "./legacy.ts";
import { linearAlgebra } from "./linear-algebra.ts";
import { matmul } from "./matmul.ts";
import { microsoft } from "./microsoft.ts";
import { normalization } from "./normalization.ts";
import { pooling } from "./pooling.ts";
import { random } from "./random.ts";
import type { OpRecord, RecordLookup, RuleTable } from "./record.ts";
import { recurrence } from "./recurrent.ts";
import { reductions } from "./reductions.ts";
import { regions } from "./regions.ts";
import { resampling } from "./resize.ts";
import { sampling } from "./sampling.ts";
import { scattering } from "./scatter.ts";
import { scikit } from "./scikit.ts";
import { sequences } from "./sequences.ts";
import { shape } from "./shape.ts";
import { softmax } from "./softmax.ts";
import { trigonometry } from "./trigonometry.ts";
import { windows } from "./windows.ts";

const records: ReadonlyMap<string, OpRecord> = collect([
  activations,
  arithmetic,
  assembling,
  attentions,
  comparisons,
  controlFlow,
  convolution,
  deformable,
  experts,
  fourier,
  generators,
  groupedAttention,
  indexing,
  legacy,
  linearAlgebra,
  matmul,
  microsoft,
  microsoftAttention,
  normalization,
  pooling,
  recurrence,
  random,
  reductions,
  regions,
  resampling,
  sampling,
  scattering,
  scikit,
  sequences,
  shape,
  softmax,
  trigonometry,
  windows,
]);

function collect(tables: readonly RuleTable[]): Map<string, OpRecord> {
  const all = new Map<string, OpRecord>();
  for (const table of tables) {
    for (const [key, record] of Object.entries(table)) {
      if (all.has(key)) throw new Error(`internal: two records for ${key}`);
      all.set(key, record);
    }
  }
  return all;
}

const keyOf = (domain: string, op: string): string =>
  domain === "" || domain === "ai.onnx" ? op : `${domain}::${op}`;

/** The record of an operator, in opset 18's signature. */
export const lookup: RecordLookup = (domain, op) => records.get(keyOf(domain, op));

/** Keys of all records: "Conv" for standard operators, "com.microsoft::Gelu" for others. */
export function supportedOperators(): readonly string[] {
  return [...records.keys()].sort();
}
