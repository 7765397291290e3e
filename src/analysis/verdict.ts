import type { AnalysisReport, Eigenpair, Profile, Sentence } from "./analysis-report.ts";
import { convergenceRemedy, isOutOfProducts } from "./convergence.ts";
import { errorText, numberText, percentText, plural, roundedTo, withError } from "./number-text.ts";
import { negativeText, type SubsetSpread, spreadText, subsetSpread } from "./subset-spread.ts";
import { traceSign } from "./trace-sign.ts";

/** What the verdict is made of: a report without its sentences. */
export type Findings = Omit<AnalysisReport, "verdict">;

/** Below this multiple of its noise, a gradient or a gain is not told from zero. */
const RESOLVED = 2;

/**
 * The verdict in words, a pure function of the report's numbers. Each sentence answers one question:
 * slope: is a slope resolved? saddle: is there negative curvature? curvature: does the largest positive
 * curvature exceed the largest negative one? random-plane: does the average random plane look like a
 * minimum? gain: does the loss fall along v₋?
 */
export function verdict(findings: Findings): Sentence[] {
  return [
    slopeSentence(findings),
    saddleSentence(findings),
    curvatureSentence(findings),
    randomPlaneSentence(findings),
    gainSentence(findings),
  ].map((sentence) => withReason(findings, sentence));
}

/** What a model without a gradient leaves open. */
const OPEN: Partial<Record<Sentence["id"], string>> = {
  slope: "Cannot tell whether a slope is left",
  saddle: "Cannot tell whether there is negative curvature",
  curvature: "Cannot tell the largest curvatures",
  gain: "Cannot tell what moving along v₋ would gain",
};

function withReason({ model: { obstacle } }: Findings, sentence: Sentence): Sentence {
  const open = OPEN[sentence.id];
  if (obstacle === undefined || open === undefined) return sentence;
  return {
    id: sentence.id,
    answer: "cannot tell",
    text: `${open}: ${obstacle}.`,
    evidence: ["model.obstacle"],
  };
}

function slopeSentence({ checkpoint }: Findings): Sentence {
  const { gradientNoise, groups } = checkpoint;
  // Without a gradient the sentence is another.
  const gradientNorm = checkpoint.gradientNorm ?? Number.NaN;
  const evidence = ["checkpoint.gradientNorm", "checkpoint.gradientNoise", "checkpoint.groups"];
  const norm = numberText(gradientNorm, 3);
  if (gradientNoise === null) {
    return {
      id: "slope",
      answer: "cannot tell",
      text: `The gradient norm is ${norm}; its noise is unknown with ${plural(groups, "group")} of samples: take more --samples.`,
      evidence,
    };
  }
  const size = numberText(gradientNoise, 2);
  const over = `its noise over ${groups} groups of samples`;
  if (gradientNorm <= RESOLVED * gradientNoise) {
    const text = `The gradient norm is ${norm}; ${over} is ${size}: no slope is resolved.`;
    return { id: "slope", answer: "no", text, evidence };
  }
  const times =
    gradientNoise > 0
      ? `${numberText(gradientNorm / gradientNoise, 2)} times ${over} (${size})`
      : `and ${over} is 0`;
  const text = `The gradient norm is ${norm}, ${times}: this is a slope; the curvatures below are not those of a critical point.`;
  return { id: "slope", answer: "yes", text, evidence };
}

function saddleSentence(findings: Findings): Sentence {
  const { pair, index } = lowest(findings);
  const evidence = pairEvidence(index);
  if (!pair) {
    return {
      id: "saddle",
      answer: "cannot tell",
      text: "Cannot tell whether there is negative curvature: no bottom eigenpair was computed; try --bottom 1.",
      evidence: ["eigenpairs"],
    };
  }
  const shown = `${withError(pair.value, pair.residual)}`;
  // Every Ritz value of accurate products bounds λ_min from above: a negative one is enough, converged or not.
  if (pair.value + pair.residual < 0) return negative(findings, pair, shown, evidence);
  if (!pair.converged) return signUnknown(findings, pair, evidence);
  const bound = Math.max(0, pair.residual - pair.value);
  const below = bound > 0 ? ` below ${numberText(-bound, 2)}` : "";
  return {
    id: "saddle",
    answer: "no",
    text: `No negative curvature${below} was found; the smallest eigenvalue is ${shown} (residual)${over(findings, "bottom", spreadText)}.`,
    evidence: [...evidence, ...subsetEvidence(findings, "bottom")],
  };
}

/** A clause about the spread over subsets of the data, where there is one. */
function over(
  { subsets }: Findings,
  end: "top" | "bottom",
  textOf: (spread: SubsetSpread) => string,
  before: string = "; ",
): string {
  const spread = subsetSpread(subsets, end);
  return spread ? `${before}${textOf(spread)}` : "";
}

function subsetEvidence({ subsets }: Findings, end: "top" | "bottom"): string[] {
  const spread = subsetSpread(subsets, end);
  if (!spread) return [];
  return [...new Set([spread.lowest, spread.highest])].map((index) => `subsets.subsets[${index}].${end}`);
}

function negative(findings: Findings, pair: Eigenpair, shown: string, evidence: string[]): Sentence {
  const slope = slopeSentence(findings).answer;
  const spread = subsetSpread(findings.subsets, "bottom");
  // What some of the data do not show is no property of the point.
  const everywhere = spread === null || spread.negative === spread.count;
  const name = slope === "no" && everywhere ? "A saddle" : "Negative curvature";
  const more = pair.converged ? "" : " It is not converged: the smallest eigenvalue is this or lower.";
  const why = slope === "yes" ? ", but not called a saddle, since a slope is resolved" : "";
  return {
    id: "saddle",
    answer: "yes",
    text: `${name}: λ₋ = ${shown} (residual)${why}${over(findings, "bottom", negativeText)}.${more}`,
    evidence: [
      ...evidence,
      "checkpoint.gradientNorm",
      "checkpoint.gradientNoise",
      ...subsetEvidence(findings, "bottom"),
    ],
  };
}

function signUnknown(findings: Findings, pair: Eigenpair, evidence: string[]): Sentence {
  const products = findings.eigenpairs?.products ?? 0;
  const remedy =
    findings.eigenpairs && !isOutOfProducts(findings.eigenpairs)
      ? convergenceRemedy(findings.eigenpairs)
      : `try --max-products ${suggestedProducts(products)}`;
  const relation = pair.residual > Math.abs(pair.value) ? "exceeds" : "is not below";
  return {
    id: "saddle",
    answer: "cannot tell",
    text: `Cannot tell the sign of λ₋: after ${plural(products, "product")} the Ritz value is ${numberText(pair.value, 2)} and not converged (residual ${errorText(pair.residual)} ${relation} its size); ${remedy}.`,
    evidence: [...evidence, "eigenpairs.products"],
  };
}

/** Two and a half times as many, to a round number. */
function suggestedProducts(products: number): number {
  return Math.max(100, Math.ceil((2.5 * products) / 50) * 50);
}

function curvatureSentence(findings: Findings): Sentence {
  const { pairs = [] } = findings.eigenpairs ?? {};
  const top = pairs.findIndex((p) => p.end === "top");
  const plus = pairs[top];
  const { pair: minus, index } = lowest(findings);
  const traced = traceText(findings);
  const evidence = [
    ...pairEvidence(top),
    ...pairEvidence(index),
    ...(findings.trace ? ["trace.value", "trace.standardError", "trace.probes"] : []),
  ];
  if (!plus) {
    return {
      id: "curvature",
      answer: "cannot tell",
      text: `The largest curvature was not computed; try --top 1.${traced && ` ${traced}.`}`,
      evidence: [...evidence, "eigenpairs"],
    };
  }
  const { answer, text } = comparison(plus, minus);
  const spread = over(findings, "top", spreadText, "; λ₊ is ");
  return {
    id: "curvature",
    answer,
    text: `${text}${spread}${traced && `; ${traced}`}.`,
    evidence: [...evidence, ...subsetEvidence(findings, "top")],
  };
}

function comparison(plus: Eigenpair, minus: Eigenpair | undefined): Pick<Sentence, "answer" | "text"> {
  const shown = `λ₊ = ${withError(plus.value, plus.residual)}${plus.converged ? "" : " (not converged)"}`;
  if (!minus)
    return { answer: "cannot tell", text: `${shown}; no bottom eigenpair to compare with (--bottom 1)` };
  if (minus.value + minus.residual >= 0) {
    return minus.converged && plus.value - plus.residual > Math.abs(minus.value) + minus.residual
      ? { answer: "yes", text: `${shown}; no negative curvature is resolved beside it` }
      : {
          answer: "cannot tell",
          text: `${shown}; λ₋ = ${withError(minus.value, minus.residual)} is not resolved`,
        };
  }
  const size = Math.abs(minus.value);
  const ratio = plus.value / size;
  const relative = Math.hypot(plus.residual / plus.value, minus.residual / size);
  const text = `${shown} is ${roundedTo(ratio, Math.max(Math.abs(ratio) * relative, 0.005 * Math.abs(ratio)))} times |λ₋|`;
  if (plus.value - plus.residual > size + minus.residual) return { answer: "yes", text };
  if (plus.value + plus.residual < size - minus.residual) return { answer: "no", text };
  return { answer: "cannot tell", text: `${text}: equal within their errors` };
}

function traceText({ trace }: Findings): string {
  if (!trace) return "";
  return `tr H = ${withError(trace.value, trace.standardError)} (${plural(trace.probes, "probe")}, 1 standard error)`;
}

function randomPlaneSentence(findings: Findings): Sentence {
  const { trace } = findings;
  if (!trace) {
    return {
      id: "random-plane",
      answer: "cannot tell",
      text: "What the average random plane looks like is not known without the trace; try --probes 32.",
      evidence: ["trace"],
    };
  }
  const evidence = [
    "trace.value",
    "trace.standardError",
    findings.lossSlices ? "lossSlices.saddleShare" : "randomSlices",
  ];
  const because = `its curvature is tr H = ${withError(trace.value, trace.standardError)} in every direction`;
  const share = saddleShareText(findings);
  const sign = traceSign(trace);
  if (sign === "zero") {
    const text = `The average random plane shows no curvature: ${because}, zero within its error (for Gaussian directions); ${share}.`;
    return { id: "random-plane", answer: "no", text, evidence: [...evidence, "trace.frobeniusNorm"] };
  }
  if (sign === "unknown") {
    return {
      id: "random-plane",
      answer: "cannot tell",
      text: `Cannot tell what the average random plane looks like: ${because}, not told from 0 by ${plural(trace.probes, "probe")}; try --probes ${4 * trace.probes}.`,
      evidence,
    };
  }
  const minimum = trace.value > 0;
  return {
    id: "random-plane",
    answer: minimum ? "yes" : "no",
    text: `The average random plane looks like a ${minimum ? "minimum" : "maximum"}: ${because} (for Gaussian directions); ${share}.`,
    evidence,
  };
}

/** Planes drawn over the measured spectrum; the closed form holds only where no outliers dominate. */
function saddleShareText({ randomSlices, lossSlices }: Findings): string {
  if (lossSlices) {
    const { saddleShare, interval, planes } = lossSlices;
    return `${percentText(saddleShare)} of ${planes} random planes fitted to losses show a saddle (${percentText(interval.low)} … ${percentText(interval.high)})`;
  }
  if (!randomSlices) return "the share of planes that would show a saddle was not computed";
  const { saddles, saddleShare, interval, byProbe } = randomSlices;
  if (saddles === 0) return `fewer than ${percentText(interval.high)} of random planes would show a saddle`;
  const shown = `${percentText(saddleShare)} of random planes (${percentText(interval.low)} … ${percentText(interval.high)}) would show a saddle`;
  const [low, high] = [Math.min(...byProbe), Math.max(...byProbe)];
  if (low === high) return shown;
  return `${shown}, ${percentText(low)} … ${percentText(high)} by single probes of the density`;
}

function gainSentence(findings: Findings): Sentence {
  const bottom = findings.directions.find((d) => d.role === "bottom");
  const index = bottom ? findings.profiles.findIndex((p) => p.direction === bottom.id) : -1;
  const profile = findings.profiles[index];
  if (!profile || !bottom) {
    return {
      id: "gain",
      answer: "cannot tell",
      text: "Whether the loss can be lowered along v₋ was not measured: there is no profile along it; try --bottom 1.",
      evidence: ["profiles"],
    };
  }
  const evidence = [`profiles[${index}].minimum`, "checkpoint.train.loss", "checkpoint.lossNoise"];
  const start = findings.checkpoint.train.loss;
  const gain = start - profile.minimum.loss;
  const noise = findings.checkpoint.lossNoise;
  const threshold = noise === null ? null : RESOLVED * Math.SQRT2 * noise;
  if (threshold === null && gain > 0) {
    return {
      id: "gain",
      answer: "cannot tell",
      text: `Along v₋ the lowest train loss is ${numberText(profile.minimum.loss)} against ${numberText(start)}, but the noise of the loss was not measured.`,
      evidence,
    };
  }
  if (gain <= (threshold ?? 0)) return noGain(profile, noise, evidence);
  return gainFound(findings, profile, gain, bottom.slope, [
    ...evidence,
    `directions[${findings.directions.indexOf(bottom)}].slope`,
  ]);
}

function noGain(profile: Profile, noise: number | null, evidence: string[]): Sentence {
  const reach = numberText(Math.max(...profile.t.map(Math.abs)), 2);
  const within = noise === null ? "" : ` beyond the noise of the loss (${numberText(noise, 2)})`;
  return {
    id: "gain",
    answer: "no",
    text: `Moving along v₋, up to ${reach} either way, lowers the train loss nowhere${within}.`,
    evidence,
  };
}

function gainFound(
  findings: Findings,
  profile: Profile,
  gain: number,
  slope: number | null,
  evidence: string[],
): Sentence {
  const { t, loss, testLoss } = profile.minimum;
  const { thetaNorm, train, test } = findings.checkpoint;
  const edge =
    t === profile.t[0] || t === profile.t.at(-1) ? " (the end of the range: it may fall further)" : "";
  const [from, to] = distinctNumbers(train.loss, loss);
  const parts = [
    `Moving ${numberText(Math.abs(t), 2)} (${percentText(Math.abs(t) / thetaNorm)} of ‖θ‖) along v₋ lowers train loss ${from} → ${to}, by ${gainText(gain, train.loss)}${edge}`,
  ];
  const share = slopeShare(slope, t, gain, train.loss);
  if (share !== "") parts.push(share);
  if (test && testLoss !== null) parts.push(testText(testLoss, test.loss));
  return {
    id: "gain",
    answer: "yes",
    text: `${parts.join("; ")}.`,
    evidence: test ? [...evidence, "checkpoint.test.loss"] : evidence,
  };
}

/** Relative where the loss is positive; a loss may also be zero or negative (`--loss output`). */
function gainText(gain: number, start: number): string {
  return start > 0 ? percentText(gain / start) : numberText(gain, 2);
}

/** How much of the decrease the gradient alone predicts: −t·gᵀv₋. */
function slopeShare(slope: number | null, t: number, gain: number, start: number): string {
  if (slope === null) return "";
  const firstOrder = -t * slope;
  if (firstOrder === 0) return "the slope is 0: all of it is curvature";
  if (firstOrder < 0) return "the slope points the other way: all of it is curvature";
  if (firstOrder >= gain) return "the slope alone explains all of it";
  const of = start > 0 ? (x: number) => numberText((100 * x) / start, 2) : (x: number) => numberText(x, 2);
  return `${of(firstOrder)} of the ${gainText(gain, start)} is slope, not curvature`;
}

function testText(there: number, here: number): string {
  const change = here === 0 ? there : (there - here) / Math.abs(here);
  const size = here === 0 ? numberText(Math.abs(change), 2) : percentText(Math.abs(change));
  if (change === 0) return "test loss stays";
  return `test loss ${change > 0 ? "rises" : "falls"} ${size}`;
}

/** Both numbers with as many digits as it takes to see their difference. */
function distinctNumbers(a: number, b: number): [string, string] {
  for (let digits = 3; digits < 8; digits++) {
    const pair: [string, string] = [numberText(a, digits), numberText(b, digits)];
    if (pair[0] !== pair[1]) return pair;
  }
  return [numberText(a, 8), numberText(b, 8)];
}

function lowest({ eigenpairs }: Findings): { pair: Eigenpair | undefined; index: number } {
  const index = eigenpairs ? eigenpairs.pairs.findIndex((p) => p.end === "bottom") : -1;
  return { pair: eigenpairs?.pairs[index], index };
}

function pairEvidence(index: number): string[] {
  if (index < 0) return [];
  return ["value", "residual", "converged"].map((key) => `eigenpairs.pairs[${index}].${key}`);
}
