import { countText, numberText, percentText } from "../analysis/number-text.ts";
import { type Command, defineCommand } from "./command.ts";
import { type ProblemOptions, problemOptions, type WhereOptions, whereOptions } from "./groups.ts";
import { withProblem } from "./problem.ts";
import { fieldLines } from "./table.ts";

export const evaluate: Command = defineCommand<ProblemOptions & WhereOptions>({
  name: "evaluate",
  purpose: "Loss and accuracy of the checkpoint on the data",
  takesModel: true,
  examples: [
    "evaluate model.onnx --data train.npz",
    "evaluate model.onnx --data train.npz --test-data test.npz",
    "evaluate model.onnx --data x.npz --normalize 0.286,0.353 --json",
  ],
  options: { ...problemOptions, ...whereOptions },
  run: (model, options, context) =>
    withProblem(model, options, context, async ({ train, test }) => {
      const { signal } = context.io;
      const { loss, accuracy, samples } = await train.evaluate([], signal);
      const there = test && (await test.evaluate([], signal));
      return {
        json: { loss, accuracy, samples, ...(there ? { test: there } : {}) },
        lines: fieldLines([
          ["train loss", evaluationText({ loss, accuracy, samples })],
          ...(there ? [["test loss", evaluationText(there)] as const] : []),
        ]),
      };
    }),
});

function evaluationText(e: { loss: number; accuracy: number | null; samples: number }): string {
  const accuracy = e.accuracy === null ? "" : `, accuracy ${percentText(e.accuracy, 4)}`;
  return `${numberText(e.loss, 7)}${accuracy} (${countText(e.samples)} samples)`;
}
