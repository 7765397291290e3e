import { describe, expect, it } from "vitest";
import { type ChosenRange, chooseRange, type Extent, originAxis } from "../../src/landscape/index.ts";
import { ToyObjective, type ToyOptions } from "../support/toy-objective.ts";

const unit = (i: number) => ({
  id: `e${i}`,
  vector: Float64Array.from({ length: 4 }, (_, k) => (k === i ? 1 : 0)),
});
const [dx, dy] = [unit(0), unit(1)];
const toy = (options: Partial<ToyOptions> & { curvatures: readonly number[] }) =>
  new ToyObjective({ offset: 0.1, ...options, curvatures: [...options.curvatures, 1, 1].slice(0, 4) });

/** Walks end within a quarter beyond the place they look for. */
const WITHIN = 1.25 + 1e-9;
const reach = ({ from, to }: Extent) => to - from;
const along = async (objective: ToyObjective, t: number) =>
  (await objective.evaluate([{ coefficient: t, direction: dx }])).loss;

/** A loss that is what `f` makes of the toy's, by the coefficient along x. */
function bent(objective: ToyObjective, f: (loss: number, x: number) => number): ToyObjective {
  const whole = objective.evaluate.bind(objective);
  objective.evaluate = async (at, signal) => {
    const e = await whole(at, signal);
    return { ...e, loss: f(e.loss, at?.find((a) => a.direction === dx)?.coefficient ?? 0) };
  };
  return objective;
}

function contains({ extents, lowest }: ChosenRange): void {
  for (const [i, { from, to }] of extents.entries()) {
    // θ₀ and the lowest point, both with room on either side.
    for (const at of [0, lowest[i] as number]) {
      expect(at - from).toBeGreaterThan(0.05 * (to - from));
      expect(to - at).toBeGreaterThan(0.05 * (to - from));
    }
  }
}

describe("the range of a line", () => {
  it.each([
    ["a parabola whose curvature is known", { curvatures: [300] }, { curvature: 300 }],
    ["a parabola of which nothing is known", { curvatures: [300] }, {}],
    ["a curvature that is wrong by far", { curvatures: [300] }, { curvature: 0.01 }],
    ["a quartic without curvature", { curvatures: [0], quartic: 50 }, {}],
  ])("goes to where the loss has doubled: %s", async (_, options, facts) => {
    const objective = toy(options);
    const chosen = await chooseRange(objective, [dx], { rise: "auto", facts: [facts] });
    const [{ from, to }] = chosen.extents as [Extent];
    for (const end of [from, to]) {
      expect(await along(objective, end)).toBeGreaterThanOrEqual(0.2 - 1e-9);
      expect(await along(objective, end / WITHIN)).toBeLessThan(0.2 + 1e-9);
    }
    expect(chosen).toMatchObject({ lowest: [0], loss: 0.1, least: 0.1, ends: [["risen", "risen"]] });
  });

  it("takes few losses where curvature says where", async () => {
    const objective = toy({ curvatures: [300] });
    await chooseRange(objective, [dx], { rise: "auto", facts: [{ curvature: 300, slope: 0 }], loss: 0.1 });
    // Two or three for each walk, two for each round of the search.
    expect(objective.calls["evaluate"]).toBeLessThanOrEqual(2 * 3 + 2 * 8);
  });

  it("puts the lowest point in the middle where a slope is left", async () => {
    // 0.1 − 0.006·t + 10·t²·… : lowest at 3e-4, 9 % below; the ends 100 % above.
    const slope = -60;
    const objective = toy({ curvatures: [2e5], slope: [slope, 0, 0, 0] });
    const [least, depth] = [60 / 2e5, 60 ** 2 / 4e5];
    for (const facts of [{ curvature: 2e5, slope }, {}]) {
      const chosen = await chooseRange(objective, [dx], { rise: "auto", facts: [facts] });
      const [{ from, to }] = chosen.extents as [Extent];
      const half = least * Math.sqrt(1 + 0.1 / depth);
      expect(Math.abs((chosen.lowest[0] as number) / least - 1)).toBeLessThan(0.2);
      for (const side of [to - (chosen.lowest[0] as number), (chosen.lowest[0] as number) - from]) {
        expect(side / half).toBeGreaterThan(0.95);
        expect(side / half).toBeLessThan(WITHIN * 1.05);
      }
      contains(chosen);
    }
  });

  it("comes nearer where the lowest point is near", async () => {
    // 2 % below: at the doubling it would lie at a seventh of the reach, now at a quarter.
    const depth = 0.002;
    const slope = -Math.sqrt(2 * depth * 300);
    const chosen = await chooseRange(toy({ curvatures: [300], slope: [slope, 0, 0, 0] }), [dx], {
      rise: "auto",
      facts: [{ curvature: 300, slope }],
    });
    expect(chosen.rise).toBeCloseTo(15 * depth, 6);
    const least = -slope / 300;
    expect(reach(chosen.extents[0] as Extent) / (8 * least)).toBeGreaterThan(0.99);
    expect(reach(chosen.extents[0] as Extent) / (8 * least)).toBeLessThan(WITHIN);
  });

  it("goes as far as it is told to, however near the lowest point", async () => {
    const slope = -Math.sqrt(2 * 0.002 * 300);
    const chosen = await chooseRange(toy({ curvatures: [300], slope: [slope, 0, 0, 0] }), [dx], { rise: 20 });
    // ½·300·(t − t*)² = 2 + 0.002.
    const half = Math.sqrt(2.002 / 150);
    expect(chosen.rise).toBe(2);
    expect(reach(chosen.extents[0] as Extent) / (2 * half)).toBeGreaterThan(1 - 1e-9);
    expect(reach(chosen.extents[0] as Extent) / (2 * half)).toBeLessThan(WITHIN);
  });

  it("does not look for what lies less than 1 % below", async () => {
    const slope = -Math.sqrt(2 * 0.0005 * 300);
    const chosen = await chooseRange(toy({ curvatures: [300], slope: [slope, 0, 0, 0] }), [dx], {
      rise: "auto",
    });
    expect(chosen).toMatchObject({ lowest: [0], rise: 0.1 });
  });

  it("finds both minima of a double well between its ends", async () => {
    // 0.1 − 2t² + 50t⁴: lowest at ±√0.02, 0.02 below; at 0.2 again near ±0.26.
    const objective = toy({ curvatures: [-4], quartic: 50 });
    const chosen = await chooseRange(objective, [dx], { rise: "auto", facts: [{ curvature: -4 }] });
    const [{ from, to }] = chosen.extents as [Extent];
    expect(Math.abs(Math.abs(chosen.lowest[0] as number) / Math.sqrt(0.02) - 1)).toBeLessThan(0.1);
    expect(chosen.least).toBeLessThan(0.0805);
    expect(await along(objective, from)).toBeGreaterThan(0.2 - 1e-9);
    expect(await along(objective, to)).toBeGreaterThan(0.2 - 1e-9);
    expect(to).toBeLessThan(0.26 * 1.3);
    contains(chosen);
  });

  it("stops at twice ‖θ‖ where nothing rises, and says so", async () => {
    const objective = toy({ curvatures: [0] });
    const chosen = await chooseRange(objective, [dx], { rise: "auto" });
    expect(chosen.extents).toEqual([{ from: -2 * objective.thetaNorm, to: 2 * objective.thetaNorm }]);
    expect(chosen.ends).toEqual([["limit", "limit"]]);
    expect(objective.calls["evaluate"]).toBeLessThan(50);
  });

  it("stops where a loss without end has fallen by twice its size", async () => {
    const objective = toy({ curvatures: [-4] });
    const chosen = await chooseRange(objective, [dx], { rise: "auto", facts: [{ curvature: -4 }] });
    const [{ from, to }] = chosen.extents as [Extent];
    expect(chosen).toMatchObject({ lowest: [0], ends: [["fallen", "fallen"]] });
    // 2t² = 0.2.
    for (const t of [-from, to]) {
      expect(t).toBeGreaterThanOrEqual(Math.sqrt(0.1) - 1e-9);
      expect(t).toBeLessThan(Math.sqrt(0.1) * WITHIN);
    }
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])("takes %s for a wall", async (wall) => {
    const objective = bent(toy({ curvatures: [300] }), (loss, x) => (x > 0.01 ? wall : loss));
    const [{ from, to }] = (await chooseRange(objective, [dx], { rise: "auto" })).extents as [Extent];
    expect(to).toBeGreaterThan(0.01);
    expect(to).toBeLessThan(0.01 * WITHIN);
    expect(-from).toBeGreaterThan(0.0258 * 0.99);
  });

  it("is bounded and finite whatever the loss is", async () => {
    for (const value of [Number.NaN, 0, 5, -3]) {
      const objective = bent(toy({ curvatures: [1] }), (_, x) => (x === 0 ? value : Number.NaN));
      const chosen = await chooseRange(objective, [dx], { rise: "auto" });
      const [{ from, to }] = chosen.extents as [Extent];
      expect(Number.isFinite(from) && Number.isFinite(to) && from < 0 && to > 0).toBe(true);
      expect(objective.calls["evaluate"]).toBeLessThan(60);
    }
  });

  it("goes by what the loss changes where it is 0 at θ₀", async () => {
    const objective = toy({ curvatures: [300], offset: 0 });
    const [{ from, to }] = (await chooseRange(objective, [dx], { rise: "auto" })).extents as [Extent];
    for (const t of [-from, to]) {
      expect(t / objective.thetaNorm).toBeGreaterThan(0.0999);
      expect(t / objective.thetaNorm).toBeLessThan(0.1 * WITHIN);
    }
  });

  it("takes a tenth of ‖θ‖ where there is nothing to go by", async () => {
    const objective = toy({ curvatures: [0], offset: 0 });
    const chosen = await chooseRange(objective, [dx], { rise: "auto" });
    expect(chosen.rise).toBe(0);
    expect(chosen.extents[0]?.to).toBeCloseTo(0.1 * objective.thetaNorm, 12);
  });

  it("goes up from a loss below zero", async () => {
    const chosen = await chooseRange(toy({ curvatures: [300], offset: -2 }), [dx], { rise: "auto" });
    // −2 + 150·t² = 0.
    expect(chosen.extents[0]?.to).toBeGreaterThanOrEqual(Math.sqrt(2 / 150) - 1e-9);
    expect(chosen.extents[0]?.to).toBeLessThan(Math.sqrt(2 / 150) * WITHIN);
  });
});

describe("the range of a plane", () => {
  it.each([
    ["a saddle with a wall far out", -0.05],
    ["a minimum", 0.05],
  ])("is longer along the small curvature by the root of their ratio: %s", async (_, small) => {
    const objective = toy({ curvatures: [20, small], quartic: small < 0 ? 0.01 : 0 });
    const facts = [{ curvature: 20 }, { curvature: small }];
    const { extents, ends } = await chooseRange(objective, [dx, dy], { rise: "auto", facts });
    const ratio = reach(extents[1] as Extent) / reach(extents[0] as Extent);
    // The saddle's wall is of fourth order and lies further out than the parabola's end.
    expect(ratio / Math.sqrt(20 / 0.05)).toBeGreaterThan(1 / WITHIN);
    expect(ratio / Math.sqrt(20 / 0.05)).toBeLessThan(small < 0 ? 2.5 : WITHIN);
    expect(ends.flat()).toEqual(["risen", "risen", "risen", "risen"]);
  });

  it("finds a lowest point that lies on neither line, and the rise around it", async () => {
    const slope = [-0.4, 0.06, 0, 0];
    const objective = toy({ curvatures: [20, 0.5], slope, offset: 0.02 });
    const chosen = await chooseRange(objective, [dx, dy], { rise: "auto" });
    // Minimum at (0.02, −0.12), 0.0076 below 0.02.
    expect(chosen.lowest[0]).toBeCloseTo(0.02, 2);
    expect(chosen.lowest[1]).toBeCloseTo(-0.12, 1);
    expect(chosen.least).toBeLessThan(0.02 - 0.95 * 0.0076);
    contains(chosen);
  });

  it("gives directions of one kind the same extent", async () => {
    const objective = toy({ curvatures: [20, 5] });
    const { extents } = await chooseRange(objective, [dx, dy], { rise: "auto", shared: true });
    expect(extents[0]).toEqual(extents[1]);
    expect(reach(extents[0] as Extent)).toBeGreaterThan(2 * Math.sqrt(0.2 / 5) * 0.99);
  });

  it("is the same each time and each point is asked for once", async () => {
    const seen: string[] = [];
    const objective = toy({ curvatures: [20, -0.5], quartic: 1, slope: [0.3, 0.1, 0, 0] });
    const whole = objective.evaluate.bind(objective);
    objective.evaluate = (at, signal) => {
      seen.push(JSON.stringify(at?.map((a) => [a.direction.id, a.coefficient])));
      return whole(at, signal);
    };
    const first = await chooseRange(objective, [dx, dy], { rise: "auto" });
    const asked = seen.splice(0);
    expect(new Set(asked).size).toBe(asked.length);
    expect(asked.length).toBeLessThan(110);
    expect(await chooseRange(objective, [dx, dy], { rise: "auto" })).toEqual(first);
    expect(seen).toEqual(asked);
  });

  it("stops when it is told to", async () => {
    const work = chooseRange(toy({ curvatures: [20] }), [dx], { rise: "auto" }, AbortSignal.abort());
    await expect(work).rejects.toThrow();
  });
});

describe("originAxis", () => {
  it.each([
    [{ from: -1, to: 1 }, 5],
    [{ from: -0.1, to: 0.37 }, 25],
    [{ from: -3e-4, to: 1.1e-3 }, 7],
    [{ from: -1e-9, to: 1 }, 5],
    [{ from: -1, to: 1e-9 }, 3],
  ])("has θ₀ as one of its points, and keeps the extent: %j, %i points", (extent, count) => {
    const axis = originAxis(extent, count);
    const step = reach(extent) / (count - 1);
    expect(axis).toHaveLength(count);
    expect(axis.filter((v) => v === 0)).toHaveLength(1);
    // Never an end; moved by half a step at most, a whole one where θ₀ would be an end.
    expect(axis[0]).toBeLessThan(0);
    expect(axis.at(-1)).toBeGreaterThan(0);
    expect(Math.abs((axis[0] as number) - extent.from)).toBeLessThan(1.001 * step);
    for (const [i, v] of axis.entries()) expect(v - (axis[0] as number)).toBeCloseTo(i * step, 12);
  });

  it("is symmetric to the bit if its extent is", () => {
    const axis = originAxis({ from: -0.3, to: 0.3 }, 25);
    expect(axis.map((v) => 0 - v).toReversed()).toEqual(axis);
  });
});
