import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import {
  decodeCheckpoint,
  encodeCheckpoint,
  type TrainingCheckpoint,
} from "../../src/artifacts/checkpoint.ts";
import { LandscapeError } from "../../src/errors.ts";
import type { ReadExternal } from "../../src/onnx/tensor-codec.ts";
import { describeWithFixtures, fixture, requireFixture } from "../support/fixtures.ts";
import { type Random, randomFrom } from "../support/sample.ts";
import { sample } from "./checkpoints.ts";

const MUTATIONS = 10_000;

/** 32-bit numbers at the edges of what offsets, counts and sizes can be. */
const EXTREMES = [
  0, 1, 3, 4, 0xff, 0xffff, 0x10000, 0x7ffffffb, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff,
];

/** Places to damage: of a large file nearly all bytes are values, where damage is not seen. */
function structure(bytes: Uint8Array, original: TrainingCheckpoint): number[] {
  const isValue = new Uint8Array(bytes.length);
  const tensors = original.isNominal ? [] : [...original.trained, ...original.frozen].map((p) => p.tensor);
  for (const { data } of tensors) {
    const { buffer, byteOffset, byteLength } = data as Uint8Array;
    const at = Buffer.from(bytes).indexOf(Buffer.from(buffer, byteOffset, byteLength));
    // A value here and there is left, to be damaged too.
    if (at >= 0 && byteLength > 16) isValue.fill(1, at + 4, at + byteLength - 4);
  }
  return [...isValue.keys()].filter((at) => isValue[at] === 0);
}

/** Damages `bytes` in place (a truncation gives fewer); `undo` puts everything back. */
function damage(
  bytes: Uint8Array,
  places: readonly number[],
  random: Random,
): { seen: Uint8Array; undo: () => void } {
  const undos: (() => void)[] = [];
  const below = (n: number) => Math.floor(random() * n);
  let length = bytes.length;
  const put = (at: number, values: readonly number[]) => {
    const before = bytes.slice(at, at + values.length);
    undos.push(() => bytes.set(before, at));
    for (const [i, v] of values.entries()) if (at + i < bytes.length) bytes[at + i] = v;
  };
  const word = (at: number, value: number) =>
    put(
      at,
      [0, 8, 16, 24].map((shift) => (value >>> shift) & 255),
    );
  for (let k = 1 + below(3); k > 0; k--) {
    const at = random() < 0.9 ? (places[below(places.length)] ?? 0) : below(bytes.length);
    const aligned = at - (at % 4);
    const current = bytes[at] ?? 0;
    switch (below(8)) {
      case 0:
        put(at, [below(256)]);
        break;
      case 1:
        length = Math.min(length, at);
        break;
      case 2:
        word(aligned, EXTREMES[below(EXTREMES.length)] ?? 0);
        break;
      case 3:
        // Near the length of the file: just inside, just outside.
        word(aligned, bytes.length - aligned - 8 + below(16));
        break;
      case 4:
        put(at - (at % 2), [below(40), 0]);
        break;
      case 5:
        // Another reference in place of this one.
        word(aligned, (places[below(places.length)] ?? 0) - aligned);
        break;
      default:
        put(at, [current ^ (1 << below(8))]);
    }
  }
  const undo = () => {
    for (const step of undos.reverse()) step();
  };
  return { seen: bytes.subarray(0, length), undo };
}

/** Bytes of all values. Reading them all is part of the test. */
function sizeInMemory(checkpoint: TrainingCheckpoint): number {
  const momentums = checkpoint.optimizerGroups.flatMap((g) => g.states.flatMap((s) => s.momentums));
  const parameters = checkpoint.isNominal ? [] : [...checkpoint.trained, ...checkpoint.frozen];
  const bytes = [...parameters, ...momentums].map(({ tensor }) => (tensor.data as Uint8Array).byteLength);
  return bytes.reduce((sum, n) => sum + n, 0);
}

interface Outcome {
  readonly read: number;
  readonly messages: Set<string>;
}

/** Every damaged file is read or refused; what is read takes no more memory than twice the file. */
function fuzz(bytes: Uint8Array, seed: string, readExternal: ReadExternal): Outcome {
  const original = decodeCheckpoint(bytes, { readExternal });
  const places = structure(bytes, original);
  const random = randomFrom(seed);
  const messages = new Set<string>();
  let read = 0;
  for (let i = 0; i < MUTATIONS; i++) {
    const { seen, undo } = damage(bytes, places, random);
    let external = 0;
    try {
      const found = decodeCheckpoint(seen, {
        readExternal: (reference, length) => {
          const contents = readExternal(reference, length);
          external += length;
          return contents;
        },
      });
      expect(sizeInMemory(found)).toBeLessThanOrEqual(2 * seen.length + external);
      read++;
    } catch (error) {
      if (!(error instanceof LandscapeError)) throw new Error(`mutation ${i} of ${seed}`, { cause: error });
      expect(error.code).toBe("INVALID_MODEL");
      messages.add(error.message.replace(/".*?"|[-\d]+/g, "_"));
    } finally {
      undo();
    }
  }
  // What was damaged is whole again, else later mutations would be of another file.
  expect(
    Buffer.compare(
      encodeCheckpoint(decodeCheckpoint(bytes, { readExternal })).file,
      encodeCheckpoint(original).file,
    ),
  ).toBe(0);
  return { read, messages };
}

/** As the reader of files does, for the contents of one. */
function fromBytes(data: Uint8Array): ReadExternal {
  return ({ offset, tensor }, length) => {
    if (offset + length <= data.length) return data.slice(offset, offset + length);
    throw new LandscapeError("INVALID_MODEL", `external data of "${tensor}" is too short`);
  };
}

function expectBoth({ read, messages }: Outcome): void {
  // Both outcomes must be met with, and many ways of refusal, else the mutations test nothing.
  expect(read).toBeGreaterThan(MUTATIONS / 100);
  expect(read).toBeLessThan(MUTATIONS * 0.9);
  expect(messages.size).toBeGreaterThan(10);
}

const none = fromBytes(new Uint8Array());

it("ten thousand damaged checkpoints of ours: read or refused, nothing else", () => {
  expectBoth(fuzz(encodeCheckpoint(sample()).file, "ours", none));
});

describeWithFixtures("ten thousand times damaged: read or refused, nothing else", () => {
  const folder = "ort-artifacts/checkpoints";
  const files = ["adamw-3-steps", "trained-no-optimizer", "nominal", "external"].map(
    (name) => `${folder}/${name}`,
  );
  const sets = [
    "cnn-bn-ce",
    "cnn-ce",
    "dropout-ce",
    "elementwise-mse",
    "encoder-ce",
    "mlp-ce-frozen",
    "mlp-mse",
    "rnn-ce",
  ];
  const all = [
    ...files,
    ...sets.map((name) => `ort-artifacts/${name}/checkpoint`),
    "ort-artifacts/mlp-mse/nominal_checkpoint",
    "ort-training-testdata/nominal_checkpoint",
    "ort-training-testdata/checkpoint.ckpt",
  ];
  it.each(all)("%s", (path) => {
    const data = fixture(`${path}.data`);
    const external = data === undefined ? none : fromBytes(readFileSync(data));
    expectBoth(fuzz(new Uint8Array(readFileSync(requireFixture(path))), path, external));
  });
});
