import type { Tensor } from "../../src/onnx/tensor.ts";
import { type AttributeInit, float } from "../../src/ops/builder.ts";
import type { Case, Operand } from "../support/case.ts";

/** Rows of the recurrent operators: all attributes, each with what it changes. */

const [STEPS, BATCH, SIZE, HIDDEN] = [3, 2, 3, 2];

interface Parts {
  readonly directions?: number;
  readonly steps?: number;
  readonly bias?: boolean;
  readonly lengths?: readonly number[];
  readonly states?: boolean;
  readonly peepholes?: boolean;
  readonly outputs?: number;
  readonly note?: string;
}

type Attributes = Readonly<Record<string, AttributeInit>>;

const GATES: Readonly<Record<string, number>> = { LSTM: 4, GRU: 3, RNN: 1 };

// Small numbers: a cell nests functions so deep that differences of large ones are not exact enough.
const x = (dims: readonly number[]): Operand => ({ dims, sample: [-0.75, 0.75] });

function lengthsOf(values: readonly number[]): Tensor {
  return { type: "int32", dims: [values.length], data: Int32Array.from(values) };
}

function row(op: string, parts: Parts = {}, attrs: Attributes = {}): Case {
  const { directions: d = 1, steps = STEPS, bias = true } = parts;
  const gates = (GATES[op] as number) * HIDDEN;
  const state = x([d, BATCH, HIDDEN]);
  const lstm = op === "LSTM";
  const inputs = [
    x([steps, BATCH, SIZE]),
    x([d, gates, SIZE]),
    x([d, gates, HIDDEN]),
    bias ? x([d, 2 * gates]) : null,
    parts.lengths ? lengthsOf(parts.lengths) : null,
    parts.states ? state : null,
    parts.states && lstm ? state : null,
    parts.peepholes ? x([d, 3 * HIDDEN]) : null,
  ];
  const used = inputs.slice(0, inputs.findLastIndex((v) => v !== null) + 1);
  return {
    op,
    inputs: used,
    outputs: parts.outputs ?? (lstm ? 3 : 2),
    attrs: { hidden_size: HIDDEN, ...attrs },
    reach: 0.5,
    ...(parts.note && { note: parts.note }),
  };
}

const strings = (...value: string[]): AttributeInit => ({ kind: "strings", value });
const floats = (...value: number[]): AttributeInit => ({ kind: "floats", value });

const everywhere = ["LSTM", "GRU", "RNN"].flatMap((op) => [
  row(op),
  row(op, { bias: false, outputs: 1 }),
  row(op, { steps: 1, note: "one step" }),
  row(op, { states: true }, { direction: "reverse" }),
  row(op, { directions: 2, states: true }, { direction: "bidirectional" }),
  row(op, { lengths: [2, 3], states: true, note: "unequal lengths" }),
  row(op, { lengths: [1, 2], note: "unequal lengths" }, { direction: "reverse" }),
  row(
    op,
    { directions: 2, lengths: [3, 1], states: true, note: "unequal lengths" },
    { direction: "bidirectional" },
  ),
  row(op, { note: "clip" }, { clip: float(0.4) }),
]);

const PARAMETRIC: readonly [string, number?, number?][] = [
  ["Relu"],
  ["Sigmoid"],
  ["Softsign"],
  ["Softplus"],
  ["LeakyRelu", 0.125],
  ["ThresholdedRelu", 0.25],
  ["Elu", 0.75],
  ["HardSigmoid", 0.25, 0.375],
  ["Affine", 0.5, 0.125],
  ["ScaledTanh", 1.5, 0.75],
];

const activations = PARAMETRIC.map(([name, alpha, beta]) =>
  row(
    "RNN",
    {},
    {
      activations: strings(name),
      ...(alpha !== undefined && { activation_alpha: floats(alpha) }),
      ...(beta !== undefined && { activation_beta: floats(beta) }),
    },
  ),
);

export const recurrentCases: readonly Case[] = [
  ...everywhere,
  ...activations,
  row(
    "RNN",
    { directions: 2 },
    {
      direction: "bidirectional",
      activations: strings("LeakyRelu", "Elu"),
      activation_alpha: floats(0.125, 0.75),
    },
  ),
  row("LSTM", { peepholes: true, states: true }),
  row("LSTM", { peepholes: true, directions: 2 }, { direction: "bidirectional" }),
  row("LSTM", { states: true }, { input_forget: 1 }),
  row(
    "LSTM",
    { peepholes: true },
    {
      activations: strings("HardSigmoid", "Softsign", "Affine"),
      activation_alpha: floats(0.25, 0.5),
      activation_beta: floats(0.375, 0.125),
    },
  ),
  row("GRU", { states: true }, { linear_before_reset: 1 }),
  row("GRU", { bias: false }, { linear_before_reset: 1 }),
  row("GRU", { directions: 2 }, { linear_before_reset: 1, direction: "bidirectional", clip: float(0.3) }),
  row(
    "GRU",
    {},
    {
      activations: strings("HardSigmoid", "LeakyRelu"),
      activation_alpha: floats(0.25, 0.125),
      activation_beta: floats(0.375),
    },
  ),
];
