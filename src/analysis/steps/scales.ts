import { curvatureByScale } from "../../curvature/index.ts";
import type { ScaleCurve } from "../analysis-report.ts";
import { plural } from "../number-text.ts";
import { stepsApart } from "../steps-apart.ts";
import { keepStep, type StepContext } from "./context.ts";
import type { NamedDirection } from "./directions.ts";
import type { EndProduct } from "./ends.ts";

/** Curvature along v₊ and v₋ over steps of all sizes, branches moving, beside the Hessian's. */
export async function scaleStep(
  context: StepContext,
  directions: readonly NamedDirection[],
  products: ReadonlyMap<string, EndProduct>,
): Promise<ScaleCurve[]> {
  const curves: ScaleCurve[] = [];
  context.progress.start("scales");
  for (const { info, direction } of directions) {
    const product = products.get(info.id);
    if (!product) continue;
    const { result } = await keepStep(context, "scales", { direction: direction.id }, async () => {
      const { noise, curvature, error } = product;
      const { scalePoints: points } = context.options;
      const byScale = await curvatureByScale(context.train, direction, {
        noise,
        points,
        signal: context.signal,
      });
      const curve = { direction: info.id, ...byScale, hessian: curvature, hessianError: error };
      return { result: curve, vectors: {} };
    });
    curves.push(result);
  }
  context.progress.finish(curves.map(partingText).join("   "));
  return curves;
}

function partingText(curve: ScaleCurve): string {
  const name = curve.direction === "top" ? "v₊" : "v₋";
  const apart = stepsApart(curve).length;
  return apart === 0
    ? `${name} one curvature at all scales`
    : `${name} another curvature at ${apart} of ${plural(curve.relativeStep.length, "step")}`;
}
