import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { NetworkGroup } from "../analysis/reproduction-report.ts";
import { LandscapeError } from "../errors.ts";
import { type ProblemOptions, problemOptions } from "./groups.ts";
import { optionDefaults } from "./options.ts";

/** A network of the paper, or one that stands for its image classifiers, and how it is fed. */
export interface PaperNetwork {
  readonly name: string;
  readonly group: NetworkGroup;
  readonly model: string;
  readonly problem: ProblemOptions;
}

type Data = "fcnn" | "fashion" | "cifar";

/** By the name of the file, without .onnx, as scripts/paper writes them. */
const known: Readonly<Record<string, Data>> = {
  fcnn2: "fcnn",
  fcnn10: "fcnn",
  resnet20: "fashion",
  resnet56: "cifar",
  "resnet56-noskip": "cifar",
  densenet121: "cifar",
  mobilenetv2: "cifar",
  googlenet: "cifar",
};

export interface Chosen {
  readonly networks: readonly PaperNetwork[];
  /** What was left out, and why. */
  readonly notices: readonly string[];
}

/** The networks of a folder (none: those of this package), function approximators before classifiers. */
export function paperNetworks(
  folder: string | null,
  cifar: string | null,
  { quick, samples }: { readonly quick: boolean; readonly samples: number },
): Chosen {
  const root = folder ?? fileURLToPath(new URL("../../models/", import.meta.url));
  assertFolder("fixtures", folder);
  assertFolder("cifar", cifar);
  const there = Object.entries(known).filter(([name]) => existsSync(join(root, `${name}.onnx`)));
  if (there.length === 0) {
    throw new LandscapeError(
      "INVALID_OPTION",
      `no checkpoints of the paper in ${JSON.stringify(root)}; expected one of ${Object.keys(known)
        .map((n) => `${n}.onnx`)
        .join(", ")} (see scripts/paper)`,
      { folder: root },
    );
  }
  const networks: PaperNetwork[] = [];
  const notices: string[] = [];
  for (const [name, data] of there) {
    if (quick && data !== "fcnn") continue;
    if (data === "cifar" && cifar === null) {
      notices.push(`${name} is left out: it needs the images; give their folder with --cifar`);
      continue;
    }
    networks.push(networkOf(name, data, root, cifar ?? "", samples));
  }
  return { networks, notices };
}

function networkOf(name: string, data: Data, root: string, cifar: string, samples: number): PaperNetwork {
  const defaults = optionDefaults(problemOptions);
  const inRoot = (file: string) => join(root, file);
  const images = { samples, testSamples: samples };
  const problem: Readonly<Record<Data, ProblemOptions>> = {
    fcnn: { ...defaults, data: inRoot("fcnn-train.npz"), testData: inRoot("fcnn-test.npz"), loss: "mse" },
    // Means and deviations of the pixels, as in training.
    fashion: {
      ...{ ...defaults, ...images, normalize: "0.2860,0.3530" },
      ...{ data: inRoot("fashion-train.npz"), testData: inRoot("fashion-test.npz") },
    },
    cifar: {
      ...{ ...defaults, ...images, normalize: "0.4914,0.4822,0.4465,0.2471,0.2435,0.2616" },
      ...{ data: cifar, testData: cifar },
    },
  };
  const group = data === "fcnn" ? "function approximators" : "image classifiers";
  return { name, group, model: inRoot(`${name}.onnx`), problem: problem[data] };
}

function assertFolder(option: string, path: string | null): void {
  if (path === null || statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new LandscapeError(
    "INVALID_OPTION",
    `no such folder: ${JSON.stringify(path)}; expected one after --${option}`,
    { option, path },
  );
}
