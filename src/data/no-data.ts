import { createHash } from "node:crypto";
import type { Dataset } from "./dataset.ts";

/** What a model without inputs is run on: one sample of nothing. */
export function noData(): Dataset {
  return {
    path: "",
    samples: 1,
    batchSize: 1,
    whole: null,
    sha256: createHash("sha256").digest("hex"),
    warnings: [],
    types: () => ({ inputs: new Map(), target: null }),
    batch: () => ({ inputs: new Map(), target: null }),
    assertLabels: () => {},
  };
}
