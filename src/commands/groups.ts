import type { TraceInfo } from "../analysis/analysis-report.ts";
import type { HvpMethod } from "../objective/types.ts";
import {
  bytes,
  choice,
  flag,
  fraction,
  integer,
  type Option,
  type OptionTable,
  text,
  texts,
} from "./options.ts";

const modelAndData = "Model and data:";
const where = "Where:";
const output = "Output:";

/** Which model, on which data, under which loss. */
export interface ProblemOptions {
  readonly data: string | null;
  readonly testData: string | null;
  readonly target: string;
  readonly samples: number | null;
  readonly testSamples: number | null;
  readonly normalize: string | null;
  readonly scale: string | null;
  readonly offset: string | null;
  readonly loss: "auto" | "cross-entropy" | "mse" | "bce" | "output";
  readonly logits: "auto" | "logits" | "log-probabilities" | "probabilities";
  readonly ignoreIndex: number | null;
  readonly classAxis: number | null;
  readonly classWeights: string | null;
  readonly labelSmoothing: number;
  readonly output: string | null;
  readonly params: readonly string[];
  readonly freeze: readonly string[];
  readonly gradient: "auto" | "artifact" | "ours";
  readonly evalMode: boolean;
}

export const problemOptions: OptionTable<ProblemOptions> = {
  data: text<null>({
    group: modelAndData,
    describe: "F: training data; an .npz with one array per input (or x) and y, idx pair images,labels, …",
    fallback: null,
  }),
  testData: text<null>({ group: modelAndData, describe: "F: test data, in the same form", fallback: null }),
  target: text<string>({
    group: modelAndData,
    describe: "NAME: the array of targets [default y]",
    fallback: "y",
    advanced: true,
  }) as Option<string>,
  samples: integer<null>(
    { group: modelAndData, describe: "N: the first N training samples [default all]", fallback: null },
    1,
  ),
  testSamples: integer<null>(
    { group: modelAndData, describe: "N: the first N test samples [default all]", fallback: null },
    1,
  ),
  normalize: text<null>({
    group: modelAndData,
    describe: "MEAN,STD[,255]: x becomes (x/255 − mean)/std; per channel M1,M2,M3,S1,S2,S3[,255]",
    fallback: null,
  }),
  scale: text<null>({
    group: modelAndData,
    describe: "S: x becomes S·x + O; a number or one for each channel [default 1]",
    fallback: null,
    advanced: true,
  }),
  offset: text<null>({
    group: modelAndData,
    describe: "O: see --scale [default 0]",
    fallback: null,
    advanced: true,
  }),
  loss: choice<ProblemOptions["loss"]>(
    {
      group: modelAndData,
      describe: "auto, cross-entropy, mse, bce or output (the output is the loss) [default auto]",
      fallback: "auto",
    },
    ["auto", "cross-entropy", "mse", "bce", "output"],
  ),
  logits: choice<ProblemOptions["logits"]>(
    {
      group: modelAndData,
      describe: "auto, logits, log-probabilities or probabilities: what the output is [default auto]",
      fallback: "auto",
      advanced: true,
    },
    ["auto", "logits", "log-probabilities", "probabilities"],
  ),
  ignoreIndex: integer<null>(
    {
      group: modelAndData,
      describe: "I: positions with this label do not count",
      fallback: null,
      advanced: true,
    },
    Number.MIN_SAFE_INTEGER,
  ),
  classAxis: integer<null>(
    {
      group: modelAndData,
      describe: "A: axis of the classes in the output [default 1]",
      fallback: null,
      advanced: true,
    },
    -16,
    16,
  ),
  classWeights: text<null>({
    group: modelAndData,
    describe: "W1,W2,… or F.npz:KEY: weights of the classes in the cross-entropy, as in PyTorch",
    fallback: null,
    advanced: true,
  }),
  labelSmoothing: fraction({
    group: modelAndData,
    describe: "S: share of each label that is spread over all classes [default 0]",
    fallback: 0,
    advanced: true,
  }),
  output: text<null>({
    group: modelAndData,
    describe: "NAME: the graph output, or any tensor inside, that the loss takes",
    fallback: null,
    advanced: true,
  }),
  params: texts({
    group: modelAndData,
    describe: "GLOB: initializers that are parameters (may be repeated) [default by use]",
    advanced: true,
  }),
  freeze: texts({
    group: modelAndData,
    describe: "GLOB: parameters to keep fixed (may be repeated)",
    advanced: true,
  }),
  gradient: choice<ProblemOptions["gradient"]>(
    {
      group: modelAndData,
      describe: "auto, artifact (the gradient in the file) or ours (its loss differentiated) [default auto]",
      fallback: "auto",
      advanced: true,
    },
    ["auto", "artifact", "ours"],
  ),
  evalMode: flag(
    modelAndData,
    "evaluation mode: BatchNormalization and Dropout of a training export; eval_model.onnx of artifacts",
    true,
  ),
};

/** On which device, with how many processes. */
export interface WhereOptions {
  readonly device: "auto" | "cpu" | "cuda" | "webgpu";
  readonly threads: number | null;
  readonly workers: number | null;
  readonly memory: number | null;
  readonly batch: number | null;
}

export const whereOptions: OptionTable<WhereOptions> = {
  device: choice<WhereOptions["device"]>(
    { group: where, describe: "auto, cpu, cuda or webgpu [default auto]", fallback: "auto" },
    ["auto", "cpu", "cuda", "webgpu"],
  ),
  workers: integer<null>(
    {
      group: where,
      describe: "N: processes; results do not depend on it [default one per core]",
      fallback: null,
    },
    1,
    1024,
  ),
  threads: integer<null>(
    { group: where, describe: "N: threads of each process [default 1]", fallback: null, advanced: true },
    1,
    1024,
  ),
  memory: bytes<null>({
    group: where,
    describe: "BYTES: memory of one process for intermediate values [default 512MiB]",
    fallback: null,
    advanced: true,
  }),
  batch: integer<null>(
    { group: where, describe: "N: samples in one pass [default by memory]", fallback: null, advanced: true },
    1,
  ),
};

/** How the result is given. */
export interface TalkOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly debug: boolean;
}

export const talkOptions: OptionTable<TalkOptions> = {
  json: flag(output, "one JSON object on stdout and nothing else there"),
  quiet: flag(output, "no progress", true),
  debug: flag(output, "stacks of errors", true),
};

export const seedOption: Option<number> = integer<number>(
  { group: "What:", describe: "N: seed of everything random [default 0]", fallback: 0 },
  0,
);

const outOption: Option<string | null> = text<null>({
  group: output,
  describe: "DIR: run folder; a killed run started again with it continues [default none]",
  fallback: null,
});

export const npzOption: Option<string | null> = text<null>({
  group: output,
  describe: "F.npz: write the arrays of the result",
  fallback: null,
});

/** A plane for programs that draw meshes. */
export const meshOptions: OptionTable<MeshOptions> = {
  vtk: text<null>({
    group: output,
    describe: "F.vtk: write the plane for ParaView (structured grid, all values)",
    fallback: null,
  }),
  obj: text<null>({
    group: output,
    describe: "F.obj: write the losses as meshes for Blender, coloured as the report's",
    fallback: null,
  }),
};

export interface MeshOptions {
  readonly vtk: string | null;
  readonly obj: string | null;
}

/** What every command takes whose work is kept in a run folder, after the problem and what it computes. */
export interface RunOptions extends WhereOptions {
  readonly seed: number;
  readonly out: string | null;
}

export const runOptions: OptionTable<RunOptions> = {
  seed: seedOption,
  ...whereOptions,
  out: outOption,
};

export const hvpOption: Option<"fd" | "exact"> = choice<"fd" | "exact">(
  {
    group: "What:",
    describe: "fd (differences of gradients) or exact (the graph of ∇⟨∇L, v⟩) products [default fd]",
    fallback: "fd",
  },
  ["fd", "exact"],
);

/** What every command takes that looks at the curvature at one point: how products are made, where work and arrays go. */
export interface CurvatureOptions extends RunOptions {
  readonly hvp: "fd" | "exact";
  readonly kinks: "frozen" | "moving";
  readonly npz: string | null;
}

/** Which matrix: products of the others are exact. */
export type MatrixName = "hessian" | "ggn" | "fisher";

export const operatorOption: Option<MatrixName> = choice<MatrixName>(
  {
    group: "What:",
    describe:
      "hessian, ggn (Gauss-Newton) or fisher (empirical: mean of g·gᵀ over samples) [default hessian]",
    fallback: "hessian",
  },
  ["hessian", "ggn", "fisher"],
);

export const matrixNames: Readonly<Record<MatrixName, string>> = {
  hessian: "Hessian",
  ggn: "Gauss-Newton",
  fisher: "empirical Fisher",
};

/** How products are made: of the Hessian as asked for, of the other matrices exactly. */
export function productMethod(operator: MatrixName, hvp: "fd" | "exact"): HvpMethod {
  return operator === "hessian" ? hvp : operator;
}

export const kinksOption: Option<"frozen" | "moving"> = choice<"frozen" | "moving">(
  {
    group: "What:",
    describe: "frozen: differences with branches held, the Hessian; moving: plain [default frozen]",
    fallback: "frozen",
  },
  ["frozen", "moving"],
);

export const curvatureOptions: OptionTable<CurvatureOptions> = {
  hvp: hvpOption,
  kinks: kinksOption,
  ...runOptions,
  npz: npzOption,
};

export const eigenMethodOption: Option<"lanczos" | "annihilation"> = choice<"lanczos" | "annihilation">(
  {
    group: "What:",
    describe: "lanczos (one run for both ends) or annihilation (the paper's two runs) [default lanczos]",
    fallback: "lanczos",
  },
  ["lanczos", "annihilation"],
);

/** How many subsets of the training data; `fallback` in words. */
export function subsetsOption<T extends number | null>(fallback: T, shown: string): Option<T | number> {
  const describe = `K: λ₊ and λ₋ on K disjoint subsets of the training data too, 0: no [default ${shown}]`;
  return integer<T>({ group: "What:", describe, fallback }, 0);
}

export const pointsOption: Option<number | null> = integer<null>(
  {
    group: "What:",
    describe: "N: losses on each line of a fit [default 5, at a width chosen from noise; the paper's: 50]",
    fallback: null,
    advanced: true,
  },
  3,
  1001,
);

export const estimatorOption: Option<TraceInfo["estimator"]> = choice<TraceInfo["estimator"]>(
  {
    group: "What:",
    describe: "hutchinson, hutch++, xtrace or curvature (from losses alone) [default hutchinson]",
    fallback: "hutchinson",
  },
  ["hutchinson", "hutch++", "xtrace", "curvature"],
);
