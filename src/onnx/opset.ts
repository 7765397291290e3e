import type { Graph, OnnxModel, Value } from "./graph.ts";
import { usedValues } from "./names.ts";
import { axesToInput, clip, dropout, pad, slice, split, topK } from "./opset/attributes.ts";
import { renamed, setDefault, without } from "./opset/node.ts";
import { batchNormalization, groupNormalization } from "./opset/normalization.ts";
import { gridSample, resize, resize10, upsample } from "./opset/resampling.ts";
import type { Rule } from "./opset/rule.ts";
import { flattenedSoftmax } from "./opset/softmax.ts";
import { transformGraph } from "./transform.ts";

/** The opset whose signatures all later stages see. */
const TARGET = 18;

const REDUCTIONS = ["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare"];

/**
 * What changed, by operator: nodes of models with an opset in [since, until] are rewritten to the
 * signature of opset 18. Changes of element types only, or of defaults that mean the same, need nothing.
 */
const RULES: ReadonlyMap<string, readonly Rule[]> = new Map([
  ["BatchNormalization", [{ opsets: [7, 13], rewrite: batchNormalization }]],
  ["Cast", [{ opsets: [19, Infinity], rewrite: without("saturate", "round_mode") }]],
  ["CastLike", [{ opsets: [19, Infinity], rewrite: without("saturate", "round_mode") }]],
  ["Clip", [{ opsets: [7, 10], rewrite: clip }]],
  ["Dropout", [{ opsets: [7, 11], rewrite: dropout }]],
  ["DynamicSlice", [{ opsets: [7, 9], rewrite: renamed("Slice") }]],
  ["GridSample", [{ opsets: [20, Infinity], rewrite: gridSample }]],
  // Opset 18 scales per group; brought to opset 21, which scales per channel, as all frameworks do.
  ["GroupNormalization", [{ opsets: [18, 20], rewrite: groupNormalization }]],
  ["Hardmax", [{ opsets: [7, 12], rewrite: flattenedSoftmax }]],
  ["LogSoftmax", [{ opsets: [7, 12], rewrite: flattenedSoftmax }]],
  ["Pad", [{ opsets: [7, 10], rewrite: pad }]],
  ...REDUCTIONS.map((kind): [string, Rule[]] => [
    `Reduce${kind}`,
    [{ opsets: [7, 17], rewrite: axesToInput }],
  ]),
  ["ReduceSum", [{ opsets: [7, 12], rewrite: axesToInput }]],
  [
    "Resize",
    [
      { opsets: [10, 10], rewrite: resize10 },
      { opsets: [11, Infinity], rewrite: resize },
    ],
  ],
  [
    "RoiAlign",
    [{ opsets: [10, 15], rewrite: setDefault("coordinate_transformation_mode", "output_half_pixel") }],
  ],
  ["Scatter", [{ opsets: [9, Infinity], rewrite: renamed("ScatterElements") }]],
  ["Slice", [{ opsets: [7, 9], rewrite: slice }]],
  ["Softmax", [{ opsets: [7, 12], rewrite: flattenedSoftmax }]],
  ["Split", [{ opsets: [7, 17], rewrite: split }]],
  ["Squeeze", [{ opsets: [7, 12], rewrite: axesToInput }]],
  ["TopK", [{ opsets: [7, 9], rewrite: topK }]],
  ["Unsqueeze", [{ opsets: [7, 12], rewrite: axesToInput }]],
  ["Upsample", [{ opsets: [7, Infinity], rewrite: upsample }]],
]);

/**
 * Brings the nodes of a model of any opset that we read to the signatures of opset 18, by node, without
 * shape inference. Operators that are newer (Gelu, RMSNormalization …) stay as they are; a node whose old
 * meaning cannot be expressed stays unchanged too. GroupNormalization alone gets the meaning of opset 21.
 * Function bodies are not touched: inline them first, or afterwards.
 */
export function toOpset18(model: OnnxModel): OnnxModel {
  const version = model.opset.get("");
  if (version === undefined) return model;
  const opset = new Map(model.opset).set("", TARGET);
  return { ...model, opset, graph: graphToOpset18(model.graph, version) };
}

/** As `toOpset18`, for a graph written for opset `version`. */
export function graphToOpset18(graph: Graph, version: number): Graph {
  const used = usedValues(graph);
  return transformGraph(graph, (node, emit, original) => {
    if (node.domain !== "") return undefined;
    const rule = RULES.get(node.op)?.find((r) => version >= r.opsets[0] && version <= r.opsets[1]);
    const isUsed = (k: number) => used.has(original.outputs[k] as Value);
    return rule?.rewrite(node, emit, { version, isUsed });
  });
}
