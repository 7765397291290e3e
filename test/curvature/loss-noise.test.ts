import { describe, expect, it } from "vitest";
import { measureLossNoise } from "../../src/curvature/index.ts";
import { gaussian } from "../../src/numerics/random.ts";
import type { Displacement, Evaluation } from "../../src/objective/types.ts";
import { ToyObjective } from "../support/toy-objective.ts";

/** A smooth loss whose every evaluation is off by a random number of standard deviation `sigma`. */
class NoisyObjective extends ToyObjective {
  private drawn = 0;
  private readonly noise: Float64Array;

  constructor(sigma: number, seed: number) {
    super({ curvatures: [3, 1, -1, 2], slope: [5, 0, 0, 0] });
    const draws = new Float64Array(9);
    gaussian({ seed, purpose: "test", name: "", index: 0 }, draws);
    this.noise = draws.map((x) => sigma * x);
  }

  override async evaluate(at?: Displacement, signal?: AbortSignal): Promise<Evaluation> {
    const exact = await super.evaluate(at, signal);
    return { ...exact, loss: exact.loss + (this.noise[this.drawn++] ?? 0) };
  }
}

const direction = { id: "x", vector: Float64Array.of(1, 0, 0, 0) };

describe("measureLossNoise", () => {
  it("finds the noise, whatever the slope", async () => {
    const sigma = 1e-6;
    let squares = 0;
    const runs = 40;
    for (let seed = 0; seed < runs; seed++) {
      squares += (await measureLossNoise(new NoisyObjective(sigma, seed), direction)) ** 2 / runs;
    }
    // 6 degrees of freedom each: the mean of 40 squares has a relative standard deviation of √(2/240) = 9 %; four of them.
    expect(Math.abs(squares / sigma ** 2 - 1)).toBeLessThan(4 * Math.sqrt(2 / (6 * runs)));
  });

  it("is at the rounding of float64 where there is none", async () => {
    const noise = await measureLossNoise(new NoisyObjective(0, 0), direction);
    expect(noise).toBeLessThan(1e-15);
  });
});
