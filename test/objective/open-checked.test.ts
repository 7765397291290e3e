import { expect, test } from "vitest";
import { disagreement } from "../../src/objective/open-checked.ts";
import type { GroupResult } from "../../src/objective/tasks.ts";

const parameters = [
  { name: "conv", offset: 0, size: 3 },
  { name: "fc", offset: 3, size: 2 },
].map((p) => ({ ...p, shape: [p.size] })) as unknown as Parameters<typeof disagreement>[0];

const result = (loss: number, vector: readonly number[] | null): GroupResult => ({
  loss,
  correct: null,
  count: 16,
  weight: 16,
  vector: vector && Float64Array.from(vector),
});
const cpu = result(2, [1, -2, 3, 0.5, 0.25]);

test.each([
  ["rounding", result(2 + 2e-6, [1, -2, 3.000003, 0.5, 0.25]), cpu],
  ["a unit on the other side of its kink", result(2, [1.002, -2.01, 3, 0.5, 0.25]), cpu],
  [
    "a small tensor, off by little of the whole",
    result(1, [1, 1, 1, 1e-9, 0]),
    result(1, [1, 1, 1, 2e-9, 0]),
  ],
  ["a loss of zero without a slope", result(0, [0, 0, 0, 0, 0]), result(0, [0, 0, 0, 0, 0])],
  ["a loss that is not finite on the CPU either", result(Number.NaN, null), result(Number.NaN, null)],
  ["no gradient", result(2, null), result(2, null)],
])("trusts a device with %s", (_, found, expected) => {
  expect(disagreement(parameters, found, expected)).toBeNull();
});

test.each([
  ["the loss is off by 5.0 %", result(2.1, [1, -2, 3, 0.5, 0.25])],
  ["the loss is off by everything", result(Number.NaN, [1, -2, 3, 0.5, 0.25])],
  // What a grouped convolution of onnxruntime 1.30 gave on WebGPU.
  ['the gradient of "fc" is off by 45 %', result(2, [1, -2, 3, 0.5, 0.5])],
  ['the gradient of "conv" is off by everything', result(2, [Number.NaN, -2, 3, 0.5, 0.25])],
])("says that %s", (text, found) => {
  expect(disagreement(parameters, found, cpu)).toBe(text);
});
