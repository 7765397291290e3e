import {
  drawRandomPlanes,
  effectiveCount,
  type MeasuredSpectrum,
  measuredSpectrum,
  type PlaneForm,
  principalCurvatures,
  type SpectralQuadrature,
  saddleLimit,
  summarizePlanes,
} from "../numerics/index.ts";
import type { DensityInfo, EigenInfo, RandomSliceInfo } from "./analysis-report.ts";

export interface RandomSliceOptions {
  readonly seed: number;
  readonly planes: number;
}

const BINS = 48;

/**
 * What random planes through the checkpoint would show, drawn in the eigenbasis of the measured spectrum: outliers one
 * by one, the bulk from the density. Costs no product.
 */
export function randomSliceInfo(
  density: DensityInfo,
  eigenpairs: Pick<EigenInfo, "pairs">,
  n: number,
  options: RandomSliceOptions,
): RandomSliceInfo {
  const spectrumOf = (quadratures: readonly SpectralQuadrature[]): MeasuredSpectrum => {
    const values = (end: "top" | "bottom") =>
      eigenpairs.pairs.filter((p) => p.end === end).map((p) => p.value);
    return measuredSpectrum(quadratures, n, { top: values("top"), bottom: values("bottom") });
  };
  const { nodes, outliers } = spectrumOf(density.quadratures);
  const planes = drawRandomPlanes(nodes, options);
  const { kappaPlus, kappaMinus, meanPlane, saddles, saddleShare, interval } = summarizePlanes(planes);
  const power = (k: number) => nodes.reduce((sum, { value, count }) => sum + count * value ** k, 0);
  const [trace, frobeniusNorm] = [power(1), Math.sqrt(power(2))];
  const fewer = { seed: options.seed, planes: Math.ceil(options.planes / density.quadratures.length) };
  const measured = ({ mean: value, standardError }: typeof kappaPlus) => ({ value, standardError });
  return {
    planes: planes.length,
    outliers,
    kappaPlus: measured(kappaPlus),
    kappaMinus: measured(kappaMinus),
    meanPlane: { plus: meanPlane.plus, minus: meanPlane.minus },
    ...{ saddles, saddleShare, interval },
    byProbe: density.quadratures.map(
      (q) => summarizePlanes(drawRandomPlanes(spectrumOf([q]).nodes, fewer)).saddleShare,
    ),
    limit: saddleLimit(trace, frobeniusNorm),
    effectiveCount: effectiveCount(nodes),
    ...{ trace, frobeniusNorm },
    histogram: histogramOf(planes),
  };
}

/** Both curvatures on common bins from the least to the largest. */
function histogramOf(planes: readonly PlaneForm[]): RandomSliceInfo["histogram"] {
  const curvatures = planes.map(principalCurvatures);
  const low = Math.min(...curvatures.map((k) => k.minus));
  const high = Math.max(...curvatures.map((k) => k.plus));
  const width = (high - low) / BINS || 1;
  const counts = (values: readonly number[]) => {
    const bins = Array<number>(BINS).fill(0);
    for (const v of values) bins[Math.min(BINS - 1, Math.floor((v - low) / width))]!++;
    return bins;
  };
  return {
    edges: Array.from({ length: BINS + 1 }, (_, k) => low + k * width),
    plus: counts(curvatures.map((k) => k.plus)),
    minus: counts(curvatures.map((k) => k.minus)),
  };
}
