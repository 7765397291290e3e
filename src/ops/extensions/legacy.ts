import type { Call, Value } from "../../onnx/graph.ts";
import { float32Tensor } from "../../onnx/tensor.ts";
import type { GraphBuilder } from "../builder.ts";
import type { OpRecord, RuleTable } from "../record.ts";
import { floatOperand, misfit, tensorType } from "../typing.ts";

/** Experimental operators that files of opsets 7 to 9, from Core ML and Windows ML, still hold. onnxruntime runs them there. */

function pointwise(emit: (b: GraphBuilder, x: Value, call: Call) => Value): OpRecord {
  return {
    wrt: [0],
    infer: (call) => [floatOperand(call, 0)],
    expand: (b, call) => [emit(b, call.x(0), call)],
  };
}

const numberOf = (call: Call, name: string, otherwise: number): number =>
  Math.fround(call.float(name, otherwise));

/** Images times a number, plus one for each channel. */
const imageScaler: OpRecord = {
  wrt: [0],
  infer: (call) => {
    const x = floatOperand(call, 0);
    if (x.dims.length !== 4 || call.floats("bias")?.length !== x.dims[1])
      throw misfit(call, "images and a bias for each channel");
    return [x];
  },
  expand: (b, call) => {
    const bias = call.floats("bias") ?? [];
    const shift = b.constant(float32Tensor([1, bias.length, 1, 1], bias));
    return [b.add(b.mul(call.x(0), numberOf(call, "scale", 1)), b.cast(shift, call.x(0).static.type))];
  },
};

/** Borders left, top, right and bottom; with a scale [height, width] that much from the upper left one. */
function cropOf(call: Call): { starts: readonly number[]; ends: readonly number[] } {
  const [height, width] = floatOperand(call, 0).dims.slice(2) as [number, number];
  const [left, top, right, bottom] = (call.ints("border") ?? []) as [number, number, number, number];
  const [rows, columns] = call.ints("scale") ?? [height - top - bottom, width - left - right];
  const [starts, ends] = [
    [top, left],
    [top + rows!, left + columns!],
  ];
  const fits = starts.every((s, i) => s >= 0 && s < ends[i]! && ends[i]! <= [height, width][i]!);
  if (floatOperand(call, 0).dims.length !== 4 || !fits) throw misfit(call, "images and a border within them");
  return { starts, ends };
}

const crop: OpRecord = {
  wrt: [0],
  infer: (call) => {
    const { starts, ends } = cropOf(call);
    const { type, dims } = floatOperand(call, 0);
    return [tensorType(call, type, [...dims.slice(0, 2), ...ends.map((e, i) => e - starts[i]!)])];
  },
  expand: (b, call) => {
    const { starts, ends } = cropOf(call);
    return [b.slice(call.x(0), starts, ends, [2, 3])];
  },
};

export const legacy: RuleTable = {
  Affine: pointwise((b, x, call) => b.add(b.mul(x, numberOf(call, "alpha", 1)), numberOf(call, "beta", 0))),
  Scale: pointwise((b, x, call) => b.mul(x, numberOf(call, "scale", 1))),
  ScaledTanh: pointwise((b, x, call) =>
    b.mul(b.unary("Tanh", b.mul(x, numberOf(call, "beta", 1))), numberOf(call, "alpha", 1)),
  ),
  ParametricSoftplus: pointwise((b, x, call) =>
    b.mul(b.unary("Softplus", b.mul(x, numberOf(call, "beta", 1))), numberOf(call, "alpha", 1)),
  ),
  ImageScaler: imageScaler,
  Crop: crop,
};
