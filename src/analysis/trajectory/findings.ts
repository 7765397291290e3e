import type { Eigenpair, HealthCheck } from "../analysis-report.ts";
import { remedyOfAll } from "../convergence.ts";
import { errorText, numberText, percentText, plural, withError } from "../number-text.ts";
import type { Finding, PathPoint, TrajectoryReport } from "./report.ts";

/** What sentences and checks are made of. */
export interface PathFindings extends Pick<TrajectoryReport, "checkpoints" | "plane"> {
  readonly otherDifferences: readonly string[];
}

/** What the numbers say, no claim beyond its error. */
export function trajectoryFindings(found: PathFindings): Finding[] {
  return [lossFinding(found), planeFinding(found), surfaceFinding(found), ...curvatureFindings(found)];
}

function ends({ checkpoints }: PathFindings): [PathPoint, PathPoint] {
  return [checkpoints[0] as PathPoint, checkpoints.at(-1) as PathPoint];
}

function lossFinding(found: PathFindings): Finding {
  const [first, last] = ends(found);
  const { checkpoints } = found;
  const lowest = checkpoints.reduce((a, b) => (b.checkpoint.train.loss < a.checkpoint.train.loss ? b : a));
  const test =
    first.checkpoint.test && last.checkpoint.test
      ? `; test loss ${change(first.checkpoint.test.loss, last.checkpoint.test.loss)}`
      : "";
  const rest =
    lowest === last ? "" : `; the lowest is ${numberText(lowest.checkpoint.train.loss)} at ${lowest.name}`;
  const at = checkpoints.length - 1;
  return {
    id: "loss",
    text: `Over ${plural(checkpoints.length, "checkpoint")} the training loss goes ${change(first.checkpoint.train.loss, last.checkpoint.train.loss)}${rest}${test}.`,
    evidence: ["checkpoints[0].checkpoint.train.loss", `checkpoints[${at}].checkpoint.train.loss`],
  };
}

function change(from: number, to: number): string {
  return `from ${numberText(from)} to ${numberText(to)}`;
}

/** ‖Δθ‖ beside the plane, as a fraction of the longest distance, that rounding alone makes. */
const IN_PLANE = 1e-6;

/** The checkpoint that lies farthest beside the plane; null where all lie in it. */
export function farthestFromPlane(checkpoints: readonly PathPoint[]): PathPoint | null {
  const farthest = checkpoints.reduce((a, b) => (b.offPlane > a.offPlane ? b : a));
  const longest = Math.max(...checkpoints.map((p) => p.distance));
  return farthest.offPlane > IN_PLANE * longest ? farthest : null;
}

function planeFinding({ checkpoints, plane }: PathFindings): Finding {
  const [x, y] = plane.explained;
  const farthest = farthestFromPlane(checkpoints);
  const name =
    plane.kind === "pca" ? "The principal plane of the path" : "The last checkpoint’s Hessian plane";
  const off = farthest
    ? `; ${farthest.name} lies farthest beside it, ‖Δθ‖ = ${numberText(farthest.offPlane, 3)} of its distance ${numberText(farthest.distance, 3)}`
    : "; every checkpoint lies in it";
  const at = farthest ? checkpoints.indexOf(farthest) : 0;
  return {
    id: "plane",
    text: `${name} has ${percentText(x, 3)} and ${percentText(y, 3)} of Σ‖θₖ − θ_last‖² on its axes${off}.`,
    evidence: ["plane.explained", `checkpoints[${at}].offPlane`, `checkpoints[${at}].distance`],
  };
}

/** Where the surface under the path is farthest from the truth: users took contours for the path's own losses. */
function surfaceFinding({ checkpoints }: PathFindings): Finding {
  const ratio = (p: PathPoint) => {
    const under = p.onPlane.train.loss;
    if (under === null) return Number.POSITIVE_INFINITY;
    const [a, b] = [Math.abs(under), Math.abs(p.checkpoint.train.loss)];
    return Math.max(a, b) / Math.min(a, b);
  };
  const worst = checkpoints.reduce((a, b) => (ratio(b) > ratio(a) ? b : a));
  const at = checkpoints.indexOf(worst);
  const under = worst.onPlane.train.loss;
  return {
    id: "surface",
    text: `The surface is not the path’s own loss: under ${worst.name} it has ${under === null ? "no finite loss" : numberText(under)}, where the checkpoint’s is ${numberText(worst.checkpoint.train.loss)}${under !== null && ratio(worst) < 1.1 ? ", the largest difference of all" : ""}.`,
    evidence: [`checkpoints[${at}].onPlane.train.loss`, `checkpoints[${at}].checkpoint.train.loss`],
  };
}

function curvatureFindings(found: PathFindings): Finding[] {
  const { checkpoints } = found;
  const at = checkpoints.length - 1;
  const pairs = (end: 0 | 1) =>
    checkpoints.flatMap((p) => (p.eigenpairs[end] ? [p.eigenpairs[end] as Eigenpair] : []));
  const [top, bottom] = [pairs(0), pairs(1)];
  const text = (all: readonly Eigenpair[]) =>
    `from ${withError(all[0]!.value, all[0]!.residual)} to ${withError(all.at(-1)!.value, all.at(-1)!.residual)}`;
  const negative = bottom.filter((p) => p.value + p.residual < 0).length;
  const path = (end: 0 | 1) => [
    `checkpoints[0].eigenpairs[${end}].value`,
    `checkpoints[${at}].eigenpairs[${end}].value`,
  ];
  const findings: Finding[] = [];
  if (top.length > 0)
    findings.push({ id: "top", text: `λ₊ goes ${text(top)} (± residual).`, evidence: path(0) });
  if (bottom.length > 0) {
    findings.push({
      id: "bottom",
      text: `λ₋ goes ${text(bottom)}; it is negative beyond its residual at ${negative} of ${plural(bottom.length, "checkpoint")}.`,
      evidence: path(1),
    });
  }
  const traces = checkpoints.flatMap((p) => (p.trace ? [p.trace] : []));
  if (traces.length > 0) {
    const [first, last] = [traces[0]!, traces.at(-1)!];
    findings.push({
      id: "trace",
      text: `tr H goes from ${withError(first.value, first.standardError)} to ${withError(last.value, last.standardError)} (± 1 standard error, ${plural(last.probes, "probe")} each).`,
      evidence: ["checkpoints[0].trace.value", `checkpoints[${at}].trace.value`],
    });
  }
  return findings;
}

/** float32 losses of the same weights by two routes: a few units in the last place, more where they cancel. */
const SAME_LOSS = 1e-4;

/** Checks on the numbers themselves. */
export function trajectoryHealth(found: PathFindings): HealthCheck[] {
  return [graphCheck(found), convergenceCheck(found), traceCheck(found)];
}

/** Whether one graph stands for all: the surface is the last checkpoint's. */
function graphCheck({ checkpoints, otherDifferences }: PathFindings): HealthCheck {
  const gaps = checkpoints.map((p) =>
    p.inLastGraph === null
      ? Number.POSITIVE_INFINITY
      : Math.abs(p.inLastGraph - p.checkpoint.train.loss) / (Math.abs(p.checkpoint.train.loss) || 1),
  );
  const worst = Math.max(...gaps);
  const at = checkpoints[gaps.indexOf(worst)] as PathPoint;
  const label = "the last checkpoint’s graph with the others’ parameters";
  const measured = `loss of ${at.name}: ${at.inLastGraph === null ? "not finite" : numberText(at.inLastGraph)} there, ${numberText(at.checkpoint.train.loss)} in its own file (off by ${errorText(worst)} of it)`;
  if (otherDifferences.length > 0) {
    const many = otherDifferences.length;
    const which = `${plural(many, "tensor")} beside the parameters (such as "${otherDifferences[0]}") ${many === 1 ? "differs" : "differ"} between the files; the surface has the last one’s`;
    return {
      id: "graph",
      status: worst > SAME_LOSS ? "look" : "ok",
      label,
      text: `${which}. Largest difference: ${measured}`,
    };
  }
  return { id: "graph", status: worst > SAME_LOSS ? "failed" : "ok", label, text: measured };
}

function convergenceCheck({ checkpoints }: PathFindings): HealthCheck {
  const open = checkpoints.filter((p) => p.eigenpairs.some((pair) => !pair.converged));
  const all = plural(checkpoints.length, "checkpoint");
  const label = "eigenpairs";
  if (open.length === 0) return { id: "eigenpairs", status: "ok", label, text: `converged at all ${all}` };
  return {
    id: "eigenpairs",
    status: "look",
    label,
    text: `not converged at ${open.length} of ${all} (${open
      .map((p) => p.name)
      .slice(0, 5)
      .join(", ")}); ${remedyOfAll(open.map(({ stopped, hvp = "fd" }) => ({ stopped, hvp })))}`,
  };
}

function traceCheck({ checkpoints }: PathFindings): HealthCheck {
  const label = "standard errors of the traces";
  const traces = checkpoints.flatMap((p) => (p.trace ? [p.trace] : []));
  if (traces.length === 0) return { id: "trace", status: "not done", label, text: "--probes 0" };
  // A trace may pass through 0: what counts is how the curve is seen.
  const largest = Math.max(...traces.map((t) => Math.abs(t.value)));
  const worst = Math.max(...traces.map((t) => t.standardError)) / largest;
  return {
    id: "trace",
    status: worst > 0.2 ? "look" : "ok",
    label,
    text: `up to ${percentText(worst)} of the largest trace with ${plural(traces[0]!.probes, "probe")}${worst > 0.2 ? "; raise --probes, or --estimator xtrace" : ""}`,
  };
}
