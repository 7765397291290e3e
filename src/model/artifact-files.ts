import { readdir } from "node:fs/promises";
import { LandscapeError } from "../errors.ts";

/** Files of a folder that onnxruntime.training.artifacts wrote; names may have a prefix. */
export interface ArtifactFiles {
  readonly training: string | null;
  readonly eval: string | null;
  readonly checkpoint: string;
}

/** Finds the files by the ends of their names; throws where they are no whole set, or more than one. */
export async function findArtifacts(folder: string): Promise<ArtifactFiles> {
  const names = (await readdir(folder)).sort();
  const training = one(folder, names, "training_model.onnx");
  const evaluation = one(folder, names, "eval_model.onnx");
  if (training === null && evaluation === null) {
    throw new LandscapeError(
      "INVALID_MODEL",
      `no model: ${JSON.stringify(folder)} is a folder without training_model.onnx or eval_model.onnx; expected an .onnx file, or a folder of onnxruntime-training artifacts. Pass the model inside it`,
      { path: folder },
    );
  }
  const isNominal = (name: string) => /nominal_?checkpoint/.test(name);
  const checkpoints = names.filter((n) => /checkpoint$|\.ckpt$/.test(n));
  const whole = checkpoints.filter((n) => !isNominal(n));
  const chosen = whole.find((n) => n === "checkpoint") ?? whole[0] ?? checkpoints[0];
  if (chosen === undefined) {
    throw unusable(
      folder,
      'it has no checkpoint; expected a file named "checkpoint" (or *.ckpt). Copy it there, artifacts are useless without weights',
    );
  }
  if (whole.length > 1 && chosen !== "checkpoint") {
    throw unusable(
      folder,
      `it has ${whole.length} checkpoints: ${whole.map((n) => `"${n}"`).join(", ")}; expected one. Name the one to use "checkpoint"`,
    );
  }
  return { training, eval: evaluation, checkpoint: chosen };
}

function one(folder: string, names: readonly string[], suffix: string): string | null {
  const found = names.filter((n) => n.endsWith(suffix));
  const [first = null] = found;
  if (found.length <= 1 || found.includes(suffix)) return found.includes(suffix) ? suffix : first;
  throw unusable(
    folder,
    `it has ${found.length} files that end in ${suffix}: ${found.map((n) => `"${n}"`).join(", ")}; expected one. Pass a folder for each`,
  );
}

export function unusable(folder: string, what: string): LandscapeError {
  return new LandscapeError("INVALID_MODEL", `unusable artifacts in ${JSON.stringify(folder)}: ${what}`, {
    path: folder,
  });
}
