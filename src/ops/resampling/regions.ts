import type { Call, Value } from "../../onnx/graph.ts";
import type { TensorType } from "../../onnx/tensor.ts";
import type { GraphBuilder } from "../builder.ts";
import type { OpRecord, RuleTable } from "../record.ts";
import { floatOperand, misfit, numbersOf, range, sameDims, tensorType, typeOf } from "../typing.ts";

/** RoiAlign and MaxRoiPool: pools over regions of interest, which are rectangles in an image. */

/** Bins of a region, and samples of a bin, along an axis: far beyond use, far below what memory holds. */
const MOST = 1024;

/** Regions [R, …] of images [N, C, H, W], each cut into bins. */
interface Regions {
  readonly image: readonly [n: number, channels: number, height: number, width: number];
  readonly count: number;
  readonly bins: readonly [rows: number, columns: number];
}

function regionsOf(call: Call, columns: number, bins: readonly number[]): Regions {
  const [{ dims }, rois] = [floatOperand(call, 0), floatOperand(call, 1).dims];
  const fits = dims.length === 4 && rois.length === 2 && rois[1] === columns;
  if (!fits || bins.length !== 2 || bins.some((n) => n < 1 || n > MOST))
    throw misfit(call, `images [N, C, H, W], regions [R, ${columns}] and 1 to ${MOST} bins along an axis`);
  return { image: dims as unknown as Regions["image"], count: rois[0]!, bins: bins as Regions["bins"] };
}

function pooledType(call: Call, { count, image, bins }: Regions): TensorType {
  return tensorType(call, typeOf(call, 0).type, [count, image[1], ...bins]);
}

/** Column `k` of the regions, times the scale of the image: [R, 1]. */
function edge(b: GraphBuilder, call: Call, k: number): Value {
  return b.mul(b.slice(call.x(1), [k], [k + 1], [1]), Math.fround(call.float("spatial_scale", 1)));
}

function column(b: GraphBuilder, like: Value, values: readonly number[], dims: readonly number[]): Value {
  return b.reshape(b.cast(b.ints(values), like.static.type), dims);
}

function alignedOf(call: Call): Regions {
  const regions = regionsOf(call, 4, [call.int("output_height", 1), call.int("output_width", 1)]);
  if (!sameDims(typeOf(call, 2).dims, [regions.count])) throw misfit(call, "the image of each region");
  if (!["avg", "max"].includes(call.string("mode", "avg"))) throw misfit(call, "a mode of avg or max");
  return regions;
}

/** Elements that are read along one axis, and their weights: [R, bins, 2·samples]. */
interface Taps {
  readonly index: Value;
  readonly weight: Value;
}

/** Whether the number of samples in a bin is given, known with the regions, or of no account to what is kept. */
function countsSamples(call: Call): boolean {
  return call.int("sampling_ratio", 0) > 0 || numbersOf(call.x(1)) !== undefined || isAverage(call);
}

/** Samples in the bins of one axis. */
interface Samples {
  /** How many a region has: [R, 1, 1], or one number. */
  readonly count: Value;
  /** 0, 1, …, as [1, 1, n] for the most of them, or less where a region has fewer. */
  readonly steps: Value;
  /** What each of them counts. */
  readonly share: Value;
}

function samplesOf(b: GraphBuilder, call: Call, bin: Value, usual: number): Samples {
  const given = call.int("sampling_ratio", 0);
  const known = numbersOf(bin)?.map(Math.ceil);
  const most = given > 0 ? given : Math.max(1, ...(known ?? [usual]));
  if (most > MOST) throw misfit(call, `at most ${MOST} samples along a bin`, "UNSUPPORTED_OP");
  const steps = column(b, bin, range(most), [1, 1, most]);
  const { type } = bin.static;
  const average = isAverage(call);
  if (given > 0)
    return { count: b.scalar(given, type), steps, share: b.scalar(average ? 1 / given : 1, type) };
  const wanted = b.unary("Ceil", bin);
  const count = b.call("Max", [wanted, one(b, bin)]);
  if (average) {
    const share = b.div(b.cast(b.less(steps, wanted), type), count);
    // A region that is computed and larger than the image: no number rather than a wrong one.
    return { count, steps, share: known ? share : b.where(b.greater(wanted, most), Number.NaN, share) };
  }
  // The last sample again does not change a maximum; a region turned inside out has none.
  const taken = b.call("Min", [steps, b.sub(count, 1)]);
  return { count, steps: taken, share: b.cast(b.greater(wanted, 0), type) };
}

function isAverage(call: Call): boolean {
  return call.string("mode", "avg") === "avg";
}

function one(b: GraphBuilder, like: Value): Value {
  return b.scalar(1, like.static.type);
}

/** The maximum along an axis: the first of equal ones, as pools choose. */
function largest(b: GraphBuilder, x: Value, axis: number): Value {
  const first = b.call("ArgMax", [x], { axis, keepdims: 1 });
  return b.reshape(b.call("GatherElements", [x, first], { axis }), x.dims.toSpliced(axis, 1));
}

/** Bilinear samples along axis `k` (rows, columns). A sample more than an element outside counts as 0. */
function tapsAlong(b: GraphBuilder, call: Call, { image, bins, count }: Regions, k: 0 | 1): Taps {
  const [length, n] = [image[2 + k]!, bins[k]];
  const half = call.string("coordinate_transformation_mode", "half_pixel") === "half_pixel";
  const side = (i: number) => {
    const x = b.reshape(edge(b, call, i - k), [count, 1, 1]);
    return half ? b.sub(x, 0.5) : x;
  };
  const [start, end] = [side(1), side(3)];
  const extent = half ? b.sub(end, start) : b.call("Max", [b.sub(end, start), one(b, start)]);
  const bin = b.div(extent, n);
  const samples = samplesOf(b, call, bin, Math.ceil(length / n) + 1);
  const within = b.div(b.mul(b.add(samples.steps, 0.5), bin), samples.count);
  const p = b.add(b.add(start, b.mul(column(b, bin, range(n), [1, n, 1]), bin)), within);
  const outside = b.call("Or", [b.less(p, -1), b.greater(p, length)]);
  return bilinear(b, p, length, (weight) => b.mul(b.where(outside, 0, weight), samples.share));
}

/** The two elements beside each place, within the axis, and their weights. */
function bilinear(b: GraphBuilder, p: Value, length: number, weighed: (w: Value) => Value): Taps {
  const clipped = b.call("Clip", [p, b.scalar(0, p.static.type), b.scalar(length - 1, p.static.type)]);
  const floor = b.unary("Floor", clipped);
  const t = b.sub(clipped, floor);
  const low = b.cast(floor, "int64");
  const high = b.call("Min", [b.add(low, 1), b.scalar(length - 1, "int64")]);
  return {
    index: b.concat([low, high], 2),
    weight: b.concat([weighed(b.sub(1, t)), weighed(t)], 2),
  };
}

/** Weights of all elements of an axis in each bin: [R, bins, length]. */
function spread(b: GraphBuilder, { index, weight }: Taps, length: number): Value {
  const hit = b.call("Equal", [b.reshape(index, [...index.dims, 1]), b.ints(range(length))]);
  const shares = b.mul(b.cast(hit, weight.static.type), b.reshape(weight, [...weight.dims, 1]));
  return b.reduceSum(shares, [2], false);
}

/** An average weighs rows and columns apart: two products, the first with the rows of all images. */
function averaged(b: GraphBuilder, call: Call, regions: Regions): Value {
  const { count, bins } = regions;
  const [n, channels, height, width] = regions.image;
  const [rows, columns] = ([0, 1] as const).map((k) =>
    spread(b, tapsAlong(b, call, regions, k), regions.image[2 + k]!),
  ) as [Value, Value];
  const chosen = b.equal(b.reshape(b.cast(call.x(2), "int64"), [count, 1]), b.ints(range(n)));
  const image = b.reshape(b.cast(chosen, rows.static.type), [count, 1, 1, n, 1]);
  const down = b.mul(image, b.reshape(rows, [count, 1, bins[0], 1, height]));
  const x = b.reshape(b.transpose(call.x(0), [1, 0, 2, 3]), [1, channels, n * height, width]);
  const lines = b.matmul(b.reshape(down, [count, 1, bins[0], n * height]), x);
  return b.matmul(lines, b.reshape(b.transposeLast(columns), [count, 1, width, bins[1]]));
}

/** The maximum of weighted elements, not of interpolated ones: so does onnxruntime. */
function maximal(b: GraphBuilder, call: Call, regions: Regions): Value {
  const { count, bins } = regions;
  const [n, channels, height, width] = regions.image;
  const [rows, columns] = [tapsAlong(b, call, regions, 0), tapsAlong(b, call, regions, 1)];
  const down = (v: Value) => b.reshape(v, [count, bins[0], 1, v.dims[2]!, 1]);
  const across = (v: Value) => b.reshape(v, [count, 1, bins[1], 1, v.dims[2]!]);
  const image = b.reshape(b.cast(call.x(2), "int64"), [count, 1, 1, 1, 1]);
  const row = b.add(b.mul(image, height), down(rows.index));
  const index = b.add(b.mul(row, width), across(columns.index));
  const weight = b.mul(down(rows.weight), across(columns.weight));
  const taps = rows.index.dims[2]! * columns.index.dims[2]!;
  const elements = b.reshape(b.transpose(call.x(0), [0, 2, 3, 1]), [n * height * width, channels]);
  const read = b.gather(elements, b.reshape(index, [count, ...bins, taps]), 0);
  const weighed = b.mul(read, b.reshape(weight, [count, ...bins, taps, 1]));
  return b.transpose(largest(b, weighed, 3), [0, 3, 1, 2]);
}

const roiAlign: OpRecord = {
  wrt: [0, 1],
  refuses: (call) =>
    countsSamples(call)
      ? undefined
      : "of mode max with sampling_ratio 0, whose number of samples depends on the regions: export with a sampling_ratio > 0",
  infer: (call) => [pooledType(call, alignedOf(call))],
  expand: (b, call) => {
    const regions = alignedOf(call);
    // A product does not broadcast to no regions.
    if (regions.count === 0) return [b.filled(pooledType(call, regions), 0)];
    if (!countsSamples(call)) return undefined;
    return [(isAverage(call) ? averaged : maximal)(b, call, regions)];
  },
};

/** Halves go away from 0, as in C. */
function rounded(b: GraphBuilder, x: Value): Value {
  return b.mul(b.unary("Sign", x), b.unary("Floor", b.add(b.unary("Abs", x), 0.5)));
}

/** Elements of each bin along axis `k`: [R, bins, length]. Corners of regions are rounded and belong to them. */
function membersAlong(b: GraphBuilder, call: Call, { image, bins, count }: Regions, k: 0 | 1): Value {
  const [length, n] = [image[2 + k]!, bins[k]];
  const [start, end] = [rounded(b, edge(b, call, 2 - k)), rounded(b, edge(b, call, 4 - k))];
  const bin = b.div(b.call("Max", [b.add(b.sub(end, start), 1), one(b, start)]), n);
  const bound = (round: "Floor" | "Ceil", first: number) => {
    const edges = column(
      b,
      bin,
      range(n).map((i) => i + first),
      [1, n],
    );
    return b.reshape(b.add(b.unary(round, b.mul(edges, bin)), start), [count, n, 1]);
  };
  const elements = column(b, bin, range(length), [1, 1, length]);
  return b.call("And", [
    b.unary("Not", b.less(elements, bound("Floor", 0))),
    b.less(elements, bound("Ceil", 1)),
  ]);
}

/** Stands for what is not in a bin: finite, for 0·∞ is no number. */
const LOWEST = -3.4028234663852886e38;

/** Maxima along one axis, then along the other. */
function expandMaxRoiPool(b: GraphBuilder, call: Call): readonly Value[] {
  const regions = pooledOf(call);
  const { count, bins, image } = regions;
  const [, channels, height, width] = image;
  const [rows, columns] = [membersAlong(b, call, regions, 0), membersAlong(b, call, regions, 1)];
  const batch = b.reshape(b.cast(b.slice(call.x(1), [0], [1], [1]), "int64"), [count]);
  const x = b.reshape(b.gather(call.x(0), batch, 0), [count, channels, height, 1, width]);
  const within = (v: Value, members: Value, axis: number) => largest(b, b.where(members, v, LOWEST), axis);
  const across = within(x, b.reshape(columns, [count, 1, 1, bins[1], width]), 4);
  const lines = b.reshape(across, [count, channels, 1, height, bins[1]]);
  const y = within(lines, b.reshape(rows, [count, 1, bins[0], height, 1]), 3);
  // A bin without elements: 0.
  return [b.where(b.greater(y, LOWEST), y, 0)];
}

function pooledOf(call: Call): Regions {
  return regionsOf(call, 5, call.ints("pooled_shape") ?? []);
}

const maxRoiPool: OpRecord = {
  wrt: [0],
  infer: (call) => [pooledType(call, pooledOf(call))],
  expand: expandMaxRoiPool,
};

export const regions: RuleTable = { RoiAlign: roiAlign, MaxRoiPool: maxRoiPool };
