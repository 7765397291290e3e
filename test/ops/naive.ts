import { sizeOf, type Tensor } from "../../src/onnx/tensor.ts";
import type { AttributeInit } from "../../src/ops/builder.ts";

/**
 * Convolutions and average pools straight from their definitions, one loop over (output position, tap)
 * pairs, in double precision. They take the output's shape as given and share no code with src/.
 */

interface Drawn {
  readonly inputs: readonly Tensor[];
  readonly attributes: Readonly<Record<string, AttributeInit>>;
}

const ints = (d: Drawn, name: string, n: number, otherwise: number): readonly number[] =>
  (d.attributes[name] as readonly number[] | undefined) ?? new Array<number>(n).fill(otherwise);

function indices(dims: readonly number[]): number[][] {
  return Array.from({ length: sizeOf(dims) }, (_, flat) => {
    const index = new Array<number>(dims.length);
    let rest = flat;
    for (let i = dims.length - 1; i >= 0; i--) {
      index[i] = rest % dims[i]!;
      rest = Math.floor(rest / dims[i]!);
    }
    return index;
  });
}

function at(t: Tensor, index: readonly number[]): number {
  let flat = 0;
  for (const [i, d] of t.dims.entries()) flat = flat * d + index[i]!;
  return (t.data as Float32Array)[flat]!;
}

/** Padding at the beginning; `slid` is what windows slide over and `count` how many they are. */
function begin(
  d: Drawn,
  slid: readonly number[],
  count: readonly number[],
  kernel: readonly number[],
): number[] {
  const n = kernel.length;
  const auto = d.attributes["auto_pad"];
  if (auto === "VALID") return new Array<number>(n).fill(0);
  if (auto === undefined) return ints(d, "pads", 2 * n, 0).slice(0, n);
  const strides = ints(d, "strides", n, 1);
  return kernel.map((k, i) => {
    const total = Math.max(0, (count[i]! - 1) * strides[i]! + k - slid[i]!);
    return auto === "SAME_UPPER" ? Math.floor(total / 2) : Math.ceil(total / 2);
  });
}

/** Positions that the window of output position `j` reads, tap by tap. */
function reads(
  d: Drawn,
  j: readonly number[],
  taps: readonly number[][],
  before: readonly number[],
): number[][] {
  const strides = ints(d, "strides", j.length, 1);
  const dilations = ints(d, "dilations", j.length, 1);
  return taps.map((t) => t.map((tap, i) => j[i]! * strides[i]! + tap * dilations[i]! - before[i]!));
}

const inside = (p: readonly number[], dims: readonly number[]) => p.every((v, i) => v >= 0 && v < dims[i]!);

export function naiveConv(d: Drawn, dims: readonly number[]): Float64Array {
  const [x, w, bias] = d.inputs as [Tensor, Tensor, Tensor?];
  const [slid, kernel] = [x.dims.slice(2), w.dims.slice(2)];
  const group = (d.attributes["group"] as number | undefined) ?? 1;
  const [perGroup, channels] = [w.dims[0]! / group, w.dims[1]!];
  const taps = indices(kernel);
  const before = begin(d, slid, dims.slice(2), kernel);
  return Float64Array.from(indices(dims), ([n, m, ...j]) => {
    let sum = bias ? at(bias, [m!]) : 0;
    for (const [k, p] of reads(d, j, taps, before).entries()) {
      if (!inside(p, slid)) continue;
      for (let c = 0; c < channels; c++)
        sum += at(w, [m!, c, ...taps[k]!]) * at(x, [n!, Math.floor(m! / perGroup) * channels + c, ...p]);
    }
    return sum;
  });
}

export function naiveTranspose(d: Drawn, dims: readonly number[]): Float64Array {
  const [x, w, bias] = d.inputs as [Tensor, Tensor, Tensor?];
  const [slid, kernel] = [dims.slice(2), w.dims.slice(2)];
  const group = (d.attributes["group"] as number | undefined) ?? 1;
  const [perGroup, channels] = [w.dims[0]! / group, w.dims[1]!];
  const taps = indices(kernel);
  const before = begin(d, slid, x.dims.slice(2), kernel);
  const y = new Float64Array(sizeOf(dims));
  const flat = (index: readonly number[]) => dims.reduce((f, size, i) => f * size + index[i]!, 0);
  if (bias) for (const [k, index] of indices(dims).entries()) y[k] = at(bias, [index[1]!]);
  for (const [n, c, ...j] of indices(x.dims)) {
    for (const [k, p] of reads(d, j, taps, before).entries()) {
      if (!inside(p, slid)) continue;
      for (let m = 0; m < channels; m++) {
        const to = flat([n!, Math.floor(c! / perGroup) * channels + m, ...p]);
        y[to] = y[to]! + at(w, [c!, m, ...taps[k]!]) * at(x, [n!, c!, ...j]);
      }
    }
  }
  return y;
}

/** With ceil_mode a window may hang over the padding: what lies beyond never counts. */
export function naiveAverage(d: Drawn, dims: readonly number[]): Float64Array {
  const [x] = d.inputs as [Tensor];
  const slid = x.dims.slice(2);
  const kernel = d.attributes["kernel_shape"] as readonly number[];
  const taps = indices(kernel);
  const before = begin(d, slid, dims.slice(2), kernel);
  const strides = ints(d, "strides", kernel.length, 1);
  const automatic = typeof d.attributes["auto_pad"] === "string";
  const after = kernel.map((k, i) =>
    automatic
      ? Math.max(0, (dims[i + 2]! - 1) * strides[i]! + k - slid[i]! - before[i]!)
      : ints(d, "pads", 2 * kernel.length, 0)[kernel.length + i]!,
  );
  const counted = (p: readonly number[]) =>
    d.attributes["count_include_pad"] === 1
      ? p.every((v, i) => v >= -before[i]! && v < slid[i]! + after[i]!)
      : inside(p, slid);
  return Float64Array.from(indices(dims), ([n, c, ...j]) => {
    const positions = reads(d, j, taps, before);
    const sum = positions.filter((p) => inside(p, slid)).reduce((s, p) => s + at(x, [n!, c!, ...p]), 0);
    return sum / positions.filter(counted).length;
  });
}
