import { describe, expect, it } from "vitest";
import { chooseDifference } from "../../src/numerics/difference-step.ts";
import { gaussian } from "../../src/numerics/random.ts";
import { norm } from "../../src/numerics/vector.ts";

/** A difference quotient with known product, third derivative and rounding noise (fresh for every step). */
function noisy(options: { truth: Float64Array; third: number; fifth: number; noise: number; seed: number }) {
  const { truth, third, fifth, noise, seed } = options;
  let calls = 0;
  return async (step: number): Promise<Float64Array> => {
    const error = new Float64Array(truth.length);
    gaussian({ seed, purpose: "noise", name: "", index: calls++ }, error);
    const scale = noise / step / Math.sqrt(truth.length);
    return truth.map(
      (x, i) => x + third * Math.cos(i) * step ** 2 + fifth * Math.sin(i) * step ** 4 + scale * error[i]!,
    );
  };
}

const cases = [
  { name: "noise and truncation", third: 1e3, fifth: 0, noise: 1e-7 },
  { name: "a fifth derivative too", third: 1e3, fifth: 1e7, noise: 1e-7 },
  { name: "little noise", third: 1, fifth: 1, noise: 1e-10 },
  { name: "much noise", third: 10, fifth: 10, noise: 1e-4 },
  { name: "a linear gradient", third: 0, fifth: 0, noise: 1e-7 },
  { name: "sharp", third: 1e7, fifth: 1e12, noise: 1e-6 },
];

describe("the chosen difference", () => {
  it.each(cases)("has an honest error: $name", async ({ third, fifth, noise }) => {
    const truth = Float64Array.from({ length: 300 }, (_, i) => Math.sin(i * i));
    for (let seed = 0; seed < 10; seed++) {
      const quotient = noisy({ truth, third, fifth, noise, seed });
      const { hv, error } = await chooseDifference(quotient, { scale: 1 });
      const found = Math.sqrt(hv.reduce((sum, x, i) => sum + (x - truth[i]!) ** 2, 0));
      // The bounds that the command line promises of its estimates.
      expect(error).toBeGreaterThan(found / 3);
      // It allows for what float32 leaves of the product itself, which no disagreement of steps shows.
      const float32 = 2 ** -21 * Math.sqrt(truth.reduce((sum, x) => sum + x * x, 0));
      expect(error).toBeLessThan(30 * Math.hypot(found, float32));
    }
  });

  it("is not worse than the best single step of the ladder", async () => {
    const truth = Float64Array.from({ length: 300 }, (_, i) => Math.cos(i));
    const options = { truth, third: 1e3, fifth: 0, noise: 1e-7, seed: 1 };
    const size = (x: Float64Array) => Math.sqrt(x.reduce((sum, v, i) => sum + (v - truth[i]!) ** 2, 0));
    const { hv } = await chooseDifference(noisy(options), { scale: 1 });
    const single = noisy(options);
    let best = Infinity;
    for (let i = -14; i <= -2; i++) best = Math.min(best, size(await single(10 ** (i / 2))));
    expect(size(hv)).toBeLessThan(1.5 * best);
  });

  it.each([
    { sharp: 1e4, model: undefined },
    { sharp: 1e5, model: undefined },
    { sharp: 1e5, model: { noise: 1e-7, truncation: 10 } },
  ])(
    "finds the derivative of what saturates within a small part of the scale: $sharp, $model",
    async (row) => {
      const { sharp, model } = row;
      const truth = Float64Array.from({ length: 300 }, (_, i) => sharp * (1 + Math.sin(i)));
      const exact = { truth: new Float64Array(300), third: 0, fifth: 0, noise: 1e-7, seed: 4 };
      const noise = noisy(exact);
      const quotient = async (step: number) => {
        const rounding = await noise(step);
        return truth.map((k, i) => Math.tanh(k * step) / step + rounding[i]!);
      };
      const { hv, error } = await chooseDifference(quotient, { scale: 1, model });
      const size = (x: Float64Array) => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));
      const found = size(hv.map((v, i) => v - truth[i]!));
      expect(found).toBeLessThan(1e-3 * size(truth));
      expect(error).toBeGreaterThan(found / 3);
    },
  );

  it("finds the derivative of what is flat already a small part of the scale away", async () => {
    const truth = Float64Array.from({ length: 300 }, (_, i) => 3e5 * (1 + 0.1 * Math.sin(i)));
    const quotient = async (step: number) => truth.map((k) => k * Math.exp(-((k * step) ** 2)));
    expect(norm(await quotient(1e-4))).toBe(0);
    const { hv, error } = await chooseDifference(quotient, { scale: 1 });
    const found = norm(hv.map((v, i) => v - truth[i]!));
    expect(found).toBeLessThan(1e-3 * norm(truth));
    expect(error).toBeGreaterThan(found / 3);
  });

  it("finds 0 where there is nothing else", async () => {
    const { hv, error } = await chooseDifference(async () => new Float64Array(5), { scale: 1 });
    expect(norm(hv)).toBe(0);
    expect(error).toBe(0);
  });

  it("gives equal bits for equal quotients", async () => {
    const truth = Float64Array.from({ length: 50 }, (_, i) => i);
    const run = () =>
      chooseDifference(noisy({ truth, third: 10, fifth: 1, noise: 1e-7, seed: 3 }), { scale: 2 });
    expect((await run()).hv).toEqual((await run()).hv);
  });
});
