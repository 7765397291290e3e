import { LandscapeError } from "../errors.ts";
import type { LossKind } from "./loss.ts";

/** Name and version of the layout of emitted gradient graphs, in their metadata. */
export const ARTIFACT_FORMAT = "onnx-landscape/gradient";
export const ARTIFACT_VERSION = 1;

/** What the metadata of an emitted gradient graph says of it. */
export interface ArtifactMetadata {
  readonly modelSha256: string;
  /** In the order of the outputs after `loss`. */
  readonly parameters: readonly string[];
  readonly loss: LossKind;
  /** The input that takes the targets; null where there is none. */
  readonly target: string | null;
  /** Samples of a run. */
  readonly batch: number;
  /** The value inside the graph that holds class scores, classes last, or logits of yes or no; null where there are none. */
  readonly scores: string | null;
  readonly ignoreIndex: number | null;
  /** Classes have weights: the mean over a data set is not that of its batches. */
  readonly weighted: boolean;
}

export function writeMetadata(m: ArtifactMetadata): Record<string, string> {
  return {
    format: ARTIFACT_FORMAT,
    format_version: String(ARTIFACT_VERSION),
    model_sha256: m.modelSha256,
    parameters: JSON.stringify(m.parameters),
    loss: m.loss,
    batch: String(m.batch),
    ...(m.target !== null && { target: m.target }),
    ...(m.scores !== null && { scores: m.scores }),
    ...(m.ignoreIndex !== null && { ignore_index: String(m.ignoreIndex) }),
    ...(m.weighted && { weighted: "true" }),
  };
}

/** undefined: the file is no gradient graph of ours. Throws INVALID_MODEL for one that says what it cannot mean. */
export function readMetadata(entries: Readonly<Record<string, string>>): ArtifactMetadata | undefined {
  if (entries["format"] !== ARTIFACT_FORMAT) return undefined;
  const version = entries["format_version"];
  if (version !== String(ARTIFACT_VERSION)) {
    throw unusable(`format_version is ${JSON.stringify(version)}; expected "${ARTIFACT_VERSION}"`);
  }
  const loss = entries["loss"] ?? "";
  if (!["cross-entropy", "mse", "bce", "output"].includes(loss)) {
    throw unusable(`loss is ${JSON.stringify(loss)}; expected cross-entropy, mse, bce or output`);
  }
  return {
    modelSha256: entries["model_sha256"] ?? "",
    parameters: namesOf(entries["parameters"]),
    loss: loss as LossKind,
    target: entries["target"] ?? null,
    batch: wholeNumber("batch", entries["batch"]),
    scores: entries["scores"] ?? null,
    ignoreIndex: entries["ignore_index"] ? wholeNumber("ignore_index", entries["ignore_index"]) : null,
    weighted: entries["weighted"] === "true",
  };
}

function namesOf(text: string | undefined): string[] {
  try {
    const names: unknown = JSON.parse(text ?? "");
    if (Array.isArray(names) && names.every((n) => typeof n === "string")) return names;
  } catch {
    // Said below.
  }
  throw unusable("parameters is no JSON list of names");
}

function wholeNumber(key: string, text: string | undefined): number {
  const n = Number(text);
  if (text !== undefined && Number.isSafeInteger(n)) return n;
  throw unusable(`${key} is ${JSON.stringify(text)}; expected a whole number`);
}

export function unusable(what: string): LandscapeError {
  return new LandscapeError(
    "INVALID_MODEL",
    `unusable gradient graph: its metadata say it is one of ours, but ${what}. Write it again with "gradient --emit"`,
  );
}
