import type { AnalysisReport } from "../analysis/analysis-report.ts";
import type { ReproductionReport } from "../analysis/reproduction/report.ts";
import type { TrajectoryReport } from "../analysis/trajectory/report.ts";
import { type Drawn, drawFigure } from "./draw.ts";
import { page } from "./page.ts";
import type { Warn } from "./render.ts";
import { reproductionPage, reproductionSections } from "./reproduction/page.ts";
import { loadRuntime } from "./runtime.ts";
import { figureSections } from "./sections/figures.ts";
import { explained } from "./sections/without-gradient.ts";
import type { FigureSection } from "./shell.ts";
import { trajectoryPage, trajectorySections } from "./trajectory/page.ts";

export interface RenderOptions {
  /** The page's script; by default the one that was built with this package. */
  readonly runtime?: string;
  /** Hears what Vega says about a specification; nothing, normally. */
  readonly warn?: Warn;
}

/**
 * The report as one HTML file: everything inlined, nothing loaded, the JSON carried along. The same report
 * makes the same bytes.
 */
export async function renderReport(report: AnalysisReport, options: RenderOptions = {}): Promise<string> {
  const { runtime = loadRuntime() } = options;
  const sections = explained(report, figureSections(report));
  return page(report, { sections, drawn: await drawAll(sections, options), runtime }).text;
}

/** The same for the checkpoints of a training run. */
export async function renderTrajectory(
  report: TrajectoryReport,
  options: RenderOptions = {},
): Promise<string> {
  const { runtime = loadRuntime() } = options;
  const sections = trajectorySections(report);
  return trajectoryPage(report, { sections, drawn: await drawAll(sections, options), runtime }).text;
}

/** The same for the paper's experiments. */
export async function renderReproduction(
  report: ReproductionReport,
  options: RenderOptions = {},
): Promise<string> {
  const { runtime = loadRuntime() } = options;
  const sections = reproductionSections(report);
  return reproductionPage(report, { sections, drawn: await drawAll(sections, options), runtime }).text;
}

/** By figure id. */
async function drawAll(
  sections: readonly FigureSection[],
  { warn = () => {} }: RenderOptions,
): Promise<ReadonlyMap<string, Drawn>> {
  const drawn = new Map<string, Drawn>();
  for (const figure of sections.flatMap((section) => section.figures)) {
    drawn.set(figure.id, await drawFigure(figure, warn));
  }
  return drawn;
}

export { loadRuntime } from "./runtime.ts";
