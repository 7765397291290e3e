import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readNpzArray } from "../../src/data/index.ts";
import { runJson } from "../support/cli.ts";
import { describeWithFixtures } from "../support/fixtures.ts";
import { cosine, paperArgs, reference, referenceVector } from "./paper.ts";

const folder = mkdtempSync(join(tmpdir(), "landscape-eigs-"));

interface Pair {
  readonly value: number;
  readonly residual: number;
  readonly converged: boolean;
  readonly end: string;
}

const cases = [
  { name: "resnet20", hvp: "fd", top: 1e-3, bottom: 1e-3, angle: 0.999, count: 1 },
  { name: "resnet20", hvp: "exact", top: 1e-4, bottom: 1e-4, angle: 0.9999, count: 1 },
  { name: "fcnn2", hvp: "fd", top: 1e-3, bottom: 1e-2, angle: 0.999, count: 3 },
  { name: "fcnn10", hvp: "fd", top: 1e-3, bottom: 1e-2, angle: 0.999, count: 3 },
  { name: "fcnn2", hvp: "exact", top: 1e-4, bottom: 1e-2, angle: 0.9999, count: 3 },
  { name: "fcnn10", hvp: "exact", top: 1e-4, bottom: 1e-2, angle: 0.9999, count: 3 },
];

describeWithFixtures("eigenpairs of real checkpoints against float64", () => {
  it.each(cases)("$name, $hvp", { timeout: 500_000 }, async ({ name, hvp, top, bottom, angle, count }) => {
    const npz = join(folder, `${name}-${hvp}.npz`);
    const args = [
      "eigs",
      ...paperArgs(name),
      "--top",
      `${count}`,
      "--bottom",
      `${count}`,
      "--hvp",
      hvp,
      "--npz",
      npz,
    ];
    const out = await runJson(args);
    const pairs = out["eigenvalues"] as Pair[];
    const ends = (end: string) => Array.from({ length: count }, () => end);
    expect(pairs.map((p) => p.end)).toEqual([...ends("top"), ...ends("bottom")]);
    const expected = {
      top: (reference(name, "top") as { values: number[] }).values[0] as number,
      bottom: (reference(name, "bottom") as { values: number[] }).values[0] as number,
    };
    const [first, lowest] = [pairs[0] as Pair, pairs[count] as Pair];
    expect(Math.abs(first.value / expected.top - 1)).toBeLessThan(top);
    expect(Math.abs(lowest.value / expected.bottom - 1)).toBeLessThan(bottom);
    // The residual is a bound: the nearest eigenvalue lies within it.
    expect(Math.abs(first.value - expected.top)).toBeLessThan(first.residual);
    expect(Math.abs(lowest.value - expected.bottom)).toBeLessThan(lowest.residual);
    const vectors = await readNpzArray(npz, "vectors");
    const n = vectors.shape[1] as number;
    const row = (i: number) => Float64Array.from((vectors.data as Float64Array).subarray(i * n, (i + 1) * n));
    expect(Math.abs(cosine(row(0), await referenceVector(`${name}/top1`)))).toBeGreaterThan(angle);
    expect(Math.abs(cosine(row(count), await referenceVector(`${name}/bottom1`)))).toBeGreaterThan(angle);
  });

  it("fcnn2: the paper's two runs agree with the single one, to the residuals", {
    timeout: 500_000,
  }, async () => {
    const args = ["eigs", ...paperArgs("fcnn2"), "--top", "2", "--bottom", "2"];
    const one = await runJson(args);
    const two = await runJson([...args, "--method", "annihilation"]);
    expect([one["method"], two["method"]]).toEqual(["lanczos", "annihilation"]);
    expect(two["products"]).toBeGreaterThan(one["products"] as number);
    const found = two["eigenvalues"] as Pair[];
    (one["eigenvalues"] as Pair[]).forEach((pair, i) => {
      const other = found[i] as Pair;
      expect(other).toMatchObject({ end: pair.end, converged: true });
      expect(Math.abs(other.value - pair.value)).toBeLessThan(Math.hypot(pair.residual, other.residual));
    });
  });
});
