import { describe, expect, it } from "vitest";
import { gaussian, philox, type RandomKey, rademacher, uniform } from "../../src/numerics/random.ts";

const key: RandomKey = { seed: 7, purpose: "test", name: "layer.weight", index: 3 };

function hex(counter: number[], philoxKey: number[]): string {
  const out = new Uint32Array(4);
  philox(counter, philoxKey, out);
  return [...out].map((word) => word.toString(16).padStart(8, "0")).join(" ");
}

function filled(
  fill: (k: RandomKey, out: Float64Array, start?: number) => void,
  n: number,
  k = key,
  start = 0,
) {
  const out = new Float64Array(n);
  fill(k, out, start);
  return out;
}

describe("Philox4x32-10", () => {
  // kat_vectors of Random123, "philox4x32 10".
  it("gives Random123's known answers", () => {
    const ones = 0xffffffff;
    expect(hex([0, 0, 0, 0], [0, 0])).toBe("6627e8d5 e169c58d bc57ac4c 9b00dbd8");
    expect(hex([ones, ones, ones, ones], [ones, ones])).toBe("408f276d 41c83b0e a20bc7c6 6d5451fd");
    expect(hex([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])).toBe(
      "d16cfe09 94fdcceb 5001e420 24126ea1",
    );
  });
});

describe("streams", () => {
  it.each([
    ["gaussian", gaussian],
    ["rademacher", rademacher],
    ["uniform", uniform],
  ] as const)("%s: any slice equals that part of the whole", (_, fill) => {
    const whole = filled(fill, 700);
    for (const [start, length] of [
      [0, 1],
      [1, 1],
      [127, 3],
      [255, 300],
      [333, 0],
    ] as const) {
      expect(filled(fill, length, key, start)).toEqual(whole.slice(start, start + length));
    }
  });

  it("change with every part of the key", () => {
    const first = filled(gaussian, 4);
    const others: RandomKey[] = [
      { ...key, seed: 8 },
      { ...key, seed: 7 + 2 ** 32 },
      { ...key, purpose: "tests" },
      { ...key, name: "layer.weigh" },
      { ...key, index: 4 },
      // The border between the fields counts too.
      { ...key, purpose: "testl", name: "ayer.weight" },
    ];
    for (const other of others) expect(filled(gaussian, 4, other)).not.toEqual(first);
  });

  it("are Gaussian: mean, variance, kurtosis and tails within five standard errors", () => {
    const n = 200_000;
    const x = filled(gaussian, n);
    const moment = (p: number) => x.reduce((sum, value) => sum + value ** p, 0) / n;
    expect(Math.abs(moment(1))).toBeLessThan(5 / Math.sqrt(n));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(5 * Math.sqrt(96 / n));
    const beyond = x.filter((value) => Math.abs(value) > 1.959964).length / n;
    expect(Math.abs(beyond - 0.05)).toBeLessThan(5 * Math.sqrt((0.05 * 0.95) / n));
  });

  it("have independent neighbours and mean zero", () => {
    const n = 200_000;
    const x = filled(rademacher, n);
    const bound = 5 / Math.sqrt(n);
    expect(Math.abs(x.reduce((sum, value) => sum + value, 0) / n)).toBeLessThan(bound);
    for (const lag of [1, 2, 32, 128]) {
      let sum = 0;
      for (let i = lag; i < n; i++) sum += x[i]! * x[i - lag]!;
      expect(Math.abs(sum / n)).toBeLessThan(bound);
    }
    expect(x.every((value) => Math.abs(value) === 1)).toBe(true);
  });
});
