import { describe, expect, it } from "vitest";
import { randomSlices, type Slice, type SliceOptions } from "../../src/curvature/index.ts";
import { sliceDirection } from "../../src/landscape/index.ts";
import { summarizePlanes } from "../../src/numerics/random-planes.ts";
import { dot } from "../../src/numerics/vector.ts";
import { ToyObjective } from "../support/toy-objective.ts";

const curvatures = [20, 9, -14, ...Array.from({ length: 60 }, (_, k) => Math.sin(k))];
const net = () => new ToyObjective({ curvatures, slope: curvatures.map(Math.cos), quartic: 0.2 });
const optionsOf = (toy: ToyObjective, by: SliceOptions["by"], slices = 20): SliceOptions => ({
  ...{ slices, by, method: "fd", kinks: "frozen" },
  draw: (index) => sliceDirection("none", toy.parameters, toy.theta, { seed: 0, index }),
});

describe("random slices", () => {
  it("by products: A, B, C are ηᵀHη, ηᵀHδ, δᵀHδ of the draws 2k and 2k + 1", async () => {
    const toy = net();
    const options = optionsOf(toy, "products", 3);
    const { slices, fit } = await randomSlices(toy, options);
    expect(fit).toBeNull();
    for (const [k, slice] of slices.entries()) {
      const [x, y] = [options.draw(2 * k).vector, options.draw(2 * k + 1).vector];
      const form = (u: Float64Array, v: Float64Array) =>
        dot(
          u,
          v.map((z, i) => z * curvatures[i]!),
        );
      for (const [found, exact] of [
        [slice.a, form(x, x)],
        [slice.b, form(x, y)],
        [slice.c, form(y, y)],
      ] as const) {
        expect(found).toBeCloseTo(exact, 9);
      }
      expect(slice.cosine).toBeCloseTo(dot(x, y) / (slice.lengths[0] * slice.lengths[1]), 12);
    }
    // Two a slice, and one that chooses the step.
    expect(toy.calls).toEqual({ hvp: 7 });
  });

  it("by losses: the same without a gradient, within noise and bias", async () => {
    const exact = await randomSlices(net(), optionsOf(net(), "products"));
    const toy = net();
    const found = await randomSlices(toy, optionsOf(toy, "loss"));
    expect(Object.keys(toy.calls)).toEqual(["evaluate"]);
    expect(found.fit?.points).toBe(5);
    for (const [k, slice] of found.slices.entries()) {
      const want = exact.slices[k] as Slice;
      for (const key of ["a", "b", "c"] as const) {
        expect(Math.abs(slice[key] - want[key])).toBeLessThan(6 * slice.error + 1e-6);
      }
      expect(slice.error).toBeLessThan(0.5);
    }
    expect(summarizePlanes(found.slices).saddles).toBe(summarizePlanes(exact.slices).saddles);
  });

  it("takes known slices, and slice k is the same however many there are", async () => {
    const all = (await randomSlices(net(), optionsOf(net(), "products", 5))).slices;
    const toy = net();
    const more = { ...optionsOf(toy, "products", 8), known: (index: number) => all[index] };
    const again = (await randomSlices(toy, more)).slices;
    expect(again.slice(0, 5)).toEqual(all);
    expect(toy.calls["hvp"]).toBe(7);
  });
});
