import { elementTypeOf } from "../../onnx/element-type.ts";
import type { Call } from "../../onnx/graph.ts";
import { sizeOf, type Tensor, type TensorType } from "../../onnx/tensor.ts";
import { numbersAs } from "../builder.ts";
import { FOLD_LIMIT } from "../fold/fold.ts";
import type { OpRecord, RuleTable } from "../record.ts";
import { numbersOf, operand, range, tensorType, unknownShape } from "../typing.ts";

/** Windows and filter banks of audio models: constants, made of numbers that the file holds. */

function numberOf(call: Call, i: number): number {
  const number = numbersOf(operand(call, i))?.[0];
  if (number === undefined) throw unknownShape(call, "numbers");
  return number;
}

function constant(dimsOf: (call: Call) => number[], numbers: (call: Call) => number[]): OpRecord {
  const typeOf = (call: Call): TensorType =>
    tensorType(call, elementTypeOf(call.int("output_datatype", 1)) ?? "float32", dimsOf(call));
  return {
    wrt: [],
    infer: (call) => [typeOf(call)],
    fold: (call): Tensor[] | undefined => {
      const { type, dims } = typeOf(call);
      return sizeOf(dims) > FOLD_LIMIT ? undefined : [{ type, dims, data: numbersAs(type, numbers(call)) }];
    },
  };
}

/** Σ cᵢ·cos(2πi·t/length) with alternating signs: a generalised cosine window. */
function cosines(...coefficients: number[]): OpRecord {
  return constant(
    (call) => [numberOf(call, 0)],
    (call) => {
      const n = numberOf(call, 0);
      const length = call.int("periodic", 1) !== 0 ? n : n - 1;
      const at = (t: number) =>
        coefficients.reduce((sum, c, i) => sum + (-1) ** i * c * Math.cos((2 * Math.PI * i * t) / length), 0);
      return range(n).map(at);
    },
  );
}

const mel = (hertz: number): number => 2595 * Math.log10(1 + hertz / 700);
const hertz = (mels: number): number => 700 * (10 ** (mels / 2595) - 1);

function bankDims(call: Call): number[] {
  return [Math.floor(numberOf(call, 1) / 2) + 1, numberOf(call, 0)];
}

/** Triangles over the bins of a spectrum, [bins, bands], whose corners are even on the mel scale. */
function triangles(call: Call): number[] {
  const [bins, bands] = bankDims(call) as [number, number];
  const [, length, rate, low, high] = range(5).map((i) => numberOf(call, i)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const step = (mel(high) - mel(low)) / (bands + 2);
  const corners = range(bands + 2).map((i) => Math.floor(((length + 1) * hertz(mel(low) + step * i)) / rate));
  const weight = (bin: number, band: number): number => {
    const [from, top, to] = corners.slice(band, band + 3) as [number, number, number];
    if (bin < from || bin > to) return 0;
    if (bin < top) return (bin - from) / (top - from);
    return bin === top ? 1 : (to - bin) / (to - top);
  };
  return range(bins * bands).map((i) => weight(Math.floor(i / bands), i % bands));
}

export const windows: RuleTable = {
  HannWindow: cosines(0.5, 0.5),
  HammingWindow: cosines(25 / 46, 21 / 46),
  BlackmanWindow: cosines(0.42, 0.5, 0.08),
  MelWeightMatrix: constant(bankDims, triangles),
};
