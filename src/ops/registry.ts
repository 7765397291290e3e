import { attentions } from "./attention/attention.ts";
import { groupedAttention } from "./attention/grouped.ts";
import { microsoftAttention } from "./attention/microsoft.ts";
import { controlFlow } from "./control-flow/control-flow.ts";
import { recurrence } from "./control-flow/recurrent.ts";
import { convolution } from "./convolution/convolution.ts";
import { deformable } from "./convolution/deformable.ts";
import { pooling } from "./convolution/pooling.ts";
import { activations } from "./elementwise/activations.ts";
import { arithmetic } from "./elementwise/arithmetic.ts";
import { comparisons } from "./elementwise/comparisons.ts";
import { trigonometry } from "./elementwise/trigonometry.ts";
import { experts } from "./extensions/experts.ts";
import { legacy } from "./extensions/legacy.ts";
import { microsoft } from "./extensions/microsoft.ts";
import { scikit } from "./extensions/scikit.ts";
import { fourier } from "./linear/fourier.ts";
import { linearAlgebra } from "./linear/linear-algebra.ts";
import { matmul } from "./linear/matmul.ts";
import { windows } from "./linear/windows.ts";
import type { OpRecord, RecordLookup, RuleTable } from "./record.ts";
import { normalization } from "./reductions/normalization.ts";
import { reductions } from "./reductions/reductions.ts";
import { softmax } from "./reductions/softmax.ts";
import { regions } from "./resampling/regions.ts";
import { resampling } from "./resampling/resize.ts";
import { sampling } from "./resampling/sampling.ts";
import { generators } from "./tensors/generators.ts";
import { indexing } from "./tensors/indexing.ts";
import { joining } from "./tensors/joining.ts";
import { padding } from "./tensors/padding.ts";
import { random } from "./tensors/random.ts";
import { repeating } from "./tensors/repeating.ts";
import { scattering } from "./tensors/scatter.ts";
import { sequences } from "./tensors/sequences.ts";
import { shape } from "./tensors/shape.ts";
import { slice } from "./tensors/slice.ts";

const records: ReadonlyMap<string, OpRecord> = collect([
  activations,
  arithmetic,
  joining,
  slice,
  padding,
  repeating,
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
