import type { Value } from "../../onnx/graph.ts";
import type { GraphBuilder } from "../builder.ts";
import { range } from "../typing.ts";
import type { Geometry } from "./geometry.ts";

/**
 * The weight gradient of a plane convolution with stride 1. Tap (u, v) pairs each dy[h, w] with
 * x[h + u·d − before, w + v·d − before]: instead of kh·kw copies of x, kh copies of x shifted by rows meet
 * kw copies of dy shifted by columns, and every product of two is one tap.
 *
 * The copies of x are one Concat. Written one after another with the right number of zero rows between,
 * they form a sequence which, cut into equal blocks, has x one row further along in each block.
 */

/** Lengths in rows: of a block, and of the zeros between two copies. */
interface Blocks {
  readonly rows: number;
  readonly gap: number;
}

/** Rows (height, kernel, …) and columns of the plane; a line is a plane of width 1. */
interface Plane {
  readonly h: Side;
  readonly w: Side;
}

interface Side {
  readonly input: number;
  readonly output: number;
  readonly kernel: number;
  readonly dilation: number;
  readonly before: number;
  readonly after: number;
}

const POINT: Side = { input: 1, output: 1, kernel: 1, dilation: 1, before: 0, after: 0 };

function planeOf(g: Geometry): Plane {
  const side = (i: number): Side => ({
    input: g.input[i]!,
    output: g.output[i]!,
    kernel: g.kernel[i]!,
    dilation: g.dilations[i]!,
    before: g.before[i]!,
    after: g.after[i]!,
  });
  return { h: side(0), w: g.kernel.length === 2 ? side(1) : POINT };
}

/** Whether this way serves: one or two axes, stride 1, pads within the kernel, and dy not all cropped away. */
export function shiftsFit(g: Geometry): boolean {
  if (g.kernel.length > 2 || g.strides.some((s) => s !== 1)) return false;
  const { h, w } = planeOf(g);
  return [h, w].every((side) => {
    const reach = (side.kernel - 1) * side.dilation;
    const pad = Math.max(side.before, side.after);
    return pad <= reach && side.output > pad;
  });
}

/** Whether to lay the batch beside the windows, at the cost of moving `copied` elements, to sum fewer products. */
export function mergesBatch(n: number, product: number, copied: number): boolean {
  return n > 1 && 2 * product >= copied;
}

export function shiftedWeightGradient(
  b: GraphBuilder,
  x: Value,
  dy: Value,
  g: Geometry,
  group: number,
): Value {
  const { h, w } = planeOf(g);
  const [n, c, m] = [x.dims[0]!, x.dims[1]!, dy.dims[1]!];
  const dims = [m, c / group, ...g.kernel];
  const planes = [b.reshape(x, [n, c, h.input, w.input]), b.reshape(dy, [n, m, h.output, w.output])] as const;
  const product = (h.kernel * w.kernel * c * m) / group;
  const merge = mergesBatch(n, product, (c + m) * h.input * w.input);
  const dw = merge ? merged(b, ...planes, h, w, group) : perSample(b, ...planes, h, w, group);
  return b.reshape(dw, dims);
}

function blocksOf(h: Side): Blocks {
  if (h.kernel === 1) return { rows: h.input, gap: 0 };
  const rows = h.input + Math.max(h.dilation, h.before, h.after);
  return { rows, gap: rows - h.dilation - h.input };
}

function zeros(b: GraphBuilder, like: Value, rows: number): Value[] {
  const [n, c, , w] = like.dims as [number, number, number, number];
  return rows === 0 ? [] : [b.filled({ type: like.static.type, dims: [n, c, rows, w] }, 0)];
}

/** [N, C, H, W] as [N, group, C/group·kh, rows·W]: in block u, x is u·dilation − before rows further along. */
function rowCopies(b: GraphBuilder, x: Value, h: Side, blocks: Blocks, group: number): Value {
  const [n, c, , w] = x.dims as [number, number, number, number];
  const parts = range(h.kernel).flatMap((u) => [...zeros(b, x, u === 0 ? h.before : blocks.gap), x]);
  const filled = h.before + h.kernel * h.input + (h.kernel - 1) * blocks.gap;
  const copies = b.concat([...parts, ...zeros(b, x, h.kernel * blocks.rows - filled)], 2);
  return b.reshape(copies, [n, group, (c / group) * h.kernel, blocks.rows * w]);
}

/** dy [N, M, h, w] under x's columns for tap v, with `rows` rows: cropped and filled with zeros. */
function columnCopy(b: GraphBuilder, dy: Value, w: Side, v: number, rows: number): Value {
  const left = v * w.dilation - w.before;
  return b.pad(dy, [0, 0, 0, left, 0, 0, rows - dy.dims[2]!, w.input - w.output - left]);
}

/** One product for each tap's column, which then needs no second copy, summed over the batch. */
function perSample(b: GraphBuilder, x: Value, dy: Value, h: Side, w: Side, group: number): Value {
  const blocks = blocksOf(h);
  const copies = rowCopies(b, x, h, blocks, group);
  const [n, c, m] = [x.dims[0]!, x.dims[1]!, dy.dims[1]!];
  const products = range(w.kernel).map((v) => {
    const columns = columnCopy(b, dy, w, v, blocks.rows);
    const shifted = b.reshape(columns, [n, group, m / group, blocks.rows * w.input]);
    const sum = b.reduceSum(b.matmul(copies, b.transposeLast(shifted)), [0], false);
    return b.reshape(sum, [1, group, (c / group) * h.kernel, m / group]);
  });
  return b.transpose(b.concat(products, 0), [1, 3, 2, 0]);
}

/**
 * The same with the batch as one tall plane, its samples parted by zero rows, and one product for all taps:
 * where products are large against their operands.
 */
function merged(b: GraphBuilder, x: Value, dy: Value, h: Side, w: Side, group: number): Value {
  const [n, c, m] = [x.dims[0]!, x.dims[1]!, dy.dims[1]!];
  const height = Math.max(h.input + Math.max(h.before, h.after), h.output);
  const tall: Side = { ...h, input: n * height, after: (h.kernel - 1) * h.dilation - h.before };
  const blocks = blocksOf(tall);
  const copies = rowCopies(b, stacked(b, x, height), tall, blocks, group);
  const source = stacked(b, dy, height);
  const shifted = range(w.kernel).flatMap((v) => {
    const columns = columnCopy(b, source, w, v, tall.input);
    return [columns, ...zeros(b, columns, blocks.rows - tall.input)];
  });
  const columns = b.reshape(b.concat(shifted, 2), [1, group, (m / group) * w.kernel, blocks.rows * w.input]);
  const products = b.matmul(columns, b.transposeLast(copies));
  return b.transpose(b.reshape(products, [m, w.kernel, (c / group) * h.kernel]), [0, 2, 1]);
}

/** [N, C, H, W] as [1, C, N·height, W], with zero rows after each sample. */
function stacked(b: GraphBuilder, x: Value, height: number): Value {
  const [n, c, h, w] = x.dims as [number, number, number, number];
  const spaced = b.concat([x, ...zeros(b, x, height - h)], 2);
  return b.reshape(b.transpose(spaced, [1, 0, 2, 3]), [1, c, n * height, w]);
}
