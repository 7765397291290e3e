import { plural } from "../../analysis/number-text.ts";
import type { TrajectoryReport } from "../../analysis/trajectory/report.ts";
import type { Drawn } from "../draw.ts";
import { type Html, html } from "../html.ts";
import { factsOf } from "../page.ts";
import { roundValues } from "../round.ts";
import { findingsSection } from "../sections/findings.ts";
import { healthSection } from "../sections/health.ts";
import { provenanceSection } from "../sections/provenance.ts";
import { type FigureSection, figureSection, shell } from "../shell.ts";
import { animationFigure } from "./animation.ts";
import { curvesFigure, pathFigure } from "./figures.ts";
import { fileTable } from "./tables.ts";

/** All figures in the order of the page. */
export function trajectorySections(report: TrajectoryReport): FigureSection[] {
  const animation = animationFigure(report);
  return [
    { id: "path", title: "Path", figures: [pathFigure(report)], otherwise: "" },
    { id: "curves", title: "Over training", figures: [curvesFigure(report)], otherwise: "" },
    {
      id: "animation",
      title: "Landscape during training",
      figures: animation ? [animation] : [],
      otherwise: "No frames were computed; ask for them with --frames.",
    },
  ];
}

export interface TrajectoryParts {
  readonly sections: readonly FigureSection[];
  readonly drawn: ReadonlyMap<string, Drawn>;
  readonly runtime: string;
}

export function trajectoryPage(
  report: TrajectoryReport,
  { sections, drawn, runtime }: TrajectoryParts,
): Html {
  const { checkpoints } = report;
  return shell({
    title: `${report.model.name}: training path`,
    eyebrow: "Training path report",
    name: report.model.name,
    facts: [plural(checkpoints.length, "checkpoint"), ...factsOf(report)],
    contents: [
      ["findings", "Findings"],
      ...sections.map((s) => [s.id, s.title] as const),
      ["health", "Health"],
      ["provenance", "Provenance"],
    ],
    main: [
      findingsSection(report),
      ...sections.map((section) => figureSection(section, drawn)),
      healthSection(report),
      provenanceSection(report, "trajectory.json"),
      html`<details><summary>Checkpoints (${checkpoints.length})</summary>${fileTable(report)}</details>`,
    ],
    report: rounded(report),
    drawn: [...drawn.values()],
    runtime,
  });
}

/** Grid values to six digits: what the page carries. */
function rounded(report: TrajectoryReport): TrajectoryReport {
  const { plane, animation } = report;
  const round = <T extends Pick<TrajectoryReport["plane"], "train" | "test">>(of: T): T => ({
    ...of,
    train: roundValues(of.train),
    test: of.test && roundValues(of.test),
  });
  return {
    ...report,
    plane: round(plane),
    animation: animation && { ...animation, frames: animation.frames.map(round) },
  };
}
