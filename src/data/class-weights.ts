import { LandscapeError } from "../errors.ts";
import { parseVectorAddress, readNpzArray } from "./vector.ts";

/** The weights of the classes, from a list as typed (`1,0.5,2`) or an array of a file (`F.npz:KEY`): none negative. */
export async function readClassWeights(text: string): Promise<readonly number[]> {
  const fail = (why: string): never => {
    throw new LandscapeError(
      "INVALID_OPTION",
      `invalid --class-weights: ${JSON.stringify(text)} ${why}; expected a number for each class, none negative and not all 0, as 1,0.5,2 or F.npz:KEY`,
      { value: text },
    );
  };
  const weights = /^[-+.\d,eE\s]*$/.test(text) ? listed(text) : await stored(text);
  const bad = weights.findIndex((w) => !(w >= 0 && Math.fround(w) < Infinity));
  if (bad >= 0) fail(`holds ${weights[bad]} at position ${bad}`);
  if (weights.every((w) => w === 0)) fail("holds no weight above 0");
  return weights;
}

function listed(text: string): number[] {
  return text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
}

async function stored(text: string): Promise<number[]> {
  const { path, key } = parseVectorAddress(text);
  const { data } = await readNpzArray(path, key);
  return Array.from(data as ArrayLike<number | bigint>, Number);
}
