import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { paperNetworks } from "../analysis/reproduction/paper.ts";
import { LandscapeError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { type ProblemOptions, problemOptions } from "./groups.ts";
import { optionDefaults } from "./options.ts";

/** A checkpoint and how it is fed. */
export interface Network {
  readonly name: string;
  readonly model: string;
  readonly problem: ProblemOptions;
}

export interface Chosen {
  readonly networks: readonly Network[];
  /** By name, of the networks that are left out and of the paper's that are not there: why. */
  readonly missing: ReadonlyMap<string, string>;
}

export interface NetworkOptions {
  readonly fixtures: string | null;
  readonly cifar: string | null;
  readonly networks: readonly string[] | null;
  readonly quick: boolean;
  readonly samples: number;
  readonly normalize: string | null;
}

/** Means and deviations of the pixels, as in training. */
const fashionPixels = "0.2860,0.3530";
const cifarPixels = "0.4914,0.4822,0.4465,0.2471,0.2435,0.2616";

/** The checkpoints of a folder (none: those of this package), each with its data: the paper's first, in its order. */
export function chooseNetworks(options: NetworkOptions): Chosen {
  const root = options.fixtures ?? fileURLToPath(new URL("../../models/", import.meta.url));
  assertFolder("fixtures", options.fixtures);
  assertFolder("cifar", options.cifar);
  const files = new Set(readdirSync(root));
  const there = [...files]
    .flatMap((file) => (file.endsWith(".onnx") ? [file.slice(0, -5)] : []))
    .sort(byPaper);
  if (there.length === 0) {
    throw new LandscapeError(
      "INVALID_OPTION",
      `no checkpoints in ${JSON.stringify(root)}; expected .onnx files such as ${paperNetworks.map((n) => n.name).join(", ")} (scripts/paper trains them)`,
      { folder: root },
    );
  }
  assertNames(options.networks, there);
  const missing = new Map(paperNetworks.map(({ name }) => [name, `no ${name}.onnx in the folder`]));
  const networks: Network[] = [];
  for (const name of there) {
    const found = open(name, root, files, options);
    if (typeof found === "string") missing.set(name, found);
    else {
      networks.push(found);
      missing.delete(name);
    }
  }
  return { networks, missing };
}

/** A network with its data, or why it is left out. */
function open(
  name: string,
  root: string,
  files: ReadonlySet<string>,
  options: NetworkOptions,
): Network | string {
  if (options.networks && !options.networks.includes(name)) return "not asked for by --networks";
  const approximates = /^fcnn\d*(-|$)/.test(name);
  if (options.quick && !approximates) return "left out by --quick";
  const images = { samples: options.samples, testSamples: options.samples };
  const own = pairOf(name, root, files);
  const network = (more: Partial<ProblemOptions>): Network => ({
    ...{ name, model: join(root, `${name}.onnx`) },
    problem: { ...optionDefaults(problemOptions), ...more },
  });
  if (own) return network({ ...own, normalize: options.normalize });
  const shared = pairOf(approximates ? "fcnn" : "fashion", root, files);
  if (approximates) return shared ? network({ ...shared, loss: "mse" }) : needs("fcnn-train.npz");
  if (/^resnet20(-|$)/.test(name)) {
    return shared ? network({ ...shared, ...images, normalize: fashionPixels }) : needs("fashion-train.npz");
  }
  const { cifar } = options;
  if (cifar !== null) return network({ ...images, data: cifar, testData: cifar, normalize: cifarPixels });
  return paperNetworks.some((n) => n.name === name)
    ? "its images are missing: give CIFAR-10's binaries by --cifar"
    : `its data are missing: expected ${name}-train.npz beside it, or CIFAR-10's binaries by --cifar`;
}

function needs(file: string): string {
  return `its data are missing: expected ${file} beside it`;
}

/** Training and test data that lie beside the checkpoint. */
function pairOf(
  name: string,
  root: string,
  files: ReadonlySet<string>,
): Pick<ProblemOptions, "data" | "testData"> | undefined {
  const [train, test] = [`${name}-train.npz`, `${name}-test.npz`];
  if (!files.has(train)) return undefined;
  return { data: join(root, train), testData: files.has(test) ? join(root, test) : null };
}

function byPaper(a: string, b: string): number {
  const place = (name: string) => {
    const known = paperNetworks.findIndex((n) => n.name === name);
    return known < 0 ? paperNetworks.length : known;
  };
  return place(a) - place(b) || (a < b ? -1 : 1);
}

function assertNames(asked: readonly string[] | null, there: readonly string[]): void {
  const unknown = asked?.find((name) => !there.includes(name));
  if (unknown === undefined) return;
  const near = nearest(unknown, there);
  throw new LandscapeError(
    "INVALID_OPTION",
    `no such network: ${JSON.stringify(unknown)}; expected some of ${there.join(", ")}${near ? `. did you mean ${near}?` : ""}`,
    { name: unknown },
  );
}

function assertFolder(option: string, path: string | null): void {
  if (path === null || statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new LandscapeError(
    "INVALID_OPTION",
    `no such folder: ${JSON.stringify(path)}; expected one after --${option}`,
    { option, path },
  );
}
