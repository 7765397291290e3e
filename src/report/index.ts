import type { AnalysisReport } from "../analysis/analysis-report.ts";
import { type Drawn, drawFigure } from "./draw.ts";
import { page } from "./page.ts";
import type { Warn } from "./render.ts";
import { loadRuntime } from "./runtime.ts";
import { figureSections } from "./sections/figures.ts";

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
  const { runtime = loadRuntime(), warn = () => {} } = options;
  const sections = figureSections(report);
  const drawn = new Map<string, Drawn>();
  for (const figure of sections.flatMap((section) => section.figures)) {
    drawn.set(figure.id, await drawFigure(figure, warn));
  }
  return page(report, { sections, drawn, runtime }).text;
}

export { loadRuntime } from "./runtime.ts";
