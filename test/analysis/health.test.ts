import { describe, expect, it } from "vitest";
import type { GridValues, HealthCheck, Plane } from "../../src/analysis/analysis-report.ts";
import { healthChecks, type Observations } from "../../src/analysis/health.ts";
import type { Findings } from "../../src/analysis/verdict.ts";
import { openSubsets, pair, saddleFindings, subsetInfo } from "../support/findings.ts";

const fine: Observations = {
  repeat: { loss: 0, gradient: 0 },
  productError: 1e-4,
  exact: { top: 1e-5, bottom: 1e-3 },
};
const eigenpairs = saddleFindings().eigenpairs as NonNullable<Findings["eigenpairs"]>;
const trace = saddleFindings().trace as NonNullable<Findings["trace"]>;

/** Of the four parameters of the findings: tr H = 880, ‖H‖² = 373². */
const density: NonNullable<Findings["density"]> = {
  steps: 4,
  quadratures: [],
  mass: 1 + 1e-12,
  first: { value: 220, standardError: 10 },
  second: { value: 373 ** 2 / 4, standardError: 100 },
  resolution: 0.03,
  negative: { value: 0.25, standardError: 0.1 },
  positive: { value: 0.75, standardError: 0.1 },
};

function grid(change: Partial<GridValues> = {}): GridValues {
  const loss = [
    [0.3, 0.2, 0.3],
    [0.2, 0.1, 0.2],
    [0.3, 0.09, 0.3],
  ];
  return { loss, accuracy: null, nonFinite: 0, minimum: { x: 0, y: 0, loss: 0.1 }, ...change };
}

function plane(change: Partial<GridValues> = {}): Plane {
  const axis = [-1, 0, 1];
  const named = { xDirection: "v+", yDirection: "v-", cosine: 0, range: "" };
  return { kind: "hessian", ...named, x: axis, y: axis, train: grid(change), test: null };
}

/** With one minimum by the cells and another by the finer grid around them. */
function refined(minimum: GridValues["minimum"], finer: GridValues["minimum"]): Plane {
  const [x, y] = [
    [-1 / 3, 0, 1 / 3],
    [1 / 3, 2 / 3, 1],
  ];
  const error = { x: 1 / 3, y: 1 / 3, loss: null };
  return { ...plane({ minimum }), refined: { x, y, train: grid({ minimum: finer }), test: null, error } };
}

function find(id: string, change: Partial<Findings> = {}, seen: Partial<Observations> = {}): HealthCheck {
  const found = healthChecks(saddleFindings(change), { ...fine, ...seen }).find((c) => c.id === id);
  if (!found) throw new Error(`no check ${id}`);
  return found;
}

type Case = [
  name: string,
  id: string,
  change: Partial<Findings>,
  seen: Partial<Observations>,
  status: HealthCheck["status"],
  text: RegExp,
];

const cases: readonly Case[] = [
  ["the same twice", "determinism", {}, {}, "ok", /to the last bit/],
  ["reordered sums", "determinism", {}, { repeat: { loss: 1e-8, gradient: 3e-7 } }, "look", /1e−8 and 3e−7/],
  ["dropout", "determinism", {}, { repeat: { loss: 0.1, gradient: 0.5 } }, "failed", /model\.eval\(\)/],
  ["not probed", "determinism", {}, { repeat: null }, "not done", /not computed twice/],
  ["converged pairs", "residuals", {}, {}, "ok", /2 pairs converged in 82 products; .* 0\.02/],
  [
    "a pair that is not",
    "residuals",
    { eigenpairs: { ...eigenpairs, pairs: [pair("top", 3, 0.2, false)] } },
    {},
    "look",
    /1 of 1 pair not converged .*3\.0 ± 0\.2; raise --max-products/,
  ],
  [
    "a pair that the errors of differences keep from it",
    "residuals",
    { eigenpairs: { ...eigenpairs, pairs: [pair("top", 3, 0.2, false)], stopped: "noise" } },
    {},
    "look",
    /1 of 1 pair not converged .*try --hvp exact/,
  ],
  [
    "a pair below its residual",
    "residuals",
    { eigenpairs: { ...eigenpairs, pairs: [pair("bottom", -0.01, 0.2)] } },
    {},
    "look",
    /1 smaller than/,
  ],
  ["good products", "products", {}, {}, "ok", /1\.0e−4|1e−4 of ‖Hv‖/],
  ["rough products", "products", {}, { productError: 0.05 }, "look", /0\.05 of ‖Hv‖/],
  ["agreement with exact products", "exact", {}, {}, "ok", /along v₊, .* along v₋/],
  ["disagreement", "exact", {}, { exact: { top: 0.3, bottom: null } }, "look", /0\.3 along v₊\./],
  ["no exact products", "exact", {}, { exact: null }, "not done", /No exact product/],
  [
    "kinks that matter",
    "kinks",
    {},
    {},
    "look",
    /λ₋ = −35 against −4\.7 with branches frozen, \|cos\| 0\.26/,
  ],
  ["no subsets", "subsets", {}, {}, "not done", /--subsets/],
  [
    "no subsets of one sample",
    "subsets",
    { data: { ...saddleFindings().data, train: { samples: 1, sha256: "" } } },
    {},
    "not done",
    /: there is one sample\.$/,
  ],
  [
    "subsets",
    "subsets",
    { subsets: subsetInfo([300, -7], [340, 0.2]) },
    {},
    "ok",
    /^λ₊ 300 … 340 over 2 subsets, λ₋ −7 … 0\.2 over 2 subsets of 32 samples or more\.$/,
  ],
  ...(
    [
      ["limit", "limit", /\. 2 pairs of them not converged; raise --max-products\.$/],
      ["noise", "limit", /raise --max-products\.$/],
      ["noise", "noise", /the errors of differences are in the way, try --hvp exact\.$/],
    ] as const
  ).map(
    ([first, second, text]): Case => [
      `open subsets: ${first}, ${second}`,
      "subsets",
      { subsets: openSubsets(first, second) },
      {},
      "look",
      text,
    ],
  ),
  ["a precise trace", "trace", {}, {}, "ok", /standard error 2\.5 %/],
  [
    "a trace of zero",
    "trace",
    { trace: { ...trace, value: 0, standardError: 4e-12 } },
    {},
    "ok",
    /: zero within its error, which is 1\.1e−12 % of ‖H‖\.$/,
  ],
  [
    "a trace that its error hides",
    "trace",
    { trace: { ...trace, value: 20, standardError: 30 } },
    {},
    "look",
    /: zero within its error, which is 8 % of ‖H‖\. .*--probes 256/,
  ],
  [
    "no curvature at all",
    "trace",
    { trace: { ...trace, value: 0, standardError: 0, frobeniusNorm: 0 } },
    {},
    "ok",
    /zero within its error\.$/,
  ],
  ["a rough trace", "trace", { trace: { ...trace, standardError: 300 } }, {}, "look", /--probes 256/],
  ["no density", "density", {}, {}, "not done", /not computed/],
  [
    "a density as the trace's probes see it",
    "density",
    { density },
    {},
    "ok",
    /^Mass 1; tr H 880 ± 40 against 890 ± 20/,
  ],
  [
    "a density that is another matrix's",
    "density",
    { density: { ...density, second: { value: 139_000 / 8, standardError: 100 } } },
    {},
    "look",
    /‖H‖² .* more than 4 standard errors apart/,
  ],
  [
    "a density that leaks",
    "density",
    { density: { ...density, mass: 1.001 } },
    {},
    "failed",
    /1\.001, expected 1/,
  ],
  ["a density alone", "density", { density, trace: null }, {}, "not done", /nothing to compare with/],
  ["a whole grid", "cells", { planes: [plane()] }, {}, "ok", /0 of 9 cells/],
  ["holes in it", "cells", { planes: [plane({ nonFinite: 2 })] }, {}, "look", /2 of 9 cells/],
  ["the checkpoint in the middle", "origin", { planes: [plane()] }, {}, "ok", /1 plane; .* 0\./],
  [
    "something else in the middle",
    "origin",
    { planes: [plane({ loss: [[], [0, 0.11, 0], []] })] },
    {},
    "failed",
    /difference of the loss 0\.1/,
  ],
  ["a minimum inside", "borders", { planes: [plane()] }, {}, "ok", /lies inside/],
  [
    "a minimum on the border",
    "borders",
    { planes: [plane({ minimum: { x: 0, y: 1, loss: 0.09 } })] },
    {},
    "look",
    /hessian; the range is too small/,
  ],
  [
    "a minimum that the finer grid finds inside",
    "borders",
    { planes: [refined({ x: 0, y: 1, loss: 0.09 }, { x: 0, y: 2 / 3, loss: 0.08 })] },
    {},
    "ok",
    /lies inside/,
  ],
  [
    "a minimum that the finer grid finds on the border",
    "borders",
    { planes: [refined({ x: 0, y: 0, loss: 0.1 }, { x: 0, y: 1, loss: 0.08 })] },
    {},
    "look",
    /hessian; the range is too small/,
  ],
  ["no planes", "borders", {}, {}, "not done", /No plane/],
];

describe("health checks", () => {
  it.each(cases)("%s", (_, id, change, seen, status, text) => {
    const found = find(id, change, seen);
    expect(found.text).toMatch(text);
    expect(found.status).toBe(status);
  });

  it("pass on what the model file itself shows", () => {
    const { model } = saddleFindings();
    const warnings = [{ code: "FUSED_BATCH_NORM", message: "fused" }];
    expect(find("FUSED_BATCH_NORM", { model: { ...model, warnings } })).toMatchObject({
      status: "look",
      text: "fused",
    });
  });

  it("come worst first", () => {
    const order = ["failed", "look", "not done", "ok"];
    const all = healthChecks(saddleFindings({ planes: [plane({ nonFinite: 1 })] }), {
      ...fine,
      repeat: { loss: 1, gradient: 1 },
    });
    const ranks = all.map((c) => order.indexOf(c.status));
    expect(ranks).toEqual([...ranks].sort());
    expect(all[0]?.id).toBe("determinism");
  });
});
