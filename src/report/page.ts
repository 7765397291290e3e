import type { AnalysisReport } from "../analysis/analysis-report.ts";
import { countText, plural } from "../analysis/number-text.ts";
import type { Drawn } from "./draw.ts";
import type { Html } from "./html.ts";
import { roundGrids } from "./round.ts";
import { healthSection } from "./sections/health.ts";
import { provenanceSection } from "./sections/provenance.ts";
import { verdictSection } from "./sections/verdict.ts";
import { missingSection } from "./sections/without-gradient.ts";
import { type FigureSection, figureSection, shell } from "./shell.ts";

export interface PageParts {
  readonly sections: readonly FigureSection[];
  /** By figure id. */
  readonly drawn: ReadonlyMap<string, Drawn>;
  readonly runtime: string;
}

export function page(report: AnalysisReport, { sections, drawn, runtime }: PageParts): Html {
  const missing = missingSection(report);
  return shell({
    title: `${report.model.name}: loss landscape`,
    eyebrow: "Loss landscape report",
    name: report.model.name,
    facts: factsOf(report),
    contents: [
      ["verdict", "Verdict"],
      ...sections.map((s) => [s.id, s.title.split(" and ")[0]!] as const),
      ...(missing ? [["not-computed", "Not computed"] as const] : []),
      ["health", "Health"],
      ["provenance", "Provenance"],
    ],
    main: [
      verdictSection(report),
      ...sections.map((section) => figureSection(section, drawn)),
      missing,
      healthSection(report),
      provenanceSection(report),
    ],
    report: roundGrids(report),
    drawn: [...drawn.values()],
    runtime,
  });
}

/** What was looked at, in a line. */
export function factsOf({
  model,
  data,
  provenance,
}: Pick<AnalysisReport, "model" | "data" | "provenance">): string[] {
  const test = data.test ? `, ${plural(data.test.samples, "test sample")}` : "";
  return [
    `${countText(model.parameters)} parameters`,
    data.loss === "output" ? "loss from the model" : data.loss,
    `${plural(data.train.samples, "training sample")}${test}`,
    provenance.created.slice(0, 10),
  ];
}
