import type { AnalysisReport } from "../../analysis/analysis-report.ts";
import { accuracyFigure } from "../figures/accuracy.ts";
import { changeFigure } from "../figures/change.ts";
import { densityFigure } from "../figures/density.ts";
import type { Figure } from "../figures/figure.ts";
import { planesFigure } from "../figures/planes.ts";
import { profilesFigure } from "../figures/profiles.ts";
import { scaleFigure } from "../figures/scale-curve.ts";
import { slicesFigure } from "../figures/slices.ts";
import { spectrumFigure } from "../figures/spectrum.ts";
import { subsetsFigure } from "../figures/subsets.ts";
import { whereFigure } from "../figures/where.ts";
import type { FigureSection } from "../shell.ts";

/** All figures in the order of the page. */
export function figureSections(report: AnalysisReport): FigureSection[] {
  const some = (...figures: readonly (Figure | null)[]) => figures.filter((f): f is Figure => f !== null);
  const regression = report.checkpoint.train.accuracy === null;
  return [
    {
      id: "planes",
      title: "Planes",
      figures: report.planes.length > 0 ? some(planesFigure(report), changeFigure(report)) : [],
      otherwise: "No planes were computed.",
    },
    {
      id: "accuracy",
      title: "Accuracy",
      figures: some(accuracyFigure(report)),
      otherwise: regression
        ? `No accuracy: the loss is ${report.data.loss}, without classes.`
        : "No accuracies on planes were computed.",
    },
    {
      id: "profiles",
      title: "Profiles and curvature by scale",
      figures: some(profilesFigure(report), scaleFigure(report)),
      otherwise: "No profiles were computed.",
    },
    {
      id: "spectrum",
      title: "Spectrum",
      figures: some(spectrumFigure(report), subsetsFigure(report), densityFigure(report)),
      otherwise: "No eigenvalues were computed; ask for them with --top and --bottom.",
    },
    {
      id: "where",
      title: "Where",
      figures: some(whereFigure(report)),
      otherwise: "Neither trace nor eigenvectors were computed, so that curvature is not located.",
    },
    {
      id: "slices",
      title: "Random slices",
      figures: some(slicesFigure(report)),
      otherwise:
        "Random planes were not drawn: they need the density of the spectrum (--density-probes of at least 1).",
    },
  ];
}
