import type { Call, Value } from "../../onnx/graph.ts";
import type { GraphBuilder } from "../builder.ts";
import { foldSlice } from "../fold/indexing.ts";
import type { RuleTable, VjpScope } from "../record.ts";
import {
  axesOf,
  axisOf,
  constantInts,
  misfit,
  operand,
  range,
  requiredInts,
  sameDims,
  tensorType,
  typeOf,
} from "../typing.ts";

/** Slice with any steps, over constant bounds. */

/** A slice with all axes resolved: first index, step, and how many are taken. */
interface Cut {
  readonly starts: readonly number[];
  readonly steps: readonly number[];
  readonly dims: readonly number[];
}

function cutOf(call: Call): Cut {
  const { dims } = typeOf(call, 0);
  const starts = requiredInts(call, 1, "starts");
  const ends = requiredInts(call, 2, "ends");
  const given = constantInts(call, 3, "axes") ?? range(starts.length);
  const steps = constantInts(call, 4, "steps") ?? starts.map(() => 1);
  if ([ends, given, steps].some((list) => list.length !== starts.length) || steps.includes(0))
    throw misfit(call, "as many starts as ends, axes and non-zero steps");
  axesOf(call, given, dims.length);
  const cut = { starts: dims.map(() => 0), steps: dims.map(() => 1), dims: [...dims] };
  for (const [k, a] of given.entries()) {
    const axis = axisOf(call, a, dims.length);
    const [d, step] = [dims[axis]!, steps[k]!];
    const resolve = (x: number, low: number, high: number) =>
      Math.min(Math.max(x < 0 ? x + d : x, low), high);
    const [low, high] = step > 0 ? [0, d] : [-1, d - 1];
    const start = resolve(starts[k]!, 0, high);
    const end = resolve(ends[k]!, low, high);
    cut.starts[axis] = start;
    cut.steps[axis] = step;
    cut.dims[axis] = Math.max(0, Math.ceil((end - start) / step));
  }
  return cut;
}

/** Puts dy's elements where a slice took them from, zeros between and around. */
function sliceVjp(s: VjpScope): Value {
  const { b } = s;
  const { starts, steps } = cutOf(s.node);
  const dims = s.x(0).dims;
  let dx = s.dy();
  const before: number[] = [];
  const after: number[] = [];
  for (const [axis, d] of dims.entries()) {
    const n = dx.dims[axis]!;
    const step = Math.abs(steps[axis]!);
    if (steps[axis]! < 0) dx = reversed(b, dx, axis);
    if (n > 1) dx = dilated(b, dx, axis, step);
    const first = steps[axis]! < 0 ? starts[axis]! - (n - 1) * step : starts[axis]!;
    before.push(n === 0 ? 0 : first);
    after.push(d - before[axis]! - dx.dims[axis]!);
  }
  return b.pad(dx, [...before, ...after]);
}

function reversed(b: GraphBuilder, x: Value, axis: number): Value {
  return b.slice(x, [-1], [-(x.dims[axis]! + 1)], [axis], [-1]);
}

/** Puts `step − 1` zeros after each element along an axis. */
function dilated(b: GraphBuilder, x: Value, axis: number, step: number): Value {
  if (step === 1) return x;
  const dims = x.dims;
  const columns = b.reshape(x, dims.toSpliced(axis + 1, 0, 1));
  const pads = new Array<number>(2 * columns.dims.length).fill(0);
  pads[columns.dims.length + axis + 1] = step - 1;
  return b.reshape(b.pad(columns, pads), dims.with(axis, dims[axis]! * step));
}

export const slice: RuleTable = {
  Slice: {
    wrt: [0],
    infer: (call) => [tensorType(call, typeOf(call, 0).type, cutOf(call).dims)],
    fold: (call) => {
      const { dims, starts, steps } = cutOf(call);
      return foldSlice(call, dims, starts, steps);
    },
    simplify: (_b, call) => {
      const { dims, steps } = cutOf(call);
      const x = operand(call, 0);
      return sameDims(dims, x.dims) && steps.every((s, i) => s > 0 || dims[i]! <= 1) ? x : undefined;
    },
    vjp: sliceVjp,
  },
};
