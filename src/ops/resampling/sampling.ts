import type { Call, Value } from "../../onnx/graph.ts";
import { sizeOf, type TensorType } from "../../onnx/tensor.ts";
import { type GraphBuilder, numbersAs } from "../builder.ts";
import type { OpRecord, RuleTable } from "../record.ts";
import { floatOperand, misfit, range, requiredInts, tensorType } from "../typing.ts";

/**
 * GridSample: reads an image at computed places. Which elements are read is a decision (a Floor, and integers made
 * of it); the weights are polynomials in what the Floor leaves.
 */

type Mode = "nearest" | "linear" | "cubic";

const MODES: Readonly<Record<string, Mode>> = {
  nearest: "nearest",
  bilinear: "linear",
  linear: "linear",
  bicubic: "cubic",
  cubic: "cubic",
};
const PADDINGS = ["zeros", "border", "reflection"];
const CUBIC = -0.75;

/** How elements are read between and beyond places. */
export interface Reading {
  readonly mode: Mode;
  readonly padding: string;
  readonly corners: boolean;
}

interface Sampling extends Reading {
  /** Lengths of the image, and of the grid. */
  readonly image: readonly number[];
  readonly grid: readonly number[];
}

function samplingOf(call: Call): Sampling {
  const [x, grid] = [floatOperand(call, 0).dims, floatOperand(call, 1).dims];
  const mode = MODES[call.string("mode", "linear")];
  const padding = call.string("padding_mode", "zeros");
  const rank = x.length;
  const fits = rank >= 3 && rank <= 5 && grid.length === rank && grid.at(-1) === rank - 2 && grid[0] === x[0];
  if (!fits || sizeOf(x) === 0) throw misfit(call, "an image [N, C, …] and a grid [N, …, axes] of its rank");
  if (mode === undefined || !PADDINGS.includes(padding))
    throw misfit(
      call,
      "a mode of nearest, linear or cubic and a padding_mode of zeros, border or reflection",
    );
  const corners = call.int("align_corners", 0) !== 0;
  return { mode, padding, corners, image: x.slice(2), grid: grid.slice(1, -1) };
}

/** One tap along one axis: the element's index, as int64 within the axis, and its weight. */
export interface Tap {
  readonly index: Value;
  readonly weight: Value | null;
}

/** −1 … 1 as positions of elements. */
function position(b: GraphBuilder, g: Value, length: number, corners: boolean): Value {
  if (corners) return b.mul(b.add(g, 1), (length - 1) / 2);
  return b.sub(b.mul(b.add(g, 1), length / 2), 0.5);
}

/** An index within the axis for any integer, and whether it lay inside. */
function within(
  b: GraphBuilder,
  i: Value,
  length: number,
  s: Reading,
): { index: Value; inside: Value | null } {
  const bounded = (v: Value) => b.call("Clip", [v, b.scalar(0, "int64"), b.scalar(length - 1, "int64")]);
  if (s.padding === "border") return { index: bounded(i), inside: null };
  if (s.padding === "zeros") {
    const outside = b.call("Or", [b.less(i, 0), b.greater(i, length - 1)]);
    return { index: bounded(i), inside: b.unary("Not", outside) };
  }
  // Mirrored at the outermost elements, or half an element beyond them: a walk there and back.
  const period = s.corners ? 2 * (length - 1) : 2 * length;
  if (period === 0) return { index: b.mul(i, 0), inside: null };
  const last = s.corners ? period : period - 1;
  const t = b.call("Mod", [i, b.scalar(period, "int64")]);
  return { index: b.call("Min", [t, b.sub(last, t)]), inside: null };
}

/** Weights of the taps of Keys' cubic kernel for a fraction t: −1, 0, 1, 2. */
function cubicWeights(b: GraphBuilder, t: Value): Value[] {
  const polynomial = (x: Value, ...c: number[]): Value =>
    c.slice(1).reduce<Value>((sum, k) => b.add(b.mul(sum, x), k), b.filled(x.static, c[0]!));
  const near = (x: Value) => polynomial(x, CUBIC + 2, -(CUBIC + 3), 0, 1);
  const far = (x: Value) => polynomial(x, CUBIC, -5 * CUBIC, 8 * CUBIC, -4 * CUBIC);
  const rest = b.sub(1, t);
  return [far(b.add(t, 1)), near(t), near(rest), far(b.add(rest, 1))];
}

/** Taps along one axis, whose positions are `p`. */
export function tapsOf(b: GraphBuilder, p: Value, length: number, s: Reading): Tap[] {
  const floor = b.unary(s.mode === "nearest" ? "Round" : "Floor", p);
  const base = b.cast(floor, "int64");
  const t = b.sub(p, floor);
  const weights = s.mode === "nearest" ? [null] : s.mode === "linear" ? [b.sub(1, t), t] : cubicWeights(b, t);
  return weights.map((weight, k) => {
    const { index, inside } = within(b, b.add(base, k - (s.mode === "cubic" ? 1 : 0)), length, s);
    const present = inside && b.cast(inside, p.static.type);
    return { index, weight: weight && present ? b.mul(weight, present) : (weight ?? present) };
  });
}

/** All taps of all axes: index into the flattened image, and the product of the weights. */
export function combined(
  b: GraphBuilder,
  axes: readonly (readonly Tap[])[],
  image: readonly number[],
): Tap[] {
  return axes.reduce<Tap[]>(
    (sofar, taps, axis) =>
      sofar.flatMap((outer) =>
        taps.map((tap) => ({
          index: b.add(b.mul(outer.index, image[axis]!), tap.index),
          weight: outer.weight && tap.weight ? b.mul(outer.weight, tap.weight) : (outer.weight ?? tap.weight),
        })),
      ),
    [{ index: b.scalar(0, "int64"), weight: null }],
  );
}

function expandGridSample(b: GraphBuilder, call: Call): readonly Value[] {
  const s = samplingOf(call);
  const [x, grid] = [call.x(0), call.x(1)];
  const [n, channels] = x.dims as [number, number];
  const points = sizeOf(s.grid);
  const rank = s.image.length;
  const flat = b.reshape(x, [n, channels, sizeOf(s.image)]);
  // The grid names the last axis of the image first.
  const axes = range(rank).map((axis) => {
    const k = rank - 1 - axis;
    const along = b.reshape(b.slice(grid, [k], [k + 1], [rank + 1]), [n, 1, points]);
    return tapsOf(b, position(b, along, s.image[axis]!, s.corners), s.image[axis]!, s);
  });
  const read = combined(b, axes, s.image).map(({ index, weight }) => {
    const taken = b.call("GatherElements", [flat, b.expand(index, [n, channels, points])], { axis: 2 });
    return weight ? b.mul(taken, weight) : taken;
  });
  return [
    b.reshape(
      read.reduce((sum, v) => b.add(sum, v)),
      [n, channels, ...s.grid],
    ),
  ];
}

const gridSample: OpRecord = {
  wrt: [0, 1],
  infer: (call) => {
    const { grid } = samplingOf(call);
    const { type, dims } = floatOperand(call, 0);
    return [tensorType(call, type, [...dims.slice(0, 2), ...grid])];
  },
  expand: expandGridSample,
};

/** AffineGrid: maps [N, k, k + 1] and a size [N, C, …] to places for GridSample. */
function affineOf(call: Call): { type: TensorType; lengths: readonly number[]; corners: boolean } {
  const { type, dims } = floatOperand(call, 0);
  const size = requiredInts(call, 1, "a size");
  const k = size.length - 2;
  const fits = dims.length === 3 && dims[0] === size[0] && dims[1] === k && dims[2] === k + 1;
  if (!fits || k < 1) throw misfit(call, "maps [N, k, k + 1] and a size [N, C, …] with k spatial axes");
  const lengths = size.slice(2);
  return {
    type: tensorType(call, type, [size[0]!, ...lengths, k]),
    lengths,
    corners: call.int("align_corners", 0) !== 0,
  };
}

/** The untouched grid, [points, k + 1]: coordinates of each point, the last axis first, and a 1. */
function baseGrid(lengths: readonly number[], corners: boolean): number[] {
  const along = (i: number, length: number) =>
    // An axis of one element: its middle, as PyTorch.
    corners ? (length === 1 ? 0 : (2 * i) / (length - 1) - 1) : (2 * i + 1) / length - 1;
  return range(sizeOf(lengths)).flatMap((point) => {
    let rest = point;
    const coordinates = lengths.toReversed().map((length) => {
      const c = along(rest % length, length);
      rest = Math.floor(rest / length);
      return c;
    });
    return [...coordinates, 1];
  });
}

const affineGrid: OpRecord = {
  wrt: [0],
  infer: (call) => [affineOf(call).type],
  expand: (b, call) => {
    const { type, lengths, corners } = affineOf(call);
    const dims = [sizeOf(lengths), lengths.length + 1];
    const base = b.constant({
      type: type.type,
      dims,
      data: numbersAs(type.type, baseGrid(lengths, corners)),
    });
    return [b.reshape(b.matmul(base, b.transposeLast(call.x(0))), type.dims)];
  },
};

export const sampling: RuleTable = {
  GridSample: gridSample,
  "com.microsoft::GridSample": gridSample,
  AffineGrid: affineGrid,
};
