import { createHash } from "node:crypto";
import { LandscapeError } from "../errors.ts";
import type { Dataset } from "./dataset.ts";

/** A data set whose samples all run at once, since `why`. */
export function runWhole(dataset: Dataset, why: string): Dataset {
  const { samples, path, warnings } = dataset;
  const message = `the ${samples} samples of ${JSON.stringify(path)} run at once, undivided: ${why}`;
  return {
    ...dataset,
    batchSize: samples,
    whole: why,
    warnings: [...warnings, { code: "UNDIVIDED_DATA", message }],
  };
}

/** A data set in two: all but the last `fraction` of its samples, and these, which are held out. Both have at least one. */
export function holdOut(dataset: Dataset, fraction: number): { train: Dataset; heldOut: Dataset } {
  const { samples, batchSize, path, whole } = dataset;
  if (whole !== null) {
    throw new LandscapeError(
      "INVALID_OPTION",
      `cannot hold out samples of ${JSON.stringify(path)}: its ${samples} samples run at once, since ${whole}. Give --test-data`,
      { option: "hold-out" },
    );
  }
  const unit = batchSize ?? 1;
  const batches = samples / unit;
  if (batches < 2) {
    throw new LandscapeError(
      "INVALID_OPTION",
      `cannot hold out samples of ${JSON.stringify(path)}: it has ${samples}${batchSize === null ? "" : `, and the model takes batches of ${batchSize}`}; expected two ${batchSize === null ? "samples" : "batches"} or more. Give more data, or --test-data`,
      { option: "hold-out" },
    );
  }
  const held = Math.min(batches - 1, Math.max(1, Math.round(fraction * batches)));
  const cut = samples - held * unit;
  return { train: part(dataset, 0, cut), heldOut: part(dataset, cut, samples) };
}

/** Samples [from, to) as a data set of their own. */
function part(dataset: Dataset, from: number, to: number): Dataset {
  return {
    ...dataset,
    samples: to - from,
    sha256: createHash("sha256").update(`${dataset.sha256} ${from} ${to}`).digest("hex"),
    // What is odd is said once.
    warnings: from === 0 ? dataset.warnings : [],
    batch: (start, end) => dataset.batch(from + start, from + end),
  };
}
