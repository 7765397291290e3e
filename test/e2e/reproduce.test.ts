import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NetworkRow, ReproductionReport } from "../../src/analysis/reproduction-report.ts";
import { run, runJson } from "../support/cli.ts";
import { describeWithFixtures, requireFixture } from "../support/fixtures.ts";
import { reference } from "./paper.ts";

/** Small enough for a test; the numbers that do not depend on sizes are looked at. */
const small = ["--slices", "60", "--lines", "6", "--points", "5", "--probes", "8", "--grid", "9"];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "reproduce-"));
});
afterAll(() => rm(folder, { recursive: true }));

const reproduce = async (args: readonly string[], out: string) =>
  (await runJson([
    "reproduce",
    ...small,
    ...args,
    "--out",
    join(folder, out),
  ])) as unknown as ReproductionReport & {
    report: string;
  };

describe("reproduce --quick", () => {
  it("toys, estimators and the bundled approximator; page and JSON in the folder; a second run computes nothing", async () => {
    const found = await reproduce(["--quick"], "quick");
    expect(found.toys.map((t) => t.name)).toEqual([
      "T1",
      ...[510, 520, 550, 570, 800].map((tilde) => `T2, ñ = ${tilde}`),
    ]);
    for (const toy of found.toys) {
      expect(toy.eigenpairs.map((p) => p.value)).toEqual([expect.closeTo(1, 5), expect.closeTo(-1, 5)]);
      // ‖H‖_F·√(π/2) apart from tr H on average; four standard errors of 60 planes.
      expect(Math.abs(toy.kappaPlus.value - toy.expected.plus)).toBeLessThan(4 * toy.kappaPlus.standardError);
      expect(Math.abs(toy.kappaMinus.value - toy.expected.minus)).toBeLessThan(
        4 * toy.kappaMinus.standardError,
      );
      expect(Math.abs(toy.saddleShare - toy.limit)).toBeLessThan(4 * Math.sqrt(0.25 / 60));
    }
    const [toy, fcnn] = found.traces;
    expect(toy).toMatchObject({ name: "T2, ñ = 550", exact: 100 });
    // Along a line of a toy the parabola is exact, but for float32.
    for (const d of toy!.directions) expect(Math.abs(d.curvature - d.hutchinson)).toBeLessThan(0.01);
    expect(fcnn?.directions).toHaveLength(6);
    expect(found.table.map((r) => r.name)).toEqual(["fcnn2"]);
    expect(found.findings.length).toBe(2 + 2 + 1);

    const saved = JSON.parse(await readFile(join(folder, "quick", "reproduce.json"), "utf8"));
    expect(saved.table).toEqual(found.table);
    const page = await readFile(found.report, "utf8");
    expect(page).toContain("Table 2");
    expect(page.length).toBeLessThan(1.5e6);

    const again = await reproduce(["--quick"], "quick");
    expect({ toys: again.toys, traces: again.traces, table: again.table }).toEqual({
      toys: found.toys,
      traces: found.traces,
      table: found.table,
    });
    expect(again.cost.phases.reduce((sum, phase) => sum + phase.units, 0)).toBe(0);
  });

  it("refuses a folder without the paper's networks, and one that is not there", async () => {
    const empty = await run(["reproduce", "--fixtures", folder, "--out", join(folder, "none")]);
    expect(empty.status).toBe(2);
    expect(empty.err).toContain("no checkpoints of the paper");
    const missing = await run([
      "reproduce",
      "--cifar",
      join(folder, "nowhere"),
      "--out",
      join(folder, "none"),
    ]);
    expect(missing.status).toBe(2);
    expect(missing.err).toContain("no such folder");
  });
});

describeWithFixtures("reproduce on the reference checkpoints", () => {
  it("the table against the float64 references", async () => {
    const out = ["--quick", "--fixtures", requireFixture("paper")];
    const { table } = await reproduce(out, "fixtures");
    expect(table.map((r) => r.name)).toEqual(["fcnn2", "fcnn10"]);
    for (const row of table) check(row);
  });
});

function check(row: NetworkRow): void {
  const of = (...path: string[]) => reference(row.name, ...path) as number;
  expect(row.parameters).toBe(row.name === "fcnn2" ? 20_501 : 101_301);
  const [top, bottom] = [reference(row.name, "top"), reference(row.name, "bottom")] as { values: number[] }[];
  // |λ − exact| ≤ residual, once converged; the reference is exact to far below.
  expect(Math.abs(row.top.value - top!.values[0]!)).toBeLessThan(row.top.residual + 1e-3);
  expect(Math.abs(row.bottom.value - bottom!.values[0]!)).toBeLessThan(row.bottom.residual + 1e-4);
  const exact = of("exact", "trace");
  expect(Math.abs(row.trace.value - exact)).toBeLessThan(4 * row.trace.standardError);
  // What float32 reaches on these sums of nearly cancelling squares.
  expect(row.checkpoint.train.loss / of("loss")).toBeCloseTo(1, 4);
  expect(row.hessian.train.loss).toBeLessThanOrEqual(row.checkpoint.train.loss);
  expect(row.random.train.loss).toBeLessThanOrEqual(row.checkpoint.train.loss);
}
