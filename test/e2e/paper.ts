import { readFileSync } from "node:fs";
import { openNpz } from "../../src/data/npz.ts";
import { requireFixture } from "../support/fixtures.ts";

const normalize = ["--normalize", "0.2860,0.3530"];

export function paperFile(name: string): string {
  return requireFixture(`paper/${name}`);
}

export function fcnn(name: "fcnn2" | "fcnn10"): readonly string[] {
  return [
    paperFile(`${name}.onnx`),
    "--data",
    paperFile("fcnn-train.npz"),
    "--test-data",
    paperFile("fcnn-test.npz"),
  ];
}

export function resnet(name = "resnet20"): readonly string[] {
  const data = ["--data", paperFile("fashion-train.npz"), "--test-data", paperFile("fashion-test.npz")];
  return [paperFile(`${name}.onnx`), ...data, ...normalize, "--samples", "128", "--test-samples", "128"];
}

export function paperArgs(name: string): readonly string[] {
  return name.startsWith("fcnn") ? fcnn(name as "fcnn2") : resnet(name);
}

/** A value of ref.json by its path, such as ("fcnn2", "loss"). */
export function reference(model: string, ...path: string[]): unknown {
  const all = JSON.parse(readFileSync(paperFile("ref.json"), "utf8")) as Record<string, unknown>;
  const [first, ...rest] = path;
  let found: unknown = all[`${model}/${first}`];
  for (const key of rest) found = (found as Record<string, unknown>)[key];
  return found;
}

export async function referenceVector(key: string): Promise<Float64Array> {
  const store = await openNpz(paperFile("ref.npz"));
  try {
    const array = await store.read(key);
    return Float64Array.from(array.data as Float32Array);
  } finally {
    await store.close();
  }
}

/** ‖a − b‖ / ‖b‖. */
export function relativeDistance(a: Float64Array, b: Float64Array): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < b.length; i++) {
    difference += ((a[i] ?? Number.NaN) - (b[i] as number)) ** 2;
    norm += (b[i] as number) ** 2;
  }
  return Math.sqrt(difference / norm);
}

export function cosine(a: Float64Array, b: Float64Array): number {
  let ab = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < b.length; i++) {
    ab += (a[i] as number) * (b[i] as number);
    aa += (a[i] as number) ** 2;
    bb += (b[i] as number) ** 2;
  }
  return ab / Math.sqrt(aa * bb);
}
