import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { analyse } from "../../src/analysis/analyse.ts";
import type { AnalysisReport } from "../../src/analysis/analysis-report.ts";
import { type AnalysisOptions, defaultAnalysis } from "../../src/analysis/options.ts";
import { PhaseTimer } from "../../src/analysis/phase-timer.ts";
import { silentProgress } from "../../src/analysis/progress.ts";
import { FolderStore } from "../../src/analysis/run/folder-store.ts";
import { JournaledObjective } from "../../src/analysis/run/journaled-objective.ts";
import { RunFolder } from "../../src/analysis/run/run-folder.ts";
import { saddleFindings } from "../support/findings.ts";
import { ToyObjective, type ToyOptions } from "../support/toy-objective.ts";

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "analysis-"));
});
afterEach(() => rm(parent, { recursive: true }));

const curvatures = [20, 10, 5, 2, 1, 1, 0.5, 0.1, -0.5, -2];
const small: AnalysisOptions = {
  ...defaultAnalysis,
  top: 2,
  bottom: 2,
  probes: 8,
  grid: 5,
  profilePoints: 9,
  randomProfiles: 2,
  scalePoints: 3,
  movingProducts: 10,
  densityProbes: 2,
  densitySteps: 6,
  slicePlanes: 200,
};

async function run(
  name: string,
  toy: Partial<ToyOptions> = {},
): Promise<{ report: AnalysisReport; calls: number }> {
  const options = { curvatures, quartic: 0.5, ...toy };
  const train = new ToyObjective(options);
  const test = new ToyObjective({ ...options, offset: 2 });
  const { model, data, provenance } = saddleFindings();
  const identity = { command: "report", inputs: {}, options: { ...small }, versions: {} };
  using folder = await RunFolder.open(join(parent, name), identity);
  const store = new FolderStore(folder);
  const progress = new PhaseTimer(silentProgress);
  const parts = [0.8, 1.2].map((factor, index) => {
    const part = new ToyObjective({ ...options, curvatures: curvatures.map((c) => factor * c) });
    return { part, journaled: new JournaledObjective(part, "train", store, progress, { index, of: 2 }) };
  });
  const calls = () => [train, test, ...parts.map((p) => p.part)].reduce((sum, toy) => sum + total(toy), 0);
  const subject = {
    train: new JournaledObjective(train, "train", store, progress),
    test: new JournaledObjective(test, "test", store, progress),
    probe: train,
    subsets: parts.map((p) => p.journaled),
    ...{ model, data, provenance },
  };
  const session = {
    store,
    progress,
    signal: new AbortController().signal,
    resumed: folder.resumed,
  };
  try {
    const report = await analyse(subject, small, session);
    await folder.write("report.json", JSON.stringify(report));
    return { report, calls: calls() };
  } catch (error) {
    throw Object.assign(error as Error, { calls: calls() });
  }
}

const total = (toy: ToyObjective): number => Object.values(toy.calls).reduce((sum, n) => sum + n, 0);

/** All that may not differ between equal runs. */
function numbers({ cost: _, ...report }: AnalysisReport): string {
  return JSON.stringify(report);
}

describe("the whole analysis of a loss that is known exactly", () => {
  it("finds its curvatures, trace, and the way down", async () => {
    const { report } = await run("a");
    const values = report.eigenpairs?.pairs.map((p) => p.value) ?? [];
    for (const [i, exact] of [20, 10, -2, -0.5].entries()) expect(values[i]).toBeCloseTo(exact, 9);
    const trace = report.trace;
    expect(Math.abs((trace?.value ?? 0) - 37.1)).toBeLessThan(4 * (trace?.standardError ?? 0) + 1e-9);
    // Moving branches give 1.5 times the curvature in the toy.
    expect(report.eigenpairs?.moving?.top).toBeCloseTo(30, 6);
    expect(report.eigenpairs?.moving?.cosTop).toBeCloseTo(1, 6);
    // Along v₋: 1 − t² + t⁴/2 has its minimum, ½, at t = ±1.
    const bottom = report.profiles.find((p) => p.direction === "bottom");
    expect(bottom?.minimum.loss).toBeLessThan(0.6);
    expect(report.verdict.find((s) => s.id === "saddle")).toMatchObject({ answer: "yes" });
    expect(report.verdict.find((s) => s.id === "gain")).toMatchObject({ answer: "yes" });
    expect(report.where.reduce((sum, t) => sum + (t.trace ?? 0), 0)).toBeCloseTo(trace?.value ?? 0, 9);
    const { density, randomSlices } = report;
    expect(Math.abs((density?.mass ?? 0) - 1)).toBeLessThan(1e-9);
    expect(Math.abs((density?.first.value ?? 0) - 3.71)).toBeLessThan(
      4 * (density?.first.standardError ?? 0),
    );
    expect(randomSlices).toMatchObject({ planes: 200 });
    expect(randomSlices?.kappaPlus.value).toBeGreaterThan(randomSlices?.kappaMinus.value ?? 0);
    expect(report.where.reduce((sum, t) => sum + (t.energyTop ?? 0), 0)).toBeCloseTo(1, 9);
    expect(report.planes.map((p) => p.kind)).toEqual(["hessian", "random", "filter"]);
    for (const plane of report.planes) {
      expect(plane.train.loss[2]?.[2]).toBe(1);
      expect(plane.test?.loss[2]?.[2]).toBe(2);
    }
  });

  it("finds the ends of subsets of the data, and the curvature along those of all data", async () => {
    const { subsets } = (await run("a")).report;
    const values = subsets?.subsets ?? [];
    // Differences of the toy loss are exact; its curvatures are 0.8 and 1.2 times those of all data.
    for (const [k, factor] of [0.8, 1.2].entries()) {
      const { top, bottom, alongTop, alongBottom, cosTop, cosBottom, ...rest } = values[k] ?? {};
      for (const value of [top, alongTop]) expect(value).toBeCloseTo(20 * factor, 4);
      for (const value of [bottom, alongBottom]) expect(value).toBeCloseTo(-2 * factor, 4);
      for (const cosine of [cosTop, cosBottom]) expect(cosine).toBeCloseTo(1, 4);
      expect(rest).toMatchObject({ samples: 16, topConverged: true, bottomConverged: true });
    }
    expect(subsets?.between.top).toBeCloseTo(1, 4);
    expect(subsets?.products).toBeGreaterThan(4);
  });

  it("says what each phase cost, in pieces", async () => {
    const { report, calls } = await run("a");
    const { phases } = report.cost;
    expect(phases.map((p) => p.name)).toEqual([
      "checkpoint",
      "eigenpairs",
      "kinks",
      "subsets",
      "trace",
      "density",
      "directions",
      "ranges",
      "planes",
      "profiles",
      "check",
      "scales",
    ]);
    // 3 planes of 5×5, train and test, and around the lowest cell of each 7×7, of which 9 are cells, with one test loss; θ₀ is
    // known, and so are points that the ranges were found by.
    expect(phases.find((p) => p.name === "planes")?.units).toBeLessThanOrEqual(3 * (2 * 24 + 40 + 1));
    expect(phases.find((p) => p.name === "planes")?.units).toBeGreaterThan(2 * 3 * 16);
    // The determinism probe (2 gradients) is not a piece of the run.
    expect(phases.reduce((sum, p) => sum + p.units, 0)).toBe(calls - 2);
  });

  it("is plain JSON: read back, nothing is lost", async () => {
    const { report } = await run("a");
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it("gives the same numbers in another folder", async () => {
    const [first, second] = [await run("a"), await run("b")];
    expect(numbers(second.report)).toBe(numbers(first.report));
  });
});

describe("a run that was killed", () => {
  it.each([0.02, 0.1, 0.2, 0.3, 0.5, 0.7, 0.95])(
    "after %d of its work finishes with the same numbers and less work",
    async (part) => {
      const whole = await run("whole");
      let left = Math.floor(part * whole.calls);
      const before = () => {
        if (left-- <= 0) throw new Error("killed");
      };
      await expect(run("killed", { before })).rejects.toThrow("killed");
      const again = await run("killed");
      expect(numbers(again.report)).toBe(numbers(whole.report));
      expect(again.calls).toBeLessThan(whole.calls);
      expect(again.report.cost.resumed).toBe(true);
    },
  );

  it("says what it cost to finish, not what was there", async () => {
    const whole = await run("whole");
    let left = Math.floor(0.5 * whole.calls);
    const before = () => {
      if (left-- <= 0) throw new Error("killed");
    };
    await expect(run("killed", { before })).rejects.toThrow("killed");
    const { report, calls } = await run("killed");
    const units = new Map(report.cost.phases.map((p) => [p.name, p.units]));
    expect([...units.values()].reduce((sum, n) => sum + n, 0)).toBe(calls);
    expect([units.get("checkpoint"), units.get("eigenpairs")]).toEqual([0, 0]);
    expect(units.get("scales")).toBe(whole.report.cost.phases.find((p) => p.name === "scales")?.units);
  });

  it("that had finished computes nothing again", async () => {
    await run("a");
    const again = await run("a");
    expect(again.calls).toBe(0);
  });

  it("leaves no vectors of pieces behind, only those of steps", async () => {
    await run("a");
    const journal = (await readFile(join(parent, "a", "journal.ndjson"), "utf8")).trimEnd().split("\n");
    const kept = journal.map((l) => JSON.parse(l)).filter((e) => e.unit.what === "step" && e.vectors);
    expect((await readdir(join(parent, "a", "vectors"))).length).toBe(kept.length);
  });
});
