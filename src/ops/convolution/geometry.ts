import type { Call } from "../../onnx/graph.ts";
import type { AttributeInit } from "../builder.ts";
import { misfit } from "../typing.ts";

/**
 * How the windows of a convolution or pooling lie along each spatial axis. The window of output `j` and
 * tap `t` reads input `j·stride + t·dilation − before`.
 */
export interface Windows {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** Windows with the lengths that they connect: `input` is slid over, `output` counts the windows. */
export interface Geometry extends Windows {
  readonly input: readonly number[];
  readonly output: readonly number[];
}

/** Longest side, stride, dilation or pad that is taken from a file: far beyond use, far below overflow. */
const MAX_LENGTH = 2 ** 31;

function listOf(call: Call, name: string, n: number, otherwise: number, least: number): readonly number[] {
  const list = call.ints(name) ?? new Array<number>(n).fill(otherwise);
  if (list.length !== n || list.some((v) => !Number.isInteger(v) || v < least || v > MAX_LENGTH))
    throw misfit(call, `${name} of ${n} integers ≥ ${least}, not [${list.join(", ")}]`);
  return list;
}

/** Length that a kernel of `k` taps covers. */
export const extent = (k: number, dilation: number): number => (k - 1) * dilation + 1;

const AUTO_PADS = ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"];

export function autoPadOf(call: Call): string {
  const auto = call.string("auto_pad", "NOTSET");
  if (!AUTO_PADS.includes(auto)) throw misfit(call, `auto_pad among ${AUTO_PADS.join(", ")}, not "${auto}"`);
  return auto;
}

/** Splits a pad in two; the odd one goes to the end, or to the beginning if `lower`. */
function halves(total: number, lower: boolean): { before: number; after: number } {
  const small = Math.floor(total / 2);
  return lower ? { before: total - small, after: small } : { before: small, after: total - small };
}

/** Strides, dilations and kernel as the attributes give them; `kernel` where a weight gives it. */
function windowsOf(call: Call, n: number, kernel?: readonly number[]): Omit<Windows, "before" | "after"> {
  if (kernel === undefined && call.ints("kernel_shape") === undefined) throw misfit(call, "a kernel_shape");
  const given = kernel === undefined || call.ints("kernel_shape") !== undefined;
  const shape = given ? listOf(call, "kernel_shape", n, 1, 1) : (kernel as readonly number[]);
  if (kernel !== undefined && shape.some((k, i) => k !== kernel[i]))
    throw misfit(call, `a kernel_shape as the weight's, not [${shape.join(", ")}]`);
  const strides = listOf(call, "strides", n, 1, 1);
  const dilations = listOf(call, "dilations", n, 1, 1);
  return { kernel: shape, strides, dilations };
}

function explicitPads(call: Call, n: number): { before: readonly number[]; after: readonly number[] } {
  if (autoPadOf(call) === "VALID") return { before: new Array(n).fill(0), after: new Array(n).fill(0) };
  const pads = listOf(call, "pads", 2 * n, 0, 0);
  return { before: pads.slice(0, n), after: pads.slice(n) };
}

/** Geometry of Conv and the pools over `input`. With `ceil_mode` a last window may hang over the end. */
export function slidingGeometry(call: Call, input: readonly number[], kernel?: readonly number[]): Geometry {
  const n = input.length;
  const windows = windowsOf(call, n, kernel);
  if (windows.kernel.includes(0)) throw misfit(call, "a kernel that is not empty");
  const auto = autoPadOf(call);
  const span = (i: number) => extent(windows.kernel[i]!, windows.dilations[i]!);
  if (auto.startsWith("SAME")) {
    const output = input.map((d, i) => Math.ceil(d / windows.strides[i]!));
    const pads = input.map((d, i) =>
      halves(Math.max(0, (output[i]! - 1) * windows.strides[i]! + span(i) - d), auto === "SAME_LOWER"),
    );
    return { ...windows, input, output, before: pads.map((p) => p.before), after: pads.map((p) => p.after) };
  }
  const pads = explicitPads(call, n);
  const ceil = call.int("ceil_mode", 0) !== 0;
  const output = input.map((d, i) => {
    const free = d + pads.before[i]! + pads.after[i]! - span(i);
    if (free < 0) throw misfit(call, `a kernel that fits into the padded axis ${i + 2}`);
    const stride = windows.strides[i]!;
    const windowsIn = (ceil ? Math.ceil(free / stride) : Math.floor(free / stride)) + 1;
    // A window that would lie in the padding at the end alone is left out, as in PyTorch.
    return ceil && (windowsIn - 1) * stride >= d + pads.before[i]! ? windowsIn - 1 : windowsIn;
  });
  return { ...windows, input, output, ...pads };
}

/**
 * Geometry of ConvTranspose: the windows lie over its result, which is `input` here, and its operand has
 * one element for each window.
 */
export function transposedGeometry(
  call: Call,
  operand: readonly number[],
  kernel: readonly number[],
): Geometry {
  const n = operand.length;
  const windows = windowsOf(call, n, kernel);
  const extra = listOf(call, "output_padding", n, 0, 0);
  const whole = operand.map(
    (d, i) => (d - 1) * windows.strides[i]! + extent(kernel[i]!, windows.dilations[i]!) + extra[i]!,
  );
  const { input, before, after } = transposedPads(call, whole, operand, windows.strides);
  if (input.some((d) => d < 1)) throw misfit(call, `a result with no empty axis, not [${input.join(", ")}]`);
  return { ...windows, input, output: operand, before, after };
}

function transposedPads(
  call: Call,
  whole: readonly number[],
  operand: readonly number[],
  strides: readonly number[],
): { input: number[]; before: readonly number[]; after: readonly number[] } {
  const n = whole.length;
  const auto = autoPadOf(call);
  const shape = call.ints("output_shape");
  if (shape === undefined && !auto.startsWith("SAME")) {
    const { before, after } = explicitPads(call, n);
    return { input: whole.map((d, i) => d - before[i]! - after[i]!), before, after };
  }
  // A kernel shorter than its stride leaves less than operand·stride: onnxruntime then pads nothing.
  const wanted =
    shape === undefined ? operand.map((d, i) => Math.min(whole[i]!, d * strides[i]!)) : shape.slice(-n);
  // By the standard only SAME_UPPER puts the odd one at the end here.
  const pads = whole.map((d, i) => halves(Math.max(0, d - wanted[i]!), auto !== "SAME_UPPER"));
  return { input: [...wanted], before: pads.map((p) => p.before), after: pads.map((p) => p.after) };
}

/**
 * Whether sliding over `input` gives `output` windows, so that the transposed map is that of a Conv. Not so where
 * output_padding reaches the stride, or pads cut whole windows off.
 */
export function coversAll(g: Geometry): boolean {
  return g.output.every((d, i) => {
    const free = g.input[i]! + g.before[i]! + g.after[i]! - extent(g.kernel[i]!, g.dilations[i]!);
    return Math.floor(free / g.strides[i]!) + 1 === d;
  });
}

/** The attributes that say a geometry explicitly. */
export function geometryAttributes(g: Windows): Record<string, AttributeInit> {
  return { strides: g.strides, dilations: g.dilations, pads: [...g.before, ...g.after] };
}

/** Whether the windows tile the input: 1×1 convolutions, patch embeddings, plain 2×2 pools. */
export function tiles(g: Geometry): boolean {
  return g.input.every(
    (d, i) =>
      d === g.output[i]! * g.strides[i]! &&
      g.kernel[i] === g.strides[i] &&
      (g.dilations[i] === 1 || g.kernel[i] === 1) &&
      g.before[i] === 0 &&
      g.after[i] === 0,
  );
}
