import { intAttribute } from "../graph.ts";
import { float32Tensor } from "../tensor.ts";
import { int64s, nameOf, reemit, scalarLike } from "./node.ts";
import type { Rewrite } from "./rule.ts";

// Operators of which attributes became inputs.

/** Squeeze, Unsqueeze, ReduceSum (13), other reductions (18). */
export const axesToInput: Rewrite = (node, emit) => {
  const axes = node.ints("axes");
  if (axes === undefined) return undefined;
  const inputs = [node.x(0), int64s(node, emit, "axes", axes)];
  return reemit(node, emit, { inputs, attributes: { axes: undefined } });
};

/** Split (13); equal parts must be asked for by their number since 18. */
export const split: Rewrite = (node, emit) => {
  const lengths = node.ints("split");
  if (lengths !== undefined) {
    const inputs = [node.x(0), int64s(node, emit, "split", lengths)];
    return reemit(node, emit, { inputs, attributes: { split: undefined } });
  }
  if (node.has(1)) return undefined;
  return reemit(node, emit, { attributes: { num_outputs: intAttribute(node.outputs.length) } });
};

/** TopK (10). */
export const topK: Rewrite = (node, emit) => {
  const inputs = [node.x(0), int64s(node, emit, "k", [node.int("k", 0)])];
  return reemit(node, emit, { inputs, attributes: { k: undefined } });
};

/** Slice (10). */
export const slice: Rewrite = (node, emit) => {
  const starts = node.ints("starts");
  const ends = node.ints("ends");
  if (starts === undefined || ends === undefined) return undefined;
  const axes = node.ints("axes");
  const inputs = [
    node.x(0),
    int64s(node, emit, "starts", starts),
    int64s(node, emit, "ends", ends),
    axes === undefined ? null : int64s(node, emit, "axes", axes),
  ];
  return reemit(node, emit, { inputs, attributes: { starts: undefined, ends: undefined, axes: undefined } });
};

/** Pad (11). */
export const pad: Rewrite = (node, emit) => {
  const pads = node.ints("pads");
  if (pads === undefined) return undefined;
  const inputs = [
    node.x(0),
    int64s(node, emit, "pads", pads),
    scalarLike(node, emit, "value", node.float("value", 0), node.x(0)),
  ];
  return reemit(node, emit, { inputs, attributes: { pads: undefined, value: undefined } });
};

/** Clip (11). */
export const clip: Rewrite = (node, emit) => {
  const bound = (name: "min" | "max") =>
    node.attributes.has(name) ? scalarLike(node, emit, name, node.float(name, 0), node.x(0)) : null;
  const inputs = [node.x(0), bound("min"), bound("max")];
  return reemit(node, emit, { inputs, attributes: { min: undefined, max: undefined } });
};

/**
 * Dropout (12), which does nothing unless an input says that it trains. What its mask holds when it does
 * nothing was not the same before.
 */
export const dropout: Rewrite = (node, emit, { isUsed }) => {
  if (isUsed(1)) return undefined;
  const ratio = emit.constant(float32Tensor([], [node.float("ratio", 0.5)]), nameOf(node, "ratio"));
  return reemit(node, emit, { inputs: [node.x(0), ratio], attributes: { ratio: undefined } });
};
