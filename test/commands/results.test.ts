import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openNpz } from "../../src/data/npz.ts";
import { run, runJson } from "../support/cli.ts";
import { parseObj, parseVtk } from "../support/meshes.ts";

// The forms of results that others rely on: JSON keys, and names and shapes of arrays. Numbers are tested elsewhere.

const models = fileURLToPath(new URL("../../models/", import.meta.url));
const problem = [`${models}fcnn2.onnx`, "--data", `${models}fcnn-train.npz`, "--device", "cpu"];
const withTest = [...problem, "--test-data", `${models}fcnn-test.npz`, "--test-samples", "20"];
const n = 20_501;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "results-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function shapes(path: string): Promise<Record<string, readonly number[]>> {
  const store = await openNpz(path);
  const found: Record<string, readonly number[]> = {};
  for (const name of store.arrays) found[name] = (await store.info(name)).shape;
  await store.close();
  return found;
}

describe("JSON and arrays of each command", () => {
  it("inspect", async () => {
    const found = await runJson(["inspect", `${models}resnet20.onnx`]);
    expect(Object.keys(found)).toEqual([
      "model",
      "parameters",
      "initializers",
      "inputs",
      "outputs",
      "unsupported",
      "differentiable",
      "warnings",
      "run",
    ]);
    expect(found["model"]).toMatchObject({ opset: 18, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    const parameters = found["parameters"] as { size: number }[];
    expect(parameters.reduce((sum, p) => sum + p.size, 0)).toBe(272_186);
    expect(found["differentiable"]).toBe(true);
    expect(found["unsupported"]).toEqual([]);
    const initializers = found["initializers"] as { isParameter: boolean; reason: string }[];
    expect(initializers.filter((i) => i.isParameter)).toHaveLength(parameters.length);
    expect(initializers.every((i) => i.reason.length > 0)).toBe(true);
  });

  it("evaluate", async () => {
    const found = await runJson(["evaluate", ...problem]);
    expect(found).toEqual({ loss: expect.any(Number), accuracy: null, samples: 50 });
  });

  it("gradient", async () => {
    const npz = join(folder, "gradient.npz");
    const emit = join(folder, "gradient.onnx");
    const found = await runJson(["gradient", ...problem, "--npz", npz, "--emit", emit]);
    expect(Object.keys(found)).toEqual(["loss", "accuracy", "samples", "norm", "parameters"]);
    expect((found["parameters"] as unknown[])[0]).toEqual({
      name: "0.weight",
      shape: [100, 1],
      offset: 0,
      size: 100,
      norm: expect.any(Number),
    });
    expect(await shapes(npz)).toEqual({ gradient: [n], theta: [n] });
    expect((await readdir(folder)).sort()).toEqual(["gradient.npz", "gradient.onnx"]);
  });

  it("hvp", async () => {
    const npz = join(folder, "hvp.npz");
    const found = await runJson(["hvp", ...problem, "--vector", "ones", "--npz", npz]);
    expect(Object.keys(found)).toEqual([
      "operator",
      "method",
      "kinks",
      "norm",
      "rayleigh",
      "step",
      "errorEstimate",
      "samples",
    ]);
    expect(found).toMatchObject({ method: "fd", kinks: "frozen", samples: 50 });
    expect(await shapes(npz)).toEqual({ hv: [n], v: [n] });
  });

  it("eigs, whose vectors the other commands take by row", async () => {
    const npz = join(folder, "eigs.npz");
    const found = await runJson([
      "eigs",
      ...problem,
      "--top",
      "2",
      "--bottom",
      "1",
      "--tol",
      "1e-2",
      "--npz",
      npz,
    ]);
    expect(found).toMatchObject({ products: expect.any(Number), samples: 50 });
    const pairs = found["eigenvalues"] as Record<string, unknown>[];
    expect(pairs.map((p) => p["end"])).toEqual(["top", "top", "bottom"]);
    for (const pair of pairs) {
      expect(Object.keys(pair)).toEqual(["value", "residual", "converged", "end", "multiplicity"]);
      expect(pair["multiplicity"]).toBe(1);
    }
    expect(found["method"]).toBe("lanczos");
    expect(await shapes(npz)).toEqual({ values: [3], residuals: [3], vectors: [3, n] });
    const again = await runJson(["hvp", ...problem, "--vector", `${npz}:vectors:0`]);
    const value = pairs[0]?.["value"] as number;
    // Along an eigenvector the Rayleigh quotient is the eigenvalue, to second order in the residual.
    expect(Math.abs((again["rayleigh"] as number) - value)).toBeLessThan(1e-3 * value);
  });

  it("eigs with few vectors kept, which restarts and finds the same", async () => {
    const args = ["eigs", ...problem, "--top", "0", "--tol", "1e-3"];
    const few = await runJson([...args, "--max-basis", "60"]);
    // More products than there was room for vectors.
    expect(few["products"]).toBeGreaterThan(80);
    const [lowest] = few["eigenvalues"] as { value: number; residual: number; converged: boolean }[];
    expect(lowest?.converged).toBe(true);
    // The float64 reference, models/README.md.
    expect(Math.abs((lowest?.value ?? 0) + 0.01134371)).toBeLessThan(lowest?.residual ?? 0);
    const refused = await run([...args, "--max-basis", "19"]);
    expect(refused.status).toBe(2);
    expect(refused.err).toMatch(
      /room for 19 vectors; expected at least 20 for 0 \+ 1 pairs\. raise --max-basis/,
    );
  });

  it("trace", async () => {
    const found = await runJson(["trace", ...problem, "--probes", "3"]);
    expect(Object.keys(found)).toEqual([
      "trace",
      "standardError",
      "interval",
      "probes",
      "estimator",
      "operator",
      "meanCurvature",
      "frobeniusNorm",
      "perTensor",
    ]);
    expect(found["probes"]).toBe(3);
    expect((found["perTensor"] as unknown[])[0]).toEqual({
      name: "0.weight",
      trace: expect.any(Number),
      standardError: expect.any(Number),
    });
  });

  it("surface", async () => {
    const npz = join(folder, "surface.npz");
    const ranges = ["--range-x", "-1:1:3", "--range-y", "-0.5:1:2"];
    const found = await runJson(["surface", ...withTest, "--directions", "random", ...ranges, "--npz", npz]);
    expect(found).toMatchObject({ x: [-1, 0, 1], y: [-0.5, 1], minimum: { x: 0, y: -0.5 } });
    for (const split of ["train", "test"]) {
      const { loss, accuracy } = found[split] as { loss: number[][]; accuracy: null };
      expect(loss.map((row) => row.length)).toEqual([3, 3]);
      expect(accuracy).toBeNull();
    }
    expect(await shapes(npz)).toEqual({ x: [3], y: [2], train_loss: [2, 3], test_loss: [2, 3] });
  });

  it("surface whose range is chosen: a finer grid around its lowest point", async () => {
    const npz = join(folder, "refined.npz");
    const found = await runJson(["surface", "toy:T1,n=4", "--directions", "random", "--npz", npz]);
    expect(found["refined"]).toMatchObject({
      train: { loss: expect.any(Array), accuracy: null, nonFinite: 0, minimum: { loss: expect.any(Number) } },
      test: null,
      error: { x: expect.any(Number), y: expect.any(Number) },
    });
    const { x, y } = found["refined"] as { x: number[]; y: number[] };
    expect(await shapes(npz)).toEqual({
      ...{ x: [25], y: [25], train_loss: [25, 25] },
      ...{ refined_x: [x.length], refined_y: [y.length], refined_train_loss: [y.length, x.length] },
    });
    // Who asks for points gets those.
    const asked = await runJson(["surface", "toy:T1,n=4", "--directions", "random", "--range", "-1:1:3"]);
    expect(asked["refined"]).toBeNull();
  });

  it("surface as files for programs of meshes", async () => {
    const [vtk, obj] = [join(folder, "surface.vtk"), join(folder, "surface.obj")];
    const ranges = ["--range-x", "-1:1:3", "--range-y", "-0.5:1:2"];
    const files = ["--vtk", vtk, "--obj", obj];
    const found = await runJson(["surface", ...withTest, "--directions", "random", ...ranges, ...files]);
    const grid = parseVtk(await readFile(vtk));
    expect(grid.title).toBe("fcnn2.onnx, plane of x and y: random directions");
    expect(grid.dimensions).toEqual([3, 2, 1]);
    expect(grid.points.slice(0, 6)).toEqual([-1, -0.5, 0, 0, -0.5, 0]);
    expect(Object.keys(grid.scalars)).toEqual(["train_loss", "test_loss"]);
    for (const split of ["train", "test"]) {
      expect(grid.scalars[`${split}_loss`]).toEqual((found[split] as { loss: number[][] }).loss.flat());
    }
    const { objects } = parseObj(await readFile(obj, "utf8"));
    expect(objects.map((o) => [o.name, o.vertices.length, o.faces.length])).toEqual([
      ["train_loss", 6, 2],
      ["test_loss", 6, 2],
    ]);
    const refused = await run(["surface", ...problem, "--vtk", join(folder, "nowhere", "a.vtk")]);
    expect(refused).toMatchObject({ status: 2 });
    expect(refused.err).toMatch(/cannot write ".*a\.vtk": there is no such folder/);
  });

  it("profile whose range is chosen, to a rise that is given", async () => {
    const along = async (...range: string[]) => {
      const found = await runJson(["profile", ...problem, "--direction", "random", ...range]);
      const { t, train } = found as { t: number[]; train: { loss: number[] } };
      const rise = (end: number) => train.loss.at(end)! / train.loss[t.indexOf(0)]! - 1;
      return { t, rise: Math.min(rise(0), rise(-1)), text: found["range"] };
    };
    const [plain, auto, far] = [await along(), await along("--range", "auto"), await along("--range", "20")];
    expect(auto).toEqual(plain);
    expect(far.t.at(-1)).toBeGreaterThan(2 * plain.t.at(-1)!);
    // Ends move by up to half a step of 41 points, so that θ₀ is one of them: of 20 at least 18 are left.
    expect(far.rise).toBeGreaterThan(18);
    expect(far.text).toMatch(/^t from .* to .*2,?000 % of \|L\(0\)\| above L\(0\)$/);
    const refused = await run(["profile", ...problem, "--range", "-3"]);
    expect(refused).toMatchObject({ status: 2 });
    expect(refused.err).toMatch(/--range: "-3"; expected auto, or a number above 0, or FROM:TO:COUNT/);
  });

  it("profile", async () => {
    const npz = join(folder, "profile.npz");
    const found = await runJson([
      "profile",
      ...problem,
      "--direction",
      "filter",
      "--range",
      "-1:1:5",
      "--npz",
      npz,
    ]);
    expect(found["t"]).toEqual([-1, -0.5, 0, 0.5, 1]);
    expect(found["train"]).toEqual({ loss: expect.any(Array), accuracy: null });
    expect(found["test"]).toBeNull();
    expect(await shapes(npz)).toEqual({ t: [5], train_loss: [5] });
  });

  it("doctor", async () => {
    const found = await runJson(["doctor"]);
    expect(Object.keys(found)).toEqual(["node", "onnxruntime", "providers", "memory", "cpus"]);
    const [cpu] = found["providers"] as Record<string, unknown>[];
    expect(cpu).toMatchObject({ name: "cpu", available: true });
    expect(Object.keys(cpu ?? {})).toEqual(["name", "available", "preferred", "reason", "fix"]);
  });
});

describe("for people", () => {
  it.each([
    ["evaluate", [...problem], /train loss {2}4\.086[78]\d*e−6 \(50 samples\)/],
    ["hvp", [...problem], /‖Hv‖ +[\d.]+ ± [\d.]+/],
    ["trace", [...problem, "--probes", "4"], /trace +\d+ ± \d+ \(1 standard error, 4 probes\)/],
  ])("%s says numbers with their errors", async (command, args, text) => {
    const { status, out, err } = await run([command, ...args, "--quiet"]);
    expect(out).toMatch(text);
    expect(err).toBe("");
    expect(status).toBe(0);
  });
});

describe("a run folder of a command", () => {
  it("is continued by the same command, and refused to another one", async () => {
    const out = join(folder, "eigs-run");
    const args = ["eigs", ...problem, "--tol", "1e-2", "--out", out];
    const first = await runJson(args);
    expect(await runJson(args)).toEqual(first);
    const other = await run([...args, "--seed", "1"]);
    expect(other.status).toBe(2);
    expect(other.err).toMatch(/holds another run: seed was 0 and is 1/);
  });
});
