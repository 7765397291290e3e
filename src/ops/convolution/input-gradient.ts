import type { Value } from "../../onnx/graph.ts";
import type { GraphBuilder } from "../builder.ts";
import { range } from "../typing.ts";
import { extent, type Geometry, geometryAttributes } from "./geometry.ts";

/**
 * The gradient of a convolution with respect to its input, in standard operators. With stride 1 it is a
 * Conv with the flipped, transposed weight: ConvTranspose takes up to 1.5 times as long, and twice as long
 * where the weight is a constant. With strides ConvTranspose wins, 4 to 9 times over a Conv of dy with zeros
 * between, and 1.5 to 4 times over one Conv for all phases (scripts/bench/conv-input-gradient.js).
 */
export function lowerInputGradient(b: GraphBuilder, dy: Value, w: Value, g: Geometry, group: number): Value {
  const reach = g.kernel.map((k, i) => extent(k, g.dilations[i]!) - 1);
  const flippable =
    g.strides.every((s) => s === 1) && reach.every((r, i) => r >= g.before[i]! && r >= g.after[i]!);
  if (!flippable) return transposed(b, dy, w, g, group);
  return b.call("Conv", [dy, flipped(b, w, group)], {
    strides: g.strides,
    dilations: g.dilations,
    pads: [...reach.map((r, i) => r - g.before[i]!), ...reach.map((r, i) => r - g.after[i]!)],
    group,
  });
}

/** What a strided Conv does not reach at the end of an axis is the output_padding. */
function transposed(b: GraphBuilder, dy: Value, w: Value, g: Geometry, group: number): Value {
  const output_padding = g.input.map((d, i) => {
    const covered = (g.output[i]! - 1) * g.strides[i]! + extent(g.kernel[i]!, g.dilations[i]!);
    return d + g.before[i]! + g.after[i]! - covered;
  });
  return b.call("ConvTranspose", [dy, w], { ...geometryAttributes(g), group, output_padding });
}

/** [group·M, C, k…] with its taps reversed, as [group·C, M, k…]. */
function flipped(b: GraphBuilder, w: Value, group: number): Value {
  const [m, c, ...kernel] = w.dims as [number, number, ...number[]];
  const spatial = range(kernel.length);
  const grouped = b.reshape(w, [group, m / group, c, ...kernel]);
  const swapped = b.transpose(grouped, [0, 2, 1, ...spatial.map((i) => i + 3)]);
  const turned = b.reshape(swapped, [group * c, m / group, ...kernel]);
  const axes = spatial.filter((i) => kernel[i] !== 1);
  if (axes.length === 0) return turned;
  return b.slice(
    turned,
    axes.map(() => -1),
    axes.map((i) => -kernel[i]! - 1),
    axes.map((i) => i + 2),
    axes.map(() => -1),
  );
}
