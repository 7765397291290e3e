import { countText, numberText } from "../analysis/number-text.ts";
import { writeWhole } from "../analysis/run/files.ts";
import { writeNpz } from "../data/npz.ts";
import { norm } from "../numerics/vector.ts";
import type { Problem } from "../objective/index.ts";
import { type Command, defineCommand } from "./command.ts";
import { npzOption, type ProblemOptions, problemOptions, type WhereOptions, whereOptions } from "./groups.ts";
import { text } from "./options.ts";
import { requireParameters, withProblem } from "./problem.ts";
import { cutMiddle, fieldLines, firstLines, tableLines } from "./table.ts";

interface GradientOptions extends ProblemOptions, WhereOptions {
  readonly emit: string | null;
  readonly npz: string | null;
}

export const gradient: Command = defineCommand<GradientOptions>({
  name: "gradient",
  purpose: "Loss and its gradient with respect to the parameters",
  takesModel: true,
  examples: [
    "gradient model.onnx --data train.npz --npz gradient.npz",
    "gradient model.onnx --data train.npz --samples 128 --json",
    "gradient model.onnx --data train.npz --emit gradient.onnx",
  ],
  options: {
    ...problemOptions,
    ...whereOptions,
    npz: npzOption,
    emit: text<null>({
      group: "Output:",
      describe: "F.onnx: write the gradient graph, for any onnxruntime",
      fallback: null,
    }),
  },
  run: (model, options, context) =>
    withProblem(model, options, context, async (problem) => {
      await requireParameters(problem);
      const { train } = problem;
      const { loss, accuracy, samples, gradient: g } = await train.gradient([], context.io.signal);
      const parameters = train.parameters.map(({ name, shape, offset, size }) => ({
        name,
        shape,
        offset,
        size,
        norm: norm(g.subarray(offset, offset + size)),
      }));
      if (options.npz) {
        writeNpz(options.npz, {
          gradient: { shape: [g.length], data: g },
          theta: { shape: [g.length], data: train.theta },
        });
      }
      if (options.emit) await emitGradient(problem, options.emit, options.target);
      const json = { loss, accuracy, samples, norm: norm(g), parameters };
      return { json, lines: gradientLines(json, options) };
    }),
});

async function emitGradient(problem: Problem, path: string, target: string): Promise<void> {
  const { emitGradientModel } = await import("../model/emit.ts");
  await writeWhole(path, emitGradientModel(problem.checkpoint, problem.batchTypes(), problem.loss, target));
}

interface GradientJson {
  readonly loss: number;
  readonly samples: number;
  readonly norm: number;
  readonly parameters: readonly { name: string; size: number; norm: number }[];
}

function gradientLines(found: GradientJson, options: GradientOptions): string[] {
  const largest = [...found.parameters].sort((a, b) => b.norm - a.norm);
  return [
    ...fieldLines([
      ["loss", numberText(found.loss, 7)],
      ["gradient norm", numberText(found.norm, 6)],
      ["samples", countText(found.samples)],
    ]),
    "",
    ...firstLines(
      tableLines(
        largest.map((p) => [`  ${cutMiddle(p.name, 48)}`, numberText(p.norm, 4)]),
        "<>",
      ),
      10,
      "parameters",
    ),
    ...(options.npz ? ["", `written: ${options.npz}`] : []),
    ...(options.emit ? ["", `written: ${options.emit}`] : []),
  ];
}
