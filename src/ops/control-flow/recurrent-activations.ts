import type { Call, Value } from "../../onnx/graph.ts";
import { type AttributeInit, float, type GraphBuilder } from "../builder.ts";
import { misfit } from "../typing.ts";

/** The activations of LSTM, GRU and RNN: named by strings, with numbers in two lists. */

export type Activation = (b: GraphBuilder, x: Value) => Value;

interface Parameters {
  readonly alpha: number;
  readonly beta: number;
}

interface Kind {
  /** Defaults of alpha and beta; a function without one takes none from the list. */
  readonly alpha?: number;
  readonly beta?: number;
  readonly emit: (b: GraphBuilder, x: Value, p: Parameters) => Value;
}

const plain = (op: string): Kind => ({ emit: (b, x) => b.unary(op, x) });

function withAttributes(op: string, defaults: Partial<Parameters>): Kind {
  return {
    ...defaults,
    emit: (b, x, p) => {
      const attributes: Record<string, AttributeInit> = {};
      if (defaults.alpha !== undefined) attributes["alpha"] = float(p.alpha);
      if (defaults.beta !== undefined) attributes["beta"] = float(p.beta);
      return b.call(op, [x], attributes);
    },
  };
}

/** By lower-case name: files differ in how they spell them. Defaults are those of the operators of these names. */
const KINDS: ReadonlyMap<string, Kind> = new Map([
  ["relu", plain("Relu")],
  ["tanh", plain("Tanh")],
  ["sigmoid", plain("Sigmoid")],
  ["softsign", plain("Softsign")],
  ["softplus", plain("Softplus")],
  ["leakyrelu", withAttributes("LeakyRelu", { alpha: 0.01 })],
  ["thresholdedrelu", withAttributes("ThresholdedRelu", { alpha: 1 })],
  ["elu", withAttributes("Elu", { alpha: 1 })],
  ["hardsigmoid", withAttributes("HardSigmoid", { alpha: 0.2, beta: 0.5 })],
  ["affine", { alpha: 1, beta: 0, emit: (b, x, p) => b.add(b.mul(x, p.alpha), p.beta) }],
  ["scaledtanh", { alpha: 1, beta: 1, emit: (b, x, p) => b.mul(b.unary("Tanh", b.mul(x, p.beta)), p.alpha) }],
]);

/**
 * The activations of a recurrent call, `perDirection` of them for each direction. The lists of numbers are
 * shared out in order among the functions that take them.
 */
export function activationsOf(
  call: Call,
  defaults: readonly string[],
  directions: number,
): readonly (readonly Activation[])[] {
  const given = call.attributes.get("activations");
  const all = Array.from({ length: directions }, () => defaults).flat();
  const names = given?.kind === "strings" ? given.value : all;
  if (names.length !== all.length) throw misfit(call, `${all.length} activations, not ${names.length}`);
  const alphas = [...(call.floats("activation_alpha") ?? [])];
  const betas = [...(call.floats("activation_beta") ?? [])];
  const functions = names.map((name): Activation => {
    const kind = KINDS.get(name.toLowerCase());
    if (kind === undefined)
      throw misfit(call, `activations among ${[...KINDS.keys()].join(", ")}, not "${name}"`);
    const alpha = kind.alpha === undefined ? 0 : (alphas.shift() ?? kind.alpha);
    const beta = kind.beta === undefined ? 0 : (betas.shift() ?? kind.beta);
    return (b, x) => kind.emit(b, x, { alpha: Math.fround(alpha), beta: Math.fround(beta) });
  });
  const n = defaults.length;
  return Array.from({ length: directions }, (_, d) => functions.slice(d * n, (d + 1) * n));
}
