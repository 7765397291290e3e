import process from "node:process";
import { describe, expect, it } from "vitest";
import { evaluatePlane, evaluateProfile, linearAxis, randomDirection } from "../../src/landscape/index.ts";
import { DatasetObjective } from "../../src/objective/dataset-objective.ts";
import type { Executor } from "../../src/objective/tasks.ts";
import type { Displacement, Evaluation } from "../../src/objective/types.ts";
import { ToyObjective } from "../support/toy-objective.ts";

const unit = (k: number) => {
  const vector = new Float64Array(4);
  vector[k] = 1;
  return { id: `e${k}`, vector };
};
const toy = (offset = 1) => new ToyObjective({ curvatures: [3, -2, 1, 1], slope: [0.5, 0.25, 0, 0], offset });
const lossAt = (x: number, y: number, offset = 1) => offset + 0.5 * x + 1.5 * x * x + 0.25 * y - y * y;

describe("linearAxis", () => {
  it.each([
    [-0.1, 0.1, 3],
    [-0.3, 0.3, 51],
    [-1e-5, 1e-5, 21],
    [-7.3, 7.3, 101],
  ])("%f … %f in %i points is symmetric to the bit and meets θ₀", (from, to, count) => {
    const axis = linearAxis(from, to, count);
    expect(axis).toHaveLength(count);
    expect(axis[0]).toBe(from);
    expect(axis.at(-1)).toBe(to);
    expect(axis[(count - 1) / 2]).toBe(0);
    axis.forEach((t, i) => {
      expect(t + axis[count - 1 - i]!).toBe(0);
    });
  });

  it("meets 0 exactly in ranges that are not symmetric, and nowhere if it is not a point", () => {
    expect(linearAxis(-0.1, 0.3, 5)).toContain(0);
    expect(linearAxis(0, 0.3, 4)[0]).toBe(0);
    expect(linearAxis(-1, 1, 4)).not.toContain(0);
    expect(linearAxis(1, 2, 1)).toEqual([2]);
  });
});

describe("planes", () => {
  // loss-landscape scrambles grids that are not square; loss-landscapes shifts every other row.
  it("hold each value at its own place, not square, row by row", async () => {
    const x = linearAxis(-1, 1, 5);
    const y = linearAxis(-2, 0.5, 3);
    const plane = await evaluatePlane({ train: toy(), test: toy(7) }, [unit(0), unit(1)], x, y);
    expect(plane.train.loss).toHaveLength(3);
    for (const [i, row] of plane.train.loss.entries()) {
      expect(row).toHaveLength(5);
      for (const [j, loss] of row.entries()) {
        expect(loss).toBeCloseTo(lossAt(x[j]!, y[i]!), 13);
        expect(plane.test!.loss[i]![j]).toBeCloseTo(lossAt(x[j]!, y[i]!, 7), 13);
      }
    }
    expect(plane.train.minimum).toEqual({ x: 0, y: -2, loss: plane.train.loss[0]![2] });
    expect(plane.train.accuracy).toBeNull();
  });

  // loss-landscapes' grids miss the checkpoint.
  it("have the checkpoint itself at the centre, to the bit", async () => {
    const here = (await toy().evaluate()).loss;
    const x = linearAxis(-0.3, 0.3, 7);
    const plane = await evaluatePlane({ train: toy(), test: null }, [unit(0), unit(1)], x, x);
    expect(plane.train.loss[3]![3]).toBe(here);
    expect(plane.test).toBeNull();
  });

  // Landscaper replaces NaN by the mean and infinity by the maximum, and adds noise.
  it("keep NaN and infinite losses, and values below zero, as they are", async () => {
    class Broken extends ToyObjective {
      override async evaluate(at: Displacement = []): Promise<Evaluation> {
        const exact = await super.evaluate(at);
        const x = at[0]?.coefficient ?? 0;
        return { ...exact, loss: x < 0 ? Number.NaN : x > 0.9 ? Number.POSITIVE_INFINITY : -exact.loss };
      }
    }
    const broken = new Broken({ curvatures: [1, 1, 1, 1] });
    const plane = await evaluatePlane({ train: broken, test: null }, [unit(0), unit(1)], [-1, 0, 1], [0, 1]);
    expect(plane.train.loss).toEqual([
      [Number.NaN, -1, Number.POSITIVE_INFINITY],
      [Number.NaN, -1.5, Number.POSITIVE_INFINITY],
    ]);
    expect(plane.train.minimum).toEqual({ x: 0, y: 1, loss: -1.5 });
    const lost = await evaluatePlane({ train: broken, test: null }, [unit(0), unit(1)], [-1], [0]);
    expect(lost.train.minimum.loss).toBeNaN();
  });

  it("give accuracies where there are classes, evaluate each cell once, and tell of it", async () => {
    const train = new ToyObjective({ curvatures: [1, 1], classes: true });
    const seen: number[] = [];
    const direction = (k: number) => ({ id: `${k}`, vector: Float64Array.of(1 - k, k) });
    const plane = await evaluatePlane(
      { train, test: null },
      [direction(0), direction(1)],
      [0, 1],
      [0, 1, 2],
      {
        onPoint: (done) => seen.push(done),
      },
    );
    expect(plane.train.accuracy![2]![1]).toBeCloseTo(Math.exp(-plane.train.loss[2]![1]!), 14);
    expect(train.calls["evaluate"]).toBe(6);
    expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("stop for a signal between cells", async () => {
    const stop = new AbortController();
    const onPoint = (done: number) => {
      if (done === 2) stop.abort(new Error("enough"));
    };
    const train = toy();
    const work = evaluatePlane({ train, test: null }, [unit(0), unit(1)], [0, 1], [0, 1], {
      onPoint,
      signal: stop.signal,
    });
    await expect(work).rejects.toThrow("enough");
    expect(train.calls["evaluate"]).toBe(2);
  });
});

// loss-landscape-anim builds all 10,000 weight vectors before it evaluates one: here 400 MB.
it("a plane of 10,000 points holds one displaced vector at a time", async () => {
  const n = 10_000;
  let [seen, waiting, most, memory] = [0, 0, 0, 0];
  const before = process.memoryUsage().arrayBuffers;
  const executor: Executor = {
    async run() {
      seen++;
      most = Math.max(most, ++waiting);
      memory = Math.max(memory, process.memoryUsage().arrayBuffers - before);
      await Promise.resolve();
      waiting--;
      return [{ loss: 1, correct: null, count: 1, weight: 1, vector: null }];
    },
    close: async () => {},
  };
  const parameters = [{ name: "w", shape: [n], offset: 0, size: n }];
  const train = new DatasetObjective(parameters, new Float32Array(n), 1, executor);
  const [a, b] = [0, 1].map((index) => randomDirection(parameters, { seed: 0, index }));
  const axis = linearAxis(-1, 1, 100);
  await evaluatePlane({ train, test: null }, [a!, b!], axis, axis);
  expect(seen).toBe(10_000);
  expect(most).toBe(1);
  // Half of that; measured 60 MB, which wait for the garbage collector.
  expect(memory).toBeLessThan(0.5 * 10_000 * 4 * n);
}, 60_000);

describe("profiles", () => {
  it("are a row of the plane, with the minimum and the test loss there", async () => {
    const t = linearAxis(-1, 1, 9);
    const profile = await evaluateProfile({ train: toy(), test: toy(7) }, unit(0), t);
    expect(profile.train.loss.every((loss, k) => Math.abs(loss - lossAt(t[k]!, 0)) < 1e-14)).toBe(true);
    // The parabola's vertex is at −1/6; of the points beside it, −1/4 is lower than 0.
    expect(profile.minimum.t).toBe(-0.25);
    expect(profile.minimum.testLoss).toBeCloseTo(profile.minimum.loss + 6, 14);
  });

  it("have no minimum where nothing is finite", async () => {
    class Lost extends ToyObjective {
      override evaluate = async (): Promise<Evaluation> => ({ loss: Number.NaN, accuracy: null, samples: 1 });
    }
    const train = new Lost({ curvatures: [1, 1, 1, 1] });
    const { minimum } = await evaluateProfile({ train, test: null }, unit(0), [0, 1]);
    expect(minimum).toEqual({ t: Number.NaN, loss: Number.NaN, testLoss: null });
  });
});
