import type { ArrayToWrite } from "../../src/data/index.ts";
import { ONNX_TYPE_CODES } from "../../src/onnx/element-type.ts";
import { type Attribute, Call, type Dim, type Graph, Node, Value } from "../../src/onnx/graph.ts";
import { encodeModel } from "../../src/onnx/index.ts";
import { type ElementType, float32Tensor, int64Tensor, sizeOf } from "../../src/onnx/tensor.ts";

/** The models of loss-references.py, as files with a free batch. */

/** 0.7·sin(1.3·i + k), as float32. */
export function numbers(n: number, k: number): Float32Array {
  return Float32Array.from({ length: n }, (_, i) => 0.7 * Math.sin(1.3 * i + k));
}

/** Parameter number `i` of a model. */
export function parameter(i: number, dims: readonly number[]): Value {
  const tensor = float32Tensor(dims, numbers(sizeOf(dims), 3 + i));
  return new Value("initializer", `w${i}`, "float32", dims, { tensor });
}

export function input(name: string, type: ElementType, dims: readonly Dim[]): Value {
  return new Value("input", name, type, dims);
}

export function op(
  name: string,
  inputs: readonly Value[],
  attributes: Readonly<Record<string, Attribute>> = {},
): Value {
  return outputsOf(name, inputs, [`${name.toLowerCase()}_out`], attributes)[0] as Value;
}

/** All outputs of an operator; "" is one that is left out. */
export function outputsOf(
  name: string,
  inputs: readonly Value[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, Attribute>> = {},
): readonly Value[] {
  const call = new Call(name, inputs, new Map(Object.entries(attributes)));
  const hints = outputs.map((output) => ({ name: output }));
  return new Node(call, hints, name.toLowerCase()).outputs;
}

export function ints(...values: number[]): Value {
  const tensor = int64Tensor([values.length], values);
  return new Value("initializer", "ints", "int64", [values.length], { tensor });
}

/** An output with the type and shape that a file states. */
export function stated(value: Value, shape: readonly Dim[] | undefined): Value {
  const node = value.producer as Node;
  return new Node(node, [{ name: "out", type: "float32", shape }], node.name).outputs[0] as Value;
}

/** A file of the graph behind `outputs`. */
export function file(inputs: readonly Value[], ...outputs: readonly Value[]): Uint8Array {
  const nodes = new Set<Node>();
  const initializers = new Set<Value>();
  const visit = (value: Value): void => {
    if (value.kind === "initializer") initializers.add(value);
    if (value.producer === undefined || nodes.has(value.producer)) return;
    for (const x of value.producer.inputs) if (x) visit(x);
    nodes.add(value.producer);
  };
  for (const output of outputs) visit(output);
  const graph: Graph = {
    name: "tiny",
    inputs,
    outputs,
    nodes: [...nodes],
    initializers: [...initializers].sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
  return encodeModel(graph);
}

const x = (): Value => input("x", "float32", ["batch", 3]);
const ids = (): Value => input("ids", "int64", ["batch", 3]);

export function linearOf(from: Value, classes: number): Value {
  return op("Gemm", [from, parameter(0, [3, classes]), parameter(1, [classes])]);
}

/** x·W + b. */
export function linear(classes: number): Uint8Array {
  const from = x();
  return file([from], stated(linearOf(from, classes), ["batch", classes]));
}

/** The same, ending in a Cast to float64. */
export function doubled(classes: number): Uint8Array {
  const from = x();
  const to: Attribute = { kind: "int", value: ONNX_TYPE_CODES.float64 };
  return file([from], op("Cast", [linearOf(from, classes)], { to }));
}

/** Probabilities of yes, without an axis for one of them, as float64. */
export function sigmoid(classes: number): Uint8Array {
  const from = x();
  const p = op("Sigmoid", [linearOf(from, classes)]);
  const to: Attribute = { kind: "int", value: ONNX_TYPE_CODES.float64 };
  return file([from], op("Cast", [classes === 1 ? op("Reshape", [p, ints(-1)]) : p], { to }));
}

/** Probabilities of no and yes, in either order: p and 1 − p by a Sigmoid. */
export function noAndYes(isYesFirst: boolean): Uint8Array {
  const from = x();
  const yes = op("Sigmoid", [linearOf(from, 1)]);
  const both = [op("Sub", [scalar(1), yes]), yes];
  return file([from], op("Concat", isYesFirst ? both.reverse() : both, { axis: { kind: "int", value: 1 } }));
}

/** The mean of two models' probabilities, which nothing but its name tells. */
export function averaged(classes: number): Uint8Array {
  const from = x();
  const half = op("Mul", [op("Softmax", [linearOf(from, classes)]), scalar(0.5)]);
  return file([from], outputsOf("Sum", [half, half], ["probabilities"])[0] as Value);
}

/** Probabilities that are 0 wherever a logit is negative. */
export function cut(classes: number): Uint8Array {
  const from = x();
  return file([from], stated(op("Relu", [linearOf(from, classes)]), ["batch", classes]));
}

/** Logits beside another output. */
export function twoOutputs(): Uint8Array {
  const from = x();
  const logits = linearOf(from, 4);
  return file(
    [from],
    stated(op("Relu", [logits]), ["batch", 4]),
    stated(op("Identity", [logits]), ["batch", 4]),
  );
}

/** One convolution of 1×1. */
export function segmentation(): Uint8Array {
  const from = input("x", "float32", ["batch", 2, 2, 3]);
  return file([from], stated(op("Conv", [from, parameter(0, [3, 2, 1, 1])]), ["batch", 3, 2, 3]));
}

/** A table and a product; with `flat`, the positions of all samples in one row. */
export function language(flat = false): Uint8Array {
  const from = ids();
  const logits = op("MatMul", [op("Gather", [parameter(0, [4, 2]), from]), parameter(1, [2, 5])]);
  if (!flat) return file([from], stated(logits, ["batch", 3, 5]));
  return file([from], stated(op("Reshape", [logits, ints(-1, 5)]), [null, 5]));
}

/** Its output is its loss: (x·W + b − t)⁴, the mean of all or of each sample. */
export function ownLoss(perSample: boolean, target = "t"): Uint8Array {
  const from = x();
  const t = input(target, "float32", ["batch", 4]);
  const squares = op("Pow", [op("Sub", [linearOf(from, 4), t]), scalar(4)]);
  const keep: Attribute = { kind: "int", value: 0 };
  const mean = perSample
    ? stated(op("ReduceMean", [squares, ints(1)], { keepdims: keep }), ["batch"])
    : stated(op("ReduceMean", [squares], { keepdims: keep }), []);
  return file([from, t], mean);
}

function scalar(value: number): Value {
  return new Value("initializer", "const_power", "float32", [], { tensor: float32Tensor([], [value]) });
}

const int64 = (shape: readonly number[], values: readonly number[]): ArrayToWrite => ({
  shape,
  data: BigInt64Array.from(values, BigInt),
});

const yes = [1, 0, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 1, 0, 0, 1, 1, 0, 1];
const words = [1, 4, -100, -100, -100, -100, 0, 2, 3, 4, -100, 1];
const pixels = [0, 1, 2, 255, 1, 1, 2, 2, 0, 255, 255, 1, 0, 0, 2, 1, 1, 255, 2, 0, 1, 0, 2, 2];

type ArrayName =
  | "x"
  | "image"
  | "ids"
  | "labels"
  | "zeros"
  | "words"
  | "flatWords"
  | "mask"
  | "maskOfOneChannel"
  | "several"
  | "severalFloats"
  | "first"
  | "firstColumn";

/** The arrays of loss-references.py. */
export const arrays: Readonly<Record<ArrayName, ArrayToWrite>> = {
  x: { shape: [5, 3], data: numbers(15, 1) },
  image: { shape: [4, 2, 2, 3], data: numbers(48, 2) },
  ids: int64([4, 3], [0, 1, 2, 3, 1, 0, 2, 2, 1, 0, 3, 3]),
  labels: int64([5], [0, 3, 1, 2, 2]),
  zeros: int64([5], [0, 0, 0, 0, 0]),
  words: int64([4, 3], words),
  flatWords: int64([12], words),
  mask: int64([4, 2, 3], pixels),
  maskOfOneChannel: int64([4, 1, 2, 3], pixels),
  several: int64([5, 4], yes),
  severalFloats: { shape: [5, 4], data: Float32Array.from(yes) },
  first: int64([5], [1, 0, 1, 0, 1]),
  firstColumn: int64([5, 1], [1, 0, 1, 0, 1]),
};
