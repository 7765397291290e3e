import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readNpzArray } from "../../src/data/index.ts";
import type { LossOptions } from "../../src/model/loss.ts";
import { type Objective, openProblem } from "../../src/objective/index.ts";

/** Exported models with float64 references (READMEs of the fixtures' folders zoo and frameworks). */

interface ReferenceCase {
  readonly loss: LossOptions["loss"];
  readonly loss_options: {
    readonly output?: LossOptions["logits"];
    readonly logits?: LossOptions["logits"];
    readonly ignore_index?: number;
    readonly class_axis?: number;
  };
  readonly output_name?: string;
  readonly loss_value: number;
  readonly parameters: readonly { readonly name: string; readonly shape: readonly number[] }[];
}

/** How far our numbers are from the references: relative, of vectors in the 2-norm. */
export interface Agreement {
  readonly loss: number;
  readonly gradient: number;
  readonly product: number;
  /** Parameters of ours that are none of the case's, and the other way round. */
  readonly extra: readonly string[];
  readonly missing: readonly string[];
}

/** Folders with a model, its data and a reference gradient. */
export function referenceCases(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, "ref.npz")))
    .sort();
}

/** Loss, gradient and exact Hessian-vector product of one case, with parameters as we choose them ourselves. */
export async function compareWithReference(folder: string): Promise<Agreement> {
  const wanted = JSON.parse(readFileSync(join(folder, "case.json"), "utf8")) as ReferenceCase;
  const problem = await openProblem({
    model: join(folder, "model.onnx"),
    output: wanted.output_name,
    params: [],
    freeze: [],
    train: {
      path: join(folder, "data.npz"),
      split: "train",
      samples: null,
      target: "y",
      normalization: undefined,
    },
    test: null,
    loss: lossOptions(wanted),
    device: "cpu",
    threads: 1,
    workers: 1,
    memory: 2 ** 29,
    batch: null,
  });
  try {
    const { train } = problem;
    const file = join(folder, "ref.npz");
    const layout = layoutOf(wanted, train);
    const v = layout.toOurs(await readVector(file, "v"));
    const { loss, gradient } = await train.gradient();
    const { hv } = await train.hvp(v, { method: "exact", kinks: "frozen" });
    return {
      loss: Math.abs(loss / wanted.loss_value - 1),
      gradient: distance(layout.toTheirs(gradient), await readVector(file, "grad")),
      product: distance(layout.toTheirs(hv), await readVector(file, "hv")),
      extra: layout.extra,
      missing: layout.missing,
    };
  } finally {
    await problem.close();
  }
}

function lossOptions({ loss, loss_options: options }: ReferenceCase): LossOptions {
  return {
    loss,
    logits: options.output ?? options.logits ?? "auto",
    ignoreIndex: options.ignore_index ?? null,
    classAxis: loss === "cross-entropy" ? (options.class_axis ?? null) : null,
  };
}

/** The reference's flat vectors follow the case's list of parameters, ours that of the objective. */
function layoutOf(wanted: ReferenceCase, ours: Objective) {
  const places = wanted.parameters.map(({ name, shape }) => ({
    name,
    size: shape.reduce((n, d) => n * d, 1),
    at: ours.parameters.find((p) => p.name === name)?.offset,
  }));
  const total = places.reduce((n, p) => n + p.size, 0);
  const eachPlace = (visit: (theirs: number, ours: number, size: number) => void) => {
    let theirs = 0;
    for (const { size, at } of places) {
      if (at !== undefined) visit(theirs, at, size);
      theirs += size;
    }
  };
  const names = new Set(wanted.parameters.map((p) => p.name));
  return {
    extra: ours.parameters.map((p) => p.name).filter((name) => !names.has(name)),
    missing: places.filter((p) => p.at === undefined).map((p) => p.name),
    toOurs: (vector: Float64Array): Float64Array => {
      const out = new Float64Array(ours.n);
      eachPlace((theirs, at, size) => out.set(vector.subarray(theirs, theirs + size), at));
      return out;
    },
    toTheirs: (vector: Float64Array): Float64Array => {
      const out = new Float64Array(total).fill(Number.NaN);
      eachPlace((theirs, at, size) => out.set(vector.subarray(at, at + size), theirs));
      return out;
    },
  };
}

async function readVector(file: string, key: string): Promise<Float64Array> {
  return Float64Array.from((await readNpzArray(file, key)).data as Float32Array);
}

/** ‖a − b‖ / ‖b‖; NaN where a parameter is missing. */
function distance(a: Float64Array, b: Float64Array): number {
  if (a.length !== b.length) return Number.NaN;
  const norm = (of: (i: number) => number) => Math.sqrt(b.reduce((sum, _, i) => sum + of(i) ** 2, 0));
  return norm((i) => a[i]! - b[i]!) / norm((i) => b[i]!);
}
