import type { HealthCheck } from "./analysis-report.ts";
import { convergenceRemedy } from "./convergence.ts";
import { isOnBorder, lowestPoint } from "./lowest-point.ts";
import { errorText, numberText, percentText, plural, withError } from "./number-text.ts";
import { type SubsetSpread, spreadText, subsetRemedy, subsetSpread } from "./subset-spread.ts";
import { traceSign } from "./trace-sign.ts";
import type { Findings } from "./verdict.ts";

type Status = HealthCheck["status"];

/** What the analysis saw of its own work, beside what the report says. */
export interface Observations {
  /** Loss and gradient of θ₀ computed twice: the largest relative differences; null if not probed. */
  readonly repeat: { readonly loss: number; readonly gradient: number | null } | null;
  /** Largest error estimate of all products within the eigensolver, relative to ‖Hv‖. */
  readonly productError: number | null;
  /** ‖Hv by differences − Hv exact‖/‖Hv‖ along v₊ and v₋; null if exact products were not run. */
  readonly exact: { readonly top: number | null; readonly bottom: number | null } | null;
}

const order: readonly Status[] = ["failed", "look", "not done", "ok"];

/** Every check with its status in words and its number, worst first. */
export function healthChecks(findings: Findings, seen: Observations): HealthCheck[] {
  const checks = [
    determinism(seen),
    gradientNoise(findings),
    residuals(findings),
    products(findings, seen),
    exactProducts(findings, seen),
    kinks(findings),
    spread(findings),
    traceError(findings),
    moments(findings),
    lossNoise(findings),
    cells(findings),
    origins(findings),
    borders(findings),
    ...findings.model.warnings.map((w): HealthCheck => check(w.code, "look", "Model file", w.message)),
  ];
  const { obstacle } = findings.model;
  const explained = checks.map((c) =>
    c.status === "not done" && obstacle !== undefined ? { ...c, text: `Not done: ${obstacle}.` } : c,
  );
  return explained.sort((a, b) => order.indexOf(a.status) - order.indexOf(b.status));
}

function check(id: string, status: Status, label: string, text: string): HealthCheck {
  return { id, status, label, text };
}

function determinism({ repeat }: Observations): HealthCheck {
  const [id, label] = ["determinism", "Determinism"];
  if (!repeat) return check(id, "not done", label, "Loss and gradient were not computed twice.");
  const worst = Math.max(repeat.loss, repeat.gradient ?? 0);
  const what = repeat.gradient === null ? "Loss" : "Loss and gradient";
  const [agree, differ] = repeat.gradient === null ? ["agrees", "differs"] : ["agree", "differ"];
  if (worst === 0) return check(id, "ok", label, `${what} computed twice ${agree} to the last bit.`);
  const sizes = [repeat.loss, repeat.gradient].filter((size) => size !== null).map((s) => numberText(s, 2));
  const text = `${what} computed twice ${differ} by ${sizes.join(" and ")} of ${sizes.length > 1 ? "their" : "its"} size`;
  // Reordered float32 sums differ by about this; more means dropout or other random operators.
  if (worst < 1e-5) return check(id, "look", label, `${text}: sums are taken in changing order.`);
  return check(id, "failed", label, `${text}: the model is random (dropout?); export it with model.eval().`);
}

function gradientNoise({ checkpoint }: Findings): HealthCheck {
  const { groups, gradientNorm, gradientNoise: noise } = checkpoint;
  const [id, label] = ["gradient-noise", "Noise of the gradient"];
  if (noise === null || gradientNorm === null)
    return check(id, "not done", label, "All samples are in one group; take more --samples.");
  const text = `‖∇L‖ ${numberText(gradientNorm, 3)}, noise ${numberText(noise, 2)} over ${groups} groups of samples.`;
  return check(id, "ok", label, text);
}

function residuals({ eigenpairs }: Findings): HealthCheck {
  const [id, label] = ["residuals", "Eigenpair residuals"];
  if (!eigenpairs) return check(id, "not done", label, "No eigenpairs were computed.");
  const { pairs, products: count } = eigenpairs;
  const missed = pairs.filter((p) => !p.converged);
  const unresolved = pairs.filter((p) => p.residual >= Math.abs(p.value));
  const worst = Math.max(...pairs.map((p) => p.residual));
  if (missed.length > 0) {
    const which = missed.map((p) => withError(p.value, p.residual)).join(", ");
    return check(
      id,
      "look",
      label,
      `${missed.length} of ${plural(pairs.length, "pair")} not converged after ${plural(count, "product")}: ${which}; ${convergenceRemedy(eigenpairs)}.`,
    );
  }
  const text = `${plural(pairs.length, "pair")} converged in ${plural(count, "product")}; largest true residual ${errorText(worst)}.`;
  if (unresolved.length === 0) return check(id, "ok", label, text);
  return check(id, "look", label, `${text} ${unresolved.length} smaller than their residual.`);
}

function products({ eigenpairs }: Findings, seen: Observations): HealthCheck {
  const [id, label] = ["products", "Error of the products"];
  if (!eigenpairs || seen.productError === null) {
    return check(id, "not done", label, "The error of Hessian-vector products was not estimated.");
  }
  const step = eigenpairs.step === null ? "" : `, step ‖Δθ‖ = ${numberText(eigenpairs.step, 2)}`;
  const text = `Largest estimated error ${errorText(seen.productError)} of ‖Hv‖ (${eigenpairs.hvp}, branches ${eigenpairs.kinks}${step}).`;
  return check(id, seen.productError < 0.01 ? "ok" : "look", label, text);
}

function exactProducts({ eigenpairs }: Findings, seen: Observations): HealthCheck {
  const [id, label] = ["exact", "Differences against exact products"];
  if (!seen.exact || !eigenpairs) return check(id, "not done", label, "No exact product was computed.");
  const shown = [
    ["v₊", seen.exact.top],
    ["v₋", seen.exact.bottom],
  ].filter((entry): entry is [string, number] => entry[1] !== null);
  const text = shown.map(([name, error]) => `${errorText(error)} along ${name}`).join(", ");
  const worst = Math.max(...shown.map(([, error]) => error));
  return check(id, worst < 0.01 ? "ok" : "look", label, `Relative difference ${text}.`);
}

function kinks({ eigenpairs }: Findings): HealthCheck {
  const [id, label] = ["kinks", "Kinks"];
  const moving = eigenpairs?.moving;
  if (!eigenpairs || !moving) {
    return check(id, "not done", label, "Differences with moving branches were not computed.");
  }
  const bottom = eigenpairs.pairs.find((p) => p.end === "bottom");
  const frozen = bottom ? ` against ${numberText(bottom.value, 3)} with branches frozen` : "";
  const text = `Plain differences at ${numberText(moving.relativeStep, 2)}·‖θ‖ find λ₋ = ${numberText(moving.bottom, 3)}${frozen}, |cos| ${numberText(moving.cosBottom, 2)}.`;
  // Plain differences are a result (curvature at a scale), not a fault: worth a look where they part.
  return check(id, moving.cosBottom > 0.99 ? "ok" : "look", label, text);
}

function spread({ subsets, eigenpairs, data }: Findings): HealthCheck {
  const [id, label] = ["subsets", "Spread over the data"];
  const ends = [
    ["λ₊", subsetSpread(subsets, "top")],
    ["λ₋", subsetSpread(subsets, "bottom")],
  ].filter((entry): entry is [string, SubsetSpread] => entry[1] !== null);
  if (!subsets || ends.length === 0) {
    const why = data.train.samples > 1 ? "; take --subsets" : ": there is one sample";
    return check(id, "not done", label, `Eigenvalues of subsets of the data were not computed${why}.`);
  }
  const samples = subsets.subsets.map((s) => s.samples);
  const shown = ends.map(([name, s]) => `${name} ${spreadText(s)}`).join(", ");
  const open = ends.reduce((sum, [, s]) => sum + s.open, 0);
  const text = `${shown} of ${Math.min(...samples)} samples or more.`;
  if (open === 0) return check(id, "ok", label, text);
  return check(
    id,
    "look",
    label,
    `${text} ${plural(open, "pair")} of them not converged; ${subsetRemedy(subsets, eigenpairs?.hvp ?? "fd")}.`,
  );
}

function traceError({ trace }: Findings): HealthCheck {
  const [id, label] = ["trace", "Trace"];
  if (!trace) return check(id, "not done", label, "The trace was not estimated.");
  const { value, standardError, probes, frobeniusNorm } = trace;
  const sign = traceSign(trace);
  const relative = standardError / Math.abs(value);
  const error =
    sign === "told"
      ? `standard error ${percentText(relative)}`
      : `zero within its error${frobeniusNorm > 0 ? `, which is ${percentText(standardError / frobeniusNorm)} of ‖H‖` : ""}`;
  const text = `${withError(value, standardError)} from ${plural(probes, "probe")}: ${error}.`;
  if (sign === "zero" || (sign === "told" && relative < 0.1)) return check(id, "ok", label, text);
  return check(id, "look", label, `${text} For half of it take --probes ${4 * probes}.`);
}

/** What the density adds up to, against what other probes have measured. */
function moments({ density, trace, model: { parameters: n } }: Findings): HealthCheck {
  const [id, label] = ["density", "Moments of the density"];
  if (!density) return check(id, "not done", label, "The density of the spectrum was not computed.");
  const { mass, first, second } = density;
  if (Math.abs(mass - 1) > MASS_ERROR) {
    return check(id, "failed", label, `Its mass is ${numberText(mass, 8)}, expected 1.`);
  }
  if (!trace)
    return check(id, "not done", label, "Mass 1; without the trace there is nothing to compare with.");
  const { value, standardError, frobeniusNorm: f, frobeniusStandardError } = trace;
  const pairs = [
    ["tr H", n * first.value, n * first.standardError, value, standardError],
    ["‖H‖²", n * second.value, n * second.standardError, f ** 2, 2 * f * frobeniusStandardError],
  ] as const;
  const shown = pairs.map(
    ([name, here, error, there, other]) =>
      `${name} ${withError(here, error)} against ${withError(there, other)} by the trace’s probes`,
  );
  const apart = pairs.some(
    ([, here, error, there, other]) => Math.abs(here - there) > APART * Math.hypot(error, other),
  );
  const text = `Mass 1; ${shown.join(", ")}`;
  if (!apart) return check(id, "ok", label, `${text}.`);
  return check(
    id,
    "look",
    label,
    `${text}: more than ${APART} standard errors apart; raise --density-probes.`,
  );
}

/** Rounding of some hundred weights in float64 is far below it. */
const MASS_ERROR = 1e-6;
/** Few probes tell their own spread poorly: less would be said by chance. */
const APART = 4;

function lossNoise({ checkpoint }: Findings): HealthCheck {
  const [id, label] = ["loss-noise", "Rounding noise of the loss"];
  if (checkpoint.lossNoise === null) return check(id, "not done", label, "It was not measured.");
  const { lossNoise: noise, train } = checkpoint;
  if (train.loss === 0) return check(id, "ok", label, `${numberText(noise, 2)}, beside a train loss of 0.`);
  const relative = noise / Math.abs(train.loss);
  const text = `${numberText(noise, 2)}, ${numberText(relative, 2)} of the train loss.`;
  return check(id, relative < 1e-3 ? "ok" : "look", label, text);
}

function cells({ planes, profiles }: Findings): HealthCheck {
  const [id, label] = ["cells", "Cells without a finite loss"];
  const grids = planes.flatMap((p) => [p.train, ...(p.test ? [p.test] : [])]);
  if (grids.length === 0) return check(id, "not done", label, "No plane was computed.");
  const total = grids.reduce((sum, g) => sum + g.loss.length * (g.loss[0]?.length ?? 0), 0);
  const bad = grids.reduce((sum, g) => sum + g.nonFinite, 0);
  const points = profiles.flatMap((p) => [...p.train.loss, ...(p.test?.loss ?? [])]);
  const badPoints = points.filter((v) => v === null).length;
  const text = `${bad} of ${total} cells and ${badPoints} of ${points.length} profile points.`;
  return check(id, bad + badPoints === 0 ? "ok" : "look", label, text);
}

/** The middle of every plane is the checkpoint: its loss must be the one measured there. */
function origins({ planes, checkpoint }: Findings): HealthCheck {
  const [id, label] = ["origin", "Planes pass through the checkpoint"];
  const differences = planes.flatMap((plane) => {
    const [i, j] = [plane.y.indexOf(0), plane.x.indexOf(0)];
    const loss = i < 0 || j < 0 ? undefined : plane.train.loss[i]?.[j];
    if (loss == null) return [];
    const difference = Math.abs(loss - checkpoint.train.loss);
    // A toy loss is exactly 0 there.
    return [difference === 0 ? 0 : difference / Math.abs(checkpoint.train.loss)];
  });
  if (differences.length === 0) return check(id, "not done", label, "No plane has a cell at the checkpoint.");
  const worst = Math.max(...differences);
  const text = `${plural(differences.length, "plane")}; largest relative difference of the loss ${numberText(worst, 2)}.`;
  return check(id, worst < 1e-4 ? "ok" : "failed", label, text);
}

function borders({ planes }: Findings): HealthCheck {
  const [id, label] = ["borders", "Minimum within the range"];
  if (planes.length === 0) return check(id, "not done", label, "No plane was computed.");
  const outside = planes.filter((p) => isOnBorder(p, lowestPoint(p)));
  if (outside.length === 0)
    return check(id, "ok", label, "The lowest train loss of every plane lies inside it.");
  const kinds = outside.map((p) => p.kind).join(", ");
  return check(
    id,
    "look",
    label,
    `The lowest train loss is on the border of the plane: ${kinds}; the range is too small.`,
  );
}
