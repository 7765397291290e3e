import type { ScaleCurve } from "./analysis-report.ts";

/** Curvature at a scale counts as the Hessian's within this share of it. */
export const AGREE = 0.1;

/** Indices of the steps whose curvature is another than the Hessian's: by more than a tenth and than their errors. */
export function stepsApart({ curvature, error, hessian, hessianError }: ScaleCurve): number[] {
  const isApart = (k: number) => {
    const gap = Math.abs(curvature[k]! - hessian);
    return gap > AGREE * Math.abs(hessian) && gap > 2 * (error[k]! + hessianError);
  };
  return [...curvature.keys()].filter(isApart);
}
