import { describe, expect, test } from "vitest";
import type { TrajectoryReport } from "../../src/analysis/trajectory/report.ts";
import { renderTrajectory } from "../../src/report/index.ts";
import { compileSpec, figureSpec, renderSvg, withRows } from "../../src/report/render.ts";
import { trajectorySections } from "../../src/report/trajectory/page.ts";
import { toyTrajectory } from "../support/toy-trajectory.ts";
import { buildRuntime } from "./runtime.ts";
import { trajectoryVariants } from "./trajectory-variants.ts";
import { hostile } from "./variants.ts";
import { visible } from "./visible.ts";

async function render(report: TrajectoryReport, runtime = ""): Promise<{ page: string; said: string[] }> {
  const said: string[] = [];
  return { page: await renderTrajectory(report, { runtime, warn: (message) => said.push(message) }), said };
}

describe.each(Object.entries(trajectoryVariants))("%s", (_, make) => {
  test("draws without a warning, a hole or a number that is none", async () => {
    const { page, said } = await render(await make());
    expect(said).toEqual([]);
    expect(visible(page)).not.toMatch(/NaN|undefined|null|Infinity|\[object|not a number|∞/);
  });

  test("every figure compiles as one specification, rows included, and draws every frame", async () => {
    const said: string[] = [];
    const warn = (message: string) => said.push(message);
    for (const figure of trajectorySections(await make()).flatMap((s) => s.figures)) {
      const rows = Object.assign({}, ...figure.panels.map((p) => p.datasets));
      const vega = compileSpec(figureSpec(figure), warn);
      const drawn = new Set<string>();
      for (const frame of figure.frames ? figure.frames.labels.keys() : [0]) {
        const signals = vega.signals?.map((s) => (s.name === "frame" ? { name: "frame", value: frame } : s));
        const svg = await renderSvg(withRows({ ...vega, signals: signals ?? [] }, rows), warn);
        expect(svg).not.toMatch(/NaN|undefined/);
        drawn.add(svg);
      }
      expect(drawn.size).toBe(figure.frames?.labels.length ?? 1);
    }
    expect(said).toEqual([]);
  });
});

test("names from files stay text", async () => {
  const { page } = await render(await trajectoryVariants["markup in names"]!());
  expect(page).not.toContain(hostile);
  expect(page.match(/<script/g)).toHaveLength(3);
});

test("the page carries the report, and the same report makes the same bytes", async () => {
  const report = await toyTrajectory();
  const [first, second] = [await render(report), await render(report)];
  expect(first.page === second.page).toBe(true);
  const json = first.page.match(/<script type="application\/json" id="report-data">(.*?)<\/script>/)![1]!;
  const carried = JSON.parse(json) as TrajectoryReport;
  expect(carried.checkpoints).toEqual(report.checkpoints);
  expect(carried.plane.train.loss[2]![3]).toBeCloseTo(report.plane.train.loss[2]![3]!, 4);
});

test("titles state the finding with the report's numbers", async () => {
  const titles = trajectorySections(await toyTrajectory()).flatMap((s) => s.figures.map((f) => f.title));
  expect(titles[0]).toMatch(/^The path of 4 checkpoints: 9\d\.\d % of its squared distance from the end/);
  expect(titles[1]).toBe(
    "While the training loss goes from 4.75 to 0.3, λ₊ goes from 20 to 20 and λ₋ from −0.2 to −0.2",
  );
});

test("a page of 24 frames and the runtime is at most 1.5 MB", async () => {
  const displacements = Array.from({ length: 24 }, (_, k) =>
    Array.from({ length: 10 }, (__, i) => ((23 - k) / 23) * Math.cos(i)),
  );
  const path = { curvatures: [20, 10, 5, 2, 1, 1, 0.5, 0.1, -0.05, -0.2], offset: 0.3, displacements };
  const report = await toyTrajectory(path, { frameGrid: 15 });
  expect(report.animation!.frames).toHaveLength(24);
  const { page } = await render(report, await buildRuntime());
  expect(Buffer.byteLength(page)).toBeLessThan(1_500_000);
}, 60_000);
