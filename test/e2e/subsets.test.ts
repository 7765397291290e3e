import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AnalysisReport, SubsetInfo } from "../../src/analysis/analysis-report.ts";
import { symmetricEigen } from "../../src/numerics/dense-symmetric.ts";
import { cosine, dot } from "../../src/numerics/vector.ts";
import { run, runJson } from "../support/cli.ts";
import { type TanhNet, writeTanhNet } from "../support/tanh-net.ts";

let folder: string;
let net: TanhNet;
let args: readonly string[];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "subsets-"));
  net = writeTanhNet(folder, 50);
  args = ["eigs", net.model, "--data", net.data, "--workers", "1"];
});
afterAll(() => rmSync(folder, { recursive: true }));

type Ends = Record<"top" | "bottom", { value: number; vector: Float64Array }>;

function ends(hessian: readonly Float64Array[]): Ends {
  const { values, vectors } = symmetricEigen(hessian);
  const at = (i: number) => ({ value: values[i] as number, vector: vectors[i] as Float64Array });
  return { top: at(values.length - 1), bottom: at(0) };
}

const times = (hessian: readonly Float64Array[], v: Float64Array) =>
  Float64Array.from(hessian, (row) => dot(row, v));

describe("report", () => {
  const small = ["--top", "1", "--bottom", "1", "--probes", "4", "--density-probes", "0", "--grid", "3"];
  const reportOf = (name: string, ...more: string[]) =>
    runJson([
      ...["report", net.model, "--data", net.data, "--workers", "1", "--device", "cpu"],
      ...[...small, "--points", "3", "--out", join(folder, name), ...more],
    ]);

  it("has four subsets where there are samples enough, in verdict and page", async () => {
    const report = (await reportOf("four")) as unknown as AnalysisReport & { report: string };
    expect(report.subsets?.subsets.map((s) => s.samples)).toEqual([12, 13, 12, 13]);
    expect(report.verdict.find((s) => s.id === "curvature")?.text).toMatch(/λ₊ is .* … .* over 4 subsets/);
    expect(report.health.find((h) => h.id === "subsets")).toMatchObject({ status: "ok" });
    const page = readFileSync(report.report, "utf8");
    expect(page).toContain("λ₊ on subsets");
    expect(page).not.toContain("Spread of the eigenvalues over subsets of the data.");
  });

  it("has none for few samples, or where none are wanted, and says so", async () => {
    for (const [name, ...more] of [
      ["few", "--samples", "15"],
      ["none", "--subsets", "0"],
    ] as const) {
      const report = (await reportOf(name, ...more)) as unknown as AnalysisReport & { report: string };
      expect(report.subsets).toBeNull();
      expect(readFileSync(report.report, "utf8")).toContain(
        "Spread of the eigenvalues over subsets of the data.",
      );
    }
  });
});

describe("eigs --subsets", () => {
  it.each(["fd", "exact"])("agrees with dense float64 Hessians of the subsets, --hvp %s", async (hvp) => {
    const { subsets: info } = (await runJson([...args, "--subsets", "3", "--hvp", hvp])) as unknown as {
      subsets: SubsetInfo;
    };
    const borders = [0, 16, 33, 50];
    const all = ends(net.exact(0, 50).hessian);
    expect(info.subsets.map((s) => s.samples)).toEqual([16, 17, 17]);
    const exact = info.subsets.map((_, k) => {
      const { hessian } = net.exact(borders[k] as number, borders[k + 1] as number);
      return { hessian, ends: ends(hessian) };
    });
    for (const [k, found] of info.subsets.entries()) {
      const { hessian, ends: want } = exact[k] as (typeof exact)[number];
      for (const end of ["top", "bottom"] as const) {
        const [value, residual] =
          end === "top" ? [found.top, found.topResidual] : [found.bottom, found.bottomResidual];
        // The residual is a bound: an eigenvalue lies within it; here it is the outermost.
        expect(Math.abs((value ?? NaN) - want[end].value)).toBeLessThan(residual ?? NaN);
        const [cos, along, error] =
          end === "top"
            ? [found.cosTop, found.alongTop, found.alongTopError]
            : [found.cosBottom, found.alongBottom, found.alongBottomError];
        // Vectors are as good as residual / gap.
        expect(cos).toBeCloseTo(Math.abs(cosine(all[end].vector, want[end].vector)), 2);
        const curvature = dot(all[end].vector, times(hessian, all[end].vector));
        expect(Math.abs((along ?? NaN) - curvature)).toBeLessThan(
          (error ?? NaN) + 1e-3 * Math.abs(all.top.value),
        );
      }
      expect(found).toMatchObject({ topConverged: true, bottomConverged: true });
    }
    for (const end of ["top", "bottom"] as const) {
      const [a, b, c] = exact.map((e) => e.ends[end].vector) as [Float64Array, Float64Array, Float64Array];
      const mean = [cosine(a, b), cosine(a, c), cosine(b, c)].reduce((sum, x) => sum + Math.abs(x) / 3, 0);
      expect(info.between[end]).toBeCloseTo(mean, 2);
      // The largest eigenvalue is a convex function of the matrix, the smallest a concave one.
      const average = exact.reduce(
        (sum, e, k) => sum + (e.ends[end].value * (borders[k + 1]! - borders[k]!)) / 50,
        0,
      );
      expect(end === "top" ? average >= all.top.value : average <= all.bottom.value).toBe(true);
    }
  });

  it("along the vectors of all data, weighted by samples, has their eigenvalues", async () => {
    const out = await runJson([...args, "--subsets", "3", "--hvp", "exact", "--tol", "1e-6"]);
    const info = out["subsets"] as SubsetInfo;
    const [top, bottom] = out["eigenvalues"] as { value: number }[];
    const mean = (of: "alongTop" | "alongBottom") =>
      info.subsets.reduce((sum, s) => sum + (s.samples / 50) * (s[of] ?? NaN), 0);
    // Float32 of batches of other sizes.
    expect(Math.abs(mean("alongTop") - (top?.value ?? NaN))).toBeLessThan(1e-6 * (top?.value ?? NaN));
    expect(Math.abs(mean("alongBottom") - (bottom?.value ?? NaN))).toBeLessThan(1e-6 * (top?.value ?? NaN));
  });

  it("goes on where it was killed, between subsets", async () => {
    const out = join(folder, "run");
    const command = [...args, "--subsets", "3", "--out", out];
    const whole = await runJson(command);
    const journal = join(out, "journal.ndjson");
    const lines = readFileSync(journal, "utf8").trimEnd().split("\n");
    const steps = lines.filter((line) => JSON.parse(line).unit.name === "subset");
    expect(steps).toHaveLength(3);
    // As if the process had ended after the first subset.
    const kept = lines.slice(0, lines.indexOf(steps[0] as string) + 1);
    writeFileSync(journal, `${kept.join("\n")}\n`);
    expect(await runJson(command)).toEqual(whole);
    const again = readFileSync(journal, "utf8").trimEnd().split("\n");
    expect(again.slice(0, kept.length)).toEqual(kept);
    const ids = (all: readonly string[]) => all.map((line) => JSON.parse(line).id as string).sort();
    expect(ids(again)).toEqual(ids(lines));
  });

  it("asks only for the ends that are asked for", async () => {
    const ggn = ["--operator", "ggn", "--top", "1", "--bottom", "0", "--subsets", "2"];
    const { subsets } = (await runJson([...args, ...ggn])) as unknown as { subsets: SubsetInfo };
    expect(subsets.subsets.every((s) => s.top !== null && s.top > 0 && s.bottom === null)).toBe(true);
    expect(subsets.between.bottom).toBeNull();
  });

  it("shows both ends of each", async () => {
    const { out } = await run([...args, "--subsets", "2"]);
    expect(out).toMatch(/top, on 2 subsets; \|cos\| between their vectors [\d.]+\n *samples +eigenvalue/);
    expect(out).toMatch(/bottom, on 2 subsets/);
  });

  it("refuses more subsets than samples, and a single one", async () => {
    for (const count of ["51", "1"]) {
      const { status, err } = await run([...args, "--subsets", count]);
      expect(status).toBe(2);
      expect(err).toMatch(/invalid --subsets: \d+; expected from 2 to 50 of the 50 samples/);
    }
    expect((await run([...args, "--subsets", "few"])).status).toBe(2);
  });
});
