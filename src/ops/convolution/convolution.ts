import { type Call, floatAttribute, type Value } from "../../onnx/graph.ts";
import { sizeOf, type TensorType } from "../../onnx/tensor.ts";
import { type GraphBuilder, numbersAs } from "../builder.ts";
import { activated } from "../elementwise/activations.ts";
import { INTERNAL_DOMAIN, type OpRecord, type RuleTable, type VjpScope } from "../record.ts";
import { overChannels } from "../reductions/normalization.ts";
import { floatOperand, misfit, range, requiredInts, sameType, tensorType } from "../typing.ts";
import {
  coversAll,
  type Geometry,
  geometryAttributes,
  slidingGeometry,
  transposedGeometry,
} from "./geometry.ts";
import { lowerInputGradient } from "./input-gradient.ts";
import { lowerWeightGradient } from "./weight-gradient.ts";

/**
 * A convolution is one trilinear form F(x, w, dy) = ⟨dy, x ∗ w⟩. Conv, ConvInputGradient and
 * ConvWeightGradient are its three partial derivatives, so the three are closed under differentiation at
 * every order. The latter two are ours, and become standard operators after differentiation; ConvTranspose
 * is ConvInputGradient with a bias.
 */

const OURS = { domain: INTERNAL_DOMAIN };

/** What all four take from their attributes, once the lengths of the axes are known. */
interface Convolution {
  readonly geometry: Geometry;
  readonly group: number;
}

function conv(b: GraphBuilder, x: Value, w: Value, c: Convolution): Value {
  return b.call("Conv", [x, w], { ...geometryAttributes(c.geometry), group: c.group });
}

/** Gradient of ⟨dy, x ∗ w⟩ with respect to x. */
export function convInputGradient(b: GraphBuilder, dy: Value, w: Value, c: Convolution): Value {
  const attributes = {
    ...geometryAttributes(c.geometry),
    group: c.group,
    input_shape: c.geometry.input,
  };
  return b.call("ConvInputGradient", [dy, w], attributes, OURS);
}

/** Gradient of ⟨dy, x ∗ w⟩ with respect to w. */
function convWeightGradient(b: GraphBuilder, x: Value, dy: Value, c: Convolution): Value {
  const attributes = {
    ...geometryAttributes(c.geometry),
    group: c.group,
    kernel_shape: c.geometry.kernel,
  };
  return b.call("ConvWeightGradient", [x, dy], attributes, OURS);
}

/** Bias gradient: over the batch and space. */
function biasGradient(s: VjpScope): Value {
  const axes = range(s.dy().dims.length).filter((axis) => axis !== 1);
  return s.b.reduceSum(s.dy(), axes, false);
}

/** Shapes [N, C, …] and [A, B, …] of the two operands, and the group that must divide `split`. */
function operands(call: Call): { x: readonly number[]; w: readonly number[]; group: number } {
  const [x, w] = [floatOperand(call, 0).dims, floatOperand(call, 1).dims];
  sameType(
    call,
    range(Math.min(3, call.inputs.length)).filter((i) => call.has(i)),
  );
  if (x.length < 3 || w.length !== x.length)
    throw misfit(call, "[N, C, …] and a weight of the same rank ≥ 3");
  const group = call.int("group", 1);
  if (group < 1) throw misfit(call, `a group ≥ 1, not ${group}`);
  return { x, w, group };
}

function assertBias(call: Call, channels: number): void {
  if (call.has(2) && `${call.x(2).dims}` !== `${[channels]}`)
    throw misfit(call, `a bias of shape [${channels}]`);
}

/** Conv: x [N, C, …], w [M, C/group, …]. */
function convolutionOf(call: Call): Convolution & { dims: readonly number[] } {
  const { x, w, group } = operands(call);
  if (x[1] !== w[1]! * group || w[0]! % group !== 0)
    throw misfit(call, `channels of x and the weight that fit ${group} groups`);
  assertBias(call, w[0]!);
  const geometry = slidingGeometry(call, x.slice(2), w.slice(2));
  return { geometry, group, dims: [x[0]!, w[0]!, ...geometry.output] };
}

/** ConvTranspose: x [N, C, …], w [C, M/group, …]. */
function transposedOf(call: Call): Convolution & { dims: readonly number[] } {
  const { x, w, group } = operands(call);
  if (x[1] !== w[0] || w[0]! % group !== 0)
    throw misfit(call, `channels of x and the weight that fit ${group} groups`);
  assertBias(call, w[1]! * group);
  const geometry = transposedGeometry(call, x.slice(2), w.slice(2));
  return { geometry, group, dims: [x[0]!, w[1]! * group, ...geometry.input] };
}

/** ConvInputGradient: dy [N, M, …], w [M, C/group, …]; emitted by us alone, so of right shapes. */
function inputGradientOf(call: Call): Convolution & { dims: readonly number[] } {
  const { x: dy, w, group } = operands(call);
  const geometry = slidingGeometry(call, call.ints("input_shape") as readonly number[], w.slice(2));
  return { geometry, group, dims: [dy[0]!, w[1]! * group, ...geometry.input] };
}

/** ConvWeightGradient: x [N, C, …], dy [N, M, …]. */
function weightGradientOf(call: Call): Convolution & { dims: readonly number[] } {
  const { x, w: dy, group } = operands(call);
  const geometry = slidingGeometry(call, x.slice(2));
  return { geometry, group, dims: [dy[1]!, x[1]! / group, ...geometry.kernel] };
}

function infer(of: (call: Call) => { dims: readonly number[] }): OpRecord["infer"] {
  return (call) => {
    const { dims } = of(call);
    return [tensorType(call, floatOperand(call, 0).type, dims)] as readonly TensorType[];
  };
}

/** A ConvTranspose that is no transposed Conv: all that its windows write, cut and padded with zeros afterwards. */
function expandTransposed(b: GraphBuilder, call: Call): readonly Value[] | undefined {
  const { geometry: g, group } = transposedOf(call);
  if (coversAll(g)) return undefined;
  const { strides, dilations } = g;
  const whole = b.call("ConvTranspose", [call.x(0), call.x(1)], { strides, dilations, group });
  const after = g.input.map((d, i) => d + g.before[i]! - whole.dims[i + 2]!);
  const y = b.pad(whole, [0, 0, ...g.before.map((p) => 0 - p), 0, 0, ...after]);
  return [call.has(2) ? b.add(y, overChannels(b, call.x(2), y.dims.length)) : y];
}

/** Col2Im: columns [N, C·taps, windows] are added into an image where its windows lie. */
function columnsOf(call: Call): Convolution & { channels: number; dims: readonly number[] } {
  const { dims } = floatOperand(call, 0);
  const [image, block] = [
    requiredInts(call, 1, "an image's shape"),
    requiredInts(call, 2, "a block's shape"),
  ];
  if (image.length !== block.length || block.some((k) => k < 1))
    throw misfit(call, "a block of the image's rank");
  const geometry = slidingGeometry(call, image, block);
  const channels = (dims[1] ?? 0) / sizeOf(block);
  const fits = dims.length === 3 && dims[2] === sizeOf(geometry.output);
  if (!fits || channels < 1 || !Number.isInteger(channels))
    throw misfit(call, `columns [N, C·${sizeOf(block)}, ${sizeOf(geometry.output)}]`);
  return { geometry, group: channels, channels, dims: [dims[0]!, channels, ...image] };
}

const columnsToImage: OpRecord = {
  wrt: [0],
  infer: infer(columnsOf),
  // The gradient of a depthwise Conv whose outputs pick one tap each.
  expand: (b, call) => {
    const c = columnsOf(call);
    const { type, dims } = call.x(0).static;
    const taps = sizeOf(c.geometry.kernel);
    const picks = range(c.channels * taps * taps).map((i) =>
      Number(Math.floor(i / taps) % taps === i % taps),
    );
    const shape = [c.channels * taps, 1, ...c.geometry.kernel];
    const w = b.constant({ type, dims: shape, data: numbersAs(type, picks) });
    const windows = b.reshape(call.x(0), [dims[0]!, dims[1]!, ...c.geometry.output]);
    return [convInputGradient(b, windows, w, c)];
  },
};

/** What the numbers in `activation_params` are called. */
const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  LeakyRelu: ["alpha"],
  HardSigmoid: ["alpha", "beta"],
  Clip: ["min", "max"],
};

/** onnxruntime's fused Conv: another addend, then an activation. */
const fusedConv: OpRecord = {
  wrt: [0, 1, 2, 3],
  infer: infer(convolutionOf),
  expand: (b, call) => {
    const attributes = new Map([...call.attributes].filter(([name]) => !name.startsWith("activation")));
    const y = b.call("Conv", call.inputs.slice(0, 3), attributes);
    const sum = call.has(3) ? b.add(y, call.x(3)) : y;
    const names = PARAMETERS[call.string("activation", "")] ?? [];
    const parameters = (call.floats("activation_params") ?? []).slice(0, names.length);
    return [activated(b, call, sum, new Map(parameters.map((p, k) => [names[k]!, floatAttribute(p)])))];
  },
};

export const convolution: RuleTable = {
  Col2Im: columnsToImage,
  "com.microsoft::FusedConv": fusedConv,
  Conv: {
    wrt: [0, 1, 2],
    infer: infer(convolutionOf),
    vjp: (s, i) => {
      const c = convolutionOf(s.node);
      if (i === 2) return biasGradient(s);
      return i === 0 ? convInputGradient(s.b, s.dy(), s.x(1), c) : convWeightGradient(s.b, s.x(0), s.dy(), c);
    },
  },
  // y = ∂F/∂x, with x in the place of dy.
  ConvTranspose: {
    wrt: [0, 1, 2],
    infer: infer(transposedOf),
    expand: expandTransposed,
    vjp: (s, i) => {
      const c = transposedOf(s.node);
      if (i === 2) return biasGradient(s);
      return i === 0 ? conv(s.b, s.dy(), s.x(1), c) : convWeightGradient(s.b, s.dy(), s.x(0), c);
    },
  },
  [`${INTERNAL_DOMAIN}::ConvInputGradient`]: {
    wrt: [0, 1],
    infer: infer(inputGradientOf),
    vjp: (s, i) => {
      const c = inputGradientOf(s.node);
      return i === 0 ? conv(s.b, s.dy(), s.x(1), c) : convWeightGradient(s.b, s.dy(), s.x(0), c);
    },
    lower: (b, call) => {
      const { geometry, group } = inputGradientOf(call);
      return [lowerInputGradient(b, call.x(0), call.x(1), geometry, group)];
    },
  },
  [`${INTERNAL_DOMAIN}::ConvWeightGradient`]: {
    wrt: [0, 1],
    infer: infer(weightGradientOf),
    vjp: (s, i) => {
      const c = weightGradientOf(s.node);
      return i === 0 ? convInputGradient(s.b, s.x(1), s.dy(), c) : conv(s.b, s.x(0), s.dy(), c);
    },
    lower: (b, call) => {
      const { geometry, group } = weightGradientOf(call);
      return [lowerWeightGradient(b, call.x(0), call.x(1), geometry, group)];
    },
  },
};
