import { fileURLToPath } from "node:url";
import { type AnalysisOptions, defaultAnalysis, fittingSubsets } from "../analysis/options.ts";
import type { Problem } from "../objective/index.ts";
import { runAnalysis } from "./analysis-run.ts";
import { type Command, defineCommand } from "./command.ts";
import { type ProblemOptions, problemOptions, type RunOptions, runOptions } from "./groups.ts";
import { integer, optionDefaults } from "./options.ts";

interface DemoOptions extends RunOptions {
  readonly samples: number;
}

/** Sized for well under three minutes on two cores: a ResNet-20 with 64 + 64 images. */
const samples = 64;
const demoAnalysis: AnalysisOptions = {
  ...defaultAnalysis,
  top: 2,
  bottom: 2,
  maxProducts: 80,
  probes: 16,
  grid: 15,
  profilePoints: 27,
  randomProfiles: 2,
  scalePoints: 9,
  movingProducts: 16,
  densityProbes: 2,
  densitySteps: 16,
  // Of 32 images, as two processes share them in groups of 16.
  subsets: 2,
};

export const demo: Command = defineCommand<DemoOptions>({
  name: "demo",
  purpose: "A report of the bundled ResNet-20, in under three minutes on two cores",
  takesModel: false,
  examples: ["demo", "demo --out my-demo --seed 1", "demo --json --samples 32"],
  options: {
    samples: integer<number>(
      {
        group: "What:",
        describe: `N: training and test images, up to 256 [default ${samples}]`,
        fallback: samples,
      },
      1,
      256,
    ),
    ...runOptions,
    out: {
      ...runOptions.out,
      describe: "DIR: run folder; the same command continues it [default landscape-demo]",
    },
  },
  run(_, options, context) {
    const problem: ProblemOptions = {
      ...optionDefaults(problemOptions),
      data: bundled("fashion-train.npz"),
      testData: bundled("fashion-test.npz"),
      samples: options.samples,
      testSamples: options.samples,
      // Mean and deviation of Fashion-MNIST's pixels, as in training.
      normalize: "0.2860,0.3530",
    };
    const out = options.out ?? "landscape-demo";
    const analysis = ({ train, mostSubsets }: Problem) => ({
      ...demoAnalysis,
      subsets: Math.min(demoAnalysis.subsets, fittingSubsets(train.samples, mostSubsets)),
      seed: options.seed,
    });
    return runAnalysis("demo", bundled("resnet20.onnx"), { ...problem, ...options, out }, analysis, context);
  },
});

/** A file of this package's models folder. */
function bundled(name: string): string {
  return fileURLToPath(new URL(`../../models/${name}`, import.meta.url));
}
