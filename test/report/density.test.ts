import { expect, test } from "vitest";
import type { AnalysisReport } from "../../src/analysis/analysis-report.ts";
import { densityFigure } from "../../src/report/figures/density.ts";
import { sampleReport } from "./sample.ts";

const n = sampleReport().model.parameters;

function reportOf(nodes: readonly number[], ...weights: readonly (readonly number[])[]): AnalysisReport {
  const report = sampleReport();
  return {
    ...report,
    density: { ...report.density!, quadratures: weights.map((w) => ({ nodes, weights: w })) },
  };
}

function rows(report: AnalysisReport, name: string): readonly (readonly number[])[] {
  const found = densityFigure(report)!.panels.find((p) => name in p.datasets)!.datasets[name];
  return found as readonly (readonly number[])[];
}

// Landscaper draws a histogram of the nodes, each as high as the others: here a third of all for λ = 300.
test("a node is drawn as high as the eigenvalues that it stands for", () => {
  const nodes = [-4, 0, 300];
  const report = reportOf(nodes, [0.01, 0.98, 0.01], [0.03, 0.96, 0.01]);
  const stems = rows(report, "density/nodes").map(([value, , count]) => [value, count] as const);
  // Each quadrature has half a say; equal nodes of two are two stems.
  for (const [value, share] of [
    [-4, 0.02],
    [0, 0.97],
    [300, 0.01],
  ] as const) {
    const count = stems.filter(([at]) => at === value).reduce((sum, [, c]) => sum + c!, 0);
    expect(count / n).toBeCloseTo(share, 12);
  }
  // The smoothed curve at a node that stands apart, and the count beside it, from the outside in.
  const curve = rows(report, "density/curve");
  const near = (value: number) =>
    curve.toSorted(([a], [b]) => Math.abs(a! - value) - Math.abs(b! - value))[0]![1]!;
  // The nearest point of the curve lies at most a sixth of a smoothing width off: 1 − exp(−1/72).
  for (const [value, share] of [
    [-4, 0.02],
    [300, 0.01],
  ] as const) {
    expect(Math.abs(near(value) / (share * n) - 1)).toBeLessThan(0.02);
  }
  expect(rows(report, "density-count/upper").at(-1)![1]! / n).toBeCloseTo(0.01, 12);
  expect(rows(report, "density-count/lower").at(-1)![1]! / n).toBeCloseTo(0.02, 12);
});

test("other weights on the same nodes are another picture", () => {
  const nodes = [-4, 0, 300];
  const [a, b] = [reportOf(nodes, [0.01, 0.98, 0.01]), reportOf(nodes, [0.2, 0.6, 0.2])];
  for (const name of ["density/nodes", "density/curve", "density-count/upper"])
    expect(rows(a, name)).not.toEqual(rows(b, name));
});
