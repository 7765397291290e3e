import { type Node, stringAttribute, type Value } from "../graph.ts";
import { float32Tensor, sizeOf } from "../tensor.ts";
import { nameOf, reemit } from "./node.ts";
import type { Rewrite } from "./rule.ts";

/** Upsample, which Resize replaced in opset 10: floor of the asymmetric coordinate. */
export const upsample: Rewrite = (node, emit) => {
  const attribute = node.floats("scales");
  const scales = attribute
    ? emit.constant(float32Tensor([attribute.length], attribute), nameOf(node, "scales"))
    : node.inputs[1];
  return scales == null ? undefined : asymmetric(node, emit, scales, "floor");
};

/** Resize of opset 10: as Upsample, but where it shrinks, nearest means the ceiling. */
export const resize10: Rewrite = (node, emit) => {
  const scales = node.x(1);
  const nearest = node.string("mode", "nearest") === "nearest";
  const factors = scales.tensor ? Array.from(scales.tensor.data as Float32Array) : undefined;
  if (!nearest || factors?.every((f) => f >= 1)) return asymmetric(node, emit, scales, "floor");
  if (factors?.every((f) => f <= 1)) return asymmetric(node, emit, scales, "ceil");
  return undefined;
};

function asymmetric(
  node: Node,
  emit: Parameters<Rewrite>[1],
  scales: Value,
  nearestMode: string,
): readonly Value[] {
  return reemit(node, emit, {
    op: "Resize",
    inputs: [node.x(0), null, scales],
    attributes: {
      scales: undefined,
      coordinate_transformation_mode: stringAttribute("asymmetric"),
      nearest_mode: stringAttribute(nearestMode),
    },
  });
}

/** Resize of opset 11 had to have all inputs: empty tensors stood for absent ones. */
export const resize: Rewrite = (node, emit) => {
  const inputs = node.inputs.map((v, i) => (i > 0 && isEmpty(v) ? null : v));
  return inputs.every((v, i) => v === node.inputs[i]) ? undefined : reemit(node, emit, { inputs });
};

function isEmpty(value: Value | null): boolean {
  return value?.tensor !== undefined && sizeOf(value.tensor.dims) === 0;
}

/** GridSample (20) renamed its modes when it took in volumes. */
export const gridSample: Rewrite = (node, emit) => {
  const old = { linear: "bilinear", cubic: "bicubic" }[node.string("mode", "linear")];
  return old === undefined ? undefined : reemit(node, emit, { attributes: { mode: stringAttribute(old) } });
};
