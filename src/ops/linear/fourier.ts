import type { Call, Value } from "../../onnx/graph.ts";
import { sizeOf } from "../../onnx/tensor.ts";
import { type GraphBuilder, numbersAs } from "../builder.ts";
import type { OpRecord, RuleTable } from "../record.ts";
import {
  axisOf,
  constantInts,
  floatOperand,
  misfit,
  range,
  requiredInts,
  sameDims,
  tensorType,
} from "../typing.ts";

/** Discrete Fourier transforms, of a whole axis or of windows, as products with constant matrices: Σₜ xₜ·e^(∓2πi·kt/n). */

interface Transform {
  readonly axis: number;
  /** Length that the signal is cut or padded to; of one side's inverse, the length of the real signal. */
  readonly n: number;
  /** Entries that are read along the axis, and entries that come out. */
  readonly taken: number;
  readonly given: number;
  readonly complex: boolean;
  readonly inverse: boolean;
  /** The inverse of one side: the other is its conjugate, and the signal is real. */
  readonly real: boolean;
}

/** Longest transform that is written as a matrix. */
const MAX_LENGTH = 4096;

function transformOf(call: Call): Transform {
  const { dims } = floatOperand(call, 0);
  const parts = dims.at(-1);
  if (dims.length < 2 || (parts !== 1 && parts !== 2)) throw misfit(call, "a signal [..., 1] or [..., 2]");
  const given = constantInts(call, 2, "an axis")?.[0] ?? call.int("axis", 1);
  const axis = axisOf(call, given, dims.length);
  if (axis === dims.length - 1) throw misfit(call, "an axis before the last");
  const [inverse, onesided] = [call.int("inverse", 0) !== 0, call.int("onesided", 0) !== 0];
  const real = inverse && onesided;
  const there = dims[axis]!;
  const n = constantInts(call, 1, "a length")?.[0] ?? (real ? 2 * (there - 1) : there);
  if (n < 1 || n > MAX_LENGTH) throw misfit(call, `a length from 1 to ${MAX_LENGTH}`, "UNSUPPORTED_OP");
  const side = Math.floor(n / 2) + 1;
  // Onnxruntime pads or cuts another length in no way that is written down; numpy's is another.
  if (real && (parts !== 2 || there !== side))
    throw misfit(call, `${side} complex frequencies for a real signal of ${n}`, "UNSUPPORTED_OP");
  const taken = real ? side : Math.min(there, n);
  return { axis, n, taken, given: onesided && !inverse ? side : n, complex: parts === 2, inverse, real };
}

/** Real and imaginary parts of the transform, from [taken, given] matrices. */
function matrices(b: GraphBuilder, x: Value, t: Transform): { cos: Value; sin: Value } {
  const scale = t.inverse ? 1 / t.n : 1;
  const sign = t.inverse ? 1 : -1;
  // Frequencies that one side stands for: s and n − s, which are one at 0 and n / 2.
  const sides = (s: number) => (t.real && s > 0 && 2 * s !== t.n ? 2 : 1);
  const filled = (f: (angle: number) => number) => {
    const values: number[] = [];
    for (let s = 0; s < t.taken; s++)
      for (let k = 0; k < t.given; k++)
        values.push(sides(s) * scale * f((2 * Math.PI * ((s * k) % t.n)) / t.n));
    const { type } = x.static;
    return b.constant({ type, dims: [t.taken, t.given], data: numbersAs(type, values) });
  };
  return { cos: filled(Math.cos), sin: filled((angle) => sign * Math.sin(angle)) };
}

function expandTransform(b: GraphBuilder, call: Call): readonly Value[] {
  const t = transformOf(call);
  const x = call.x(0);
  const { cos, sin } = matrices(b, x, t);
  const last = x.dims.length - 1;
  // The parts apart, the axis last.
  const order = x.dims.map((_, i) => i).filter((i) => i !== t.axis && i !== last);
  const part = (k: number): Value => {
    const one = b.slice(x, [k, 0], [k + 1, t.taken], [last, t.axis]);
    return b.transpose(b.reshape(one, one.dims.slice(0, -1)), [...order, t.axis]);
  };
  const real = (): Value => {
    const even = b.matmul(part(0), cos);
    return t.complex ? b.sub(even, b.matmul(part(1), sin)) : even;
  };
  const imaginary = (): Value => {
    const odd = b.matmul(part(0), sin);
    return t.complex ? b.add(odd, b.matmul(part(1), cos)) : odd;
  };
  const back = x.dims.slice(0, -1).map((_, i) => (i === t.axis ? last - 1 : order.indexOf(i)));
  const columns = (t.real ? [real()] : [real(), imaginary()]).map((v) => {
    const moved = b.transpose(v, back);
    return b.reshape(moved, [...moved.dims, 1]);
  });
  return [b.concat(columns, last)];
}

const dft: OpRecord = {
  wrt: [0],
  infer: (call) => {
    const { axis, given, real } = transformOf(call);
    const { type, dims } = floatOperand(call, 0);
    if (sizeOf(dims) === 0) throw misfit(call, "a signal that is not empty");
    return [tensorType(call, type, dims.with(axis, given).with(-1, real ? 1 : 2))];
  },
  expand: expandTransform,
};

/** A real signal cut into windows, `step` apart, each transformed. */
interface Windows {
  readonly length: number;
  readonly count: number;
  readonly step: number;
  readonly onesided: boolean;
}

/** Inputs: signal [batch, time] or [batch, time, 1], step, window or null, length of a window or null. */
function windowsOf(call: Call): Windows {
  const { dims } = floatOperand(call, 0);
  if (dims.length !== 2 && !(dims.length === 3 && dims[2] === 1))
    throw misfit(call, "a real signal [batch, time] or [batch, time, 1]", "UNSUPPORTED_OP");
  const time = dims[1]!;
  const step = requiredInts(call, 1, "a step")[0] ?? 0;
  const window = call.has(2) ? floatOperand(call, 2).dims : undefined;
  const length = constantInts(call, 3, "a length")?.[0] ?? window?.[0] ?? 0;
  const fits = step >= 1 && length >= 1 && length <= time && (!window || sameDims(window, [length]));
  if (!fits || length > MAX_LENGTH)
    throw misfit(call, `a step ≥ 1 and windows of 1 to ${Math.min(time, MAX_LENGTH)} samples`);
  const count = 1 + Math.floor((time - length) / step);
  return { length, count, step, onesided: call.int("onesided", 1) !== 0 };
}

const shortTime: OpRecord = {
  wrt: [0, 2],
  infer: (call) => {
    const { length, count, onesided } = windowsOf(call);
    const { type, dims } = floatOperand(call, 0);
    const frequencies = onesided ? Math.floor(length / 2) + 1 : length;
    return [tensorType(call, type, [dims[0]!, count, frequencies, 2])];
  },
  // Each window, times its weights, is a row that DFT transforms.
  expand: (b, call) => {
    const { length, count, step, onesided } = windowsOf(call);
    const signal = b.reshape(call.x(0), call.x(0).dims.slice(0, 2));
    const places = range(count).flatMap((k) => range(length).map((i) => k * step + i));
    const windows = b.gather(signal, b.reshape(b.ints(places), [count, length]), 1);
    const weighted = call.has(2) ? b.mul(windows, call.x(2)) : windows;
    const parts = b.reshape(weighted, [...weighted.dims, 1]);
    return [b.call("DFT", [parts], { axis: 2, onesided: onesided ? 1 : 0 })];
  },
};

export const fourier: RuleTable = { DFT: dft, STFT: shortTime };
