import { expect, test } from "vitest";
import type { ReproductionReport } from "../../src/analysis/reproduction/report.ts";
import { renderReproduction } from "../../src/report/index.ts";
import { reproductionSections } from "../../src/report/reproduction/page.ts";
import { sampleReproduction } from "./reproduction-sample.ts";
import { buildRuntime } from "./runtime.ts";
import { hostile } from "./variants.ts";
import { visible } from "./visible.ts";

async function render(report: ReproductionReport, runtime = ""): Promise<{ page: string; said: string[] }> {
  const said: string[] = [];
  return { page: await renderReproduction(report, { runtime, warn: (message) => said.push(message) }), said };
}

test("draws without a warning, a hole or a number that is none; the same report makes the same bytes", async () => {
  const [first, second] = [await render(sampleReproduction()), await render(sampleReproduction())];
  expect(first.said).toEqual([]);
  expect(visible(first.page)).not.toMatch(/NaN|undefined|null|Infinity|\[object|not a number|∞/);
  expect(first.page === second.page).toBe(true);
});

test("without networks: what is missing is said, and no figure stands for it", async () => {
  const none = { networks: [], table: [], traces: [] };
  const { page, said } = await render(sampleReproduction({ ...none, findings: [] }));
  expect(said).toEqual([]);
  const text = visible(page);
  for (const word of [
    "No networks were looked at.",
    "No estimators were compared.",
    "No function approximators were looked at",
    "no resnet56.onnx in the folder",
    "tiny-mse (its data are missing)",
  ])
    expect(text).toContain(word);
});

test("figures of several networks have ids of their own", () => {
  const figures = reproductionSections(sampleReproduction()).flatMap((s) => s.figures);
  const ids = [...figures.map((f) => f.id), ...figures.flatMap((f) => f.panels.map((p) => p.id))];
  expect(new Set(ids).size).toBe(ids.length);
  expect(figures.map((f) => f.id)).toEqual([
    ...["toy-curvatures", "toy-saddles", "toy-convergence", "traces"],
    ...["network-0-planes", "network-1-planes", "network-1-accuracy"],
  ]);
});

test("names from files stay text, and a file of another architecture is told from the paper's", async () => {
  const report = sampleReproduction();
  const paper = report.paper.map((n) => ({ ...n, missing: null, parametersHere: 78 }));
  const { page } = await render({ ...report, paper, leftOut: [{ name: hostile, why: hostile }] });
  expect(page).not.toContain(hostile);
  expect(page.match(/<script/g)).toHaveLength(3);
  expect(visible(page)).toContain("another architecture");
});

test("a page of 1,000 planes for each toy and the runtime is at most 1.5 MB", async () => {
  const report = sampleReproduction();
  const planes = (seed: number) =>
    Array.from(
      { length: 1000 },
      (_, i) => [Math.sin(seed + i) * 60, Math.cos(i) * 30, Math.sin(2 * i) * 60] as const,
    );
  const toys = report.toys.map((t, k) => ({ ...t, planes: planes(k) }));
  const { page } = await render({ ...report, toys }, await buildRuntime());
  expect(page.length).toBeLessThan(1.5e6);
});
