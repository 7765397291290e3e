import { readFileSync } from "node:fs";
import { openNpz } from "../../src/data/npz.ts";
import { requireFixture } from "../support/fixtures.ts";

/** A folder of artifacts with its data and references (fixtures/ort-artifacts/README.md). */
export interface ArtifactSet {
  readonly name: string;
  readonly folder: string;
  readonly args: readonly string[];
  readonly parameters: readonly string[];
  readonly frozen: readonly string[];
  readonly loss: number;
  reference(key: string): Promise<Float64Array | undefined>;
}

export const SET_NAMES: readonly string[] = [
  "cnn-bn-ce",
  "cnn-ce",
  "dropout-ce",
  "elementwise-mse",
  "encoder-ce",
  "mlp-ce-frozen",
  "mlp-mse",
  "rnn-ce",
];

interface CaseFile {
  readonly parameters: readonly (string | { readonly name: string })[];
  readonly frozen: readonly (string | { readonly name: string })[];
  readonly loss_value: number;
}

export function artifactSet(name: string): ArtifactSet {
  const folder = requireFixture(`ort-artifacts/${name}`);
  const described = JSON.parse(readFileSync(`${folder}/case.json`, "utf8")) as CaseFile;
  const names = (list: CaseFile["parameters"]) => list.map((p) => (typeof p === "string" ? p : p.name));
  return {
    name,
    folder,
    args: [folder, "--data", `${folder}/data.npz`, "--device", "cpu"],
    parameters: names(described.parameters),
    frozen: names(described.frozen ?? []),
    loss: described.loss_value,
    reference: (key) => readArray(`${folder}/ref.npz`, key),
  };
}

/** A flat array of an npz file; undefined where there is none of that name. */
export async function readArray(path: string, key: string): Promise<Float64Array | undefined> {
  const store = await openNpz(path);
  try {
    if (!store.arrays.includes(key)) return undefined;
    return Float64Array.from((await store.read(key)).data as ArrayLike<number | bigint>, Number);
  } finally {
    await store.close();
  }
}
