import type { AnalysisReport, DirectionRole, Profile } from "../../analysis/analysis-report.ts";
import { numberText, percentText } from "../../analysis/number-text.ts";
import { changeText, directionOf, labelOf, profileOf } from "../facts.ts";
import { html } from "../html.ts";
import type { KeyEntry } from "../key.ts";
import { profileTable } from "../tables/profiles.ts";
import type { Figure, Panel } from "./figure.ts";
import { accuracyStrip, profilePanel } from "./profile.ts";
import { commonPanel } from "./profile-common.ts";

const order: readonly DirectionRole[] = ["top", "bottom", "random", "filter"];

/** One panel per kind of direction, each on its own scale, the accuracy below it; then all on one scale. */
export function profilesFigure(report: AnalysisReport): Figure | null {
  if (report.profiles.length === 0) return null;
  const groups = order
    .map((role) => report.profiles.filter((p) => directionOf(report, p.direction)?.role === role))
    .filter((group) => group.length > 0);
  const panels = groups.flatMap((group) => {
    const above = profilePanel(report, group);
    const below = accuracyStrip(report, group);
    return below ? [above, below] : [above];
  });
  const common: Panel[] = groups.length > 1 ? [commonPanel(report, groups)] : [];
  return {
    id: "profiles",
    title: profilesTitle(report),
    caption: html`How to read: the change of loss ΔL = L − L(0) along θ₀ + t·d, d of length 1, against t = ‖Δθ‖
      (above: % of ‖θ‖). Dashed is what slope and curvature at θ₀ predict, t·∇L·d + ½t²·dᵀHd; where measured and
      predicted differ by less than 10 % the ground is shaded (“quadratic here”). How far each
      goes is chosen as for the planes. Each panel has its own scale, which follows
      the training loss: test losses beyond it are not drawn${
        common.length > 0 && "; the last shows all directions on one"
      }.${panels.some((p) => p.below) && " Below, the accuracy."}`,
    panels: [...panels, ...common],
    columns: groups.length + common.length > 2 ? 3 : 2,
    key: keyEntries(report),
    numbers: profileTable(report),
  };
}

function keyEntries(report: AnalysisReport): KeyEntry[] {
  const text = "var(--text)";
  const entries: KeyEntry[] = [{ mark: "dot", colour: text, label: "train, measured" }];
  if (report.profiles.some((p) => p.test))
    entries.push({ mark: "ring", colour: text, label: "test, measured" });
  entries.push({ mark: "dash", colour: text, label: "predicted from slope and curvature" });
  entries.push({ mark: "band", colour: "var(--muted)", label: "quadratic here" });
  return entries;
}

function profilesTitle(report: AnalysisReport): string {
  const profile = profileOf(report, "bottom") ?? report.profiles[0]!;
  const label = labelOf(report, profile.direction);
  const from = report.checkpoint.train.loss;
  const { t, loss } = profile.minimum;
  const gain = from - loss;
  const reach = Math.max(...profile.t.map(Math.abs));
  if (t === 0 || gain <= 0) {
    return `Along ${label} the training loss is lowest at θ₀, within ‖Δθ‖ ≤ ${numberText(reach, 2)}`;
  }
  const far = percentText(Math.abs(t) / report.checkpoint.thetaNorm);
  const then = isEnd(profile, t) ? "to the end of the range" : "then rises";
  return `Along ${label} the training loss falls ${changeText(gain, from)} within ‖Δθ‖ = ${numberText(Math.abs(t), 2)} (${far} of ‖θ‖), ${then}`;
}

function isEnd(profile: Profile, t: number): boolean {
  return t === profile.t[0] || t === profile.t.at(-1);
}
