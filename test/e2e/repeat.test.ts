import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundled } from "../support/fixtures.ts";
import { numbers, program, start } from "../support/process.ts";

const small = [
  "--top",
  "2",
  "--bottom",
  "1",
  "--tol",
  "1e-2",
  "--probes",
  "8",
  "--grid",
  "5",
  "--points",
  "5",
];
const data = ["--data", bundled("fcnn-train.npz"), "--test-data", bundled("fcnn-test.npz")];
const report = [
  "report",
  bundled("fcnn2.onnx"),
  ...data,
  "--test-samples",
  "40",
  "--device",
  "cpu",
  ...small,
];
const long = 300_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "repeat-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** The report's bytes without what may differ, from a process of its own. */
async function made(name: string, ...more: string[]): Promise<string> {
  const out = join(folder, name);
  const { status, err } = await start([...report, "--out", out, ...more]).ended;
  expect(err).not.toContain("error");
  expect(status).toBe(0);
  return JSON.stringify(numbers(out));
}

/** All finished pieces with their numbers; those that may be computed at the same time finish in any order. */
const piecesOf = (name: string): string[] =>
  readFileSync(join(folder, name, "journal.ndjson"), "utf8")
    .split("\n")
    .sort();

describe.skipIf(!existsSync(program))("a report made again", () => {
  it(
    "by another process, with other workers, has the same bytes; with another seed, the same within its errors",
    async () => {
      const first = await made("first", "--workers", "1");
      expect(await made("again", "--workers", "1")).toBe(first);
      expect(await made("shared", "--workers", "2")).toBe(first);
      // Every single number on the way, too.
      expect(piecesOf("again")).toEqual(piecesOf("first"));
      expect(piecesOf("shared")).toEqual(piecesOf("first"));

      const other = await made("seed", "--workers", "1", "--seed", "1");
      expect(other).not.toBe(first);
      const [a, b] = [numbers(join(folder, "first")), numbers(join(folder, "seed"))];
      // Only the noise of the loss is probed along random directions.
      expect(b.checkpoint).toEqual({ ...a.checkpoint, lossNoise: expect.any(Number) });
      for (const [i, pair] of (a.eigenpairs?.pairs ?? []).entries()) {
        const same = b.eigenpairs?.pairs[i];
        expect(same?.value).not.toBe(pair.value);
        // Each lies within its residual of an eigenvalue; in this net no other is that near.
        expect(Math.abs((same?.value ?? NaN) - pair.value)).toBeLessThan(
          pair.residual + (same?.residual ?? 0),
        );
      }
      const [s, t] = [a.trace, b.trace];
      expect(t?.value).not.toBe(s?.value);
      // Four standard errors of the difference: 6 in 100,000 by chance, and the seeds are fixed.
      const error = Math.hypot(s?.standardError ?? 0, t?.standardError ?? 0);
      expect(Math.abs((t?.value ?? NaN) - (s?.value ?? NaN))).toBeLessThan(4 * error);
      expect(b.planes[1]?.train.loss).not.toEqual(a.planes[1]?.train.loss);
    },
    long,
  );
});
