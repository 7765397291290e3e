import { intAttribute, type Value } from "../graph.ts";
import { int64Tensor } from "../tensor.ts";
import { nameOf, reemit } from "./node.ts";
import type { Rewrite } from "./rule.ts";

/**
 * Softmax, LogSoftmax and Hardmax before opset 13 work on the tensor flattened to a matrix at `axis`
 * (default 1). At the last axis that is what they do now; elsewhere the flattening is written out.
 */
export const flattenedSoftmax: Rewrite = (node, emit) => {
  const x = node.x(0);
  const axis = node.int("axis", 1);
  const rank = x.shape?.length;
  if (axis === -1 || (rank !== undefined && axis === rank - 1)) {
    return reemit(node, emit, { attributes: { axis: intAttribute(-1) } });
  }
  const at = (what: string) => ({ name: nameOf(node, what), type: x.type });
  const flat = emit.call("Flatten", [x], { axis: intAttribute(axis) }, at("flat"));
  const [softmax] = reemit(node, emit, {
    inputs: [flat],
    attributes: { axis: intAttribute(-1) },
    outputs: [at("rows")],
  });
  const shape = x.shape?.every((d) => typeof d === "number")
    ? emit.constant(int64Tensor([x.shape.length], x.shape as number[]), nameOf(node, "shape"))
    : emit.call("Shape", [x], {}, { name: nameOf(node, "shape"), type: "int64" });
  const [y] = node.outputs as [Value];
  return [
    emit.call("Reshape", [softmax as Value, shape], {}, { name: y.name, type: y.type, shape: y.shape }),
  ];
};
