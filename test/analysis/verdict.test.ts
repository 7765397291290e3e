import { describe, expect, it } from "vitest";
import type { Sentence } from "../../src/analysis/analysis-report.ts";
import { type Findings, verdict } from "../../src/analysis/verdict.ts";
import { pair, saddleFindings, subsetInfo } from "../support/findings.ts";

const sentence = (id: Sentence["id"], change: Partial<Findings> = {}): Sentence =>
  verdict(saddleFindings(change)).find((s) => s.id === id) as Sentence;

const checkpoint = saddleFindings().checkpoint;
const eigenpairs = saddleFindings().eigenpairs as NonNullable<Findings["eigenpairs"]>;
const trace = saddleFindings().trace as NonNullable<Findings["trace"]>;
const profile = saddleFindings().profiles[0] as Findings["profiles"][number];

/** The value at a path such as `eigenpairs.pairs[0].value`. */
function at(findings: Findings, path: string): unknown {
  return path
    .split(/[.[\]]+/)
    .filter((key) => key !== "")
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | null)?.[key], findings);
}

const cases: readonly [
  name: string,
  id: Sentence["id"],
  change: Partial<Findings>,
  answer: string,
  text: RegExp,
][] = [
  ["gradient within its noise", "slope", {}, "no", /3\.1e−4; .* 2\.8e−4: no slope is resolved/],
  [
    "gradient far above its noise",
    "slope",
    { checkpoint: { ...checkpoint, gradientNorm: 0.42, gradientNoise: 0.0028 } },
    "yes",
    /0\.42, 150 times its noise.*this is a slope/,
  ],
  [
    "a single group of samples",
    "slope",
    { checkpoint: { ...checkpoint, groups: 1, gradientNoise: null } },
    "cannot tell",
    /take more --samples/,
  ],
  ["negative and resolved", "saddle", {}, "yes", /^A saddle: λ₋ = −4\.698 ± 0\.003/],
  [
    "negative on a slope",
    "saddle",
    { checkpoint: { ...checkpoint, gradientNorm: 1 } },
    "yes",
    /^Negative curvature: λ₋ = −4\.698 ± 0\.003 .*not called a saddle/,
  ],
  [
    "negative, noise of the gradient unknown: no saddle is claimed",
    "saddle",
    { checkpoint: { ...checkpoint, groups: 1, gradientNoise: null } },
    "yes",
    /^Negative curvature/,
  ],
  [
    "negative, resolved, not converged",
    "saddle",
    { eigenpairs: { ...eigenpairs, pairs: [pair("bottom", -4, 0.5, false)] } },
    "yes",
    /not converged: the smallest eigenvalue is this or lower/,
  ],
  [
    "smaller than its residual, converged",
    "saddle",
    { eigenpairs: { ...eigenpairs, pairs: [pair("bottom", -0.004, 0.02)] } },
    "no",
    /No negative curvature below −0\.024 was found; .* 0\.00 ± 0\.02/,
  ],
  [
    "positive and resolved",
    "saddle",
    { eigenpairs: { ...eigenpairs, pairs: [pair("bottom", 0.3, 0.02)] } },
    "no",
    /No negative curvature was found; .* 0\.30 ± 0\.02/,
  ],
  [
    "not converged, residual larger than the value",
    "saddle",
    { eigenpairs: { ...eigenpairs, products: 80, pairs: [pair("bottom", -0.3, 0.9, false)] } },
    "cannot tell",
    /after 80 products .* −0\.3 .*residual 0\.9 exceeds its size.*--max-products 200/,
  ],
  [
    "positive but not converged",
    "saddle",
    { eigenpairs: { ...eigenpairs, pairs: [pair("bottom", 0.3, 0.1, false)] } },
    "cannot tell",
    /not converged/,
  ],
  [
    "negative on every subset",
    "saddle",
    { subsets: subsetInfo([300, -7], [340, -5], [500, -18.2]) },
    "yes",
    /^A saddle: λ₋ = −4\.698 ± 0\.003 \(residual\); −18\.2 … −5 over 3 subsets; along this v₋ the curvature is there −9\.1 … −2\.5\.$/,
  ],
  [
    "negative, but not on every subset: no saddle is claimed",
    "saddle",
    { subsets: subsetInfo([300, -7], [340, 0.2], [500, -0.01]) },
    "yes",
    /^Negative curvature: .*; negative in 1 of 3 subsets \(−7 … 0\.2\); along this v₋ the curvature is there −3\.5 … 0\.1, negative in 1 of them\.$/,
  ],
  [
    "positive, with subsets",
    "saddle",
    {
      eigenpairs: { ...eigenpairs, pairs: [pair("bottom", 0.3, 0.02)] },
      subsets: subsetInfo([300, 0.1], [340, 0.2]),
    },
    "no",
    /smallest eigenvalue is 0\.30 ± 0\.02 \(residual\); 0\.1 … 0\.2 over 2 subsets\.$/,
  ],
  [
    "top, with subsets",
    "curvature",
    { subsets: subsetInfo([300, -7], [340, -5]) },
    "yes",
    /is 66\.9 times \|λ₋\|; λ₊ is 300 … 340 over 2 subsets; tr H/,
  ],
  ["no eigenpairs", "saddle", { eigenpairs: null }, "cannot tell", /--bottom 1/],
  [
    "top dominates",
    "curvature",
    {},
    "yes",
    /λ₊ = 314\.42 ± 0\.02 is 66\.9 times \|λ₋\|; tr H = 890 ± 20 \(64 probes/,
  ],
  [
    "bottom dominates",
    "curvature",
    { eigenpairs: { ...eigenpairs, pairs: [pair("top", 1, 0.01), pair("bottom", -5, 0.01)] } },
    "no",
    /is 0\.200 times/,
  ],
  [
    "equal within errors",
    "curvature",
    { eigenpairs: { ...eigenpairs, pairs: [pair("top", 5, 0.2), pair("bottom", -5.1, 0.2)] } },
    "cannot tell",
    /equal within their errors/,
  ],
  [
    "bottom not resolved",
    "curvature",
    { eigenpairs: { ...eigenpairs, pairs: [pair("top", 5, 0.2), pair("bottom", -0.1, 0.2, false)] } },
    "cannot tell",
    /not resolved/,
  ],
  ["no trace: no claim about it", "curvature", { trace: null }, "yes", /^(?!.*tr H)/],
  ["positive trace", "random-plane", {}, "yes", /looks like a minimum: its curvature is tr H = 890 ± 20/],
  ["negative trace", "random-plane", { trace: { ...trace, value: -500 } }, "no", /looks like a maximum/],
  [
    "trace within two standard errors",
    "random-plane",
    { trace: { ...trace, value: 40 } },
    "cannot tell",
    /--probes 256/,
  ],
  [
    "a trace that is zero, as far as any number of probes could tell",
    "random-plane",
    { trace: { ...trace, value: 1e-12, standardError: 4e-12 } },
    "no",
    /^(?!.*--probes)The average random plane shows no curvature: .* tr H = .* in every direction, zero within its error/,
  ],
  ["no trace", "random-plane", { trace: null }, "cannot tell", /--probes/],
  [
    "a gain",
    "gain",
    {},
    "yes",
    /^Moving 0\.1 \(0\.25 % of ‖θ‖\) along v₋ lowers train loss 0\.1 → 0\.083, by 17 %; 4 of the 17 % is slope, not curvature; test loss rises 0\.4 %\.$/,
  ],
  [
    "a gain that the slope explains",
    "gain",
    {
      directions: [{ id: "v-", role: "bottom", label: "v₋", slope: -2, curvature: -1, curvatureError: 0.1 }],
    },
    "yes",
    /the slope alone explains all of it/,
  ],
  [
    "a gain against the slope",
    "gain",
    {
      directions: [{ id: "v-", role: "bottom", label: "v₋", slope: 0.5, curvature: -1, curvatureError: 0.1 }],
    },
    "yes",
    /all of it is curvature/,
  ],
  [
    "a gain at the end of the range",
    "gain",
    { profiles: [{ ...profile, minimum: { t: 0.2, loss: 0.05, testLoss: null } }] },
    "yes",
    /the end of the range/,
  ],
  [
    "a gain below the noise of the loss",
    "gain",
    { checkpoint: { ...checkpoint, lossNoise: 0.01 } },
    "no",
    /lowers the train loss nowhere beyond the noise of the loss \(0\.01\)/,
  ],
  [
    "noise of the loss unknown",
    "gain",
    { checkpoint: { ...checkpoint, lossNoise: null } },
    "cannot tell",
    /noise of the loss was not measured/,
  ],
  [
    "no decrease",
    "gain",
    { profiles: [{ ...profile, minimum: { t: 0, loss: 0.1, testLoss: 0.4 } }] },
    "no",
    /up to 0\.2 either way/,
  ],
  ["no profile", "gain", { profiles: [] }, "cannot tell", /no profile/],
  [
    "a loss that is not positive",
    "gain",
    {
      checkpoint: { ...checkpoint, train: { loss: -1, accuracy: null } },
      profiles: [{ ...profile, minimum: { t: 0.1, loss: -1.5, testLoss: null } }],
    },
    "yes",
    /−1 → −1\.5, by 0\.5;/,
  ],
];

describe("verdict", () => {
  it.each(cases)("%s", (_, id, change, answer, text) => {
    const found = sentence(id, change);
    expect(found.text).toMatch(text);
    expect(found.answer).toBe(answer);
  });

  it.each(cases)("rests on numbers that are in the report: %s", (_, id, change) => {
    const findings = saddleFindings(change);
    const found = sentence(id, change);
    expect(found.evidence.length).toBeGreaterThan(0);
    for (const path of found.evidence) expect(at(findings, path), path).not.toBeUndefined();
  });

  it("answers the five questions once each, in order", () => {
    expect(verdict(saddleFindings()).map((s) => s.id)).toEqual([
      "slope",
      "saddle",
      "curvature",
      "random-plane",
      "gain",
    ]);
  });

  it("uses no adjective without a number", () => {
    for (const s of cases.map(([, id, change]) => sentence(id, change))) {
      expect(s.text).not.toMatch(/\b(sharp|flat|good|bad|nice|large|small)\b/);
      expect(s.text.endsWith(".")).toBe(true);
    }
  });
});
