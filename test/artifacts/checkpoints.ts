import type { NamedTensor, TrainingCheckpoint } from "../../src/artifacts/checkpoint.ts";
import type { Tensor } from "../../src/onnx/tensor.ts";

export function named(name: string, tensor: Tensor, documentation: string = ""): NamedTensor {
  return { name, documentation, tensor };
}

export function floats(dims: readonly number[], values: readonly number[]): Tensor {
  return { type: "float32", dims, data: Float32Array.from(values) };
}

/** Three parameters of three types, one of them a scalar, one empty, with everything that a checkpoint can have. */
export function sample(change: Partial<TrainingCheckpoint> = {}): TrainingCheckpoint {
  return {
    isNominal: false,
    trained: [
      named("z.weight", floats([2, 3], [1, -2, 3, Number.NaN, 1e-40, Number.NEGATIVE_INFINITY]), "z's doc"),
      named("a.scale", { type: "float64", dims: [], data: Float64Array.of(Math.PI) }),
    ],
    frozen: [
      named("steps", { type: "int64", dims: [1, 1], data: BigInt64Array.of(-(2n ** 63n)) }),
      named("ünïcode ☃", { type: "float16", dims: [3], data: Uint16Array.of(0x3c00, 1, 0xfbff) }),
      named("empty", floats([0, 4], [])),
    ],
    optimizerGroups: [
      {
        name: "group0",
        step: 2n ** 40n,
        initialLearningRate: Math.fround(1e-3),
        states: [
          {
            parameter: "z.weight",
            momentums: [
              named("momentum0", floats([2, 3], [1, 2, 3, 4, 5, 6])),
              named("momentum1", floats([2, 3], [6, 5, 4, 3, 2, 1])),
            ],
          },
        ],
      },
      { name: "empty group", step: 0n, initialLearningRate: 0, states: [] },
    ],
    properties: new Map<string, bigint | number | string>([
      ["epoch", -3n],
      ["lr", Math.fround(0.01)],
      ["note", "three\nsteps"],
      ["none", ""],
    ]),
    ...change,
  };
}

/** The checkpoint as plain data, with every value read; bytes as text, so that equality is cheap and exact. */
export function plain(checkpoint: TrainingCheckpoint): object {
  const values = ({ name, documentation, tensor }: NamedTensor) => {
    const { type, dims, data } = tensor;
    const { buffer, byteOffset, byteLength } = data as Uint8Array;
    return [name, documentation, type, dims, Buffer.from(buffer, byteOffset, byteLength).toString("base64")];
  };
  const list = (tensors: readonly NamedTensor[]) =>
    tensors.map((t) => (checkpoint.isNominal ? [t.name, t.documentation] : values(t)));
  return {
    isNominal: checkpoint.isNominal,
    trained: list(checkpoint.trained),
    frozen: list(checkpoint.frozen),
    optimizerGroups: checkpoint.optimizerGroups.map((group) => ({
      ...group,
      states: group.states.map((s) => [s.parameter, s.momentums.map(values)]),
    })),
    properties: [...checkpoint.properties],
  };
}
