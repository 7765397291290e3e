import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundled } from "../support/fixtures.ts";
import { linesOf, numbers, program, start, until } from "../support/process.ts";

// A trained ResNet-20 with few images and small grids; what a report does is the same as with many.
const few = ["--samples", "4", "--test-samples", "2", "--normalize", "0.2860,0.3530"];
const small = ["--top", "1", "--bottom", "1", "--tol", "0.3", "--max-products", "6"];
const smaller = ["--probes", "2", "--grid", "3", "--points", "3", "--device", "cpu"];
const data = ["--data", bundled("fashion-train.npz"), "--test-data", bundled("fashion-test.npz")];
const report = ["report", bundled("resnet20.onnx"), ...data, ...few, ...small, ...smaller];
/** A whole report; the machine may be busy with other tests. */
const long = 600_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "resume-"));
});
afterAll(() => rm(folder, { recursive: true }));

const journalOf = (out: string): string[] => {
  const path = join(out, "journal.ndjson");
  return existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
};
const kindsOf = (out: string): string[] => {
  const units = journalOf(out).map((line) => JSON.parse(line).unit as { what: string; name?: string });
  return units.map(({ what, name }) => name ?? what);
};
const unitsOf = (out: string): number => {
  const { cost } = JSON.parse(readFileSync(join(out, "report.json"), "utf8"));
  return (cost.phases as { units: number }[]).reduce((sum, phase) => sum + phase.units, 0);
};

describe.skipIf(!existsSync(program))("a report of resnet20", () => {
  it(
    "killed among the eigenpairs, the losses, and the writing of the page: the same numbers, nothing done twice",
    async () => {
      const whole = join(folder, "whole");
      expect(await start([...report, "--out", whole, "--workers", "1"]).ended).toMatchObject({ status: 0 });

      const out = join(folder, "killed");
      const killAt = async (workers: string, there: () => boolean): Promise<number> => {
        const before = linesOf(out);
        const { child, ended } = start([...report, "--out", out, "--workers", workers]);
        await until(there);
        child.kill("SIGKILL");
        expect((await ended).signal).toBe("SIGKILL");
        expect(linesOf(out)).toBeGreaterThan(before);
        return linesOf(out);
      };
      const eigenpairs = await killAt("1", () => kindsOf(out).filter((kind) => kind === "hvp").length >= 5);
      expect(kindsOf(out)).not.toContain("eigenpairs");
      // Losses for the ranges and then the planes.
      const evaluations = () => kindsOf(out).filter((kind) => kind === "evaluate").length;
      const planes = await killAt("2", () => kindsOf(out).includes("directions") && evaluations() >= 40);
      expect(kindsOf(out)).not.toContain("check");
      const page = await killAt("1", () => existsSync(join(out, "report.json")));
      expect(existsSync(join(out, "report.html"))).toBe(false);
      expect([eigenpairs, planes, page].every((n) => n < linesOf(whole) || n === page)).toBe(true);
      // The last one to compute had less to do than the one that did all: those losses at least.
      expect(unitsOf(out)).toBeLessThanOrEqual(unitsOf(whole) - 40);

      const last = await start([...report, "--out", out]).ended;
      expect(last.status).toBe(0);
      expect(last.err).toContain("only its page is made anew");
      expect(existsSync(join(out, "report.html"))).toBe(true);
      expect(numbers(out)).toEqual(numbers(whole));
      const ids = (path: string) => journalOf(path).map((line) => JSON.parse(line).id as string);
      expect(ids(out).sort()).toEqual(ids(whole).sort());
    },
    long,
  );
});
