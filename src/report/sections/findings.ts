import type { Finding } from "../../analysis/trajectory/report.ts";
import { evidenceOf } from "../evidence.ts";
import { type Html, html } from "../html.ts";
import { keepTogether } from "../text.ts";

/** What the numbers say, each sentence with the numbers that it rests on. */
export function findingsSection(report: { readonly findings: readonly Finding[] }): Html {
  return html`<section id="findings"><h2>Findings</h2>
<ul class="findings">${report.findings.map(
    ({
      id,
      text,
      evidence,
    }) => html`<li id="finding-${id}"><p>${keepTogether(text)}</p><details class="evidence">
<summary>Evidence</summary><ul>${evidence.map(
      (path) => html`<li><code>${path}</code> <span>${evidenceOf(report, path)}</span></li>`,
    )}</ul></details></li>`,
  )}</ul></section>`;
}
