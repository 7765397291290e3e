import type { Value } from "../../onnx/graph.ts";
import { sizeOf } from "../../onnx/tensor.ts";
import type { GraphBuilder } from "../builder.ts";
import { range } from "../typing.ts";
import { type Geometry, geometryAttributes, tiles } from "./geometry.ts";
import { mergesBatch, shiftedWeightGradient, shiftsFit } from "./weight-shifts.ts";

/**
 * The gradient of a convolution with respect to its weight, in standard operators:
 * dw[m, c, t] = Σ dy[n, m, j]·x[n, c, j·stride + t·dilation − before] over the batch n and the windows j.
 * Each way makes matrices whose product sums over windows; they differ in how x is laid beside dy. Which
 * is taken was measured by scripts/bench/conv-weight-gradient.js.
 */
export function lowerWeightGradient(b: GraphBuilder, x: Value, dy: Value, g: Geometry, group: number): Value {
  const taps = sizeOf(g.kernel);
  if (tiles(g)) return contracted(b, x, dy, patches(b, x, g), g, group);
  const [c, m] = [x.dims[1]!, dy.dims[1]!];
  // Copying x for every tap moves less where it has few channels: images in colour.
  const shifted = g.kernel[0]! * c + (taps / g.kernel[0]!) * m;
  if (shiftsFit(g) && (group > 1 || 2 * taps * c > shifted)) return shiftedWeightGradient(b, x, dy, g, group);
  // With few copies for each element of x (3×3 with stride 2: 9/4), lay them out; a 7×7 stem is better off below.
  if (shiftsFit(g) || taps <= 4 * sizeOf(g.strides)) return contracted(b, x, dy, unfolded(b, x, g), g, group);
  return overBatch(b, x, dy, g, group);
}

/** [N, C, j·k + t …] as [N, C·taps, windows]: a transposition, nothing at all for 1×1. */
function patches(b: GraphBuilder, x: Value, g: Geometry): Value {
  const [n, c] = x.dims as [number, number];
  const rank = g.kernel.length;
  const split = b.reshape(x, [n, c, ...g.kernel.flatMap((k, i) => [g.output[i]!, k])]);
  const moved = b.transpose(split, [
    0,
    1,
    ...range(rank).map((i) => 3 + 2 * i),
    ...range(rank).map((i) => 2 + 2 * i),
  ]);
  return b.reshape(moved, [n, c * sizeOf(g.kernel), sizeOf(g.output)]);
}

/** [N, C·taps, windows] by a depthwise Conv whose weights are the taps' unit vectors. */
function unfolded(b: GraphBuilder, x: Value, g: Geometry): Value {
  const [n, c] = x.dims as [number, number];
  const taps = sizeOf(g.kernel);
  const unit = new Float32Array(taps * taps).map((_, i) => (i % (taps + 1) === 0 ? 1 : 0));
  const data = x.static.type === "float64" ? Float64Array.from(unit) : unit;
  const units = b.constant({ type: x.static.type, dims: [1, taps, 1, ...g.kernel], data });
  const weight = b.reshape(b.expand(units, [c, taps, 1, ...g.kernel]), [c * taps, 1, ...g.kernel]);
  const copies = b.call("Conv", [x, weight], { ...geometryAttributes(g), group: c });
  return b.reshape(copies, [n, c * taps, sizeOf(g.output)]);
}

/**
 * Σ over the batch of dy[M, windows]·columns[C·taps, windows]ᵀ in each group. Where the products are large
 * against their operands, the batch becomes part of the windows, so that there is one product.
 */
function contracted(b: GraphBuilder, x: Value, dy: Value, columns: Value, g: Geometry, group: number): Value {
  const [n, c] = x.dims as [number, number];
  const m = dy.dims[1]!;
  const windows = sizeOf(g.output);
  const rows = b.reshape(dy, [n, m, windows]);
  const height = columns.dims[1]!;
  const dims = [m, c / group, ...g.kernel];
  if (mergesBatch(n, (m * height) / group, (m + height) * windows)) {
    const merged = (v: Value, h: number) =>
      b.reshape(b.transpose(v, [1, 0, 2]), [group, h / group, n * windows]);
    return b.reshape(b.matmul(merged(rows, m), b.transposeLast(merged(columns, height))), dims);
  }
  const grouped = (v: Value, h: number) => b.reshape(v, [n, group, h / group, windows]);
  const products = b.matmul(grouped(rows, m), b.transposeLast(grouped(columns, height)));
  return b.reshape(b.reduceSum(products, [0], false), dims);
}

/**
 * For every other geometry: a Conv with the batch as its channels and dy as its kernel, so that strides
 * and dilations change places. It has a tap for each position in which dy fits, of which the first are ours.
 */
function overBatch(b: GraphBuilder, x: Value, dy: Value, g: Geometry, group: number): Value {
  const [n, c] = x.dims as [number, number];
  const m = dy.dims[1]!;
  const spatial = range(g.kernel.length);
  // x as [C/group, group·N, …], dy as [M, N, …].
  const grouped = b.reshape(x, [n, group, c / group, ...g.input]);
  const samples = b.transpose(grouped, [2, 1, 0, ...spatial.map((i) => i + 3)]);
  const kernel = b.transpose(dy, [1, 0, ...spatial.map((i) => i + 2)]);
  const y = b.call("Conv", [b.reshape(samples, [c / group, group * n, ...g.input]), kernel], {
    strides: g.dilations,
    dilations: g.strides,
    pads: [...g.before, ...g.after],
    group,
  });
  const ours = b.slice(
    y,
    spatial.map(() => 0),
    [...g.kernel],
    spatial.map((i) => i + 2),
  );
  return b.reshape(b.transpose(ours, [1, 0, ...spatial.map((i) => i + 2)]), [m, c / group, ...g.kernel]);
}
