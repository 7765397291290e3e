import { countText, errorText, numberText } from "../analysis/number-text.ts";
import { norm } from "../numerics/vector.ts";
import type { Context } from "./command.ts";
import type { ProblemOptions, WhereOptions } from "./groups.ts";
import { requireParameters, withProblem } from "./problem.ts";
import { cutMiddle, firstLines, tableLines } from "./table.ts";

/** Loss and gradient of one model by both routes: that of the artifact, and ours. */
export interface Comparison {
  readonly samples: number;
  readonly artifact: { readonly loss: number; readonly norm: number };
  readonly ours: { readonly loss: number; readonly norm: number };
  /** |difference| of the losses, relative to ours. */
  readonly lossDifference: number;
  /** ‖difference‖ of the gradients, relative to ours, and the same for each tensor. */
  readonly gradientDifference: number;
  readonly parameters: readonly {
    readonly name: string;
    readonly norm: number;
    readonly difference: number;
  }[];
}

interface Route {
  readonly loss: number;
  readonly samples: number;
  readonly gradient: Float64Array;
  readonly parts: ReadonlyMap<string, Float64Array>;
}

/** Runs both routes on the training data. */
export async function compareRoutes(
  model: string,
  options: ProblemOptions & WhereOptions,
  context: Context,
): Promise<Comparison> {
  const artifact = await runRoute(model, { ...options, gradient: "artifact", evalMode: false }, context);
  const ours = await runRoute(model, { ...options, gradient: "ours", evalMode: false }, context);
  const differences = [...ours.parts].map(([name, g]) => {
    const other = artifact.parts.get(name) ?? new Float64Array(g.length);
    return { name, norm: norm(g), size: norm(g.map((x, i) => x - (other[i] as number))) };
  });
  const whole = norm(Float64Array.from(differences, (d) => d.size));
  return {
    samples: ours.samples,
    artifact: { loss: artifact.loss, norm: norm(artifact.gradient) },
    ours: { loss: ours.loss, norm: norm(ours.gradient) },
    lossDifference: relative(Math.abs(artifact.loss - ours.loss), Math.abs(ours.loss)),
    gradientDifference: relative(whole, norm(ours.gradient)),
    parameters: differences.map(({ name, norm: n, size }) => ({
      name,
      norm: n,
      difference: relative(size, n),
    })),
  };
}

function runRoute(model: string, options: ProblemOptions & WhereOptions, context: Context): Promise<Route> {
  return withProblem(model, options, context, async (problem) => {
    await requireParameters(problem);
    const { loss, samples, gradient } = await problem.train.gradient([], context.io.signal);
    const parts = problem.train.parameters.map(({ name, offset, size }): [string, Float64Array] => [
      name,
      gradient.subarray(offset, offset + size),
    ]);
    return { loss, samples, gradient, parts: new Map(parts) };
  });
}

function relative(difference: number, size: number): number {
  return size > 0 ? difference / size : difference;
}

export function comparisonLines(found: Comparison): string[] {
  const { artifact, ours } = found;
  const worst = [...found.parameters].sort((a, b) => b.difference * b.norm - a.difference * a.norm);
  return [
    ...tableLines(
      [
        ["", "artifact", "ours", "difference"],
        ["loss", numberText(artifact.loss, 7), numberText(ours.loss, 7), errorText(found.lossDifference)],
        [
          "gradient norm",
          numberText(artifact.norm, 6),
          numberText(ours.norm, 6),
          errorText(found.gradientDifference),
        ],
      ],
      "<>>>",
    ),
    `on ${countText(found.samples)} samples; differences are relative, that of the gradient is ‖a − b‖/‖b‖`,
    "",
    ...firstLines(
      tableLines(
        worst.map((p) => [`  ${cutMiddle(p.name, 48)}`, numberText(p.norm, 4), errorText(p.difference)]),
        "<>>",
      ),
      10,
      "parameters",
    ),
  ];
}
