import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NetworkRow, ReproductionReport } from "../../src/analysis/reproduction/report.ts";
import { run, runJson } from "../support/cli.ts";
import { describeWithFixtures } from "../support/fixtures.ts";
import { reference } from "./paper.ts";

/** Small enough for a test; the numbers that do not depend on sizes are looked at. */
const small = ["--slices", "60", "--lines", "6", "--points", "5", "--probes", "8", "--grid", "9"];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "reproduce-"));
});
afterAll(() => rm(folder, { recursive: true }));

const reproduce = async (args: readonly string[], out: string) =>
  (await runJson([
    "reproduce",
    ...small,
    ...args,
    "--out",
    join(folder, out),
  ])) as unknown as ReproductionReport & {
    report: string;
  };

let quick: Awaited<ReturnType<typeof reproduce>>;
beforeAll(async () => {
  quick = await reproduce(["--quick"], "quick");
}, 60_000);

describe("reproduce --quick", () => {
  it("toys in agreement with their closed forms, both estimators on the same directions", () => {
    expect(quick.toys.map((t) => t.name)).toEqual([
      "T1",
      ...[510, 520, 550, 570, 800].map((tilde) => `T2, ñ = ${tilde}`),
    ]);
    for (const toy of quick.toys) {
      expect(toy.eigenpairs.map((p) => p.value)).toEqual([expect.closeTo(1, 5), expect.closeTo(-1, 5)]);
      // ‖H‖_F·√(π/2) apart from tr H on average; four standard errors of 60 planes.
      expect(Math.abs(toy.kappaPlus.value - toy.expected.plus)).toBeLessThan(4 * toy.kappaPlus.standardError);
      expect(Math.abs(toy.kappaMinus.value - toy.expected.minus)).toBeLessThan(
        4 * toy.kappaMinus.standardError,
      );
      expect(Math.abs(toy.saddleShare - toy.limit)).toBeLessThan(4 * Math.sqrt(0.25 / 60));
    }
    const [toy, fcnn] = quick.traces;
    expect(toy).toMatchObject({ name: "T2, ñ = 550", exact: 100 });
    // Along a line of a toy the parabola is exact, but for float32.
    for (const d of toy!.directions) expect(Math.abs(d.curvature - d.hutchinson)).toBeLessThan(0.01);
    expect(fcnn?.directions).toHaveLength(6);
  });

  it("the table of what is there, and why the other networks of the paper are not in it", () => {
    expect(quick.table.map((r) => [r.name, r.group, r.parameters])).toEqual([
      ["fcnn2", "function approximators", 20_501],
    ]);
    expect(quick.findings.length).toBe(2 + 2 + 1);
    const [fcnn2, ...others] = quick.paper;
    expect(fcnn2).toMatchObject({ name: "fcnn2", parameters: 20_501, missing: null });
    expect(others.map((n) => n.missing)).toEqual(others.map((n) => `no ${n.name}.onnx in the folder`));
    expect(quick.leftOut).toEqual([{ name: "resnet20", why: "left out by --quick" }]);
  });

  it("page and JSON in the folder; the same command again computes nothing", async () => {
    const saved = JSON.parse(await readFile(join(folder, "quick", "reproduce.json"), "utf8"));
    const { report: page, ...rest } = quick;
    expect(saved).toEqual(rest);
    const html = await readFile(page, "utf8");
    expect(html).toContain("Table 2");
    expect(html.length).toBeLessThan(1.5e6);
    const again = await reproduce(["--quick"], "quick");
    const numbers = ({ toys, traces, table }: ReproductionReport) => ({ toys, traces, table });
    expect(numbers(again)).toEqual(numbers(quick));
    expect(again.cost.phases.reduce((sum, phase) => sum + phase.units, 0)).toBe(0);
  });

  it.each([
    ["a folder without networks", () => ["--fixtures", folder], "no checkpoints"],
    ["a folder that is not there", () => ["--cifar", join(folder, "nowhere")], "no such folder"],
    ["a network that is not there", () => ["--networks", "resnet21"], "did you mean resnet20?"],
  ])("refuses %s", async (_, args, said) => {
    const { status, err } = await run(["reproduce", ...args(), "--out", join(folder, "none")]);
    expect(status).toBe(2);
    expect(err).toContain(said);
  });
});

describeWithFixtures("reproduce beside the references", () => {
  it("the bundled network, which is that of the references", () => check(quick.table[0]!));
});

function check(row: NetworkRow): void {
  const of = (...path: string[]) => reference(row.name, ...path) as number;
  const [top, bottom] = [reference(row.name, "top"), reference(row.name, "bottom")] as { values: number[] }[];
  // |λ − exact| ≤ residual, once converged; the reference is exact to far below.
  expect(Math.abs(row.top.value - top!.values[0]!)).toBeLessThan(row.top.residual + 1e-3);
  expect(Math.abs(row.bottom.value - bottom!.values[0]!)).toBeLessThan(row.bottom.residual + 1e-4);
  const exact = of("exact", "trace");
  expect(Math.abs(row.trace.value - exact)).toBeLessThan(4 * row.trace.standardError);
  // What float32 reaches on these sums of nearly cancelling squares.
  expect(row.checkpoint.train.loss / of("loss")).toBeCloseTo(1, 4);
  expect(row.hessian.train.loss).toBeLessThanOrEqual(row.checkpoint.train.loss);
  expect(row.random.train.loss).toBeLessThanOrEqual(row.checkpoint.train.loss);
}
