import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { trajectoryHealth } from "../../../src/analysis/trajectory/findings.ts";
import { spread } from "../../../src/analysis/trajectory/options.ts";
import type { TrajectoryReport } from "../../../src/analysis/trajectory/report.ts";
import { trajectoryJsonSchema, trajectoryReportSchema } from "../../../src/analysis/trajectory/schema.ts";
import { follow } from "../../../src/report/evidence.ts";
import { toyLoss, toyPath, toyTrajectory } from "../../support/toy-trajectory.ts";

const lengthOf = (d: readonly number[]) => Math.hypot(...d);

describe("the trajectory of a loss that is known exactly", () => {
  it("has each checkpoint's own losses, curvatures and place", async () => {
    const { checkpoints, plane } = await toyTrajectory();
    for (const [k, d] of toyPath.displacements.entries()) {
      const p = checkpoints[k]!;
      expect(p.checkpoint.train.loss).toBeCloseTo(toyLoss(toyPath, d), 12);
      expect(p.checkpoint.test!.loss).toBeCloseTo(toyLoss(toyPath, d) + 0.5, 12);
      expect(p.checkpoint.gradientNorm).toBeCloseTo(
        lengthOf(d.map((x, i) => x * toyPath.curvatures[i]!)),
        10,
      );
      expect(p.eigenpairs.map((e) => e.value)).toEqual([expect.closeTo(20, 8), expect.closeTo(-0.2, 8)]);
      expect([p.cosTop, p.cosBottom]).toEqual([expect.closeTo(1, 8), expect.closeTo(1, 8)]);
      // The diagonal is found exactly by Rademacher probes.
      expect(p.trace!.value).toBeCloseTo(
        toyPath.curvatures.reduce((a, b) => a + b, 0),
        8,
      );
      // θ is float32.
      expect(p.distance).toBeCloseTo(lengthOf(d), 5);
      expect(Math.hypot(p.x, p.y, p.offPlane)).toBeCloseTo(p.distance, 10);
      expect(p.inLastGraph).toBeCloseTo(p.checkpoint.train.loss, 4);
    }
    expect(checkpoints.at(-1)).toMatchObject({ x: 0, y: 0, distance: 0, offPlane: 0 });
    expect(plane.explained[0]).toBeGreaterThan(plane.explained[1]);
    expect(plane.explained[0]).toBeCloseTo(plane.shares[0]!, 10);
    // The surface holds the whole path.
    for (const p of checkpoints) {
      expect(p.x >= plane.x[0]! && p.x <= plane.x.at(-1)!).toBe(true);
      expect(p.y >= plane.y[0]! && p.y <= plane.y.at(-1)!).toBe(true);
    }
  });

  it("says under each checkpoint what the surface has there, not the checkpoint's own loss", async () => {
    const { checkpoints, findings } = await toyTrajectory(toyPath, { plane: "hessian" });
    const [first] = checkpoints;
    // Axes are those of parameters 0 and 9.
    const on = toyPath.displacements[0]!.map((x, i) => (i === 0 || i === 9 ? x : 0));
    expect(Math.abs(first!.x)).toBeCloseTo(0.1, 6);
    expect(Math.abs(first!.y)).toBeCloseTo(0.5, 6);
    expect(first!.onPlane.train.loss).toBeCloseTo(toyLoss(toyPath, on), 5);
    expect(first!.onPlane.test!.loss).toBeCloseTo(toyLoss(toyPath, on) + 0.5, 5);
    expect(findings.find((f) => f.id === "surface")!.text).toContain("under epoch-0 it has 0.375");
  });

  it("says what would help pairs that did not converge: what ended the search decides", async () => {
    const { checkpoints, plane } = await toyTrajectory();
    const remedy = (stopped: "noise" | "limit") => {
      const open = checkpoints.map((p) => ({
        ...p,
        stopped,
        eigenpairs: p.eigenpairs.map((pair) => ({ ...pair, converged: false })),
      }));
      return trajectoryHealth({ checkpoints: open, plane, otherDifferences: [] }).find(
        (c) => c.id === "eigenpairs",
      )?.text;
    };
    expect(checkpoints[0]!.stopped).toMatch(/converged|complete/);
    expect(remedy("limit")).toMatch(/^not converged at 4 of 4 checkpoints .*; raise --max-products$/);
    expect(remedy("noise")).toMatch(/float32 products are not exact enough|try --hvp exact/);
  });

  it("shows every checkpoint from its own point: fixed directions on one window, its own where it follows", async () => {
    const fixed = (await toyTrajectory()).animation!;
    expect(fixed.directions).toBe("fixed");
    expect(fixed.frames.map((f) => f.checkpoint)).toEqual([0, 1, 2, 3]);
    for (const { checkpoint, x, y, train } of fixed.frames) {
      expect([x, y]).toEqual([fixed.frames[0]!.x, fixed.frames[0]!.y]);
      expect(train.loss[2]![2]).toBeCloseTo(toyLoss(toyPath, toyPath.displacements[checkpoint]!), 12);
    }
    const own = (await toyTrajectory(toyPath, { follow: true })).animation!;
    expect(own.directions).toBe("follow");
    const widths = own.frames.map((f) => f.x.at(-1)! - f.x[0]!);
    expect(new Set(widths).size).toBe(4);
  });

  it("leaves out what is not asked for", async () => {
    const { animation } = await toyTrajectory(toyPath, { frames: 0 });
    expect(animation).toBeNull();
    const some = await toyTrajectory(toyPath, { frames: 2 });
    expect(some.animation!.frames.map((f) => f.checkpoint)).toEqual([0, 3]);
  });

  it("counts the cost of all checkpoints by phase", async () => {
    const { phases } = (await toyTrajectory()).cost;
    expect(phases.map((p) => p.name)).toEqual([
      ...["checkpoint", "eigenpairs", "trace", "range", "path", "surface", "under path", "frame"],
    ]);
  });

  it("tells whether one graph stands for all", async () => {
    const graphCheck = (r: TrajectoryReport) => r.health.find((h) => h.id === "graph")!;
    expect(graphCheck(await toyTrajectory()).status).toBe("ok");
    const named = await toyTrajectory({ ...toyPath, otherDifferences: ["bn1.running_mean"] });
    expect(graphCheck(named).text).toContain(
      '1 tensor beside the parameters (such as "bn1.running_mean") differs',
    );
  });

  it("takes for in the plane what rounding alone puts beside it", async () => {
    const [first, second] = toyPath.displacements;
    const three = { ...toyPath, displacements: [first!, second!, Array(10).fill(0)] };
    const { findings } = await toyTrajectory({ ...three, steps: [0, 1, 2] }, { frames: 0 });
    expect(findings.find((f) => f.id === "plane")!.text).toContain("every checkpoint lies in it");
  });

  it("rests every sentence on numbers that are there", async () => {
    const report = await toyTrajectory();
    expect(report.findings.map((f) => f.id)).toEqual(["loss", "plane", "surface", "top", "bottom", "trace"]);
    for (const path of report.findings.flatMap((f) => f.evidence))
      expect(follow(report, path), path).not.toBeUndefined();
  });
});

describe("the trajectory's schema", () => {
  it("takes reports, whole", async () => {
    for (const options of [{}, { follow: true }, { frames: 0 }]) {
      const report = JSON.parse(JSON.stringify(await toyTrajectory(toyPath, options)));
      expect(trajectoryReportSchema.parse(report)).toEqual(report);
    }
  });

  it("refuses what is none", async () => {
    const report = await toyTrajectory();
    const wrong: unknown[] = [
      {},
      { ...report, schema: "onnx-landscape/trajectory/2" },
      { ...report, checkpoints: [{ ...report.checkpoints[0], x: Number.NaN }] },
      { ...report, plane: { ...report.plane, kind: "random" } },
    ];
    for (const value of wrong) expect(trajectoryReportSchema.safeParse(value).success).toBe(false);
  });

  it("is published as it is (npm run schema)", () => {
    const file = new URL("../../../src/analysis/trajectory.schema.json", import.meta.url);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(trajectoryJsonSchema());
  });
});

it("frames are spread over the run, first and last among them", () => {
  expect(spread(3, 24)).toEqual([0, 1, 2]);
  expect(spread(100, 4)).toEqual([0, 33, 66, 99]);
  expect(spread(9, 1)).toEqual([8]);
  expect(spread(9, 0)).toEqual([]);
});
