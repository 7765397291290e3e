import type { AnalysisReport, RandomSliceInfo } from "../../analysis/analysis-report.ts";
import { countText, numberText, percentText, withError } from "../../analysis/number-text.ts";
import type { Html } from "../html.ts";
import { measuredText, valueText } from "../text.ts";
import { table } from "./table.ts";

export function sliceTable({ trace, model }: AnalysisReport, slices: RandomSliceInfo): Html {
  const { kappaPlus, kappaMinus, meanPlane, interval, byProbe, outliers } = slices;
  const rows = [
    ["planes drawn", countText(slices.planes)],
    ["outliers one by one, top and bottom", `${countText(outliers.top)}, ${countText(outliers.bottom)}`],
    ["mean of κ₊", withError(kappaPlus.value, kappaPlus.standardError)],
    ["mean of κ₋", withError(kappaMinus.value, kappaMinus.standardError)],
    ["κ± of the mean plane", `${numberText(meanPlane.plus)}, ${numberText(meanPlane.minus)}`],
    ["tr H of the measured spectrum", numberText(slices.trace)],
    ["tr H by random probes", measuredText(trace?.value, trace?.standardError)],
    ["mean curvature tr H/N", numberText(slices.trace / model.parameters, 3)],
    ["mean curvature by random probes", valueText(trace?.meanCurvature, 3)],
    ["‖H‖ of the measured spectrum", numberText(slices.frobeniusNorm)],
    [
      "planes that show a saddle",
      `${countText(slices.saddles)} (${percentText(slices.saddleShare, 3)}; 95 %: ${percentText(interval.low)} … ${percentText(interval.high)})`,
    ],
    ["the same by single probes of the density", byProbe.map((p) => percentText(p)).join(", ")],
    ["closed form exp(−tr²/4‖H‖²)/√2", percentText(slices.limit, 3)],
    ["effective number of eigenvalues", numberText(slices.effectiveCount, 3)],
  ];
  return table("Random planes", [{ head: "of random planes" }, { head: "value", numeric: true }], rows);
}
