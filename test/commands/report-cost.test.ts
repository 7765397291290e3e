import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { CostInfo } from "../../src/analysis/analysis-report.ts";
import type { Unit } from "../../src/analysis/run/unit.ts";
import { runJson } from "../support/cli.ts";
import { bundled } from "../support/fixtures.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "report-cost-"));
});
afterAll(() => rm(folder, { recursive: true }));

it("counts in each phase what the journal holds of it", { timeout: 120_000 }, async () => {
  const small = ["--top", "1", "--bottom", "1", "--tol", "1e-1", "--max-products", "12"];
  const few = ["--probes", "3", "--grid", "3", "--points", "3", "--samples", "10"];
  const data = ["--data", bundled("fcnn-train.npz"), "--device", "cpu", "--workers", "1"];
  const report = await runJson(["report", bundled("fcnn2.onnx"), ...data, ...small, ...few, "--out", folder]);
  const { phases } = report["cost"] as CostInfo;
  const lines = (await readFile(join(folder, "journal.ndjson"), "utf8")).trimEnd().split("\n");
  const units = lines.map((line) => (JSON.parse(line) as { unit: Unit }).unit);
  // A probe is kept as its numbers, everything else that is computed as itself; steps are made of these.
  const computed = units.filter((u) => u.what !== "step" || u.name === "probe");
  expect(phases.reduce((sum, p) => sum + p.units, 0)).toBe(computed.length);
  for (const { name, units } of phases) expect(`${name}: ${units > 0}`).toBe(`${name}: true`);
  const probes = units.filter((u) => u.name === "probe").length;
  // One product more, which chooses the step.
  expect(phases.find((p) => p.name === "trace")?.units).toBe(probes + 1);
});
