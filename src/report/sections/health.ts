import type { AnalysisReport, HealthCheck } from "../../analysis/analysis-report.ts";
import { listText } from "../facts.ts";
import { type Html, html } from "../html.ts";
import { table } from "../tables/table.ts";

const order: readonly HealthCheck["status"][] = ["failed", "look", "ok", "not done"];

const marks: Readonly<Record<HealthCheck["status"], string>> = {
  failed: "✘ failed",
  look: "△ look",
  ok: "✔ ok",
  "not done": "– not done",
};

/** Checks on the numbers themselves, worst first. */
export function healthSection({ health }: Pick<AnalysisReport, "health">): Html {
  const sorted = health.toSorted((a, b) => order.indexOf(a.status) - order.indexOf(b.status));
  const rows = sorted.map((check) => [
    html`<span class="status ${check.status.replace(" ", "-")}">${marks[check.status]}</span>`,
    check.label,
    check.text,
  ]);
  return html`<section id="health"><h2>Health</h2><p class="finding">${summary(health)}</p>
${health.length > 0 && table("Health checks", [{ head: "status" }, { head: "check" }, { head: "measured" }], rows)}
</section>`;
}

function summary(health: readonly HealthCheck[]): string {
  if (health.length === 0) return "No checks were made.";
  const count = (status: HealthCheck["status"]) => health.filter((check) => check.status === status).length;
  const words = { failed: "failed", look: "to look at", ok: "ok", "not done": "not done" };
  const parts = order
    .filter((status) => count(status) > 0)
    .map((status) => `${count(status)} ${words[status]}`);
  return `Of ${health.length} checks: ${listText(parts)}.`;
}
