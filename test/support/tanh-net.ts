import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeNpz } from "../../src/data/index.ts";
import { bytesOf, floats, info, node, smallModel } from "../onnx/protos.ts";

/** y = tanh(x·W + b)·U + c with 3 inputs, 4 units and 2 outputs: 26 parameters, smooth, and small enough for dense matrices. */
const [inputs, units, outputs] = [3, 4, 2];
const tensors = [
  { name: "w", shape: [inputs, units] },
  { name: "b", shape: [units] },
  { name: "u", shape: [units, outputs] },
  { name: "c", shape: [outputs] },
] as const;
const sizes = tensors.map((t) => t.shape.reduce((product, d) => product * d, 1));
const n = sizes.reduce((sum, size) => sum + size, 0);

/** Float32 numbers as even as chance, the same every time. */
const numbers = (count: number, scale: number, phase: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => scale * Math.sin(12.9898 * i * i + 7.1 * i + phase));

export interface TanhNet {
  readonly model: string;
  readonly data: string;
  readonly samples: number;
  /** Loss, gradient and Hessian over samples [start, end), in float64. */
  exact(start: number, end: number): { loss: number; gradient: Float64Array; hessian: Float64Array[] };
}

/** Writes model and data into `folder`. */
export function writeTanhNet(folder: string, samples: number): TanhNet {
  const theta = numbers(n, 0.8, 1);
  const x = numbers(samples * inputs, 1.5, 2);
  const y = numbers(samples * outputs, 1, 3);
  const offsets = sizes.map((_, i) => sizes.slice(0, i).reduce((sum, size) => sum + size, 0));
  const initializer = tensors.map(({ name, shape }, i) => {
    const offset = offsets[i] as number;
    const values = theta.subarray(offset, offset + (sizes[i] as number));
    return floats(name, shape, [...values]);
  });
  const nodes = [
    node("MatMul", ["x", "w"], ["h"]),
    node("Add", ["h", "b"], ["a"]),
    node("Tanh", ["a"], ["t"]),
    node("MatMul", ["t", "u"], ["o"]),
    node("Add", ["o", "c"], ["y"]),
  ];
  const graph = {
    input: [info("x", ["batch", inputs])],
    output: [info("y", ["batch", outputs])],
    initializer,
    node: nodes,
  };
  const [model, data] = [join(folder, "tanh.onnx"), join(folder, `tanh-${samples}.npz`)];
  writeFileSync(model, bytesOf(smallModel(graph)));
  writeNpz(data, { x: { shape: [samples, inputs], data: x }, y: { shape: [samples, outputs], data: y } });
  const at = Float64Array.from(theta);
  return {
    ...{ model, data, samples },
    exact: (start, end) => {
      const rows = {
        x: x.subarray(start * inputs, end * inputs),
        y: y.subarray(start * outputs, end * outputs),
      };
      const { loss, gradient } = lossAndGradient(at, rows.x, rows.y);
      return { loss, gradient, hessian: hessian(at, rows.x, rows.y) };
    },
  };
}

/** Central differences of the float64 gradient: at this step its truncation and rounding are both below 1e-9. */
function hessian(theta: Float64Array, x: Float32Array, y: Float32Array): Float64Array[] {
  const step = 1e-5;
  return Array.from({ length: n }, (_, i) => {
    const [plus, minus] = [1, -1].map((sign) => {
      const moved = theta.slice();
      moved[i]! += sign * step;
      return lossAndGradient(moved, x, y).gradient;
    }) as [Float64Array, Float64Array];
    return plus.map((g, j) => (g - minus[j]!) / (2 * step));
  });
}

/** Mean of squared differences over all elements, and its gradient by hand. */
function lossAndGradient(theta: Float64Array, x: Float32Array, y: Float32Array) {
  const [w, b, u] = [0, inputs * units, inputs * units + units];
  const c = u + units * outputs;
  const gradient = new Float64Array(n);
  let loss = 0;
  for (let s = 0; s < x.length / inputs; s++) {
    const t = Array.from({ length: units }, (_, j) => {
      let a = theta[b + j]!;
      for (let i = 0; i < inputs; i++) a += x[s * inputs + i]! * theta[w + i * units + j]!;
      return Math.tanh(a);
    });
    for (let k = 0; k < outputs; k++) {
      let out = theta[c + k]!;
      for (let j = 0; j < units; j++) out += t[j]! * theta[u + j * outputs + k]!;
      const difference = out - y[s * outputs + k]!;
      loss += difference ** 2 / y.length;
      const d = (2 * difference) / y.length;
      gradient[c + k]! += d;
      for (let j = 0; j < units; j++) {
        gradient[u + j * outputs + k]! += d * t[j]!;
        const da = d * theta[u + j * outputs + k]! * (1 - t[j]! ** 2);
        gradient[b + j]! += da;
        for (let i = 0; i < inputs; i++) gradient[w + i * units + j]! += da * x[s * inputs + i]!;
      }
    }
  }
  return { loss, gradient };
}
