import { type Command, defineCommand } from "./command.ts";
import { problemOptions, runOptions } from "./groups.ts";
import { flag, integer, names, oddInteger, text } from "./options.ts";
import { type ReproduceOptions, runReproduction } from "./reproduce-run.ts";

const what = "What:";

export const reproduce: Command = defineCommand<ReproduceOptions>({
  name: "reproduce",
  purpose: "The paper's experiments, as one report with its Table 2",
  takesModel: false,
  examples: ["reproduce --quick", "reproduce", "reproduce --fixtures nets --cifar cifar-10-batches-bin"],
  options: {
    fixtures: text<null>({
      group: "Model and data:",
      describe: "DIR: fcnn2.onnx, resnet56.onnx, your own [default the bundled]",
      fallback: null,
    }),
    cifar: text<null>({
      group: "Model and data:",
      describe: "DIR: the binaries of CIFAR-10, for the networks trained on it",
      fallback: null,
    }),
    networks: names({
      group: "Model and data:",
      describe: "NAMES: these of the folder alone, as fcnn2,resnet20 [default all]",
    }),
    normalize: { ...problemOptions.normalize, advanced: true },
    quick: flag(what, "toy losses and function approximators alone"),
    slices: integer<number>(
      { group: what, describe: "N: random planes of each toy loss [default 1000]", fallback: 1000 },
      2,
      100_000,
    ),
    lines: integer<number>(
      {
        group: what,
        describe: "N: directions on which the trace estimators are compared [default 100]",
        fallback: 100,
      },
      2,
      10_000,
    ),
    points: integer<number>(
      {
        group: what,
        describe: "N: losses on each of these lines [default 50]",
        fallback: 50,
        advanced: true,
      },
      3,
      1001,
    ),
    maxProducts: integer<number>(
      { group: what, describe: "N: Hessian products for the eigenpairs [default 150]", fallback: 150 },
      2,
    ),
    probes: integer<number>(
      { group: what, describe: "N: random vectors for each network's trace [default 64]", fallback: 64 },
      2,
    ),
    grid: oddInteger(
      { group: what, describe: "N: points on each axis of a plane, odd [default 25]", fallback: 25 },
      3,
      1001,
    ),
    samples: integer<number>(
      { group: what, describe: "N: training and test images of classifiers [default 128]", fallback: 128 },
      1,
    ),
    ...runOptions,
    out: {
      ...runOptions.out,
      describe: "DIR: run folder; the same command continues it [default landscape-paper]",
    },
  },
  run: (_, options, context) => runReproduction(options, options.out ?? "landscape-paper", context),
});
