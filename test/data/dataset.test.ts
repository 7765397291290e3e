import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type ArrayToWrite,
  type Dataset,
  type DatasetSpec,
  type InputRequirement,
  loadDataset,
  writeNpz,
} from "../../src/data/index.ts";
import { LandscapeError } from "../../src/errors.ts";
import { readModel } from "../../src/onnx/index.ts";
import { bundled, describeWithFixtures, requireFixture } from "../support/fixtures.ts";
import { concat } from "../support/zip.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "dataset-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const defaults = { split: "train", samples: null, target: "y", normalization: undefined } as const;
const image: InputRequirement = { name: "input", type: "float32", dims: [null, 2] };

function floats(shape: number[], fill = (i: number) => i): ArrayToWrite {
  return { shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => fill(i)) };
}
const labels = (...values: number[]): ArrayToWrite => ({
  shape: [values.length],
  data: BigInt64Array.from(values, BigInt),
});

let files = 0;
function save(arrays: Record<string, ArrayToWrite>): string {
  const path = join(folder, `${files++}.npz`);
  writeNpz(path, arrays);
  return path;
}

function load(
  arrays: Record<string, ArrayToWrite> | string,
  inputs: InputRequirement[] = [image],
  spec: Partial<DatasetSpec> = {},
): Promise<Dataset> {
  const path = typeof arrays === "string" ? arrays : save(arrays);
  return loadDataset({ ...defaults, path, ...spec }, { inputs });
}

async function failure(promise: Promise<unknown>): Promise<LandscapeError> {
  const error = await promise.then(
    () => new Error("it did not fail"),
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(LandscapeError);
  return error as LandscapeError;
}

describe("a data set", () => {
  it("gives batches, as views where nothing is to be converted", async () => {
    const data = await load({ input: floats([5, 2]), y: labels(0, 1, 0, 1, 0), other: floats([3]) });
    expect(data.samples).toBe(5);
    expect(data.batchSize).toBeNull();
    const { inputs, target } = data.batch(1, 3);
    expect(inputs.get("input")).toEqual({ type: "float32", dims: [2, 2], data: Float32Array.of(2, 3, 4, 5) });
    expect(target).toEqual({ type: "int64", dims: [2], data: BigInt64Array.of(1n, 0n) });
    expect(data.batch(0, 5).inputs.get("input")?.data.buffer).toBe(inputs.get("input")?.data.buffer);
  });

  it("of one input may be called x; targets may have another name, or be absent", async () => {
    const data = await load({ x: floats([2, 2]), t: floats([2, 3]) }, [image], { target: "t" });
    expect(data.batch(0, 2).target).toEqual({ type: "float32", dims: [2, 3], data: floats([2, 3]).data });
    expect((await load({ x: floats([2, 2]) })).batch(0, 1).target).toBeNull();
  });

  it("takes aliases of inputs", async () => {
    const inputs = [image, { name: "labels", type: "int64", dims: [null], aliases: ["y"] }];
    const data = await load({ input: floats([2, 2]), y: labels(3, 4) }, inputs);
    expect(data.batch(1, 2).inputs.get("labels")?.data).toEqual(BigInt64Array.of(4n));
  });

  it("converts ids, doubles and halves of precision", async () => {
    const inputs: InputRequirement[] = [
      { name: "ids", type: "int64", dims: [null, null] },
      { name: "x", type: "float32", dims: [null] },
    ];
    const data = await load(
      {
        ids: { shape: [2, 1], data: Int32Array.of(5, -6) },
        x: { shape: [2], data: Float64Array.of(0.1, 0.2) },
      },
      inputs,
    );
    const batch = data.batch(0, 2).inputs;
    expect(batch.get("ids")?.data).toEqual(BigInt64Array.of(5n, -6n));
    expect(batch.get("x")?.data).toEqual(Float32Array.of(0.1, 0.2));
  });

  it("takes the first samples when told to", async () => {
    const data = await load({ x: floats([5, 2]), y: labels(0, 1, 2, 3, 4) }, [image], { samples: 2 });
    expect(data.samples).toBe(2);
    expect(data.batch(0, 2).target?.data).toEqual(BigInt64Array.of(0n, 1n));
  });

  it("normalises bytes, and warns where it is not asked to", async () => {
    const arrays = { x: { shape: [1, 2], data: Uint8Array.of(0, 255) } };
    const raw = await load(arrays);
    expect(raw.warnings.map((w) => w.code)).toEqual(["RAW_PIXELS"]);
    expect(raw.batch(0, 1).inputs.get("input")?.data).toEqual(Float32Array.of(0, 255));
    const normalization = { kind: "standardize", divisor: null, mean: [0.5], std: [0.5] } as const;
    const data = await load(arrays, [image], { normalization });
    expect(data.warnings).toEqual([]);
    expect(data.batch(0, 1).inputs.get("input")?.data).toEqual(Float32Array.of(-1, 1));
  });

  it("is known by its contents, whatever file they lie in", async () => {
    const arrays = { x: floats([4, 2]), y: labels(0, 1, 2, 3) };
    const data = await load(arrays);
    expect((await load({ y: arrays.y, z: floats([1]), x: arrays.x })).sha256).toBe(data.sha256);
    expect((await load(arrays, [image], { samples: 3 })).sha256).not.toBe(data.sha256);
    expect((await load({ ...arrays, y: labels(0, 1, 2, 2) })).sha256).not.toBe(data.sha256);
    const normalization = { kind: "affine", scale: [2], offset: [0] } as const;
    expect((await load(arrays, [image], { normalization })).sha256).not.toBe(data.sha256);
  });

  it("of the bundled images has the mean that its normalisation says", async () => {
    const normalization = { kind: "standardize", divisor: 255, mean: [0.286], std: [0.353] } as const;
    const data = await load(
      bundled("fashion-train.npz"),
      [{ name: "input", type: "float32", dims: [null, 1, 28, 28] }],
      {
        normalization,
      },
    );
    const pixels = data.batch(0, 256).inputs.get("input")?.data as Float32Array;
    const mean = pixels.reduce((a, b) => a + b, 0) / pixels.length;
    // Image means scatter by about 0.45 of a deviation; four standard errors of 256 of them.
    expect(Math.abs(mean)).toBeLessThan((4 * 0.45) / Math.sqrt(256));
    data.assertLabels({ classes: 10, ignoreIndex: null });
  });
});

describe("models of a fixed batch", () => {
  const fixed: InputRequirement = { name: "x", type: "float32", dims: [4, 2] };

  it("want batches of that size", async () => {
    const data = await load({ x: floats([8, 2]), y: labels(...Array(8).fill(0)) }, [fixed]);
    expect([data.samples, data.batchSize]).toEqual([8, 4]);
    const error = await failure(load({ x: floats([10, 2]) }, [fixed]));
    expect(error.message).toMatch(/10 samples .* do not fill batches of 4.*--samples 8/);
    expect((await failure(load({ x: floats([3, 2]) }, [fixed]))).message).toMatch(
      /3 samples .* batches of 4/,
    );
    expect((await failure(load({ x: floats([8, 2]) }, [fixed], { samples: 6 }))).message).toMatch(/multiple/);
  });

  it("whose batch is not the first axis run on everything at once", async () => {
    const sequence: InputRequirement = { name: "x", type: "float32", dims: [5, 4, 2] };
    const data = await load({ x: floats([5, 4, 2]), y: labels(0, 1, 2, 3) }, [sequence]);
    expect([data.samples, data.batchSize]).toEqual([4, 4]);
    expect(data.batch(0, 4).inputs.get("x")?.dims).toEqual([5, 4, 2]);
  });

  it("may take an input that is the same for all batches", async () => {
    const table: InputRequirement = { name: "table", type: "float32", dims: [3] };
    const data = await load({ x: floats([6, 2]), table: floats([3]) }, [{ ...image, name: "x" }, table]);
    expect([data.samples, data.batchSize]).toEqual([6, null]);
    expect(data.batch(0, 2).inputs.get("table")?.dims).toEqual([3]);
    expect([...data.types(9).inputs].map(([, t]) => t.dims)).toEqual([[9, 2], [3]]);
  });
});

describe("unusable data", () => {
  const nan = (i: number) => (i === 3 ? NaN : 0);
  const cases: [string, () => Promise<unknown>, string, RegExp][] = [
    ["no file", () => load(join(folder, "no.npz")), "INVALID_DATA", /no\.npz": there is no such file/],
    [
      "an input is missing",
      () => load({ a: floats([1, 2]), b: floats([1]) }),
      "INVALID_DATA",
      /input "input" \(as "input" or "x"\).*it has "a", "b"/,
    ],
    [
      "an input of several is missing",
      () => load({ x: floats([1, 2]) }, [image, { ...image, name: "b" }]),
      "INVALID_DATA",
      /has no array "input"; it has "x"/,
    ],
    [
      "the targets are missing",
      () => load({ x: floats([1, 2]) }, [image], { target: "t" }),
      "INVALID_DATA",
      /no targets: .* no array "t"; it has "x"/,
    ],
    [
      "another rank",
      () => load({ x: floats([1, 2, 3]) }),
      "INVALID_DATA",
      /has shape \[1, 2, 3\]; expected \[\?, 2\]/,
    ],
    [
      "another length",
      () => load({ x: floats([1, 3]) }),
      "INVALID_DATA",
      /has shape \[1, 3\]; expected \[\?, 2\]/,
    ],
    [
      "integers for floats",
      () => load({ x: { shape: [1, 2], data: Int32Array.of(1, 2) } }),
      "INVALID_DATA",
      /type int32; expected float32 or float64 \(or uint8/,
    ],
    [
      "floats for integers",
      () => load({ x: floats([1]) }, [{ name: "x", type: "int64", dims: [null] }]),
      "INVALID_DATA",
      /type float32; expected int64/,
    ],
    [
      "floats for bools",
      () => load({ x: floats([1]) }, [{ name: "x", type: "bool", dims: [null] }]),
      "INVALID_DATA",
      /type float32; expected bool/,
    ],
    [
      "a model of strings",
      () => load({ x: floats([1]) }, [{ name: "x", type: "string", dims: [null] }]),
      "INVALID_DATA",
      /expected string/,
    ],
    [
      "counts differ",
      () => load({ x: floats([3, 2]), y: labels(1, 2) }),
      "INVALID_DATA",
      /samples differ .*"x" has 3, "y" has 2/,
    ],
    ["no samples", () => load({ x: floats([0, 2]) }), "INVALID_DATA", /empty data set/],
    [
      "empty samples",
      () => load({ x: floats([2, 0]) }, [{ ...image, dims: [null, null] }]),
      "INVALID_DATA",
      /holds no elements/,
    ],
    [
      "NaN in an input",
      () => load({ x: floats([2, 2], nan) }),
      "INVALID_DATA",
      /"x" \(float32\).* holds NaN at \[1, 1\]; expected finite/,
    ],
    [
      "infinity in targets",
      () => load({ x: floats([2, 2]), y: floats([2, 1], () => Infinity) }),
      "INVALID_DATA",
      /"y".* holds Infinity at \[0, 0\]/,
    ],
    [
      "beyond float32",
      () => load({ x: { shape: [1, 2], data: Float64Array.of(1, 1e300) } }),
      "INVALID_DATA",
      /holds 1e\+300 at \[0, 1\]; expected numbers that float32 can hold/,
    ],
    [
      "beyond int32",
      () => load({ x: labels(0, 2 ** 40) }, [{ name: "x", type: "int32", dims: [null] }]),
      "INVALID_DATA",
      /holds 1099511627776 at \[1\].*int32/,
    ],
    [
      "targets of one number",
      () => load({ x: floats([1, 2]), y: { shape: [], data: Float32Array.of(1) } }),
      "INVALID_DATA",
      /single number/,
    ],
    [
      "more samples than there are",
      () => load({ x: floats([3, 2]) }, [image], { samples: 4 }),
      "INVALID_OPTION",
      /cannot take 4 samples of .* it has 3/,
    ],
    [
      "half a sample",
      () => load({ x: floats([3, 2]) }, [image], { samples: 0.5 }),
      "INVALID_OPTION",
      /whole number/,
    ],
    [
      "channels that are not there",
      () =>
        load({ x: floats([3, 2]) }, [image], {
          normalization: { kind: "affine", scale: [1, 2, 3], offset: [0] },
        }),
      "INVALID_OPTION",
      /3 channels, but its shape is \[\?, 2\]; expected one, or 2/,
    ],
    [
      "nothing to normalise",
      () =>
        load({ x: labels(1, 2) }, [{ name: "x", type: "int64", dims: [null] }], {
          normalization: { kind: "affine", scale: [2], offset: [0] },
        }),
      "INVALID_OPTION",
      /nothing to normalise/,
    ],
    [
      "normalised beyond float32",
      () =>
        load({ x: floats([1, 2]) }, [image], {
          normalization: { kind: "affine", scale: [1e300], offset: [0] },
        }),
      "INVALID_OPTION",
      /0 to 1 becomes 0 to 1e\+300/,
    ],
  ];
  it.each(cases)("%s", async (_, run, code, message) => {
    const error = await failure(run());
    expect(error.message).toMatch(message);
    expect(error.code).toBe(code);
    expect(error.message).not.toContain("\n");
  });

  it("labels out of range", async () => {
    const data = await load({ x: floats([3, 2]), y: labels(0, 9, -100) });
    expect(() => data.assertLabels({ classes: 10, ignoreIndex: -100 })).not.toThrow();
    expect(() => data.assertLabels({ classes: 10, ignoreIndex: null })).toThrow(
      /holds -100 at \[2\]; expected 0 to 9.*--ignore-index -100/,
    );
    expect(() => data.assertLabels({ classes: 9, ignoreIndex: -100 })).toThrow(
      /holds 9 at \[1\]; expected 0 to 8/,
    );
    const measured = await load({ x: floats([3, 2]), y: floats([3]) });
    expect(() => measured.assertLabels({ classes: 9, ignoreIndex: null })).toThrow(
      /type float32; expected integers from 0 to 8/,
    );
  });
});

describe("shards", () => {
  const shard = (name: string, arrays: Record<string, ArrayToWrite>) => {
    mkdirSync(join(folder, name.split("/")[0]!), { recursive: true });
    writeNpz(join(folder, name), arrays);
  };

  it("are joined in the order of their names", async () => {
    shard("shards/b.npz", { x: floats([2, 2], () => 2), y: labels(2, 2) });
    shard("shards/a.npz", { x: floats([1, 2], () => 1), y: labels(1) });
    shard("shards/c.npz", { x: floats([1, 2], () => 3), y: labels(3) });
    const data = await load(join(folder, "shards"));
    expect(data.batch(0, 4).target?.data).toEqual(BigInt64Array.of(1n, 2n, 2n, 3n));
    expect(data.batch(1, 4).inputs.get("input")?.data).toEqual(Float32Array.of(2, 2, 2, 2, 3, 3));
    const first = await load(join(folder, "shards"), [image], { samples: 2 });
    expect(first.batch(0, 2).target?.data).toEqual(BigInt64Array.of(1n, 2n));
  });

  it("must be alike", async () => {
    shard("unlike/a.npz", { x: floats([1, 2]) });
    shard("unlike/b.npz", { x: floats([1, 3]) });
    expect((await failure(load(join(folder, "unlike")))).message).toMatch(
      /b\.npz".*float32 \[1, 3\]; expected .* float32 \[\?, 2\]/,
    );
    shard("others/a.npz", { x: floats([1, 2]) });
    shard("others/b.npz", { z: floats([1, 2]) });
    expect((await failure(load(join(folder, "others")))).message).toMatch(
      /no array that the shards before it have; it has "z"/,
    );
  });

  it("must be there", async () => {
    mkdirSync(join(folder, "nothing"));
    expect((await failure(load(join(folder, "nothing")))).message).toMatch(
      /the folder has no data; expected an \.npz/,
    );
  });
});

describe("image formats", () => {
  const idx = (type: number, shape: number[], bytes: Uint8Array): Uint8Array => {
    const header = new DataView(new ArrayBuffer(4 + 4 * shape.length));
    header.setUint8(2, type);
    header.setUint8(3, shape.length);
    for (const [i, d] of shape.entries()) header.setUint32(4 + 4 * i, d);
    return concat([new Uint8Array(header.buffer), bytes]);
  };
  const write = (name: string, bytes: Uint8Array): string => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  const pixels = Uint8Array.from({ length: 12 }, (_, i) => i);

  it("reads pairs of idx files, gzipped or not, in the shape the model wants", async () => {
    const x = write("x.idx.gz", gzipSync(idx(8, [2, 2, 3], pixels)));
    const y = write("y.idx", idx(8, [2], Uint8Array.of(7, 9)));
    for (const [dims, expected] of [
      [
        [null, 1, 2, 3],
        [2, 1, 2, 3],
      ],
      [
        [null, 6],
        [2, 6],
      ],
      [
        [null, 2, 3],
        [2, 2, 3],
      ],
      [
        [null, 2, 3, 1],
        [2, 2, 3, 1],
      ],
      [
        [null, 1, null, null],
        [2, 1, 2, 3],
      ],
    ] as const) {
      const data = await load(`${x},${y}`, [{ name: "input", type: "float32", dims }]);
      const batch = data.batch(0, 2);
      expect(batch.inputs.get("input")?.dims).toEqual(expected);
      expect(batch.target?.data).toEqual(BigInt64Array.of(7n, 9n));
    }
    const error = await failure(load(`${x},${y}`, [{ name: "input", type: "float32", dims: [null, 3, 2] }]));
    expect(error.message).toMatch(/\[2, 2, 3\]; expected \[\?, 3, 2\]/);
  });

  it("reads the other element types of idx", async () => {
    const x = write(
      "f.idx",
      idx(0x0d, [2, 2], Uint8Array.of(0x3f, 0x80, 0, 0, 0, 0, 0, 0, 0xbf, 0x80, 0, 0, 0, 0, 0, 0)),
    );
    const y = write("i.idx", idx(0x0b, [2], Uint8Array.of(1, 0, 0, 1)));
    const batch = (await load(`${x},${y}`)).batch(0, 2);
    expect(batch.inputs.get("input")?.data).toEqual(Float32Array.of(1, 0, -1, 0));
    expect(batch.target?.data).toEqual(BigInt64Array.of(256n, 1n));
  });

  it("says what is wrong with idx files", async () => {
    const x = write("x.idx", idx(8, [2, 2, 3], pixels));
    const y = write("y.idx", idx(8, [2], Uint8Array.of(0, 1)));
    const error = async (path: string) => (await failure(load(path))).message;
    expect(await error(x)).toMatch(/labels are missing.*IMAGES,LABELS/);
    expect(await error(`${y},${x}`)).toMatch(/has shape \[2, 2, 3\]; expected one label each/);
    expect(await error(`${x},${write("z.idx", idx(8, [3], Uint8Array.of(0, 1)))}`)).toMatch(
      /\[3\] needs 3 bytes, got 2/,
    );
    expect(await error(`${x},${write("c.gz", gzipSync(idx(8, [2], pixels)).subarray(0, 15))}`)).toMatch(
      /compression is damaged/,
    );
    expect(await error(`${x},${write("n.gz", gzipSync(Uint8Array.of(1, 2, 3)))}`)).toMatch(
      /not in the idx format/,
    );
    expect(await error(`${x},${join(folder, "none.gz")}`)).toMatch(/none\.gz": there is no such file/);
  });

  const record = (label: number): Uint8Array =>
    concat([Uint8Array.of(label), new Uint8Array(3072).fill(label)]);
  const rgb: InputRequirement = { name: "input", type: "float32", dims: [null, 3, 32, 32] };

  it("reads CIFAR-10 binaries: files and folders", async () => {
    mkdirSync(join(folder, "cifar"));
    const a = write("cifar/data_batch_1.bin", concat([record(1), record(2)]));
    const b = write("cifar/data_batch_2.bin", record(3));
    write("cifar/test_batch.bin", record(4));
    const targets = async (path: string, spec: Partial<DatasetSpec> = {}) => {
      const data = await load(path, [rgb], spec);
      const { inputs, target } = data.batch(0, data.samples);
      const input = inputs.get("input")!;
      const found = [...(target!.data as BigInt64Array)].map(Number);
      expect(input.dims).toEqual([data.samples, 3, 32, 32]);
      expect([...(input.data as Float32Array)].filter((_, i) => i % 3072 === 3071)).toEqual(found);
      return found;
    };
    expect(await targets(a)).toEqual([1, 2]);
    expect(await targets(`${b},${a}`)).toEqual([3, 1, 2]);
    expect(await targets(join(folder, "cifar"))).toEqual([1, 2, 3]);
    expect(await targets(join(folder, "cifar"), { samples: 1 })).toEqual([1]);
    expect(await targets(join(folder, "cifar"), { split: "test" })).toEqual([4]);
  });

  it("says what is wrong with CIFAR-10 binaries, or that the format is unknown", async () => {
    const bad = write("bad.bin", concat([record(1), record(77)]));
    expect((await failure(load(bad, [rgb]))).message).toMatch(/image 1 has the label 77; expected 0 to 9/);
    const cut = write("cut.bin", record(1).subarray(0, 3000));
    expect((await failure(load(cut, [rgb]))).message).toMatch(
      /unknown format; expected an \.npz file, a folder/,
    );
    const rows: InputRequirement = { ...rgb, dims: [null, 32, 32, 3] };
    const good = write("good.bin", record(1));
    expect((await failure(load(good, [rows]))).message).toMatch(
      /\[1, 3, 32, 32\]; expected \[\?, 32, 32, 3\]/,
    );
  });
});

describeWithFixtures("data of real exports", () => {
  const cases = ["zoo", "frameworks"].flatMap((set) => {
    const root = requireFixture(set);
    return readdirSync(root)
      .map((name) => join(root, name))
      .filter((path) => existsSync(join(path, "model.onnx")));
  });
  it.each(cases.map((path) => [path.split("/").slice(-2).join("/"), path]))("%s", async (_, path) => {
    const { model } = await readModel(join(path!, "model.onnx"));
    const inputs = model.graph.inputs.map((v) => ({
      name: v.name,
      type: v.type,
      dims: v.shape?.map((d) => (typeof d === "number" ? d : null)) ?? null,
    }));
    const data = await load(join(path!, "data.npz"), inputs);
    const fixed = inputs[0]?.dims?.[0] ?? null;
    expect(data.batchSize).toBe(fixed);
    const n = fixed ?? 2;
    const batch = data.batch(0, n);
    for (const v of inputs) {
      const feed = batch.inputs.get(v.name)!;
      expect(feed.type).toBe(v.type);
      expect(feed.dims[0]).toBe(n);
      expect(feed.data.length).toBe(feed.dims.reduce((a, b) => a * b, 1));
      expect(data.types(n).inputs.get(v.name)).toEqual({ type: feed.type, dims: feed.dims });
    }
    expect(batch.target?.dims[0]).toBe(n);
  });
});
