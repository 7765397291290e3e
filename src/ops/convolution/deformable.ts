import type { Call, Value } from "../../onnx/graph.ts";
import { sizeOf } from "../../onnx/tensor.ts";
import { type GraphBuilder, numbersAs } from "../builder.ts";
import type { OpRecord, RuleTable } from "../record.ts";
import { combined, tapsOf } from "../resampling/sampling.ts";
import { floatOperand, misfit, range, sameDims, tensorType, typeOf } from "../typing.ts";
import { type Geometry, slidingGeometry } from "./geometry.ts";

/**
 * DeformConv: a convolution whose taps are moved by offsets and weighed by a mask, both computed. What the taps read is
 * gathered as GridSample does, and the rest is one product.
 */

interface Deformed {
  readonly geometry: Geometry;
  readonly group: number;
  /** Groups of channels with offsets of their own. */
  readonly offsetGroup: number;
  /** Taps of the kernel, and elements of the result. */
  readonly taps: number;
  readonly points: number;
}

/** Inputs: x [N, C, H, W], w [M, C/group, …], offsets [N, groups·taps·2, …], bias [M], mask [N, groups·taps, …]. */
function deformedOf(call: Call): Deformed {
  const [x, w] = [floatOperand(call, 0).dims, floatOperand(call, 1).dims];
  const [group, offsetGroup] = [call.int("group", 1), call.int("offset_group", 1)];
  const fits = x.length === 4 && w.length === 4 && group >= 1 && offsetGroup >= 1;
  if (!fits || x[1] !== w[1]! * group || w[0]! % group !== 0 || x[1]! % offsetGroup !== 0)
    throw misfit(call, `images [N, C, H, W] and a weight [M, C/group, …] that fit ${group} groups`);
  const geometry = slidingGeometry(call, x.slice(2), w.slice(2));
  const [taps, points] = [sizeOf(geometry.kernel), sizeOf(geometry.output)];
  const moved = (parts: number) => [x[0]!, offsetGroup * taps * parts, ...geometry.output];
  const expected = [moved(2), [w[0]!], moved(1)];
  if (expected.some((dims, k) => (k === 0 || call.has(2 + k)) && !sameDims(typeOf(call, 2 + k).dims, dims)))
    throw misfit(call, `offsets [${expected[0]}], a bias [${expected[1]}] and a mask [${expected[2]}]`);
  return { geometry, group, offsetGroup, taps, points };
}

/** Where the taps lie along an axis before they are moved: [1, taps, points]. */
function places(b: GraphBuilder, like: Value, { geometry: g, taps, points }: Deformed, axis: 0 | 1): Value {
  const along = (i: number, lengths: readonly number[]) =>
    axis === 0 ? Math.floor(i / lengths[1]!) : i % lengths[1]!;
  const data = range(taps).flatMap((tap) =>
    range(points).map(
      (point) =>
        along(point, g.output) * g.strides[axis]! -
        g.before[axis]! +
        along(tap, g.kernel) * g.dilations[axis]!,
    ),
  );
  const { type } = like.static;
  return b.constant({ type, dims: [1, taps, points], data: numbersAs(type, data) });
}

/** What each tap reads: [N·offset groups, C/offset groups, taps·points]. */
function columns(b: GraphBuilder, call: Call, d: Deformed): Value {
  const [n, channels, ...image] = call.x(0).dims as [number, number, ...number[]];
  const { offsetGroup, taps, points } = d;
  const [batch, size, places2] = [n * offsetGroup, channels / offsetGroup, taps * points];
  const offsets = b.reshape(call.x(2), [batch, taps, 2, points]);
  const axes = ([0, 1] as const).map((axis) => {
    const moved = b.reshape(b.slice(offsets, [axis], [axis + 1], [2]), [batch, taps, points]);
    const p = b.reshape(b.add(moved, places(b, moved, d, axis)), [batch, 1, places2]);
    return tapsOf(b, p, image[axis]!, { mode: "linear", padding: "zeros", corners: true });
  });
  const flat = b.reshape(call.x(0), [batch, size, sizeOf(image)]);
  const read = combined(b, axes, image).map(({ index, weight }) =>
    b.mul(
      b.call("GatherElements", [flat, b.expand(index, [batch, size, places2])], { axis: 2 }),
      weight as Value,
    ),
  );
  const sum = read.reduce((total, v) => b.add(total, v));
  return call.has(4) ? b.mul(sum, b.reshape(call.x(4), [batch, 1, places2])) : sum;
}

const deformConv: OpRecord = {
  wrt: [0, 1, 2, 3, 4],
  infer: (call) => {
    const { geometry } = deformedOf(call);
    const { type, dims } = typeOf(call, 0);
    return [tensorType(call, type, [dims[0]!, typeOf(call, 1).dims[0]!, ...geometry.output])];
  },
  expand: (b, call) => {
    const d = deformedOf(call);
    const [n, filters] = [call.x(0).dims[0]!, call.x(1).dims[0]!];
    const rows = sizeOf(call.x(1).dims) / filters;
    const w = b.reshape(call.x(1), [d.group, filters / d.group, rows]);
    const product = b.matmul(w, b.reshape(columns(b, call, d), [n, d.group, rows, d.points]));
    const y = b.reshape(product, [n, filters, ...d.geometry.output]);
    return [call.has(3) ? b.add(y, b.reshape(call.x(3), [1, filters, 1, 1])) : y];
  },
};

export const deformable: RuleTable = { DeformConv: deformConv };
