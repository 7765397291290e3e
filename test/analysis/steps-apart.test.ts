import { expect, test } from "vitest";
import type { ScaleCurve } from "../../src/analysis/analysis-report.ts";
import { stepsApart } from "../../src/analysis/steps-apart.ts";

const curve = (curvature: number[], error: number[], hessianError = 0): ScaleCurve => ({
  direction: "bottom",
  relativeStep: curvature.map((_, k) => 10 ** (k - 5)),
  ...{ curvature, error, hessian: -4, hessianError },
});

test.each([
  ["within a tenth", curve([-4.3, -3.7], [0, 0]), []],
  ["beyond a tenth", curve([-4.5, -4, -3], [0, 0, 0]), [0, 2]],
  ["not beyond twice the error", curve([-6, -4, -3], [1.1, 0, 0.4]), [2]],
  ["the Hessian's error counts too", curve([-6, -3], [0.6, 0], 0.5), []],
  ["no steps", curve([], []), []],
])("%s", (_, found, expected) => {
  expect(stepsApart(found)).toEqual(expected);
});
