import type { AnalysisReport, GridValues, RefinedPlane } from "../analysis/analysis-report.ts";

const DIGITS = 6;

/** The report with grid values to six digits: what the page carries, a third of the size. */
export function roundGrids(report: AnalysisReport): AnalysisReport {
  return {
    ...report,
    planes: report.planes.map((plane) => ({
      ...plane,
      train: roundValues(plane.train),
      test: plane.test && roundValues(plane.test),
      ...(plane.refined ? { refined: roundRefined(plane.refined) } : {}),
    })),
  };
}

function roundRefined(refined: RefinedPlane): RefinedPlane {
  return { ...refined, train: roundValues(refined.train) };
}

/** To six digits. */
export function roundValues(values: GridValues): GridValues {
  const round = (grid: GridValues["loss"]) =>
    grid.map((row) => row.map((v) => (v === null ? null : Number(v.toPrecision(DIGITS)))));
  return { ...values, loss: round(values.loss), accuracy: values.accuracy && round(values.accuracy) };
}
